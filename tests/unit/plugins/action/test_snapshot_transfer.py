# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots travel through the controller and leave nothing behind, neither there nor on the hosts."""

from __future__ import annotations

import gzip
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._database.sqlite import SqliteDatabase
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot.snapshot import write_snapshot
from ansible_collections.onefed.opennebula.plugins.plugin_utils._transfer import snapshots as _transfer

ROOT = Path(__file__).resolve().parents[4]


class Controller:
    """Runs tasks on the front-end of the fixture `location`, which is this host."""

    def __init__(self, folder: Path, location: Path) -> None:
        self.local_tmp = folder / "local"
        self.remote_tmp = folder / "remote"
        self._location = str(location)
        self._folder = folder

    def play(self, *tasks: dict[str, Any], check: bool = False) -> list[dict[str, Any]]:
        """The results of the tasks, failures included. A task's arguments may use those before it: r0, r1, …"""
        steps: list[dict[str, Any]] = []
        for number, task in enumerate(tasks):
            name, arguments = next(iter(task.items()))
            if name.startswith("onefed."):
                arguments = {"oned_location": self._location, **arguments}
            steps.append({name: arguments, "register": f"r{number}", "ignore_errors": True})
        results, playbook = self._folder / "results.json", self._folder / "play.yml"
        names = ", ".join(f"r{number}" for number in range(len(tasks)))
        keep = {"dest": str(results), "content": f"{{{{ [{names}] | to_json }}}}"}
        steps.append({"ansible.builtin.copy": keep, "check_mode": False})
        playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": steps}]))
        program = Path(sys.executable).with_name("ansible-playbook")
        done = subprocess.run(
            [program, "-i", "localhost,", "-c", "local", playbook, *(["--check"] if check else [])],
            env={
                **os.environ,
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build"),
                "ANSIBLE_LOCAL_TEMP": str(self.local_tmp),
                "ANSIBLE_REMOTE_TEMP": str(self.remote_tmp),
                "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(results.read_text())

    def snapshots(self) -> list[str]:
        """All files of snapshots in temporary folders."""
        return sorted(str(path) for root in (self.local_tmp, self.remote_tmp) for path in root.rglob("*onefed-*"))


@pytest.fixture
def controller(tmp_path: Path, location: Path) -> Controller:
    return Controller(tmp_path, location)


def backup(**options: Any) -> dict[str, Any]:
    return {"onefed.opennebula.federated_backup": options}


def restore(**options: Any) -> dict[str, Any]:
    return {"onefed.opennebula.federated_restore": options}


def test_a_snapshot_is_fetched_restored_and_gone(controller: Controller, master_db: Any) -> None:
    (taken, mode, lost, restored) = controller.play(
        backup(fetch=True),
        {"ansible.builtin.stat": {"path": "{{ r0.controller_path }}"}},
        {"ansible.builtin.command": {"argv": ["sqlite3", str(master_db.path), "DELETE FROM user_pool WHERE oid = 2"]}},
        restore(src="{{ r0.controller_path }}", zone_id=100),
    )
    assert taken["snapshot"]["federated_index"] == 5
    promised = {"changed", "controller_path", "drivers_ended", "oned_stopped", "outage", "snapshot", "stall", "tries"}
    assert promised == set(taken) - {"failed"}
    assert mode["stat"]["mode"] == "0600"
    assert lost["rc"] == 0
    assert (restored["changed"], restored["before"]["tables"]["user_pool"]["rows"]) == (True, 2)
    assert master_db.rows("SELECT name FROM user_pool WHERE oid = 2") == [(b"ada",)]
    assert controller.snapshots() == []


def test_a_copy_of_the_database_is_fetched_restored_and_gone(controller: Controller, master_db: Any) -> None:
    before = master_db.content()
    (taken, mode, lost, restored) = controller.play(
        {"onefed.opennebula.database_backup": {"fetch": True}},
        {"ansible.builtin.stat": {"path": "{{ r0.controller_path }}"}},
        {"ansible.builtin.command": {"argv": ["sqlite3", str(master_db.path), "DELETE FROM user_pool WHERE oid = 2"]}},
        {"onefed.opennebula.database_restore": {"src": "{{ r0.controller_path }}"}},
    )
    promised = {"changed", "contents", "controller_path", "drivers_ended", "log", "outage", "stall", "tries"}
    assert promised == set(taken) - {"failed"}
    assert (mode["stat"]["mode"], lost["rc"]) == ("0600", 0)
    assert (restored["changed"], restored["rows"]["user_pool"]) == (True, 3)
    assert master_db.content() == before
    assert controller.snapshots() == []


def test_a_servers_files_travel_and_leave_no_copy(controller: Controller, location: Path) -> None:
    secret = location / "var/.one/one_auth"
    secret.parent.mkdir()
    secret.write_text("oneadmin:s3cret")
    (packed, mode, changed, unpacked) = controller.play(
        {"onefed.opennebula.server_files": {"state": "packed", "fetch": True}},
        {"ansible.builtin.stat": {"path": "{{ r0.controller_path }}"}},
        {"ansible.builtin.copy": {"dest": str(secret), "content": "oneadmin:other", "mode": "0644"}},
        {"onefed.opennebula.server_files": {"state": "unpacked", "src": "{{ r0.controller_path }}"}},
    )
    assert {"changed", "controller_path", "left_out"} == set(packed) - {"failed"}
    assert (mode["stat"]["mode"], changed["changed"]) == ("0600", True)
    assert (unpacked["changed"], unpacked["paths"]) == (True, ["one/one_auth"])
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == ("oneadmin:s3cret", 0o600)
    assert "s3cret" not in json.dumps([packed, unpacked])
    assert controller.snapshots() == []


def test_check_mode_predicts_a_server_that_is_to_follow(controller: Controller, location: Path) -> None:
    before = sorted(location.rglob("*"))
    found = controller.play(
        {"onefed.opennebula.database_backup": {"fetch": True}},
        {"onefed.opennebula.database_restore": {"src": "{{ r0.controller_path }}"}},
        {"onefed.opennebula.server_files": {"state": "packed", "fetch": True}},
        {"onefed.opennebula.server_files": {"state": "unpacked", "src": "{{ r2.controller_path }}", "server_id": 1}},
        check=True,
    )
    assert [result["changed"] for result in found] == [True] * 4
    assert sorted(location.rglob("*")) == before


def test_a_plain_snapshot_of_the_controller_is_uploaded_too(
    controller: Controller, master_db: Any, tmp_path: Path
) -> None:
    path = tmp_path / "kept.sql"
    write_snapshot(SqliteDatabase(str(master_db.path)), str(path))
    (restored,) = controller.play(restore(src=str(path)))
    assert (restored["changed"], restored["after"]["is_slave"]) == (True, True)
    assert controller.snapshots() == []


def test_a_file_on_the_host_is_used_there(controller: Controller, tmp_path: Path) -> None:
    dest = str(tmp_path / "undo.sql")
    (taken, again, restored) = controller.play(
        backup(dest=dest, records="all", keep=True),
        backup(dest=dest, records="all", keep=True),
        restore(src=dest, remote_src=True, restore_as="source"),
    )
    assert (taken["changed"], taken["dest"], again["changed"], restored["changed"]) == (True, dest, False, False)


def test_check_mode_tells_that_both_would_change(controller: Controller, location: Path) -> None:
    before = sorted(location.rglob("*"))
    (taken, restored) = controller.play(
        backup(fetch=True), restore(src="{{ r0.controller_path }}", zone_id=100), check=True
    )
    assert (taken["changed"], taken["snapshot"], restored["changed"]) == (True, None, True)
    assert sorted(location.rglob("*")) == before


def test_failures_of_the_module_reach_the_play(controller: Controller, master_db: Any) -> None:
    master_db.execute("DELETE FROM logdb")
    (taken, both, missing) = controller.play(
        backup(fetch=True), backup(fetch=True, dest="/tmp/x.sql"), restore(src="missing.sql")
    )
    assert "no federated record" in taken["msg"]
    assert "leave dest out" in both["msg"]
    assert "The snapshot missing.sql is not on the controller" in missing["msg"]
    assert controller.snapshots() == []


def test_leftovers_of_killed_runs_are_removed(controller: Controller, master_db: Any, tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    node = platform.node()
    left = [
        controller.local_tmp / f"ansible-local-{gone.pid}abcd1234" / f"onefed-{node}-{gone.pid}-aa.sql.gz",
        controller.remote_tmp / "ansible-tmp-1.2-3-4" / f"onefed-{node}-{gone.pid}-bb.sql.gz",
        controller.remote_tmp / "ansible-tmp-1.2-3-5" / f".onefed-{node}-{gone.pid}-cc.sql.gz.x.onefed-partial",
    ]
    others = [
        controller.local_tmp / f"ansible-local-{os.getpid()}abcd1234" / f"onefed-{node}-{os.getpid()}-aa.sql.gz",
        controller.local_tmp / f"ansible-local-{gone.pid}abcd1234" / "something",
        controller.remote_tmp / "ansible-tmp-1.2-3-6" / f"onefed-{node}-{os.getpid()}-dd.sql.gz",
        controller.remote_tmp / "ansible-tmp-1.2-3-7" / f"onefed-elsewhere-{gone.pid}-ee.sql.gz",
    ]
    for path in left + others:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(b""))
    controller.play(backup(fetch=True))
    assert [path for path in left if path.exists()] == []
    assert [path for path in others if not path.exists()] == []


def test_names_tell_whose_they_are() -> None:
    name = _transfer.new_name(".sql.gz")
    assert _transfer.new_name(".sql.gz") != name
    assert _transfer.abandoned([f"/tmp/ansible-tmp-1/{name}"]) == []
    assert _transfer.abandoned(["/tmp/ansible-tmp-1/other.sql.gz", ""]) == []
