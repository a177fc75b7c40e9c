# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a run did not look at: zones that it does not check, zones that are missing, tables that were not compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from . import database
from .inventory import Declared, host_of_server
from .problem import Problem, problem
from .quorum import Server, Zone

# Why a database was not read, when no host of it takes part in the run.
OUTSIDE = "outside of the limit"


def scope_problem(zone: Zone, inventory: Declared | None, declared: Sequence[Declared]) -> Problem | None:
    """Why a zone is not checked; None for a zone that is, as every zone is when nothing is declared."""
    if not declared:
        return None
    if inventory is None:
        return problem(
            "zone_not_checked",
            "warning",
            None,
            f"The inventory has no zone like it (endpoint {zone['endpoint']}): it is not checked, and what is wrong "
            "with it is told as warnings.",
            "Add its group to the inventory, or pass the inventory (-i) that has it.",
        )
    if inventory.get("outside"):
        return problem(
            "zone_not_checked",
            "warning",
            None,
            "It is outside of the limit: it is not checked, and what is wrong with it is told as warnings.",
            "Run without --limit, or name it.",
        )
    return None


def missing_problems(declared: Sequence[Declared], found: Sequence[Declared]) -> list[Problem]:
    """Zones that the inventory declares and the federation does not know; `found` are those that it knows."""
    return [
        {
            "zone": one["name"],
            **problem(
                "zone_missing",
                "warning" if one.get("outside") else "error",
                None,
                "The inventory declares it, but the federation has no such zone.",
                "Let it join: playbook federate.",
            ),
        }
        for one in declared
        if one not in found
    ]


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
    return problem(
        "database_not_read",
        "error",
        server,
        f"Its database was not read{_because(reasons, host)}: it is not known whether it holds the master's tables.",
        _remedy(reasons, inventory),
    )


def _without_reference(server: Server, inventory: Declared | None, master: Declared | None) -> Problem:
    reasons = (master or {}).get("unread_databases") or {}
    return problem(
        "not_compared",
        "error",
        server,
        f"Its tables were not compared with the master's, whose database was not read{_because(reasons)}.",
        _remedy(reasons, inventory),
    )


def _is_behind(server: Server) -> bool:
    """Whether there is a problem that says already why the server is at another index."""
    return bool(not server["reachable"] or server["lag"] or server["in_master_log"] is False)


def _at_other_index(server: Server, own: database.Description, reference: database.Description) -> Problem:
    indexes = f"{own['log']['last_federated_index']} and {reference['log']['last_federated_index']}"
    return problem(
        "not_compared",
        "warning",
        server,
        f"Its tables were not compared with the master's: the two were read at different federated indexes, {indexes}.",
        "Compare again when fewer writes are made: playbook status.",
    )


def _because(reasons: Mapping[str, str], host: str | None = None) -> str:
    told = [reasons[host]] if host and host in reasons else list(dict.fromkeys(reasons.values()))
    return f" ({'; '.join(told)})" if told else ""


def _remedy(reasons: Mapping[str, str], inventory: Declared | None) -> str:
    if OUTSIDE in reasons.values() and inventory:
        return f"Run without --limit, or with --limit {inventory['limit']}."
    return "Correct that and run again." if reasons else "Give its description as module database_info returns it."
