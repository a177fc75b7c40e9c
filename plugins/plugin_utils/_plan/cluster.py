# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The servers of a zone (Step 3): which ones it gets, and which ones leave it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .._checks import cluster as judge_servers
from .._checks import database as judge_database
from .._checks import frontend as judge
from .coordinator import holds
from .desired_state import raft_vectors
from .entry import (
    NO_SERVERS,
    SERVER_LISTS,
    placed,
    told,
)
from .members import listed_by, server_of, strangers
from .removals import is_cut_off, plan_leaving

Data = Mapping[str, Any]

_TOLD = ("problems", "warnings", "changes")
# The step in the journal of a server that is a copy of the leader.
COPIED = "copied"


def plan_servers(
    zone: Data, findings: Mapping[str, Data], zone_id: int | None, later: Collection[str] = (), joins: bool = False
) -> dict[str, Any]:
    """What Step 3 does to a zone that is a member, or will be when Step 2 is done (`zone_id` may be unknown then).

    C(problems) keep the whole step from being done. C(lead) tells whether the acting server has to become the leader,
    C(restart) whether its oned runs with an older oned.conf, C(keep) whether it keeps the floating address until Raft
    does, C(enabled) whether its oned starts with the host; C(vectors) are those of the leader's oned.conf, without its
    C(SERVER_ID). C(follow) names servers that are added, in order, C(copied) those of them that an interrupted run made
    copies of the leader, C(new) those that the zone did not have before they were begun, C(start) servers that only do
    not run, C(refresh) followers that restart to learn of new ones, C(release) those that hold the floating address.
    C(ids) are those of servers that the zone's record holds, by host, C(serving) the endpoints of followers that run,
    C(leave) what is removed (see removals); C(changes) and C(warnings) are text.
    OpenNebula is installed first on the hosts that are `later`. A zone that `joins` has one server then, whatever it
    had before.
    """
    lists: dict[str, Any] = {name: [] for name in (*SERVER_LISTS, *_TOLD)}
    step = {**NO_SERVERS, **lists, "floating": zone["floating"], "endpoints": zone["endpoints"]}
    acting = findings.get(zone["host"], {}).get("frontend")
    known = acting if acting and acting["installed"] else None
    grouped = bool(known and judge.in_raft(known) and not joins)
    listed = listed_by(known, zone_id) if known else []
    cut_off = not grouped and not joins and is_cut_off(zone, listed)
    # A run that was cut may have left the only server in the zone's record without a SERVER_ID.
    begun = known and (judge.in_raft(known) or (not joins and server_of(zone, zone["host"], listed)))
    if not (len(zone["servers"]) > 1 or begun):
        return _alone(step, zone, findings) if zone["floating"] else step
    acting = findings[zone["host"]]["frontend"]
    # oned.conf may already say so while oned does not, or does not run: the step was interrupted.
    step["lead"] = not cut_off and (not grouped or (len(listed) < 2 and judge.raft_state(acting) != "leader"))
    step["restart"] = judge.in_raft(acting) and (joins or judge.raft_state(acting) == "solo")
    step["enabled"] = bool(acting["service"]["enabled"])
    # What the others have of a leader that was cut off is old: they leave, and are added anew.
    kept = [one for one in [server_of(zone, zone["host"], listed)] if one] if cut_off else listed
    step["ids"] = {host: one["id"] for host in zone["servers"] for one in [server_of(zone, host, kept)] if one}
    step["vectors"] = raft_vectors(acting["conf"], zone["floating"])
    step["keep"] = (step["lead"] or cut_off) and zone["floating"] is not None
    if not step["lead"] and not judge.runs(acting):
        step["start"].append(zone["host"])
    for host in zone["servers"]:
        if host in later:
            step["follow"].append(host)
            step["new"].append(host)
        elif host != zone["host"]:
            _plan_server(step, host, findings.get(host, {}), server_of(zone, host, kept), acting, zone)
    plan_leaving(step, zone, findings, listed, cut_off)
    step["warnings"] += strangers(zone, listed)
    step["refresh"] = _refreshed(step, zone, findings)
    if step["lead"] or step["follow"]:
        step["problems"] = _zone_problems(zone, findings) + step["problems"] + _silent(step, zone, findings)
        step["warnings"] += _replaced(step["follow"], findings, acting)
    step["changes"] = _told(step, zone, cut_off)
    return step


def _refreshed(step: Data, zone: Data, findings: Mapping[str, Data]) -> list[str]:
    """Followers that will not know the newest server, or one that an interrupted run added, unless they restart."""
    elders = [host for host in zone["servers"] if zone["endpoints"][host] in step["serving"]]
    added = [host for host in step["follow"] if host not in step["ids"]]
    if not added:
        return [host for host in elders if findings[host]["frontend"]["service"]["outdated"]]
    return [*elders, *step["follow"][: step["follow"].index(added[-1])]]


def _silent(step: Data, zone: Data, findings: Mapping[str, Data]) -> list[dict[str, str]]:
    """Servers of the zone that cannot be examined: each has to run while the zone gets another, and to restart then."""
    if not step["follow"]:
        return []
    remedy = "Start it; or, if it is gone for good, mark it oned_state: absent and give the zone another one."
    silent = {host: judge.usable(findings[host]) for host in step["ids"] if host in findings and host != zone["host"]}
    return [
        {"host": host, **judge.problem(f"{_ALL_RUN}: {found[0]['text'].rstrip('.')}.", remedy)}
        for host, found in silent.items()
        if found
    ]


def _alone(step: dict[str, Any], zone: Data, findings: Mapping[str, Data]) -> dict[str, Any]:
    """One server with a floating address, which it keeps: the zone may grow later without another endpoint."""
    host, floating = zone["host"], zone["floating"]
    frontend = findings[host]["frontend"]
    step["problems"] = placed(host, judge_servers.floating(floating, {host: frontend}, zone["hosts"]))
    step["keep"] = not step["problems"]
    if (frontend["address_keeper"] or {}).get("address") != floating["cidr"]:
        step["changes"] = [f"floating address {floating['cidr']} on {floating['interface']}, held by {host}"]
    return step


def _plan_server(step: dict[str, Any], host: str, finding: Data, server: Data | None, acting: Data, zone: Data) -> None:
    unusable = judge.usable(finding) if finding else [judge.problem("It was not examined.", "Take the whole zone.")]
    if unusable and server:
        step["warnings"] += told(host, unusable)
        return
    if unusable:
        step["problems"] += placed(host, unusable)
        return
    frontend = finding["frontend"]
    journal = frontend["journal"]
    if server and not journal and int(frontend["conf"]["server_id"]) == server["id"]:
        if not judge.runs(frontend):
            step["start"].append(host)
            return
        step["serving"].append(zone["endpoints"][host])
        # OpenNebula's hooks run side by side: a server that leads for a moment only may keep the address.
        if zone["floating"] and holds(zone, finding) and judge.raft_state(frontend) == "follower":
            step["release"].append(host)
        return
    found = judge.state(frontend) + judge_servers.backend(frontend) + judge_servers.alike(frontend, acting)
    found += judge_servers.listens(frontend, zone["endpoints"][host])
    if not journal:
        # One that left the zone before holds the federation's data, not its own.
        alone = frontend["conf"]["mode"] == "STANDALONE"
        found += judge.own_data(zone, frontend) if alone else _elsewhere(frontend, acting)
    step["problems"] += placed(host, found)
    step["follow"].append(host)
    if not (journal.get("server_existed") if journal else server):
        step["new"].append(host)
    if server and journal and journal["step"] == COPIED:
        # The zone may be waiting for it.
        step["copied"].append(host)
        step["start"] += [] if judge.runs(frontend) else [host]


def _elsewhere(frontend: Data, acting: Data) -> list[judge.Problem]:
    """Why a front-end cannot be given to this zone as it is."""
    conf = frontend["conf"]
    if judge.same_zone(frontend, acting):
        return []
    return [
        judge.problem(
            f"By its oned.conf it is {conf['mode']} with ZONE_ID {conf['zone_id']}, of another zone or federation.",
            "Take it out of there first: MODE STANDALONE, and a database of its own.",
        )
    ]


_ALL_RUN = "A zone gets servers only while all that it has run and can restart, to know the new ones"


def _replaced(hosts: Sequence[str], findings: Mapping[str, Data], acting: Data) -> list[str]:
    frontends = {host: findings[host]["frontend"] for host in hosts if "frontend" in findings.get(host, {})}
    return [
        line
        for host, frontend in frontends.items()
        if frontend["installed"]
        for line in told(host, judge_servers.replaced(frontend, acting))
    ]


def _zone_problems(zone: Data, findings: Mapping[str, Data]) -> list[dict[str, str]]:
    """What keeps the acting server, and all together, from Raft."""
    frontends = {
        name: findings[name]["frontend"]
        for name in zone["servers"]
        if name in findings and not judge.usable(findings[name])
    }
    acting = frontends[zone["host"]]
    found = judge_servers.backend(acting) + judge_database.source(acting, "The leader's")
    found = placed(zone["host"], found)
    for name, frontend in frontends.items():
        if zone["floating"]:
            found += placed(name, judge_servers.hook(frontend))
        others = {other: zone["endpoints"][other] for other in frontends if other != name}
        found += placed(name, judge_servers.routes(name, frontend, others, frontends))
    if zone["floating"]:
        every = {name: one["frontend"] for name, one in findings.items() if name in zone["hosts"] and "frontend" in one}
        found += placed(zone["host"], judge_servers.floating(zone["floating"], every, zone["hosts"]))
    return found


def _told(step: Data, zone: Data, cut_off: bool) -> list[str]:
    told_ = [_leaves(gone) for gone in step["leave"]]
    if cut_off:
        told_.append(f"{zone['host']}, which an interrupted run left alone, leads the zone again: its oned restarts")
    if step["lead"]:
        told_.append(f"{zone['host']} becomes the leader of a zone of several servers: its oned restarts, about 30 s")
    if step["keep"]:
        floating = step["floating"]
        told_.append(f"floating address {floating['cidr']} on {floating['interface']}, held by {zone['host']} at first")
    told_ += [f"{host} is added: its database and files become the leader's; full backup" for host in step["follow"]]
    told_ += [f"{host} restarts, to know the newer servers" for host in step["refresh"]]
    if step["follow"]:
        told_.append("writes in the zone wait while a second server starts, some seconds")
    told_ += [f"{host} holds the floating address without leading and gives it up" for host in step["release"]]
    return told_ + [f"{host} does not run and is started" for host in step["start"]]


def _leaves(gone: Data) -> str:
    first = "another server takes the lead, " if gone["leads"] else ""
    last = "its oned stops" if gone["reachable"] else "it cannot be reached"
    return f"{gone['host']} leaves the zone: {first}{last}"
