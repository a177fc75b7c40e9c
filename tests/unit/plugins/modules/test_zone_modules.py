# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules that speak to the API, from their options to what Ansible is told."""

from __future__ import annotations

import pwd
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_oned import FakeOned, Served

Run = Callable[..., dict[str, Any]]
ACCOUNT = {"api_username": "oneadmin", "api_password": "secret-word"}


@pytest.fixture
def oned() -> Iterator[FakeOned]:
    with Served(FakeOned()) as served:
        served.add(0, "madrid", {"ENDPOINT": served.url})
        yield served


@pytest.fixture
def location(tmp_path: Path) -> Path:
    """A self-contained install whose oned does not run."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "var" / ".one").mkdir(parents=True)
    (tmp_path / "var" / ".one" / "one_auth").write_text("oneadmin:secret-word\n")
    with Served(FakeOned()) as gone:
        port = gone.url.split(":")[2].split("/")[0]
    (tmp_path / "etc" / "oned.conf").write_text(f'LISTEN_ADDRESS = "127.0.0.1"\nPORT = {port}\n')
    assert pwd.getpwuid(tmp_path.stat().st_uid)
    return tmp_path


def test_a_zone_is_created_and_listed(run_module: Run, oned: FakeOned) -> None:
    options = {"api_url": oned.url, "name": "paris", "endpoint": "http://192.0.2.31:2633/RPC2", **ACCOUNT}
    result = run_module("zone", **options)
    assert (result["changed"], result["created"], result["zone"]["id"]) == (True, True, 100)
    assert run_module("zone", **options)["changed"] is False
    listed = run_module("zone_info", api_url=oned.url, **ACCOUNT)
    assert [(zone["id"], zone["name"]) for zone in listed["zones"]] == [(0, "madrid"), (100, "paris")]
    assert listed["zones"][1] == result["zone"]
    assert listed["changed"] is False


def test_check_mode_creates_nothing(run_module: Run, oned: FakeOned) -> None:
    options = {"api_url": oned.url, "name": "paris", "endpoint": "http://192.0.2.31:2633/RPC2", **ACCOUNT}
    assert run_module("zone", check_mode=True, **options)["changed"] is True
    assert list(oned.zones) == [0]


def test_zones_are_filtered_by_name_and_id(run_module: Run, oned: FakeOned) -> None:
    oned.add(100, "paris", {"ENDPOINT": "http://192.0.2.31:2633/RPC2"})

    def names(**options: Any) -> list[str]:
        return [zone["name"] for zone in run_module("zone_info", api_url=oned.url, **ACCOUNT, **options)["zones"]]

    assert names(name="paris") == names(id=100) == names(name="paris", id=100) == ["paris"]
    assert names(id=0) == ["madrid"]
    assert names(name="lyon") == names(name="paris", id=0) == []


def test_a_zone_needs_a_name_or_an_id(run_module: Run, oned: FakeOned) -> None:
    result = run_module("zone", api_url=oned.url, **ACCOUNT)
    assert result["failed"] is True
    assert "one of the following is required: name, id" in result["msg"]


def test_an_error_is_a_failure_without_traceback_or_secret(run_module: Run, oned: FakeOned) -> None:
    oned.session = "oneadmin:changed"
    result = run_module("zone_info", api_url=oned.url, **ACCOUNT)
    assert result["failed"] is True
    assert "0x0100" in result["msg"]
    assert "secret-word" not in str(result)


def test_a_plan_is_made_before_the_first_start_of_oned(run_module: Run, location: Path) -> None:
    options = {"oned_location": str(location), "name": "paris", "endpoint": "http://192.0.2.31:2633/RPC2"}
    result = run_module("zone", check_mode=True, **options)
    assert (result["changed"], result["zone"]["id"]) == (True, None)
    assert "oned does not run" in str(result["warnings"])
    assert "refused" in run_module("zone", **options)["msg"]


def test_replication_is_proved(run_module: Run, oned: FakeOned) -> None:
    result = run_module("replication_probe", api_url=oned.url, readers=[oned.url], **ACCOUNT)
    assert (result["changed"], list(result["seconds"]), result["index"]) == (False, [oned.url], 12)
    assert oned.zones[0]["template"] == {"ENDPOINT": oned.url}


def test_a_probe_needs_no_readers(run_module: Run, oned: FakeOned) -> None:
    assert list(run_module("replication_probe", api_url=oned.url, **ACCOUNT)["seconds"]) == [oned.url]


def test_check_mode_probes_nothing(run_module: Run, location: Path) -> None:
    result = run_module("replication_probe", check_mode=True, oned_location=str(location))
    assert (result["changed"], result["seconds"], result["index"]) == (False, {}, None)


def test_a_federation_is_checked(run_module: Run, oned: FakeOned) -> None:
    with Served(FakeOned(mode="SLAVE", zone_id=100, raft={"FEDLOG_INDEX": 9000})) as slave:
        oned.add(100, "paris", {"ENDPOINT": slave.url})
        options = {"api_url": oned.url, "settle_timeout": 0.0, **ACCOUNT}
        result = run_module("federation_info", allow_loopback=True, **options)
        codes = [problem["code"] for problem in run_module("federation_info", **options)["federation"]["problems"]]
    assert result["changed"] is False
    assert result["federation"]["healthy"] is False
    assert [problem["code"] for problem in result["federation"]["problems"]] == ["ahead_of_master"]
    assert any(line.startswith("The federation is not healthy: 1 error, no warnings.") for line in result["text"])
    assert codes == ["loopback_endpoint", "loopback_endpoint", "ahead_of_master"]


def test_a_server_is_listed_waited_for_and_removed(run_module: Run, oned: FakeOned) -> None:
    oned.raft.update({"SERVER_ID": 0, "STATE": 3, "TERM": 1, "LOG_INDEX": 4, "LOG_TERM": 1})
    options = {"api_url": oned.url, "name": "madrid-1", "endpoint": oned.url, **ACCOUNT}
    assert "loopback" in run_module("zone_server", **options)["msg"]
    result = run_module("zone_server", allow_loopback=True, **options)
    assert (result["changed"], result["server"]["id"], len(result["servers"])) == (True, 0, 1)
    assert run_module("zone_server", allow_loopback=True, **options)["changed"] is False
    info = run_module("zone_server_info", api_url=oned.url, until="healthy", prove=True, timeout=5, **ACCOUNT)
    assert (info["changed"], info["leader"]["name"], info["healthy"], info["zone_id"]) == (False, "madrid-1", True, 0)
    assert "last server" in run_module("zone_server", api_url=oned.url, server_id=0, state="absent", **ACCOUNT)["msg"]


def test_warnings_about_a_server_reach_the_user(run_module: Run, oned: FakeOned) -> None:
    oned.zones[0]["servers"] = [{"ID": 0, "NAME": "madrid-1", "ENDPOINT": oned.url}]
    options = {"api_url": oned.url, "name": "other", "endpoint": oned.url, "allow_loopback": True, **ACCOUNT}
    assert 'listed as "madrid-1"' in str(run_module("zone_server", **options)["warnings"])


def test_a_server_needs_something_to_be_known_by(run_module: Run, oned: FakeOned) -> None:
    result = run_module("zone_server", api_url=oned.url, **ACCOUNT)
    assert "one of the following is required: name, endpoint, server_id" in result["msg"]
    result = run_module("zone_server_info", api_url=oned.url, until="caught_up", **ACCOUNT)
    assert "until is caught_up but all of the following are missing: server_id" in result["msg"]


def test_check_mode_neither_waits_for_servers_nor_writes(run_module: Run, oned: FakeOned) -> None:
    result = run_module("zone_server_info", check_mode=True, api_url=oned.url, until="leader", prove=True, **ACCOUNT)
    assert (result["changed"], result["asked"]["state"], oned.writes) == (False, "solo", [])


def test_servers_are_shown_while_oned_does_not_run(run_module: Run, location: Path) -> None:
    result = run_module("zone_server_info", oned_location=str(location), timeout=1)
    assert (result["servers"], result["healthy"], result["asked"]["reachable"]) == ([], False, False)


def test_a_federation_is_compared_with_the_inventory(run_module: Run, oned: FakeOned) -> None:
    zone = {"name": "madrid", "endpoint": oned.url, "servers": {"a": oned.url}, "address": "192.0.2.30"}
    options = {"api_url": oned.url, "settle_timeout": 0.0, "allow_loopback": True, **ACCOUNT}
    result = run_module("federation_info", declared=[zone], **options)["federation"]
    assert result["zones"][0]["floating"] == {"address": "192.0.2.30", "vip_holders": [], "unread": []}
    assert [problem["code"] for problem in result["problems"]] == ["address_unled"]


def test_servers_of_a_zone_get_other_endpoints(run_module: Run, oned: FakeOned) -> None:
    servers = ({"ID": 0, "NAME": "paris-1", "ENDPOINT": "http://192.0.2.31:2633/RPC2"},)
    oned.add(100, "paris", {"ENDPOINT": "http://192.0.2.31:2633/RPC2"}, servers=servers)
    secure = "https://192.0.2.31:2643/RPC2"
    options = {"api_url": oned.url, "zone_id": 100, "endpoints": {"0": secure}, **ACCOUNT}
    result = run_module("zone_endpoints", **options)
    assert (result["changed"], result["endpoints"]) == (True, {"0": secure})
    assert run_module("zone_endpoints", **options)["changed"] is False
    wrong = run_module("zone_endpoints", **{**options, "endpoints": {"paris-1": secure}})
    assert "endpoints has paris-1, which is no id of a server" in wrong["msg"]
