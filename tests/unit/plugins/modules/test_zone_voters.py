# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that is about to start is told the servers of its zone as another one knows them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_oned import SESSION, FakeOned, Served, zone_xml

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.modules import zone_voters

SERVERS = [
    {"ENDPOINT": f"http://192.0.2.{number}:2633/RPC2", "ID": number, "NAME": f"paris-{number}"} for number in (0, 1)
]


def run(location: Path, url: str, check_mode: bool = False, zone_id: int = 100) -> dict[str, Any]:
    params: dict[str, Any] = dict.fromkeys(("oned_user", "oned_group", "oned_service", "ca_path"))
    params.update(dict.fromkeys(("login_host", "login_port", "login_unix_socket", "login_user", "login_password")))
    username, password = SESSION.split(":")
    params.update(oned_location=str(location), api_url=url, api_username=username, api_password=password)
    params.update(api_timeout=10.0, api_answer_limit=256, validate_certs=True, zone_id=zone_id)
    return zone_voters.zone_voters(SimpleNamespace(params=params, check_mode=check_mode), Frontend.from_params(params))


def listed(location: Path) -> list[int]:
    with sqlite3.connect(location / "var" / "one.db") as database:
        body = database.execute("SELECT body FROM zone_pool WHERE oid = 100").fetchone()[0]
    return [number for number in (0, 1) if f"paris-{number}" in body]


@pytest.fixture(name="leader")
def _leader() -> Any:
    oned = FakeOned()
    oned.add(100, "paris", {"ENDPOINT": "http://192.0.2.9:2633/RPC2"}, servers=SERVERS)
    with Served(oned) as served:
        yield served


def copy_of_leader(location: Path) -> None:
    """The leader's database as it was before the second server was registered."""
    with sqlite3.connect(location / "var" / "one.db") as database:
        database.execute("DELETE FROM zone_pool WHERE oid = 100")
        row = (100, "paris", zone_xml(100, "paris", {}), 0, 0, 1, 0, 0)
        database.execute("INSERT INTO zone_pool VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def test_the_record_becomes_the_one_that_the_leader_tells(location: Path, leader: FakeOned) -> None:
    copy_of_leader(location)
    planned = run(location, leader.client().url, check_mode=True)
    assert listed(location) == []
    done = run(location, leader.client().url)
    assert (planned["changed"], done["changed"]) == (True, True)
    assert [server["name"] for server in done["servers"]] == ["paris-0", "paris-1"]
    assert planned["diff"] == done["diff"]
    assert listed(location) == [0, 1]
    assert run(location, leader.client().url)["changed"] is False


@pytest.mark.parametrize("lost", ["DELETE FROM zone_pool WHERE oid = 100", "DROP TABLE zone_pool"])
def test_a_database_without_the_zone_is_refused_but_in_a_plan(location: Path, leader: FakeOned, lost: str) -> None:
    with sqlite3.connect(location / "var" / "one.db") as database:
        database.execute(lost)
    with pytest.raises(DatabaseError, match="has no zone 100"):
        run(location, leader.client().url)
    assert run(location, leader.client().url, check_mode=True)["changed"] is True
