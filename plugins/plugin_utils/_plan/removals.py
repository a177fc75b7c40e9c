# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The servers that leave a zone, and in which order its majority can spare them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._health.quorum import majority
from .._checks import frontend as checks
from .entry import placed
from .members import server_of

Data = Mapping[str, Any]

_RUNS_UNREACHED = checks.problem(
    "Its oned runs, but Ansible cannot stop it, and one that is not told of its removal deposes the zone's leaders.",
    "Let Ansible reach it, or stop it by hand, and run again.",
)


def is_left_solo(zone: Data, listed: Sequence[Data]) -> bool:
    """Whether hosts other than the coordinator are servers of the zone, by its record at the coordinator.

    If it has no C(SERVER_ID) then, an interrupted run left it to decide alone (see alone.yml of role ha).
    """
    hosts = [host for host in zone["hosts"] if server_of(zone, host, listed)]
    return zone["host"] in hosts and len(hosts) > 1


def plan_removals(
    step: dict[str, Any], zone: Data, facts: Mapping[str, Data], listed: Sequence[Data], left_solo: bool
) -> None:
    """Add to C(remove_server) the servers that leave, those first that the zone misses least, and why one must not.

    From a server that was `left_solo` all others part, because they lack what it wrote alone.
    """
    coordinator = facts[zone["host"]]["frontend"]
    for host in zone["hosts"]:
        if host == zone["host"] or (host in zone["servers"] and not left_solo):
            continue
        server, frontend = server_of(zone, host, listed), _examined(facts, host)
        # One that was taken out of the record may be left with an oned that is not stopped yet.
        if server or (host not in zone["servers"] and frontend and checks.in_raft(frontend)):
            leads = bool(frontend and checks.raft_state(frontend) == "leader")
            gone = {"host": host, "id": server["id"] if server else None, "name": server["name"] if server else host}
            gone.update(leads=leads, reachable=frontend is not None)
            step["remove_server"].append(gone)
            if not frontend and _answers(coordinator, zone, host):
                step["problems"] += placed(host, [_RUNS_UNREACHED])
        elif not frontend and host not in zone["servers"]:
            step["warnings"].append(
                f"{host}: It has left the zone, but it cannot be examined. Unless this federation stopped its oned "
                "before, that stands for election without end as soon as the host is back: keep it from starting."
            )
    running = _running(step, zone, facts, listed)
    step["remove_server"].sort(key=lambda gone: (gone["leads"], gone["id"] in running))
    if not left_solo:
        step["problems"] += _missed(step["remove_server"], {one["id"]: one["name"] for one in listed}, running)


def _examined(facts: Mapping[str, Data], host: str) -> Data | None:
    host_facts = facts.get(host)
    return host_facts["frontend"] if host_facts and not checks.usable(host_facts) else None


def _answers(coordinator: Data, zone: Data, host: str) -> bool:
    return (coordinator["probes"].get(zone["endpoints"][host]) or {}).get("state") == "open"


def _running(step: Data, zone: Data, facts: Mapping[str, Data], listed: Sequence[Data]) -> set[int]:
    """Ids of the servers that run when the first one leaves."""
    started = [host for host in step["start"] if host not in step["copied"]]  # a copy has not shown that it can start
    running = set()
    for host in zone["hosts"]:
        server, frontend = server_of(zone, host, listed), _examined(facts, host)
        if server and frontend and int(frontend["conf"]["server_id"]) != server["id"]:
            continue
        runs = checks.runs(frontend) or host in started if frontend else None
        if server and (_answers(facts[zone["host"]]["frontend"], zone, host) if runs is None else runs):
            running.add(server["id"])
    return running


def _missed(leave: Sequence[Data], names: Mapping[int, str], running: set[int]) -> list[dict[str, str]]:
    """Who cannot be removed, since its oned stops first and the rest is no majority. Of two, the other decides."""
    left, running, problems = dict(names), set(running), []
    for gone in leave:
        running.discard(gone["id"])
        if gone["id"] in left and len(left) > 2 and len(running) < majority(len(left)):
            others = ", ".join(name for number, name in left.items() if number in running) or "none"
            problems.append(
                {
                    "host": gone["host"],
                    **checks.problem(
                        f"It cannot leave: of the zone's {len(left)} servers only {others} would run meanwhile, no "
                        "majority, and every write would wait for ever.",
                        "Start others first; mark those that are gone for good oned_state: absent, too: they leave "
                        "before it.",
                    ),
                }
            )
        left.pop(gone["id"], None)
    return problems
