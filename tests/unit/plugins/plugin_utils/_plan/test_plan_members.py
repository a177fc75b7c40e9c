# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members that were federated by hand or with another tool are made whole, with reasons, and join nothing."""

from __future__ import annotations

from typing import Any

import pytest
from planned import MASTER_URL, PARIS_URL, declared, federated, frontend, plan, zone


def spoil(found: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Change what was found in the database of a front-end."""
    found["database"].update(changes)
    return found


def without_keys(found: dict[str, Any]) -> dict[str, Any]:
    return spoil(found, log={**found["database"]["log"], "has_keys": False})


def on_mariadb(*found: dict[str, Any]) -> None:
    for one in found:
        one["conf"]["backend"] = "mysql"
        one["database"].update(
            backend="mysql",
            charset="utf8mb4",
            server="MariaDB 10.11.19",
            isolation="READ-COMMITTED",
            galera=False,
            dump_program="/usr/bin/mariadb-dump",
        )


@pytest.mark.parametrize(
    ("changes", "repair", "told"),
    [
        (
            {"is_slave": False},
            {"is_slave": True},
            "is_slave 0 -> 1: Its database does not say that it is a slave's",
        ),
        (
            {"log": {"last_federated_index": 12, "has_keys": False}},
            {"log_keys": True},
            "logdb gets its primary key and indexes back: Its table logdb has lost",
        ),
        (
            {"pool_control_behind": ["zone_pool", "user_pool"]},
            {"shared_pools": True},
            "pool_control rises: pool_control is behind the ids in use in zone_pool, user_pool",
        ),
    ],
)
def test_the_database_of_a_member_is_repaired_while_its_oned_is_stopped(
    changes: dict[str, Any], repair: dict[str, bool], told: str
) -> None:
    master, paris = federated()
    made = plan(master, spoil(paris, **changes))
    entry = made["zones"]["paris"]
    assert (entry["action"], entry["repair"], entry["stop"], entry["restart"]) == ("converge", repair, True, True)
    assert entry["changes"][0].startswith(told)
    assert entry["changes"][1].startswith("oned stops for the repair")
    assert (made["changed"], made["probe"], made["prepare"]) == (True, True, False)


def test_on_mariadb_oned_goes_on_running_while_its_database_is_repaired() -> None:
    master, paris = federated()
    on_mariadb(master, paris)
    entry = plan(master, spoil(paris, is_slave=False))["zones"]["paris"]
    assert (entry["action"], entry["repair"], entry["stop"], entry["restart"]) == (
        "converge",
        {"is_slave": True},
        False,
        False,
    )
    assert entry["changes"][-1] == "oned goes on running"


def test_auth_files_that_are_missing_or_others_become_the_masters() -> None:
    master, paris = federated()
    master["auth_digests"]["oneks_auth"] = "33"
    paris["auth_digests"].update(sunstone_auth="99", ec2_auth="of its own")
    entry = plan(master, paris)["zones"]["paris"]
    assert (entry["action"], entry["auth_files"]) == ("converge", ["oneks_auth", "sunstone_auth"])
    assert entry["changes"] == [
        "auth files become the master's: oneks_auth (missing), sunstone_auth (differs)",
        "oned goes on running",
    ]


def test_a_members_auth_file_that_cannot_be_replaced_is_a_warning_with_its_remedy() -> None:
    master, paris = federated()
    paris["auth_digests"].update(one_auth="99")
    paris["auth_files_fixed"] = ["one_auth", "sunstone_auth"]
    entry = plan(master, paris)["zones"]["paris"]
    assert (entry["action"], entry["auth_files"]) == ("member", [])
    assert "The content of one_auth in oned's .one folder is not the master's" in entry["warnings"][0]


@pytest.mark.parametrize("name", ["one_auth", "oneks_auth"])
def test_what_holds_an_auth_file_in_memory_restarts(name: str) -> None:
    master, paris = federated()
    master["auth_digests"][name] = "77"
    if name != "one_auth":
        paris["companions"] = [{"unit": "opennebula-ks", "active": True, "enabled": True}]
    entry = plan(master, paris)["zones"]["paris"]
    assert (entry["auth_files"], entry["restart"], entry["stop"]) == ([name], True, False)
    assert entry["changes"][-1] == "oned restarts"


def test_no_key_of_a_service_that_a_member_lacks_is_wanted() -> None:
    master, paris = federated()
    master["auth_digests"]["fireedge_key"] = "44"
    paris["auth_digests"]["fireedge_key"] = ""
    assert plan(master, paris)["zones"]["paris"]["action"] == "member"


def test_auth_files_that_cannot_be_read_are_not_compared() -> None:
    master, paris = federated()
    paris["auth_digests"] = {"error": "Cannot list /var/lib/one/.one: Permission denied."}
    entry = plan(master, paris)["zones"]["paris"]
    assert entry["action"] == "member"
    assert entry["warnings"] == [
        "paris-1: Its auth files were not compared: Cannot list /var/lib/one/.one: Permission denied. Correct this and "
        "run again."
    ]


def test_another_endpoint_of_the_same_master_becomes_the_declared_one() -> None:
    master, paris = federated()
    paris["conf"]["master_oned"] = "http://madrid.example.org:2633/RPC2"
    # It lags: the newest zone has not arrived yet.
    master["api"]["zones"].append(zone(101, "roma", "http://192.0.2.61:2633/RPC2"))
    entry = plan(master, paris)["zones"]["paris"]
    assert entry["action"] == "converge"
    assert f"MASTER_ONED http://madrid.example.org:2633/RPC2 -> {MASTER_URL}" in entry["changes"]


def test_a_slave_that_knows_itself_elsewhere_is_in_another_federation() -> None:
    master, paris = federated()
    paris["conf"]["master_oned"] = "http://198.51.100.1:2633/RPC2"
    paris["api"]["zones"] = [zone(0, "OpenNebula", MASTER_URL), zone(100, "paris", "http://198.51.100.9:2633/RPC2")]
    assert "slave of another federation" in plan(master, paris)["left_out"][0]


def test_a_loopback_grpc_endpoint_of_the_master_in_oned_conf_is_emptied() -> None:
    master, paris = federated()
    paris["conf"]["vectors"]["FEDERATION"]["MASTER_ONED_GRPC"] = "localhost:2634"
    entry = plan(master, paris)["zones"]["paris"]
    assert entry["conf"]["vectors"]["FEDERATION"]["MASTER_ONED_GRPC"] == ""
    assert "MASTER_ONED_GRPC localhost:2634 -> (empty)" in entry["changes"]


def test_a_loopback_grpc_endpoint_of_a_member_is_removed_and_the_master_restarts() -> None:
    master, paris = federated()
    master["api"]["zones"][1]["template"]["ENDPOINT_GRPC"] = "127.0.0.1:2634"
    for found in (paris, {"unreachable": "No route to host"}):
        made = plan(master, found)
        assert made["master"]["records"] == [{"id": 100, "endpoint_grpc": ""}]
        assert made["master"]["restart"] is True
        assert "loopback gRPC endpoint 127.0.0.1:2634 removed" in made["zones"]["paris"]["changes"]


def test_a_loopback_grpc_endpoint_does_not_wait_for_the_zone_that_adopts_the_record() -> None:
    zones = [zone(0, "OpenNebula", MASTER_URL), zone(104, "paris", PARIS_URL, ENDPOINT_GRPC="localhost:2634")]
    made = plan(frontend("MASTER", 0, "", zones), frontend())
    assert made["zones"]["paris"]["action"] == "join"
    assert made["master"]["records"] == [{"id": 104, "endpoint_grpc": ""}]


def test_a_loopback_grpc_endpoint_of_an_unmanaged_zone_is_a_warning() -> None:
    master, paris = federated()
    master["api"]["zones"].append(zone(101, "roma", "http://192.0.2.61:2633/RPC2", ENDPOINT_GRPC="localhost:2634"))
    made = plan(master, paris)
    assert (made["unmanaged"], made["master"]["records"], made["changed"]) == (["roma"], [], False)
    assert made["master"]["warnings"][0].startswith("Zone roma: Its gRPC endpoint localhost:2634 is a loopback")


def test_a_slave_that_was_never_given_the_tables_joins_under_its_record() -> None:
    master, paris = federated()
    paris["api"]["zones"] = [zone(0, "OpenNebula", "http://localhost:2633/RPC2")]
    del paris["database"]["zones"][1:]
    entry = plan(master, paris)["zones"]["paris"]
    assert (entry["action"], entry["zone_id"], entry["zone_exists"]) == ("join", 100, True)
    assert "it is a slave by its oned.conf, but was never given the master's tables: it joins now" in entry["changes"]
    paris["database"]["own"]["users"] = ["localbob"]
    assert "users localbob" in plan(master, paris)["left_out"][0]


def test_a_master_that_was_restored_from_a_slaves_copy_is_repaired_within_its_one_restart() -> None:
    master, paris = federated()
    spoil(without_keys(master), is_slave=True, pool_control_behind=["user_pool"])
    made = plan(master, paris)
    assert made["master"]["repair"] == {"is_slave": False, "log_keys": True, "shared_pools": True}
    assert (made["master"]["stop"], made["master"]["restart"], made["prepare"]) == (True, True, True)
    assert made["master"]["changes"][0].startswith("is_slave 1 -> 0")
    assert made["master"]["changes"].count("oned restarts once") == 1


def test_a_master_on_mariadb_is_repaired_without_a_restart() -> None:
    master, paris = federated()
    on_mariadb(master, paris)
    made = plan(spoil(master, pool_control_behind=["user_pool"]), paris)
    assert (made["master"]["stop"], made["master"]["restart"]) == (False, False)
    assert (made["prepare"], made["probe"]) == (True, True)


def test_a_blocked_way_of_a_member_is_a_warning() -> None:
    master, paris = federated()
    master["probes"][PARIS_URL] = {"state": "timeout", "detail": "nothing came within 5 s"}
    entry = plan(master, paris)["zones"]["paris"]
    assert entry["action"] == "member"
    assert f"madrid-1 gets no answer from {PARIS_URL} (paris)" in entry["warnings"][0]


def test_a_join_on_mariadb_stops_no_master_and_says_what_it_costs() -> None:
    master, paris = federated()[0], frontend()
    on_mariadb(master, paris)
    made = plan(master, paris, declared())
    assert made["zones"]["paris"]["action"] == "join"
    assert (made["master"]["stop_for_snapshot"], made["prepare"], made["master"]["changes"]) == (False, False, [])
    assert made["master"]["costs"] == ["oned goes on running; writes wait for a moment while the snapshot begins"]
    assert not any("SQLite" in line for line in made["text"])


def test_a_join_on_sqlite_stops_the_master_for_the_snapshot() -> None:
    made = plan(federated()[0], frontend())
    assert (made["master"]["stop_for_snapshot"], made["prepare"]) == (True, False)
    assert made["master"]["costs"] == ["oned stops once for the snapshot (SQLite) and starts again"]
    made = plan(frontend(), frontend())
    assert made["master"]["costs"] == ["oned stops once more for the snapshot (SQLite)"]
