# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a run did not look at: zones that it does not check, zones that are missing, tables that were not compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .._problems import replication, zones
from .._problems.problem import ERROR, WARNING, Problem
from . import database
from .inventory import Declared, host_of_server
from .quorum import Server, Zone

# Why a database was not read, when no host of it takes part in the run.
OUTSIDE = "outside of the limit"


def scope_problem(zone: Zone, inventory: Declared | None, declared: Sequence[Declared]) -> Problem | None:
    """Why a zone is not checked; None for a zone that is, as every zone is when nothing is declared."""
    if not declared:
        return None
    if inventory is None:
        return zones.ZONE_NOT_DECLARED.problem(endpoint=zone["endpoint"])
    return zones.ZONE_NOT_CHECKED.problem() if inventory.get("outside") else None


def missing_problems(declared: Sequence[Declared], found: Sequence[Declared]) -> dict[str, Problem]:
    """Zones, by name, that the inventory declares and the federation does not know; `found` are those it knows."""
    return {
        one["name"]: zones.ZONE_MISSING.problem(severity=WARNING if one.get("outside") else ERROR)
        for one in declared
        if one not in found
    }


def comparison_problems(
    zone: Zone,
    inventory: Declared | None,
    described: Mapping[str, database.Description],
    master: Declared | None,
    reference: database.Description | None,
    is_master: bool,
) -> Iterator[Problem]:
    """Servers whose databases were not read, and those whose tables were not compared with the `reference`.

    Servers that do not answer, and those that the inventory does not have, are told elsewhere.
    """
    for server in zone["servers"]:
        host = host_of_server(server, inventory) if inventory else None
        if inventory and zone["clustered"] and host is None:
            continue
        own = described.get(server["name"])
        if own is None:
            if server["reachable"]:
                yield _unread(server, inventory, host)
        elif not is_master and database.is_usable(own) and server["digests_differ"] is None:
            if reference is None:
                yield _without_reference(server, inventory, master)
            elif not _is_behind(server):
                yield _at_other_index(server, own, reference)


def _unread(server: Server, inventory: Declared | None, host: str | None) -> Problem:
    reasons = (inventory or {}).get("unread_databases") or {}
    why, remedy = _because(reasons, host), _remedy(reasons, inventory)
    return replication.DATABASE_NOT_READ.problem(server["name"], why=why, what_to_do=remedy)


def _without_reference(server: Server, inventory: Declared | None, master: Declared | None) -> Problem:
    reasons = (master or {}).get("unread_databases") or {}
    why, remedy = _because(reasons), _remedy(reasons, inventory)
    return replication.NOT_COMPARED.problem(server["name"], why=why, what_to_do=remedy)


def _is_behind(server: Server) -> bool:
    """Whether there is a problem that says already why the server is at another index."""
    return bool(not server["reachable"] or server["lag"] or server["in_master_log"] is False)


def _at_other_index(server: Server, own: database.Description, reference: database.Description) -> Problem:
    index, masters = (one["log"]["last_federated_index"] for one in (own, reference))
    return replication.READ_AT_OTHER_INDEX.problem(server["name"], index=index, masters=masters)


def _because(reasons: Mapping[str, str], host: str | None = None) -> str:
    told = [reasons[host]] if host and host in reasons else list(dict.fromkeys(reasons.values()))
    return f" ({'; '.join(told)})" if told else ""


def _remedy(reasons: Mapping[str, str], inventory: Declared | None) -> str:
    if OUTSIDE in reasons.values() and inventory:
        return f"Run without --limit, or with --limit {inventory['limit']}."
    return "Correct that and run again." if reasons else "Give its description as module database_info returns it."
