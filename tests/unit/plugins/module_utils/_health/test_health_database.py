# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from observed import DIGESTS, INDEX, description, federation, member, server, with_paris, zone

from ansible_collections.onefed.opennebula.plugins.module_utils._health.health import health

NOW = 1_700_000_060.0


def checked(paris: dict[str, Any], master: dict[str, Any] | None = None, **server: Any) -> dict[str, Any]:
    databases = {"madrid": {"madrid-1": master or description(False)}, "paris": {"paris-1": paris}}
    return health(with_paris(**server), databases, NOW)


def codes(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["code"], one["severity"], one["zone"]) for one in result["problems"]]


def paris_of(result: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = result["zones"][1]["servers"][0]
    return found


def test_a_true_copy_has_no_problem() -> None:
    result = checked(description(True))
    assert codes(result) == []
    facts = paris_of(result)
    assert facts["database"] == "sqlite, UTF-8"
    assert (facts["shared_version"], facts["local_version"], facts["is_slave"]) == ("7.4.0", "7.4.0", True)
    assert (facts["digests_differ"], facts["in_master_log"], facts["log_keys"]) == ([], True, True)
    assert (facts["newest_record_age"], facts["pool_control_behind"]) == (60, [])


def test_without_descriptions_nothing_is_told() -> None:
    facts = health(with_paris())["zones"][1]["servers"][0]
    assert {facts[key] for key in ("database", "is_slave", "digests_differ", "in_master_log", "log_keys")} == {None}


def test_other_content_at_the_same_index_is_told() -> None:
    other = {**DIGESTS, "user_pool": {"rows": 2, "sha256": "cc"}}
    result = checked(description(True, tables=other))
    assert codes(result) == [("digests_differ", "error", "paris")]
    assert paris_of(result)["digests_differ"] == ["user_pool"]
    assert "user_pool" in result["problems"][0]["text"]


def test_a_table_that_is_missing_is_told() -> None:
    result = checked(description(True, tables={"acl": DIGESTS["acl"]}))
    assert paris_of(result)["digests_differ"] == ["user_pool"]


def test_content_is_not_compared_at_different_indexes() -> None:
    other = {**DIGESTS, "user_pool": {"rows": 2, "sha256": "cc"}}
    result = checked(description(True, tables=other, log_last_federated_index=INDEX - 1))
    assert codes(result) == [("read_at_other_index", "warning", "paris")]
    assert "at different federated indexes, 511 and 512" in result["problems"][0]["text"]
    assert paris_of(result)["digests_differ"] is None


def test_a_slave_before_the_masters_log_can_never_catch_up() -> None:
    result = checked(description(True, log_last_federated_index=55), index=55, first_index=55)
    assert codes(result) == [("stale", "error", "paris")]
    assert paris_of(result)["in_master_log"] is False
    assert "begins at 100" in result["problems"][0]["text"]


def test_a_slave_within_the_masters_log_only_lags() -> None:
    result = checked(description(True, log_last_federated_index=100), index=100, first_index=100)
    assert codes(result) == [("lagging", "error", "paris")]
    assert paris_of(result)["in_master_log"] is True


def test_a_slave_in_a_gap_of_the_masters_log_can_never_catch_up() -> None:
    result = checked(description(True, log_last_federated_index=INDEX - 1), index=INDEX - 1, first_index=INDEX - 1)
    assert ("stale", "error", "paris") in codes(result)
    assert paris_of(result)["in_master_log"] is False
    near = checked(description(True, log_last_federated_index=INDEX - 2), index=INDEX - 2, first_index=INDEX - 2)
    assert paris_of(near)["in_master_log"] is True


def test_what_federate_mends_is_sent_there() -> None:
    given = description(False, log_keys=False, pool_control_behind=["zone_pool"])
    assert {problem["remedy"] for problem in checked(given)["problems"]} == {"Run playbook federate, which repairs it."}


def test_a_stopped_slave_is_checked_by_its_database() -> None:
    nothing: dict[str, Any] = {"reachable": False, "state": "refused", "error": "refused", "federated_log": None}
    result = checked(description(True, log_last_federated_index=55), index=None, raft_state=None, mode=None, **nothing)
    assert codes(result) == [("unreachable", "error", "paris"), ("stale", "error", "paris")]
    assert "index 55 " in result["problems"][1]["text"]


def test_beyond_the_end_of_the_described_log_nothing_is_told() -> None:
    assert (
        paris_of(checked(description(True), description(False, log_last_federated_index=500)))["in_master_log"] is None
    )


def test_a_slave_that_does_not_know_it_is_one_is_told() -> None:
    assert codes(checked(description(False))) == [("is_slave_unset", "warning", "paris")]


def test_a_master_that_takes_itself_for_a_slave_is_told() -> None:
    assert codes(checked(description(True), description(True))) == [("is_slave_set", "error", "madrid")]


def test_a_log_without_keys_is_told() -> None:
    assert codes(checked(description(True, log_has_keys=False))) == [("log_without_keys", "warning", "paris")]
    assert paris_of(checked(description(True, log_has_keys=False)))["log_keys"] is False


def test_a_pool_control_that_is_behind_is_told() -> None:
    result = checked(description(True, pool_control_behind=["zone_pool"]))
    assert codes(result) == [("pool_control_behind", "warning", "paris")]
    assert "zone_pool" in result["problems"][0]["text"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"shared_version": "7.2.0"}, "shared_version_differs"),
        ({"backend": "mysql"}, "backend_differs"),
        ({"charset": "latin1"}, "charset_differs"),
    ],
)
def test_another_kind_of_database_is_told(change: dict[str, str], code: str) -> None:
    assert codes(checked(description(True, **change))) == [(code, "error", "paris")]


def test_a_column_of_another_charset_is_told_with_the_statement_that_converts_it() -> None:
    mine, theirs = (
        {"user_pool.name": {"charset": charset, "collation": f"{charset}_bin", "holds": "ascii"}}
        for charset in ("latin1", "UTF-8")
    )
    result = checked(description(True, columns=mine), description(False, columns=theirs))
    assert codes(result) == [("column_charset_differs", "warning", "paris")]
    assert "ALTER TABLE user_pool CONVERT TO CHARACTER SET UTF-8 COLLATE UTF-8_bin;" in result["problems"][0]["remedy"]


def test_a_database_that_could_not_be_read_is_told() -> None:
    result = checked({"error": "disk I/O error"})
    assert codes(result) == [("database_unreadable", "error", "paris")]
    assert paris_of(result)["database"] is None


def test_a_database_that_oned_never_filled_is_told() -> None:
    result = checked(description(True, bootstrapped=False, is_slave=None, tables={}, log_keys=False))
    assert codes(result) == [("database_empty", "error", "paris")]
    assert paris_of(result)["log_keys"] is None


def test_an_unreadable_master_is_compared_with_nobody() -> None:
    result = checked(description(True, tables={}), {"error": "disk I/O error"})
    assert codes(result) == [("database_unreadable", "error", "madrid"), ("not_compared", "error", "paris")]
    assert paris_of(result)["digests_differ"] is None


def test_servers_of_a_cluster_are_found_by_name_and_compared_with_the_leader() -> None:
    servers = [member("a", 11, 0, 0), member("b", 12, 1, 0, "leader"), member("c", 13, 2, 0)]
    observation = federation(zone(0, "madrid", *servers), zone(100, "paris", server("paris", 31, 100)))
    behind = description(False, tables={}, log_last_federated_index=INDEX - 1)
    databases = {
        "madrid": {"a": behind, "b": description(False), "c": description(False), "stranger": {"error": "x"}},
        "paris": {"paris-1": description(True)},
    }
    result = health(observation, databases, NOW)
    assert result["problems"] == []
    assert [one["database"] for one in result["zones"][0]["servers"]] == ["sqlite, UTF-8"] * 3
    assert result["zones"][1]["servers"][0]["digests_differ"] == []


def test_zones_without_federated_records_are_not_stale() -> None:
    empty = {"log_federated": 0, "log_first_federated_index": None, "log_last_federated_index": None}
    fresh = description(False, **empty, log_newest_federated_time=None)
    result = checked(description(True), fresh)
    assert paris_of(result)["in_master_log"] is None
    assert result["zones"][0]["servers"][0]["newest_record_age"] is None
