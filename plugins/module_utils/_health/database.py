# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What the databases of a federation tell beyond the API, in descriptions that module database_info returned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._charsets import differences
from .._problems import database as rules
from .._problems import replication
from .._problems.problem import Problem
from .quorum import Server, Zone, leader_of

Description = Mapping[str, Any]
Databases = Mapping[str, Mapping[str, Description]]

UNKNOWN: dict[str, Any] = {
    "database": None,
    "shared_version": None,
    "local_version": None,
    "is_slave": None,
    "digests_differ": None,
    "in_master_log": None,
    "log_keys": None,
    "newest_record_age": None,
    "pool_control_behind": None,
}


def of_servers(zone: Zone, given: Mapping[str, Description]) -> dict[str, Description]:
    """Descriptions by the name of the zone's server. They are given by host, which may be called otherwise."""
    servers = [server["name"] for server in zone["servers"]]
    if len(servers) == 1 and len(given) == 1:
        return {servers[0]: next(iter(given.values()))}
    return {name: given[name] for name in servers if name in given}


def of_master(master: Zone | None, given: Databases) -> Description | None:
    """The description that others are compared with: the leader's, else any readable one."""
    if master is None:
        return None
    by_server = of_servers(master, given.get(master["name"], {}))
    leader = leader_of(master)
    first = [by_server[leader["name"]]] if leader and leader["name"] in by_server else []
    return next((one for one in [*first, *by_server.values()] if is_usable(one)), None)


def is_usable(description: Description) -> bool:
    """Whether there is anything to compare."""
    return not description.get("error") and bool(description["bootstrapped"])


def facts(server: Server, own: Description | None, master: Description | None, now: float) -> dict[str, Any]:
    """The server's keys of UNKNOWN, as far as they can be told."""
    if own is None or not is_usable(own):
        return dict(UNKNOWN)
    newest = own["log"]["newest_federated_time"]
    return {
        "database": f"{own['backend']}, {own['charset']}",
        "shared_version": own["shared_version"],
        "local_version": own["local_version"],
        "is_slave": own["is_slave"],
        "digests_differ": _differing(own, master),
        "in_master_log": _in_log(server, own, master),
        "log_keys": own["log"]["has_keys"],
        "newest_record_age": None if newest is None else max(0, int(now - newest)),
        "pool_control_behind": list(own["pool_control_behind"]),
    }


def _differing(own: Description, master: Description | None) -> list[str] | None:
    """Tables with other content than the master's. None when the two were not read at the same federated index."""
    index = own["log"]["last_federated_index"]
    if master is None or index is None or index != master["log"]["last_federated_index"]:
        return None
    tables = {**own["tables"], **master["tables"]}
    return [name for name in sorted(tables) if _digest(own, name) != _digest(master, name)]


def _digest(description: Description, table: str) -> Any:
    return (description["tables"].get(table) or {}).get("sha256")


def _in_log(server: Server, own: Description, master: Description | None) -> bool | None:
    """Whether the master still has the record after which the slave continues. Beyond its log's end nothing is told."""
    index = _index(server, own)
    if master is None or index is None or not master["log"]["federated"]:
        return None
    if index > master["log"]["last_federated_index"]:
        return None
    recent = master["log"]["recent_federated_indexes"]
    if index >= recent[-1]:
        # In a gap there is no record that would continue it.
        return index in recent
    return bool(index >= master["log"]["first_federated_index"])


def fallen_out(server: Server, leader: Description | None) -> int | None:
    """The oldest record of its own zone's log that the leader still has, if a follower lacks records before it."""
    if leader is None or not is_usable(leader) or server["raft_state"] != "follower" or server["log_index"] is None:
        return None
    first: int | None = leader["log"]["first_local_index"]
    return first if first is not None and server["log_index"] + 1 < first else None


def _index(server: Server, own: Description) -> int | None:
    """The index that the server told, else, as of a stopped one, the one in its database."""
    index: int | None = own["log"]["last_federated_index"] if server["index"] is None else server["index"]
    return index


def database_problems(server: Server, own: Description, master: Description | None, is_master: bool) -> list[Problem]:
    """All that is wrong with one server's database; `server` already holds the keys of UNKNOWN."""
    name = server["name"]
    if own.get("error"):
        return [rules.DATABASE_UNREADABLE.problem(name, detail=own["error"])]
    if not is_usable(own):
        return [rules.DATABASE_EMPTY.problem(name)]
    found = [*_upkeep_problems(name, own, is_master)]
    if master is not None and own is not master:
        found += [*_sameness_problems(name, own, master), *_column_problems(name, own, master)]
    if not is_master:
        found += [*_copy_problems(server, own, master)]
    return found


def _upkeep_problems(name: str, own: Description, is_master: bool) -> Iterator[Problem]:
    if not own["log"]["has_keys"]:
        yield rules.LOG_WITHOUT_KEYS.problem(name)
    if own["pool_control_behind"]:
        yield rules.POOL_CONTROL_BEHIND.problem(name, tables=", ".join(own["pool_control_behind"]))
    if is_master and own["is_slave"]:
        yield rules.IS_SLAVE_SET.problem(name)


def _sameness_problems(name: str, own: Description, master: Description) -> Iterator[Problem]:
    if own["shared_version"] != master["shared_version"]:
        version, masters = own["shared_version"], master["shared_version"]
        yield rules.SHARED_VERSION_DIFFERS.problem(name, version=version, masters=masters)
    if own["backend"] != master["backend"]:
        yield rules.BACKEND_DIFFERS.problem(name, backend=own["backend"], masters=master["backend"])
    if own["charset"] != master["charset"]:
        yield rules.CHARSET_DIFFERS.problem(name, charset=own["charset"], masters=master["charset"])


def _column_problems(name: str, own: Description, master: Description) -> Iterator[Problem]:
    if own["charset"] != master["charset"]:
        return
    found = differences(own.get("columns") or {}, master.get("columns") or {}, str(own["charset"]))
    if found:
        yield rules.COLUMN_CHARSET_DIFFERS.problem(name, columns=found.columns, statements=found.statements)


def _copy_problems(server: Server, own: Description, master: Description | None) -> Iterator[Problem]:
    """A slave's copy of the master's tables."""
    name = server["name"]
    if not own["is_slave"]:
        yield rules.IS_SLAVE_UNSET.problem(name)
    if server["in_master_log"] is False and master is not None:
        oldest = master["log"]["first_federated_index"]
        yield replication.STALE.problem(name, index=_index(server, own), oldest=oldest)
    if server["digests_differ"]:
        yield replication.DIGESTS_DIFFER.problem(name, tables=", ".join(server["digests_differ"]))
