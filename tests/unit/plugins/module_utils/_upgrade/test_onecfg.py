# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenNebula's tool for the configuration works on a copy; its changes are taken over, or nothing is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from fake_systemd import packaged

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._upgrade import configuration, onecfg, onecfg_status
from ansible_collections.onefed.opennebula.plugins.module_utils._upgrade.files import manage

STATUS = "--- Versions ------\nOpenNebula:  7.4.0\nConfig:      7.0.0\n\n--- Available Configuration Updates -------\n"
UPDATES = STATUS + "New config:  7.4.0\n- from 7.0.0 to 7.2.0 (YAML,Ruby)\n- from 7.2.0 to 7.4.0 (YAML)\n"
# What onecfg does below the folder that it is given, and with its state in the folders of its environment.
TOOL = """#!{python}
import os, pathlib, sys
here = pathlib.Path({here!r})
if sys.argv[1] == "status":
    print((here / "status").read_text())
    sys.exit(1)
(here / "seen").write_text(" ".join(sys.argv[1:]) + " " + os.environ["ONECFG_BACKUP_DIR"])
root = pathlib.Path(sys.argv[sys.argv.index("--prefix") + 1])
conf = root / "etc/one/oned.conf"
conf.write_text(conf.read_text().replace("PORT = 1", "PORT = 1\\nNEW_ONE = 3").replace("SLAVE", "MASTER"))
(root / "etc/one/fireedge/tabs").mkdir(parents=True)
(root / "etc/one/fireedge/tabs/new.conf").write_text("new")
(root / "etc/one/brought.conf").write_text("brought")
(root / "etc/one/other.conf").write_text("of the tool")
(root / "etc/one/gone.conf").unlink()
(root / "var/lib/one/remotes/etc/im/kvm.conf").write_text("kvm of 7.4")
state = pathlib.Path(os.environ["ONECFG_ETC_DIR"], "onecfg.conf")
assert state.read_text() == "---\\nversion: 7.0.0\\n", state.read_text()
if (here / "broken").exists():
    sys.exit("FATAL : FAILED - cannot parse conf")
state.write_text("---\\nversion: '7.4.0'\\n")
print("ANY   : Configuration updated to 7.4.0")
"""
CONF = """LISTEN_ADDRESS = "127.0.0.1"
PORT = 1
FEDERATION = [ MODE = "SLAVE", ZONE_ID = 100, SERVER_ID = -1, MASTER_ONED = "http://192.0.2.11:2633/RPC2" ]
"""


@pytest.fixture
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tool's own note, with a snapshot that the packages left for it."""
    path = tmp_path / "onecfg.conf"
    path.write_text("---\nversion: 7.0.0\nbackup: /var/lib/one/backups/config/2025-04-01\n")
    monkeypatch.setattr(onecfg, "NOTE", str(path))
    return path


@pytest.fixture
def frontend(tmp_path: Path, note: Path, open_upgrade: Any) -> Frontend:
    found = packaged(tmp_path / "root")
    for path, text in {
        found.conf: CONF,
        f"{found.etc}/gone.conf": "gone",
        f"{found.etc}/same.conf": "same",
        f"{found.var}/remotes/etc/im/kvm.conf": "kvm",
        found.program("onecfg"): TOOL.format(python=sys.executable, here=str(tmp_path)),
    }.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    Path(found.program("onecfg")).chmod(0o755)
    (tmp_path / "status").write_text(UPDATES)
    Path(found.auth_dir, "oneflow_auth").unlink()
    open_upgrade(found)
    manage(found, "saved", 10.0, False)
    return found


def test_its_changes_are_taken_over_but_for_what_is_the_sites_own(
    frontend: Frontend, tmp_path: Path, note: Path
) -> None:
    # The package replaced the file that the operator had changed.
    Path(frontend.etc, "same.conf").write_text("of the package")
    for name, text in (("brought.conf", "brought"), ("other.conf", "of the package")):
        Path(frontend.etc, name).write_text(text)
        Path(frontend.etc, name).chmod(0o644)
    result = manage(frontend, "converged", 10.0, False)
    assert result["paths"] == [
        *("etc/fireedge", "etc/fireedge/tabs", "etc/fireedge/tabs/new.conf", "etc/gone.conf", "etc/oned.conf"),
        *("etc/other.conf", "remotes/im/kvm.conf"),
    ]
    assert result["onecfg"] == "ANY   : Configuration updated to 7.4.0"
    conf = Path(frontend.conf).read_text()
    assert "NEW_ONE = 3" in conf
    assert 'MODE = "SLAVE"' in conf
    new = Path(frontend.etc, "fireedge/tabs/new.conf")
    assert (new.read_text(), new.stat().st_mode & 0o777) == ("new", 0o640)
    assert new.parent.stat().st_mode & 0o777 == 0o750
    other = Path(frontend.etc, "other.conf")
    assert (other.read_text(), other.stat().st_mode & 0o777) == ("of the tool", 0o644)
    assert not Path(frontend.etc, "gone.conf").exists()
    assert Path(frontend.etc, "same.conf").read_text() == "of the package"
    assert note.read_text() == "---\nversion: 7.4.0\n"
    scratch = f"{frontend.var}{'' if frontend.var.endswith('/') else '/'}.onefed-onecfg"
    assert (tmp_path / "seen").read_text() == f"upgrade --unprivileged --prefix {scratch}/root {scratch}/backups"
    assert not Path(scratch).exists()


def test_its_note_of_the_version_goes_back_with_the_files(
    frontend: Frontend, note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration, "is_running", lambda frontend: False)
    before = note.read_text()
    manage(frontend, "converged", 10.0, False)
    assert note.read_text() != before
    assert manage(frontend, "restored", 10.0, True)["changed"] is True
    manage(frontend, "restored", 10.0, False)
    assert note.read_text() == before
    note.unlink()
    assert manage(frontend, "restored", 10.0, False)["changed"] is True
    assert manage(frontend, "restored", 10.0, False)["changed"] is False
    assert note.read_text() == before


def test_nothing_changes_when_it_fails(frontend: Frontend, tmp_path: Path, note: Path) -> None:
    (tmp_path / "broken").touch()
    before = (Path(frontend.conf).read_text(), note.read_text())
    with pytest.raises(
        FrontendError, match=r"onecfg upgrade ended with status 1, and nothing (.|\n)*cannot parse conf"
    ):
        manage(frontend, "converged", 10.0, False)
    assert (Path(frontend.conf).read_text(), note.read_text()) == before
    assert not Path(frontend.var, ".onefed-onecfg").exists()


def test_without_updates_it_is_not_run(frontend: Frontend, tmp_path: Path) -> None:
    (tmp_path / "status").write_text(STATUS + "No updates available.\n")
    assert manage(frontend, "converged", 10.0, False)["onecfg"] is None
    assert not (tmp_path / "seen").exists()


@pytest.mark.parametrize(
    ("said", "installed", "pending"),
    [
        (UPDATES, True, True),
        (STATUS + "No updates available.\n", True, False),
        (STATUS + "ERROR: Configurations metadata are outdated.\n", True, True),
        (STATUS + "ERROR: Unknown config version\n", True, False),
        ("Command 'status' not found\n## USAGE\n", False, False),
    ],
)
def test_status_tells_whether_updates_are_pending(
    frontend: Frontend, tmp_path: Path, said: str, installed: bool, pending: bool
) -> None:
    (tmp_path / "status").write_text(said)
    found = onecfg_status.status(frontend)
    assert (found["installed"], found["pending"]) == (installed, pending)
    assert (found["status"] is None) is not installed


def test_a_self_contained_install_has_no_such_tool(location: Path) -> None:
    (location / "bin/onecfg").touch()
    frontend = Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})
    assert onecfg_status.status(frontend) == {"installed": False, "status": None, "pending": False}
