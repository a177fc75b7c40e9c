# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which zone can become the master, whether the master is lost, and what is lost with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...module_utils._endpoints import same_endpoint
from ...module_utils._problems import promotion as rules
from ...module_utils._problems.problem import Problem
from .._checks import frontend as checks
from .._model.declared import Federation, Zone
from .._model.facts import HostFacts
from .own_names import more_names
from .promotion_servers import is_of_several, refuse_promotion


def choose(
    federation: Federation, facts: Mapping[str, HostFacts], wanted: str | None
) -> tuple[Zone | None, list[Problem]]:
    """The zone that is asked for, or why there is none; without a choice, the one with the newest records is named."""
    if wanted:
        found = federation.zone_called(wanted)
        known = ", ".join(zone.label for zone in federation.zones.values())
        return found, [] if found else [rules.PROMOTE_ZONE_UNKNOWN.problem(zone=wanted, known=known)]
    indexes = _indexes(federation, facts)
    shown = ", ".join(f"{federation.zones[group].label} {index}" for group, index in indexes.items())
    proposed = federation.zones[next(iter(indexes))].label if indexes else "<name>"
    return None, [rules.PROMOTE_ZONE_UNSET.problem(indexes=shown or "no slave answers", proposed=proposed)]


def refuse(federation: Federation, facts: Mapping[str, HostFacts], zone: Zone) -> list[Problem]:
    """What keeps the zone from becoming the master."""
    host = facts[zone.host]
    unusable = checks.usable(host)
    if unusable:
        return [one.at(zone.host) for one in unusable]
    frontend = host.frontend
    if frontend.conf.mode not in ("SLAVE", "MASTER") or (frontend.conf.mode == "SLAVE" and not frontend.has_copy):
        return [rules.PROMOTE_NO_SLAVE.problem(zone.host, mode=frontend.conf.mode)]
    return refuse_promotion(zone, facts)


def master_of(federation: Federation, facts: Mapping[str, HostFacts], zone: Zone) -> Zone | None:
    """The zone that is, or was, the master before `zone`; None when the inventory does not have it."""
    if zone.group != federation.master:
        return federation.master_zone
    others = [other for group, other in federation.zones.items() if group != zone.group]
    called = {
        found.conf.master_oned or ""
        for other in (zone, *others)
        for found in [checks.usable_frontend(facts, other.host)]
        if found and found.conf.mode == "SLAVE"
    }
    leads = [other for other in others if _is_master(facts, other)]
    return next(
        iter([*leads, *(other for other in others if any(same_endpoint(one, other.endpoint) for one in called))]), None
    )


def loss(
    federation: Federation,
    facts: Mapping[str, HostFacts],
    zone: Zone,
    former: Zone,
    confirmed: str | None,
    alive: bool,
) -> list[Problem]:
    """What speaks against the master's loss, or against calling it lost."""
    if confirmed and federation.zone_called(confirmed) is not former:
        return [rules.PROMOTE_LOST_OTHER.problem(lost=confirmed, master=former.label)]
    if alive:
        return [rules.PROMOTE_NOT_LOST.problem(former.label)] if confirmed else []
    if confirmed:
        return []
    found = []
    for host in former.servers:
        if facts[host].unreachable:
            continue
        unusable = checks.usable(facts[host])
        detail = unusable[0].text if unusable else "it has no leader, and another server could lead unseen."
        found.append(rules.PROMOTE_LOSS_UNPROVED.problem(_place(former, host), detail=detail, lost=former.label))
    for other in federation.zones.values():
        if other.group == former.group:
            continue
        for host in other.servers:
            unusable = checks.usable(facts[host])
            if unusable:
                detail = unusable[0].text
                found.append(rules.PROMOTE_LOSS_UNPROVED.problem(host, detail=detail, lost=former.label))
            elif facts[host].frontend.answers_at(former.endpoint):
                found.append(rules.PROMOTE_MASTER_REACHED.problem(host, endpoint=former.endpoint))
    return found


def given_up(federation: Federation, facts: Mapping[str, HostFacts], zone: Zone, former: Zone | None) -> list[Problem]:
    """What other zones have received of the lost master, and the one that is promoted has not."""
    indexes = _indexes(federation, facts, former)
    mine = indexes.get(zone.group, 0)
    ahead = {group: index for group, index in indexes.items() if index > mine}
    if not ahead:
        return []
    best = federation.zones[next(iter(ahead))]
    theirs = facts[best.host].frontend.database
    records = sum(index > mine for index in theirs.log.recent_federated_indexes)
    names = more_names(theirs.own, facts[zone.host].frontend.database.own)
    return [
        rules.PROMOTE_LOSES.problem(
            records=records,
            zones=", ".join(federation.zones[group].label for group in ahead),
            label=zone.label,
            index=mine,
            names=f", among them {names}" if names else "",
            proposed=best.label,
        )
    ]


@dataclass(frozen=True)
class Began:
    """The newest federated index with which a zone took the place of the master; None where nobody knows any more."""

    index: int | None


def written(former: Zone, facts: Mapping[str, HostFacts], zone: Zone, began: Began) -> list[Problem]:
    """What keeps a master from going back into the place that `former` took."""
    if began.index is None:
        return [rules.PROMOTE_TWO_MASTERS.problem(zone.host, other=former.label)]
    last, mine = (facts[one.host].frontend.database.log.last_federated_index or 0 for one in (former, zone))
    if last <= began.index <= mine:
        return []
    return [
        rules.PROMOTE_WRITTEN.problem(zone.host, other=former.label, began=began.index, last=last, label=zone.label)
    ]


def ahead_of_several(
    federation: Federation, facts: Mapping[str, HostFacts], zone: Zone, former: str | None, ended: int | None
) -> list[Problem]:
    """Zones of several servers that have received more of the lost master: their log takes no other tables."""
    mine = facts[zone.host].frontend.database.log.last_federated_index or 0
    return [
        rules.PROMOTE_SEVERAL_AHEAD.problem(other.label, label=zone.label, index=index, mine=limit)
        for group, other in federation.zones.items()
        if group not in (zone.group, former) and is_of_several(other, facts)
        for found in [checks.usable_frontend(facts, other.host)]
        if found and found.conf.mode == "SLAVE" and not same_endpoint(found.conf.master_oned or "", zone.endpoint)
        for index, limit in [(found.database.log.last_federated_index or 0, mine if ended is None else ended)]
        if index > limit
    ]


def _indexes(federation: Federation, facts: Mapping[str, HostFacts], former: Zone | None = None) -> dict[str, int]:
    """Newest federated indexes of slaves that answer, by group, the newest first."""
    left = former.group if former else federation.master
    found = {
        group: frontend.database.log.last_federated_index or 0
        for group, zone in federation.zones.items()
        for frontend in [checks.usable_frontend(facts, zone.host)]
        if group != left and frontend and frontend.conf.mode == "SLAVE"
    }
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _place(zone: Zone, host: str) -> str:
    return host if len(zone.servers) > 1 else zone.label


def _is_master(facts: Mapping[str, HostFacts], zone: Zone) -> bool:
    """Whether a server of the zone is a master's; others may have been made a slave's by an interrupted run."""
    found = (checks.usable_frontend(facts, host) for host in zone.servers)
    return any(one is not None and one.conf.mode == "MASTER" for one in found)
