# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a database out of a federation, and what is only unwise."""

from __future__ import annotations

from typing import Any

import pytest
from planned import federated, frontend, plan

SERVER = {
    "backend": "mysql",
    "charset": "utf8mb4",
    "server": "MariaDB 10.11.19",
    "isolation": "READ-COMMITTED",
    "galera": False,
    "dump_program": "/usr/bin/mariadb-dump",
}


def joining(**changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A master and a zone that joins, both on MariaDB; `changes` are the zone's."""
    master, paris = federated()[0], frontend()
    for found, more in ((master, {}), (paris, changes)):
        found["conf"]["backend"] = "mysql"
        found["database"].update({**SERVER, **more})
    return master, paris


@pytest.mark.parametrize(
    ("changes", "text", "remedy"),
    [
        ({"backend": "sqlite"}, "Its database backend is sqlite, the master's mysql.", "onedb sqlite2mysql"),
        ({"charset": "latin1"}, "Its database charset is latin1, the master's utf8mb4.", "CHARACTER SET utf8mb4"),
        ({"charset": "utf8mb3"}, "Its database charset is utf8mb3, the master's utf8mb4.", "load it while oned"),
        (
            {"dump_program": None},
            "neither mysqldump nor mariadb-dump",
            "Install mariadb-client or default-mysql-client",
        ),
        (
            {"error": "PyMySQL is missing.", "driver_missing": True, "package": "python3-pymysql"},
            "PyMySQL is missing.",
            "Run playbook federate without --check, which installs it.",
        ),
    ],
)
def test_a_database_that_cannot_join_leaves_its_zone_out(changes: dict[str, Any], text: str, remedy: str) -> None:
    made = plan(*joining(**changes))
    assert made["errors"] == []
    assert len(made["left_out"]) == 1
    assert text in made["left_out"][0]
    assert remedy in made["left_out"][0]


def columns(charset: str, holds: str) -> dict[str, Any]:
    """Those of a database in which one table was never converted, and of one that was."""
    return {
        "acl.x": {"charset": "utf8mb4", "collation": "utf8mb4_general_ci", "holds": "ascii"},
        "user_pool.name": {"charset": charset, "collation": f"{charset}_general_ci", "holds": holds},
    }


def test_a_zone_that_cannot_hold_the_masters_texts_is_left_out_before_it_is_stopped() -> None:
    master, paris = joining(columns=columns("latin1", "ascii"))
    master["database"]["columns"] = columns("utf8mb4", "utf8mb4")
    made = plan(master, paris)
    assert "Its columns user_pool.name cannot hold texts of the master's" in made["left_out"][0]
    statement = "ALTER TABLE user_pool CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;"
    assert f"Stop oned and execute in its database: {statement}" in made["left_out"][0]


@pytest.mark.parametrize("odd", ["master", "paris"])
def test_texts_that_fit_are_converted_and_the_difference_is_told(odd: str) -> None:
    master, paris = joining()
    for name, found in (("master", master), ("paris", paris)):
        found["database"]["columns"] = columns("latin1" if name == odd else "utf8mb4", "latin1")
    entry = plan(master, paris)["zones"]["paris"]
    assert entry["action"] == "join"
    told = " ".join(entry["warnings"])
    assert "Charset or collation of its columns user_pool.name differ from the master's" in told
    where = "Stop oned of the master" if odd == "master" else "Stop oned there"
    assert f"{where} and execute in its database: ALTER TABLE user_pool CONVERT TO CHARACTER SET utf8mb4" in told


def test_no_snapshot_is_taken_of_a_galera_cluster() -> None:
    master, paris = joining()
    master["database"]["galera"] = True
    made = plan(master, paris)
    assert "The master's database is a Galera cluster" in made["left_out"][0]
    member = federated()[1]
    member["database"].update(SERVER)
    member["conf"]["backend"] = "mysql"
    assert plan(master, member)["zones"]["paris"]["action"] == "member"


def test_a_good_server_calls_for_no_advice() -> None:
    made = plan(*joining())
    assert made["zones"]["paris"]["action"] == "join"
    assert made["master"]["warnings"] == made["zones"]["paris"]["warnings"] == []


def test_an_unwise_isolation_is_told_once_with_the_line_for_my_cnf() -> None:
    warnings = plan(*joining(isolation="REPEATABLE-READ"))["zones"]["paris"]["warnings"]
    assert len(warnings) == 1
    assert "isolation of its database server is REPEATABLE-READ; OpenNebula recommends READ-COMMITTED" in warnings[0]
    assert "transaction-isolation = READ-COMMITTED below [mysqld]" in warnings[0]


@pytest.mark.parametrize(
    ("server", "old"),
    [
        ("MariaDB 10.5.22", True),
        ("MariaDB 10.6.0", False),
        ("MariaDB 11.8.2", False),
        ("MySQL 5.7.44", True),
        ("MySQL 8.0.36", False),
        ("Percona 8", False),
        (None, False),
    ],
)
def test_servers_older_than_any_that_was_tried_are_told(server: str | None, old: bool) -> None:
    warnings = plan(*joining(server=server))["zones"]["paris"]["warnings"]
    assert warnings == (
        [
            f"paris-1: Its database server is {server}; nothing older than "
            f"{'MariaDB 10.6' if 'Maria' in str(server) else 'MySQL 8.0'} was tried. Upgrade the server."
        ]
        if old
        else []
    )
