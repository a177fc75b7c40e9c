# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was not looked at is not called healthy."""

from __future__ import annotations

from typing import Any

from observed import description, federation, server, silent, zone

from ansible_collections.onefed.opennebula.plugins.module_utils._health.health import health
from ansible_collections.onefed.opennebula.plugins.module_utils._health.text import status_text

DATABASES = {"madrid": {"madrid-1": description(False)}, "paris": {"paris-1": description(True)}}


def declared(name: str, number: int, **changes: Any) -> dict[str, Any]:
    url = f"http://192.0.2.{number}:2633/RPC2"
    return {"name": name, "endpoint": url, "servers": {f"{name}-1": url}, "limit": f"{name},madrid", **changes}


MADRID, PARIS = declared("madrid", 11), declared("paris", 31)


def codes(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["code"], one["severity"], one["zone"]) for one in result["problems"]]


def test_all_zones_compared_are_healthy() -> None:
    result = health(federation(), DATABASES, declared=[MADRID, PARIS])
    assert (codes(result), result["healthy"], result["tables_read"]) == ([], True, True)
    assert status_text(result)[-1] == "The federation is healthy: no errors, no warnings."


def test_a_limit_without_the_master_compares_nothing_and_is_not_healthy() -> None:
    unread = {"madrid-1": "outside of the limit"}
    master = {**MADRID, "outside": True, "unread_databases": unread}
    result = health(federation(), {"paris": DATABASES["paris"]}, declared=[master, PARIS])
    assert codes(result) == [("zone_not_checked", "warning", "madrid"), ("not_compared", "error", "paris")]
    problem = result["problems"][1]
    assert problem["text"] == (
        "Its tables were not compared with the master's, whose database was not read (outside of the limit)."
    )
    assert problem["remedy"] == "Run without --limit, or with --limit paris,madrid."
    assert result["healthy"] is False
    assert "The federation is not healthy: 1 error, 1 warning. Not checked: madrid." in status_text(result)


def test_a_limit_with_the_master_checks_its_zones() -> None:
    lyon = zone(101, "lyon", silent("lyon", 41))
    observation = federation(*federation()["zones"], lyon)
    outside = declared("lyon", 41, outside=True, unread_databases={"lyon-1": "outside of the limit"})
    result = health(observation, DATABASES, declared=[MADRID, PARIS, outside])
    assert codes(result) == [("zone_not_checked", "warning", "lyon"), ("unreachable", "warning", "lyon")]
    assert [one["checked"] for one in result["zones"]] == [True, True, False]
    assert result["healthy"] is True
    assert "The federation is healthy: no errors, 2 warnings. Not checked: lyon." in status_text(result)


def test_a_zone_that_the_inventory_does_not_have_is_named() -> None:
    observation = federation(*federation()["zones"], zone(101, "lyon", silent("lyon", 41)))
    result = health(observation, DATABASES, declared=[MADRID, PARIS])
    assert codes(result) == [("zone_not_declared", "warning", "lyon"), ("unreachable", "warning", "lyon")]
    assert "The inventory has no zone like it" in result["problems"][0]["text"]


def test_a_declared_zone_that_the_federation_does_not_have_is_an_error() -> None:
    result = health(federation(), DATABASES, declared=[MADRID, PARIS, declared("rome", 51)])
    assert codes(result) == [("zone_missing", "error", "rome")]
    assert result["healthy"] is False
    limited = health(federation(), DATABASES, declared=[MADRID, PARIS, declared("rome", 51, outside=True)])
    assert codes(limited) == [("zone_missing", "warning", "rome")]


def test_a_database_that_was_not_read_is_told_with_the_reason() -> None:
    lost = {**PARIS, "unread_databases": {"paris-1": "Failed to connect to the host via ssh"}}
    result = health(federation(), {"madrid": DATABASES["madrid"]}, declared=[MADRID, lost])
    assert codes(result) == [("database_not_read", "error", "paris")]
    assert "was not read (Failed to connect to the host via ssh): " in result["problems"][0]["text"]
    assert result["problems"][0]["remedy"] == "Correct that and run again."


def test_a_server_outside_of_the_limit_is_told_with_the_limit() -> None:
    half = {**PARIS, "unread_databases": {"paris-1": "outside of the limit"}}
    result = health(federation(), {"madrid": DATABASES["madrid"]}, declared=[MADRID, half])
    assert [one["remedy"] for one in result["problems"]] == ["Run without --limit, or with --limit paris,madrid."]


def test_a_zone_that_does_not_answer_is_told_once() -> None:
    observation = federation(zone(0, "madrid", server("madrid", 11, 0)), zone(100, "paris", silent("paris", 31)))
    result = health(observation, {"madrid": DATABASES["madrid"]}, declared=[MADRID, PARIS])
    assert codes(result) == [("unreachable", "error", "paris")]


def test_without_databases_nothing_is_claimed_of_them() -> None:
    result = health(federation())
    assert (codes(result), result["healthy"], result["tables_read"]) == ([], True, False)
    assert status_text(result)[-1].endswith("Tables were not compared.")
