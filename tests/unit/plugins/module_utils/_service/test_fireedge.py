# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""FireEdge is told its zone; nothing else in its file changes, and what is not understood is refused."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_systemd import FakeSystemd, Packaged, packaged

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import ConfigError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend import auth_files
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery import join_journal
from ansible_collections.onefed.opennebula.plugins.module_utils._service import fireedge

PARIS: dict[str, Any] = {"id": 100, "name": "Paris d'Or", "endpoint": "http://192.0.2.31:2633/RPC2"}
# The lines around the block as in OpenNebula 7.4's own file.
STOCK = """\
# Guacamole daemon
guacd:
  port: 4822
  host: 'localhost'

# Local zone in a Federation setup
default_zone:
  id: 0
  name: 'OpenNebula'
  endpoint: 'http://localhost:2633/RPC2'

# Authentication driver for incoming requests
auth: 'opennebula'
"""


@pytest.fixture(autouse=True)
def systemd(monkeypatch: pytest.MonkeyPatch) -> FakeSystemd:
    return FakeSystemd(monkeypatch)


@pytest.fixture
def frontend(tmp_path: Path) -> Packaged:
    found = packaged(tmp_path)
    path = Path(found.fireedge_conf)
    path.write_text(STOCK)
    path.chmod(0o640)
    return found


def edit(text: str) -> str:
    return fireedge.edit(text, PARIS, "fireedge-server.conf")


def test_only_the_three_values_change_in_the_stock_file() -> None:
    lines = difflib.ndiff(STOCK.splitlines(), edit(STOCK).splitlines())
    assert [line for line in lines if line[0] in "+-"] == [
        "-   id: 0",
        "+   id: 100",
        "-   name: 'OpenNebula'",
        "+   name: 'Paris d''Or'",
        "-   endpoint: 'http://localhost:2633/RPC2'",
        "+   endpoint: 'http://192.0.2.31:2633/RPC2'",
    ]


@pytest.mark.parametrize(
    "text",
    [
        STOCK,
        "",
        "log: prod",
        "default_zone:",
        "# default_zone:\n#   id: 7\nlog: prod\n",
        "---\ndefault_zone:   # ours\n# the id\n\n    id: 0   # of zone\n\n    extra: '[1, 2]'\nlog: prod\n",
        '"default_zone" :\r\n  \'id\': "5"\r\n  endpoint: "http://x/RPC2"   \r\nlog: prod\r\n',
        "default_zone:\n  name: a#b c # was\n  id:\n",
        "default_zone:\n  endpoint: http://h:2633/RPC2",
        "note: 'caf\u00e9 \u2028default_zone:'\ndefault_zone:\n  id: 1\n",
    ],
)
def test_a_parser_of_yaml_reads_what_was_written_and_all_else_as_before(text: str) -> None:
    before, after = yaml.safe_load(text) or {}, yaml.safe_load(edit(text))
    assert {key: after["default_zone"][key] for key in PARIS} == PARIS
    assert {**after, "default_zone": None} == {**before, "default_zone": None}
    assert set(before.get("default_zone") or {}) <= set(after["default_zone"])
    assert edit(edit(text)) == edit(text)
    assert edit(text).count("# ") == text.count("# ")  # comments


def test_line_ends_comments_and_equal_values_keep_their_spelling() -> None:
    text = 'default_zone:\r\n  id: "100"  # ours\r\n  name: x # old\r\n  endpoint: http://192.0.2.31:2633/RPC2\r\n'
    assert edit(text) == text.replace("name: x", "name: 'Paris d''Or'")


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("default_zone: {id: 0}\n", 1, "not written as a block"),
        ("default_zone: &zone\n  id: 0\n", 1, "not written as a block"),
        ("default_zone:\n  id: 0\n    more: 1\n", 3, "indented otherwise"),
        ("default_zone:\n  id:\n    a: 1\n", 3, "indented otherwise"),
        ("default_zone:\n\tid: 0\n", 2, "more than a key with a value"),
        ("default_zone:\n  name: >\n    x\n", 2, "more than a key with a value"),
        ("default_zone:\n  name: *alias\n", 2, "more than a key with a value"),
        ("default_zone:\n  name: 'a' b\n", 2, "more than a key with a value"),
        ("default_zone:\n  name:x\n", 2, "more than a key with a value"),
        ("default_zone:\n  - id\n", 2, "more than a key with a value"),
        ("default_zone:\n  id: 0\n  id: 1\n", 3, "id stands there a second time"),
        ("default_zone:\n  id: 0\nlog: x\ndefault_zone:\n", 4, "default_zone stands there a second time"),
        ("log: x\n---\nlog: y\n", 2, "a second document begins"),
    ],
)
def test_what_is_not_understood_for_certain_is_refused(text: str, line: int, why: str) -> None:
    with pytest.raises(ConfigError, match=f"Cannot edit fireedge-server.conf: line {line}: .*{why}"):
        edit(text)


def test_the_facts_tell_the_zone_or_what_is_wrong(frontend: Packaged) -> None:
    zone = {"id": "0", "name": "OpenNebula", "endpoint": "http://localhost:2633/RPC2"}
    assert fireedge.facts(frontend) == {"path": frontend.fireedge_conf, "default_zone": zone, "error": None}
    Path(frontend.fireedge_conf).write_text("default_zone: {id: 1}\n")
    found = fireedge.facts(frontend)
    assert found and found["default_zone"] is None
    assert "line 1" in found["error"]
    os.unlink(frontend.fireedge_conf)
    assert fireedge.facts(frontend) is None
    with pytest.raises(ConfigError, match="Is FireEdge installed"):
        fireedge.configure(frontend, PARIS, backup=False, check_mode=False)


def test_the_file_keeps_its_mode_and_the_old_one_if_asked(frontend: Packaged) -> None:
    path = Path(frontend.fireedge_conf)
    predicted = fireedge.configure(frontend, {**PARIS, "id": None}, backup=True, check_mode=True)
    assert (predicted["changed"], path.read_text()) == (True, STOCK)
    assert "id: '(known after apply)'" in predicted["diff"]["after"]
    with pytest.raises(ConfigError, match="Set zone_id"):
        fireedge.configure(frontend, {**PARIS, "id": None}, backup=False, check_mode=False)
    made = fireedge.configure(frontend, PARIS, backup=True, check_mode=False)
    assert (path.read_text(), path.stat().st_mode & 0o777) == (edit(STOCK), 0o640)
    assert Path(made["backup_file"]).read_text() == STOCK
    assert made["diff"]["before"] == "".join(STOCK.splitlines(keepends=True)[6:10])
    again = fireedge.configure(frontend, PARIS, backup=True, check_mode=False)
    assert (again["changed"], again["backup_file"], again["services"]) == (False, None, [])


def test_a_fireedge_that_runs_is_restarted_and_no_other(frontend: Packaged, systemd: FakeSystemd) -> None:
    for unit in ("opennebula-flow", fireedge.UNIT):
        systemd.install(unit, active=True)
    made = fireedge.configure(frontend, PARIS, backup=False, check_mode=False)
    assert made["services"] == [{"unit": fireedge.UNIT, "error": None}]
    assert systemd.orders == [f"reset-failed {fireedge.UNIT}", f"restart {fireedge.UNIT}"]


def test_the_key_of_fireedge_is_shared_where_fireedge_is(frontend: Packaged) -> None:
    key = Path(frontend.auth_dir, "fireedge_key")
    assert auth_files.write_all(frontend, {"fireedge_key": "MASTERS"}, check_mode=False) == ["fireedge_key"]
    assert (key.read_text(), key.stat().st_mode & 0o777) == ("MASTERS", 0o600)
    assert auth_files.read_all(frontend)["fireedge_key"] == "MASTERS"
    key.write_text("")
    assert "fireedge_key" not in auth_files.read_all(frontend)
    os.unlink(frontend.fireedge_conf)
    assert auth_files.write_all(frontend, {"fireedge_key": "OTHER"}, check_mode=False) == []
    assert key.read_text() == ""


def test_a_join_that_is_undone_puts_key_and_zone_back(frontend: Packaged, systemd: FakeSystemd) -> None:
    options = {"id": None, "zone_name": "paris", "zone_endpoint": "http://p/RPC2", "zone_existed": False}
    options = {**options, "zone_id": None, "master_endpoint": "http://m/RPC2", "step": None}
    options = {**options, "kind": "zone", **dict.fromkeys(("server_endpoint", "server_existed", "server_id"))}
    key = Path(frontend.auth_dir, "fireedge_key")
    key.write_text("OWN")
    key.chmod(0o644)
    join_journal.manage(frontend, {**options, "state": "opened"}, False)
    fireedge.configure(frontend, PARIS, backup=False, check_mode=False)
    auth_files.write_all(frontend, {"fireedge_key": "MASTERS"}, check_mode=False)
    systemd.run(["systemctl", "stop", "opennebula"])
    reverted = join_journal.manage(frontend, {**options, "state": "reverted"}, False)
    assert [step["step"] for step in reverted["journal"]["steps"]] == ["opened", "fireedge", "auth_files", "reverted"]
    assert Path(frontend.fireedge_conf).read_text() == STOCK
    assert (key.read_text(), key.stat().st_mode & 0o777) == ("OWN", 0o644)
