# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration is saved as a whole, brought up to date with the site's own values kept, and put back exactly."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError, FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.upgrade_journal import UpgradeJournal
from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.document import Document
from ansible_collections.onefed.opennebula.plugins.module_utils._upgrade import configuration
from ansible_collections.onefed.opennebula.plugins.module_utils._upgrade.files import manage

CONF = """PORT = 2633
SCRIPTS_REMOTE_DIR = /var/tmp/one
DB = [ BACKEND = "sqlite", PASSWD = "db-secret" ]
FEDERATION = [ MODE = "SLAVE", ZONE_ID = 100, SERVER_ID = -1, MASTER_ONED = "http://192.0.2.11:2633/RPC2" ]
"""
STOCK = """PORT = 2633
GRPC_PORT = 2634
ONE_KEY = "hidden"
# KEEP_SNAPSHOTS = no
DB = [ BACKEND = "sqlite" ]
FEDERATION = [ MODE = "STANDALONE", ZONE_ID = 0, SERVER_ID = -1, MASTER_ONED = "" ]
"""


@pytest.fixture
def frontend(location: Path, open_upgrade: Any) -> Frontend:
    found = Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})
    for path, text in {
        "etc/oned.conf": CONF,
        "etc/cli/onehost.yaml": "---\n",
        "var/remotes/etc/im/kvm.conf": "kvm",
        "var/remotes/vmm/run.sh": "none of ours",
        "var/.one/one_auth": "oneadmin:own",
        "var/.one/oneflow_auth": "serveradmin:word",
    }.items():
        (location / path).parent.mkdir(parents=True, exist_ok=True)
        (location / path).write_text(text)
        (location / path).chmod(0o640)
    open_upgrade(found)
    return found


def ask(frontend: Frontend, state: str, check_mode: bool = False) -> dict[str, Any]:
    return manage(frontend, state, 10.0, check_mode)


def tree(location: Path) -> dict[str, tuple[Any, ...]]:
    """All that is configuration: kind, mode and content."""
    found = {}
    for path in (*location.glob("etc/**/*"), *location.glob("var/remotes/**/*"), *location.glob("var/.one/*")):
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(location))] = (path.lstat().st_mode, content)
    return found


def journal(frontend: Frontend) -> UpgradeJournal:
    found = UpgradeJournal.load(frontend)
    assert found is not None
    return found


def test_the_archive_is_made_once_for_its_owner_alone(frontend: Frontend) -> None:
    assert ask(frontend, "saved", check_mode=True)["changed"] is True
    result = ask(frontend, "saved")
    archive = Path(result["archive"])
    assert (result["changed"], result["paths"], result["left_out"]) == (True, [], [])
    assert archive.stat().st_mode & 0o777 == 0o600
    before = archive.read_bytes()
    Path(frontend.conf).write_text("PORT = 1\n")
    assert (ask(frontend, "saved")["changed"], archive.read_bytes()) == (False, before)


def test_an_archive_whose_run_was_killed_before_its_seal_is_made_anew(frontend: Frontend) -> None:
    archive = Path(ask(frontend, "saved")["archive"])
    for seal in Path(frontend.state_dir, "seals").iterdir():
        seal.unlink()
    archive.write_text("altered")
    assert ask(frontend, "saved")["changed"] is True
    assert archive.read_bytes() != b"altered"


def test_a_folder_that_went_with_its_package_comes_back(frontend: Frontend, location: Path) -> None:
    before = tree(location)
    ask(frontend, "saved")
    shutil.rmtree(location / "var/remotes/etc")
    shutil.rmtree(location / "var/.one")
    assert ask(frontend, "restored")["changed"] is True
    after = tree(location)
    assert {path: after[path] for path in before} == before
    assert (location / "var/.one").stat().st_mode & 0o777 == 0o700


def test_an_altered_archive_is_refused(frontend: Frontend) -> None:
    archive = Path(ask(frontend, "saved")["archive"])
    archive.write_bytes(archive.read_bytes() + b"x")
    with pytest.raises(DatabaseError, match="was altered after it was made"):
        ask(frontend, "restored")


def test_all_is_put_back_as_it_was(frontend: Frontend, location: Path) -> None:
    (location / "etc/link.conf").symlink_to("cli/onehost.yaml")
    (location / "etc/tls").symlink_to("/etc/ssl")
    before = tree(location)
    result = ask(frontend, "saved")
    assert result["left_out"] == [{"path": "etc/tls", "reason": "it is a link out of its folder, to /etc/ssl"}]
    (location / "etc/oned.conf").write_text("PORT = 1\n")
    (location / "etc/oned.conf.dpkg-dist").write_text("new")
    (location / "etc/cli/onehost.yaml").unlink()
    (location / "etc/new").mkdir()
    (location / "etc/new/conf").write_text("new")
    (location / "var/remotes/etc/im/kvm.conf").chmod(0o600)
    (location / "var/.one/oneks_auth").write_text("new")
    (location / "etc/link.conf").unlink()
    predicted = ask(frontend, "restored", check_mode=True)
    result = ask(frontend, "restored")
    assert predicted["paths"] == result["paths"]
    assert result["paths"] == [
        *("etc/cli/onehost.yaml", "etc/link.conf", "etc/new", "etc/new/conf", "etc/oned.conf"),
        *("etc/oned.conf.dpkg-dist", "one/oneks_auth", "remotes/im/kvm.conf"),
    ]
    assert tree(location) == before
    assert ask(frontend, "restored")["changed"] is False
    kept = Path(frontend.state_dir, "upgrades/x/configuration-upgraded.tar")
    assert kept.stat().st_mode & 0o777 == 0o600


def test_nothing_is_put_back_while_oned_runs(frontend: Frontend, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(frontend, "saved")
    Path(frontend.conf).write_text("PORT = 1\n")
    monkeypatch.setattr(configuration, "is_running", lambda frontend: True)
    with pytest.raises(FrontendError, match="oned runs with the files that are to be put back"):
        ask(frontend, "restored")
    assert Path(frontend.conf).read_text() == "PORT = 1\n"


@pytest.mark.parametrize("state", ["converged", "restored"])
def test_nothing_is_touched_before_it_was_saved(frontend: Frontend, state: str) -> None:
    with pytest.raises(FrontendError, match="There is no archive of the configuration"):
        ask(frontend, state)


def test_what_is_the_sites_own_stays_when_the_package_replaced_the_file(frontend: Frontend) -> None:
    ask(frontend, "saved")
    Path(frontend.conf).write_text(STOCK)
    result = ask(frontend, "converged")
    document = Document.load(frontend.conf)
    assert "etc/oned.conf" in result["paths"]
    assert document.vector("FEDERATION") == Document.parse(CONF).vector("FEDERATION")
    assert document.vector("DB") == {"BACKEND": "sqlite", "PASSWD": "db-secret"}
    assert document.get("GRPC_PORT") == "2634"
    assert ask(frontend, "converged")["changed"] is False


def test_hooks_that_were_there_are_there_again_and_no_others(frontend: Frontend) -> None:
    hook = 'RAFT_LEADER_HOOK = [ COMMAND = "raft/vip.sh", ARGUMENTS = "leader eth0 192.0.2.30/24" ]\n'
    Path(frontend.conf).write_text(CONF + hook)
    ask(frontend, "saved")
    other = 'RAFT_FOLLOWER_HOOK = [ COMMAND = "raft/vip.sh", ARGUMENTS = "follower eth0 10.3.3.2/24" ]\n'
    Path(frontend.conf).write_text(CONF + other)
    ask(frontend, "converged")
    text = Path(frontend.conf).read_text()
    assert "leader eth0 192.0.2.30/24" in text
    assert "RAFT_FOLLOWER_HOOK" not in text


def test_credentials_of_new_services_are_copies_of_an_old_one(frontend: Frontend) -> None:
    ask(frontend, "saved")
    assert ask(frontend, "converged", check_mode=True)["paths"] == ["one/oneform_auth", "one/oneks_auth"]
    result = ask(frontend, "converged")
    assert (result["paths"], journal(frontend).step) == (["one/oneform_auth", "one/oneks_auth"], "configured")
    for name in ("oneform_auth", "oneks_auth"):
        path = Path(frontend.auth_dir, name)
        assert (path.read_text(), path.stat().st_mode & 0o777) == ("serveradmin:word", 0o600)


def test_a_release_gets_only_the_credentials_that_it_needs(frontend: Frontend, open_upgrade: Any) -> None:
    open_upgrade(frontend, to_release="7.2.1")
    ask(frontend, "saved")
    assert ask(frontend, "converged")["paths"] == ["one/oneform_auth"]
    Path(frontend.auth_dir, "oneform_auth").unlink()
    Path(frontend.auth_dir, "oneflow_auth").unlink()
    # Where there is none to copy, a first start makes all.
    assert ask(frontend, "converged")["paths"] == []


def test_differences_from_the_new_file_are_told_by_attribute(frontend: Frontend) -> None:
    ask(frontend, "saved")
    Path(f"{frontend.conf}.dpkg-dist").write_text(STOCK)
    Path(frontend.conf).write_text(CONF + "KEEP_SNAPSHOTS = yes\n")
    assert ask(frontend, "converged")["report"] == {
        "stock": f"{frontend.conf}.dpkg-dist",
        "unknown": ["SCRIPTS_REMOTE_DIR"],
        "new": {"GRPC_PORT": "2634", "ONE_KEY": "********"},
        "refused": [],
    }


def test_what_the_tools_cannot_read_is_told_too(frontend: Frontend) -> None:
    ask(frontend, "saved")
    Path(frontend.conf).write_text(CONF + "X = [\n Y = 1 # said\n, Z = 2 ]\n")
    report = ask(frontend, "converged")["report"]
    assert (report["stock"], report["unknown"]) == (frontend.conf, [])
    assert len(report["refused"]) == 1


def test_a_file_that_an_earlier_upgrade_left_is_not_the_new_one(frontend: Frontend, open_upgrade: Any) -> None:
    Path(f"{frontend.conf}.dpkg-dist").write_text(STOCK)
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
    open_upgrade(frontend, opened_at=later)
    ask(frontend, "saved")
    assert ask(frontend, "converged")["report"] == {"stock": None, "unknown": [], "new": {}, "refused": []}


def test_a_predicted_journal_predicts_a_change(frontend: Frontend) -> None:
    Path(frontend.state_dir, "upgrade.json").unlink()
    assert ask(frontend, "saved", check_mode=True)["changed"] is True
    with pytest.raises(FrontendError, match="No upgrade is open on this front-end"):
        ask(frontend, "saved")
