# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an upgrade has to know is told part by part; what is not known does not keep the rest away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_oned import SESSION, FakeOned, Served

from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._upgrade import info, journal

POOL = "<HOST_POOL><HOST><ID>4</ID><STATE>2</STATE></HOST><HOST><ID>5</ID><STATE>4</STATE></HOST></HOST_POOL>"
MACHINES = "<VM_POOL><VM><ID>7</ID><NAME>web</NAME><STATE>3</STATE><LCM_STATE>1</LCM_STATE></VM></VM_POOL>"


@pytest.fixture
def frontend(location: Path) -> Frontend:
    (location / "var/.one").mkdir()
    (location / "var/.one/one_auth").write_text(SESSION)
    (location / "bin/oned").write_text("#!/bin/sh\necho 'OpenNebula 7.0.2 ()'\n")
    (location / "bin/oned").chmod(0o755)
    return Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})


@pytest.fixture
def api(frontend: Frontend) -> Iterator[FakeOned]:
    with Served(FakeOned(version="7.0.2")) as oned:
        oned.instead.update({"one.hostpool.info": [True, POOL, 0], "one.vmpool.info": [True, MACHINES, 0]})
        port = oned.url.rsplit(":", 1)[1].split("/")[0]
        Path(frontend.conf).write_text(f'LISTEN_ADDRESS = "127.0.0.1"\nPORT = {port}\nDB = [ BACKEND = "sqlite" ]\n')
        yield oned


def examine(frontend: Frontend) -> dict[str, Any]:
    return info.examine(frontend, "7.4", 5.0, None)


def test_a_server_that_runs_alone_tells_all(frontend: Frontend, api: FakeOned, master_db: Any) -> None:
    found = examine(frontend)
    assert (found["release"], found["running"], found["errors"]) == ("7.0.2", "7.0.2", [])
    assert found["stored"] == {"shared": "7.4.0", "local": "7.4.0", "is_slave": False}
    assert (found["hypervisors"], found["machines"]) == ([4], [{"id": 7, "name": "web", "state": "PROLOG"}])
    size = master_db.path.stat().st_size
    assert (found["database_size"], found["disk"]["needed"]) == (size, 2 * size + info.ROOM)
    assert found["disk"]["free"] > 0
    assert (found["packages"], found["candidates"], found["required"]) == ({}, {}, None)
    unknown = ("journal", "closed", "closed_journal", "written")
    assert {key: found[key] for key in unknown} == dict.fromkeys(unknown)


def test_a_follower_is_not_asked_for_what_its_leader_knows(frontend: Frontend, api: FakeOned) -> None:
    api.raft.update(SERVER_ID=1, STATE=2)
    found = examine(frontend)
    assert (found["running"], found["machines"], found["hypervisors"]) == ("7.0.2", None, None)
    assert "one.vmpool.info" not in [call[0] for call in api.calls]


def test_a_stopped_server_tells_the_rest(frontend: Frontend) -> None:
    Path(frontend.conf).write_text('LISTEN_ADDRESS = "127.0.0.1"\nPORT = 1\nDB = [ BACKEND = "sqlite" ]\n')
    found = examine(frontend)
    assert (found["release"], found["running"], found["machines"], found["errors"]) == ("7.0.2", None, None, [])
    assert found["stored"]["shared"] == "7.4.0"


def test_why_a_part_is_not_known_is_told(frontend: Frontend, api: FakeOned) -> None:
    api.instead["one.vmpool.info"] = [False, "[one.vmpool.info] not now", 0x2000]
    Path(frontend.state_dir).mkdir()
    Path(frontend.state_dir, "upgrade.json").write_text("{}")
    found = examine(frontend)
    assert (found["machines"], found["hypervisors"], found["journal"]) == (None, [4], None)
    assert len(found["errors"]) == 2
    assert "not now" in found["errors"][0] + found["errors"][1]


def test_an_upgrade_is_told_while_it_is_open_and_what_was_written_after_it(
    frontend: Frontend, api: FakeOned, master_db: Any
) -> None:
    values = {
        **{"id": "x", "zone_name": "paris", "method": "rolling", "from_release": "7.0.1", "to_release": "7.0.2"},
        **{"part": "leader", "slave": False, "step": None, "hypervisors": None, "federated_index": None},
    }
    journal.manage(frontend, {"state": "opened", **values}, False)
    found = examine(frontend)
    assert (found["journal"]["id"], found["closed"], found["written"]) == ("x", None, None)
    journal.manage(frontend, {"state": "closed", **values}, False)
    found = examine(frontend)
    assert (found["journal"], found["closed"], found["closed_journal"]["id"]) == (None, "x", "x")
    assert found["written"] is False
    master_db.record(6, federated=False)
    assert examine(frontend)["written"] is True
