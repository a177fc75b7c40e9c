# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones of several servers on both sides of a change of the master: which of their servers take part. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ...module_utils._problems import promotion as rules
from ...module_utils._problems.frontend import COPY_INTERRUPTED
from ...module_utils._problems.problem import Problem
from .._checks import frontend as checks
from .._model.declared import Federation, Zone
from .._model.facts import Frontend, HostFacts
from .members import server_of


def is_of_several(zone: Zone, facts: Mapping[str, HostFacts]) -> bool:
    """Whether the zone has several servers, by what was found."""
    return any(found.in_raft for found in (checks.usable_frontend(facts, host) for host in zone.servers) if found)


def servers(zone: Zone, facts: Mapping[str, HostFacts]) -> tuple[str, ...]:
    """The hosts that serve the zone and can be worked on; of several, who leads comes last."""
    several = is_of_several(zone, facts)
    found = []
    for host in zone.servers:
        frontend = checks.usable_frontend(facts, host)
        if frontend and (frontend.in_raft if several else host == zone.host):
            found.append(host)
    return tuple(sorted(found, key=lambda host: host == zone.host))


def renumbered(zone: Zone, facts: Mapping[str, HostFacts], known: Frontend) -> dict[str, int]:
    """New ids of servers of the zone that becomes the master, by the ids that they have in the record at `known`.

    oned sends nothing to the zone whose id is that of the leading server (ReplicaManager::add_replica_thread), and
    zone 0 is a slave then.
    """
    zone_id = facts[zone.host].frontend.conf.zone_id
    listed = [one.id for one in known.servers_of(zone_id)]
    zones = {record.id for record in known.zones if record.id != zone_id}
    free = max(listed, default=-1) + 1
    return {str(one): free + number for number, one in enumerate(sorted(set(listed) & zones))}


def server_ids(
    zone: Zone, facts: Mapping[str, HostFacts], known: Frontend, changed: Mapping[str, int]
) -> dict[str, int]:
    """The ids of the servers of the zone by host, from the record at `known`; some of them are `changed`."""
    listed = known.servers_of(facts[zone.host].frontend.conf.zone_id)
    of_hosts = {host: server_of(zone, host, listed) for host in servers(zone, facts)}
    return {host: changed.get(str(one.id), one.id) for host, one in of_hosts.items() if one}


def silent(zone: Zone, facts: Mapping[str, HostFacts]) -> dict[str, Problem]:
    """Why servers of a zone that has several cannot be worked on."""
    if not is_of_several(zone, facts):
        return {}
    return {host: unusable[0] for host in zone.servers if (unusable := checks.usable(facts[host]))}


def is_led(zone: Zone, facts: Mapping[str, HostFacts]) -> bool:
    """Whether the zone has a server that could write: the only one, or the leader of several."""
    found = checks.usable_frontend(facts, zone.host)
    return bool(found and (found.leads if found.in_raft else found.runs))


def lives(zone: Zone, facts: Mapping[str, HostFacts]) -> bool:
    """Whether a master's zone can give its place up: all of its servers answer, or one of them leads."""
    if not servers(zone, facts):
        return False
    return not silent(zone, facts) or is_led(zone, facts)


def refuse_promotion(zone: Zone, facts: Mapping[str, HostFacts]) -> list[Problem]:
    """What keeps a zone of several servers from becoming the master."""
    taking_part = servers(zone, facts)
    if not is_of_several(zone, facts):
        return []
    found = facts[zone.host].frontend
    listed = len(found.servers_of(found.conf.zone_id)) or len(zone.servers)
    problems = [
        COPY_INTERRUPTED.problem(host, opened_at=journal.opened_at)
        for host in taking_part
        for journal in [facts[host].frontend.journal]
        if journal
    ]
    if 2 * len(taking_part) <= listed:
        detail = "; ".join(f"{host}: {one.text}" for host, one in silent(zone, facts).items())
        problems.append(
            rules.PROMOTE_NO_MAJORITY.problem(
                zone.host, usable=len(taking_part), listed=listed, detail=detail or "others are not declared."
            )
        )
    return problems


def refuse_demotion(former: Zone, facts: Mapping[str, HostFacts]) -> list[Problem]:
    """What keeps the servers of a master's zone from becoming a slave's."""
    return [
        rules.PROMOTE_SERVER_SILENT.problem(host, detail=one.text, master=former.label)
        for host, one in silent(former, facts).items()
    ]


def left_servers(federation: Federation, facts: Mapping[str, HostFacts], former: str | None) -> dict[str, str]:
    """Servers that could not be asked, of zones that go on without them, with what is to be told of them."""
    found = {}
    for group, zone in federation.zones.items():
        if group == former or not servers(zone, facts):
            continue
        for host, problem in silent(zone, facts).items():
            found[host] = (
                f"{zone.label}, {host} could not be asked and does not know of the change: {problem.text} Keep its "
                "oned stopped, and run playbook resync when it is back."
            )
    return found
