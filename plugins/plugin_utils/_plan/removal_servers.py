# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of a zone that leaves its federation: what keeps them there, and where each of them is. Pure.

All of them leave together. One that stayed behind would have the old log, and with it a say in who leads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...module_utils._database.standalone import ALONE
from ...module_utils._problems import removal as rules
from ...module_utils._problems.frontend import COPY_INTERRUPTED
from ...module_utils._problems.problem import Problem
from .._checks import frontend as checks
from .._model.declared import Federation, Zone
from .._model.facts import Frontend, HostFacts
from .._model.records import ZoneRecord
from .addresses import addresses_of
from .members import server_of
from .promotion_servers import servers
from .removal_planned import RemovalOptions, RemovalPlan


def refuse_lost(
    federation: Federation, facts: Mapping[str, HostFacts], zone: Zone, options: RemovalOptions
) -> list[Problem]:
    """What keeps a zone from leaving without servers that cannot be examined."""
    lost = lost_servers(zone, facts)
    for host, one in lost.items():
        if host not in options.lost or 2 * len(lost) >= len(zone.hosts):
            return [rules.REMOVE_HALF_REACHABLE.problem(host, host=host, detail=one.text)]
        endpoint = zone.endpoints[host]
        if facts[federation.master_host].frontend.answers_at(endpoint):
            return [rules.REMOVE_LOST_REACHED.problem(federation.master_host, zone=host, endpoint=endpoint)]
    return []


def lost_servers(zone: Zone, facts: Mapping[str, HostFacts]) -> dict[str, Problem]:
    """Why servers of the zone cannot be examined."""
    return {host: found[0] for host in zone.hosts for found in [checks.usable(facts[host])] if found}


def refuse_living(
    federation: Federation,
    facts: Mapping[str, HostFacts],
    zone: Zone,
    record: ZoneRecord | None,
    options: RemovalOptions,
) -> list[Problem]:
    """What keeps a zone that can be examined from leaving."""
    hosts = servers(zone, facts)
    master = facts[federation.master_host].frontend
    found = []
    for host in hosts:
        found += _refuse_server(host, facts[host].frontend, master, federation.master_zone.endpoint, options)
    listed = record.servers if record else ()
    known = (*hosts, *lost_servers(zone, facts))
    left = [one for one in listed if not any(server_of(zone, host, [one]) for host in known)]
    return found[:1] or [
        rules.REMOVE_SERVER_LEFT.problem(zone.host, server=one.name, endpoint=one.endpoint) for one in left
    ]


def _refuse_server(
    host: str, frontend: Frontend, master: Frontend, endpoint: str, options: RemovalOptions
) -> list[Problem]:
    journal, conf = frontend.journal, frontend.conf
    if journal:
        rule = rules.REMOVE_JOIN_OPEN if journal.of_zone else COPY_INTERRUPTED
        return [rule.problem(host, opened_at=journal.opened_at)]
    if host in options.open or frontend.is_standalone:
        return []
    if conf.mode != "SLAVE" or not frontend.follows(master, (endpoint,)):
        return [rules.REMOVE_OTHER_FEDERATION.problem(host, mode=conf.mode, zone_id=conf.zone_id)]
    return [] if frontend.has_copy else [rules.REMOVE_NO_COPY.problem(host, zone_id=conf.zone_id)]


def with_servers(
    plan: RemovalPlan, federation: Federation, facts: Mapping[str, HostFacts], zone: Zone, options: RemovalOptions
) -> RemovalPlan:
    """The plan with what the zone's servers have to do.

    Where some of them are made over and others are not, all begin anew with the databases of before: who was lost in
    the last run may have missed what the others have written since. A zone without a record has no way back; one of
    its servers that was left out may be made over from a database of its own, and becomes a copy.
    """
    hosts = servers(zone, facts)
    convert = any(host in options.copying or not _is_alone(facts[host].frontend) for host in hosts)
    convert = convert or (not plan.record and 0 < sum(host in options.open for host in hosts) < len(hosts))
    stopping = tuple(host for host in hosts if convert or not facts[host].frontend.is_standalone)
    begins_anew = convert and plan.record and len(hosts) > 1
    return replace(
        plan,
        hosts=hosts,
        lost=tuple(lost_servers(zone, facts)),
        zone_id=next((options.open[host] for host in hosts if host in options.open), plan.zone_id),
        endpoint=zone.endpoint,
        convert=convert,
        stopping=stopping,
        undo=tuple(host for host in hosts if host in options.open) if begins_anew else (),
        allow=addresses_of(federation, zone, facts) if len(hosts) > 1 else (),
        fireedge=tuple(host for host in stopping if _has_fireedge(facts[host].frontend)),
    )


def _is_alone(frontend: Frontend) -> bool:
    """Whether its database is one of a standalone zone."""
    return not frontend.database.is_slave and [one.id for one in frontend.database.zones] == [ALONE]


def _has_fireedge(frontend: Frontend) -> bool:
    return bool(frontend.fireedge and not frontend.fireedge.error)


def leaves(frontend: Frontend, host: str, record: ZoneRecord | None, options: RemovalOptions) -> bool:
    """Whether a server has something to do. One that lives its own life already only leaves a record behind."""
    if host in options.open or frontend.conf.mode == "SLAVE":
        return True
    stored = {one.id for one in frontend.database.zones}
    return bool(record and frontend.database.is_slave and record.id in stored)
