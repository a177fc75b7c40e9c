# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The servers of a zone (Step 3): which ones it gets, and which ones leave it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .._checks import cluster as cluster_checks
from .._checks import database as database_checks
from .._checks import frontend as checks
from .coordinator import has_vip
from .desired_state import raft_vectors
from .entry import (
    NO_SERVERS,
    SERVER_LISTS,
    describe,
    placed,
)
from .members import listed_by, server_of, strangers
from .removals import is_left_solo, plan_removals

Data = Mapping[str, Any]

_TEXTS = ("problems", "warnings", "changes")
# The step in the journal of a server that is a copy of the leader.
COPIED = "copied"


def plan_servers(
    zone: Data, facts: Mapping[str, Data], zone_id: int | None, later: Collection[str] = (), joins: bool = False
) -> dict[str, Any]:
    """What Step 3 does to a zone that is a member, or will be when Step 2 is done (`zone_id` may be unknown then).

    C(problems) keep the whole step from being done. C(bootstrap_leader) tells whether the coordinator has to become the
    leader, C(restart) whether its oned runs with an older oned.conf, C(hold_vip) whether it keeps the floating address
    until Raft does, C(enabled) whether its oned starts with the host; C(vectors) are those of the leader's oned.conf,
    without its C(SERVER_ID). C(add_server) names servers that are added, in order, C(copied) those of them that an
    interrupted run made copies of the leader, C(new) those that the zone did not have before they were begun, C(start)
    servers that only do not run, C(restart_followers) followers that restart to learn of new ones, C(drop_vip) those
    that hold the floating address without leading. C(ids) are those of servers that the zone's record holds, by host,
    C(serving) the endpoints of followers that run, C(remove_server) what is removed (see removals); C(changes) and
    C(warnings) are text.
    OpenNebula is installed first on the hosts that are `later`. A zone that `joins` has one server then, whatever it
    had before.
    """
    lists: dict[str, Any] = {name: [] for name in (*SERVER_LISTS, *_TEXTS)}
    step = {**NO_SERVERS, **lists, "floating": zone["floating"], "endpoints": zone["endpoints"]}
    coordinator = facts.get(zone["host"], {}).get("frontend")
    known = coordinator if coordinator and coordinator["installed"] else None
    grouped = bool(known and checks.in_raft(known) and not joins)
    listed = listed_by(known, zone_id) if known else []
    left_solo = not grouped and not joins and is_left_solo(zone, listed)
    # A run that was cut may have left the only server in the zone's record without a SERVER_ID.
    begun = known and (checks.in_raft(known) or (not joins and server_of(zone, zone["host"], listed)))
    if not (len(zone["servers"]) > 1 or begun):
        return _single_server(step, zone, facts) if zone["floating"] else step
    coordinator = facts[zone["host"]]["frontend"]
    # oned.conf may already say so while oned does not, or does not run: the step was interrupted.
    step["bootstrap_leader"] = not left_solo and (
        not grouped or (len(listed) < 2 and checks.raft_state(coordinator) != "leader")
    )
    step["restart"] = checks.in_raft(coordinator) and (joins or checks.raft_state(coordinator) == "solo")
    step["enabled"] = bool(coordinator["service"]["enabled"])
    # What the others have of a leader that was cut off is old: they leave, and are added anew.
    kept = [one for one in [server_of(zone, zone["host"], listed)] if one] if left_solo else listed
    step["ids"] = {host: one["id"] for host in zone["servers"] for one in [server_of(zone, host, kept)] if one}
    step["vectors"] = raft_vectors(coordinator["conf"], zone["floating"])
    step["hold_vip"] = (step["bootstrap_leader"] or left_solo) and zone["floating"] is not None
    if not step["bootstrap_leader"] and not checks.runs(coordinator):
        step["start"].append(zone["host"])
    for host in zone["servers"]:
        if host in later:
            step["add_server"].append(host)
            step["new"].append(host)
        elif host != zone["host"]:
            _plan_server(step, host, facts.get(host, {}), server_of(zone, host, kept), coordinator, zone)
    plan_removals(step, zone, facts, listed, left_solo)
    step["warnings"] += strangers(zone, listed)
    step["restart_followers"] = _outdated_followers(step, zone, facts)
    if step["bootstrap_leader"] or step["add_server"]:
        step["problems"] = _zone_problems(zone, facts) + step["problems"] + _silent(step, zone, facts)
        step["warnings"] += _replaced(step["add_server"], facts, coordinator)
    step["changes"] = _describe(step, zone, left_solo)
    return step


def _outdated_followers(step: Data, zone: Data, facts: Mapping[str, Data]) -> list[str]:
    """Followers that will not know the newest server, or one that an interrupted run added, unless they restart."""
    elders = [host for host in zone["servers"] if zone["endpoints"][host] in step["serving"]]
    added = [host for host in step["add_server"] if host not in step["ids"]]
    if not added:
        return [host for host in elders if facts[host]["frontend"]["service"]["restart_needed"]]
    return [*elders, *step["add_server"][: step["add_server"].index(added[-1])]]


def _silent(step: Data, zone: Data, facts: Mapping[str, Data]) -> list[dict[str, str]]:
    """Servers of the zone that cannot be examined: each has to run while the zone gets another, and to restart then."""
    if not step["add_server"]:
        return []
    remedy = "Start it; or, if it is gone for good, mark it oned_state: absent and give the zone another one."
    silent = {host: checks.usable(facts[host]) for host in step["ids"] if host in facts and host != zone["host"]}
    return [
        {"host": host, **checks.problem(f"{_ALL_RUN}: {found[0]['text'].rstrip('.')}.", remedy)}
        for host, found in silent.items()
        if found
    ]


def _single_server(step: dict[str, Any], zone: Data, facts: Mapping[str, Data]) -> dict[str, Any]:
    """One server with a floating address, which it keeps: the zone may grow later without another endpoint."""
    host, floating = zone["host"], zone["floating"]
    frontend = facts[host]["frontend"]
    step["problems"] = placed(host, cluster_checks.floating(floating, {host: frontend}, zone["hosts"]))
    step["hold_vip"] = not step["problems"]
    if (frontend["address_keeper"] or {}).get("address") != floating["cidr"]:
        step["changes"] = [f"floating address {floating['cidr']} on {floating['interface']}, held by {host}"]
    return step


def _plan_server(
    step: dict[str, Any], host: str, host_facts: Data, server: Data | None, coordinator: Data, zone: Data
) -> None:
    unusable = (
        checks.usable(host_facts) if host_facts else [checks.problem("It was not examined.", "Take the whole zone.")]
    )
    if unusable and server:
        step["warnings"] += describe(host, unusable)
        return
    if unusable:
        step["problems"] += placed(host, unusable)
        return
    frontend = host_facts["frontend"]
    journal = frontend["journal"]
    if server and not journal and int(frontend["conf"]["server_id"]) == server["id"]:
        if not checks.runs(frontend):
            step["start"].append(host)
            return
        step["serving"].append(zone["endpoints"][host])
        # OpenNebula's hooks run side by side: a server that leads for a moment only may keep the address.
        if zone["floating"] and has_vip(zone, host_facts) and checks.raft_state(frontend) == "follower":
            step["drop_vip"].append(host)
        return
    found = checks.state(frontend) + cluster_checks.backend(frontend) + cluster_checks.alike(frontend, coordinator)
    found += cluster_checks.listens(frontend, zone["endpoints"][host])
    if not journal:
        # One that left the zone before holds the federation's data, not its own.
        alone = frontend["conf"]["mode"] == "STANDALONE"
        found += checks.own_data(zone, frontend) if alone else _elsewhere(frontend, coordinator)
    step["problems"] += placed(host, found)
    step["add_server"].append(host)
    if not (journal.get("server_existed") if journal else server):
        step["new"].append(host)
    if server and journal and journal["step"] == COPIED:
        # The zone may be waiting for it.
        step["copied"].append(host)
        step["start"] += [] if checks.runs(frontend) else [host]


def _elsewhere(frontend: Data, coordinator: Data) -> list[checks.Problem]:
    """Why a front-end cannot be given to this zone as it is."""
    conf = frontend["conf"]
    if checks.same_zone(frontend, coordinator):
        return []
    return [
        checks.problem(
            f"By its oned.conf it is {conf['mode']} with ZONE_ID {conf['zone_id']}, of another zone or federation.",
            "Take it out of there first: MODE STANDALONE, and a database of its own.",
        )
    ]


_ALL_RUN = "A zone gets servers only while all that it has run and can restart, to know the new ones"


def _replaced(hosts: Sequence[str], facts: Mapping[str, Data], coordinator: Data) -> list[str]:
    frontends = {host: facts[host]["frontend"] for host in hosts if "frontend" in facts.get(host, {})}
    return [
        line
        for host, frontend in frontends.items()
        if frontend["installed"]
        for line in describe(host, cluster_checks.replaced(frontend, coordinator))
    ]


def _zone_problems(zone: Data, facts: Mapping[str, Data]) -> list[dict[str, str]]:
    """What keeps the coordinator, and all together, from Raft."""
    frontends = {
        name: facts[name]["frontend"] for name in zone["servers"] if name in facts and not checks.usable(facts[name])
    }
    coordinator = frontends[zone["host"]]
    found = cluster_checks.backend(coordinator) + database_checks.source(coordinator, "The leader's")
    found = placed(zone["host"], found)
    for name, frontend in frontends.items():
        if zone["floating"]:
            found += placed(name, cluster_checks.hook(frontend))
        others = {other: zone["endpoints"][other] for other in frontends if other != name}
        found += placed(name, cluster_checks.routes(name, frontend, others, frontends))
    if zone["floating"]:
        every = {name: one["frontend"] for name, one in facts.items() if name in zone["hosts"] and "frontend" in one}
        found += placed(zone["host"], cluster_checks.floating(zone["floating"], every, zone["hosts"]))
    return found


def _describe(step: Data, zone: Data, left_solo: bool) -> list[str]:
    described = [_leaves(gone) for gone in step["remove_server"]]
    if left_solo:
        described.append(
            f"{zone['host']}, which an interrupted run left alone, leads the zone again: its oned restarts"
        )
    if step["bootstrap_leader"]:
        described.append(
            f"{zone['host']} becomes the leader of a zone of several servers: its oned restarts, about 30 s"
        )
    if step["hold_vip"]:
        floating = step["floating"]
        described.append(
            f"floating address {floating['cidr']} on {floating['interface']}, held by {zone['host']} at first"
        )
    described += [
        f"{host} is added: its database and files become the leader's; full backup" for host in step["add_server"]
    ]
    described += [f"{host} restarts, to know the newer servers" for host in step["restart_followers"]]
    if step["add_server"]:
        described.append("writes in the zone wait while a second server starts, some seconds")
    described += [f"{host} holds the floating address without leading and gives it up" for host in step["drop_vip"]]
    return described + [f"{host} does not run and is started" for host in step["start"]]


def _leaves(gone: Data) -> str:
    first = "another server takes the lead, " if gone["leads"] else ""
    last = "its oned stops" if gone["reachable"] else "it cannot be reached"
    return f"{gone['host']} leaves the zone: {first}{last}"
