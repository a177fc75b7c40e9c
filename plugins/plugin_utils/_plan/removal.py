# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a zone leaves its federation, as a zone of its own or to be switched off; or only what is left of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...module_utils._endpoints import same_endpoint
from ...module_utils._problems import removal as rules
from ...module_utils._problems.problem import Problem
from .._checks import frontend as checks
from .._model.declared import Federation, Zone
from .._model.facts import Frontend, HostFacts
from .._model.records import ZoneRecord
from .._model.references import References
from .coordinator import with_coordinators
from .promotion_servers import servers
from .removal_planned import STANDALONE, STOPPED, RemovalOptions, RemovalPlan
from .removal_servers import leaves, lost_servers, refuse_living, refuse_lost, with_servers
from .removal_text import removal_text

# A host without OpenNebula, such as one that was set up anew, has no zone any more.
_GONE = "not_installed"


def plan_removal(federation: Federation, facts: Mapping[str, HostFacts], options: RemovalOptions) -> RemovalPlan:
    """The plan; `facts` hold every host of the inventory that was examined."""
    federation = with_coordinators(federation, facts)
    plan = RemovalPlan(master=federation.master_host)
    problems = _master(federation, facts, options)
    if problems:
        return replace(plan, errors=_lines(problems))
    known = facts[federation.master_host].frontend
    zone = federation.zone_called(options.zone)
    record = _record(known, zone, facts, options)
    problems = _refuse(federation, known, zone, record, options)
    if not problems and zone:
        problems = _refuse_servers(federation, facts, zone, record, options)
    if problems:
        return replace(plan, errors=_lines(problems))
    plan = replace(plan, label=_label(zone, record), declared=zone is not None, record=record is not None)
    plan = replace(plan, zone_id=record.id if record else None, endpoint=record.endpoint if record else None)
    if zone and any(leaves(facts[host].frontend, host, record, options) for host in servers(zone, facts)):
        plan = with_servers(plan, federation, facts, zone, options)
    plan = replace(plan, starts=options.remove_as == STANDALONE, named=_named(options.references, plan.zone_id))
    plan = replace(plan, changed=bool(plan.hosts or plan.record or plan.named))
    if plan.changed and not options.check and options.confirm != plan.label:
        return replace(plan, errors=_lines([rules.REMOVE_UNCONFIRMED.problem(zone=plan.label)]))
    warned = [rules.REMOVE_SERVER_LOST.problem(host, zone=plan.label) for host in plan.lost]
    warned += [rules.REMOVE_PASSWORD_KNOWN.problem(zone=plan.label)] if plan.hosts else []
    plan = replace(plan, warnings=_lines(warned))
    plan = replace(plan, groups={host: tuple(_groups(plan, host)) for host in federation.hosts})
    return replace(plan, text=tuple(removal_text(plan)))


def _master(federation: Federation, facts: Mapping[str, HostFacts], options: RemovalOptions) -> list[Problem]:
    host = federation.master_host
    unusable = checks.usable(facts[host])
    detail = unusable[0].text if unusable else options.unread
    if not detail:
        frontend = facts[host].frontend
        leads = frontend.serves and (frontend.leads or not frontend.in_raft)
        if not (leads and frontend.conf.mode == "MASTER"):
            detail = f"its oned is {frontend.service.state}, with MODE {frontend.conf.mode}."
    return [rules.REMOVE_MASTER_UNUSABLE.problem(host, detail=detail)] if detail else []


def _record(
    known: Frontend, zone: Zone | None, facts: Mapping[str, HostFacts], options: RemovalOptions
) -> ZoneRecord | None:
    """The record at the master: by the id that the zone has, else by name, else by endpoint."""
    if zone is None:
        return next((one for one in known.zones if one.name == options.zone), None)
    hosts = servers(zone, facts)
    ids = [options.open[host] for host in hosts if host in options.open]
    confs = [facts[host].frontend.conf for host in hosts]
    ids += [conf.zone_id for conf in confs if conf.mode == "SLAVE" and conf.zone_id is not None]
    if ids:
        return known.zone(ids[0])
    by_name = (one for one in known.zones if one.name == zone.label)
    by_endpoint = (one for one in known.zones if same_endpoint(one.endpoint or "", zone.endpoint))
    return next(iter([*by_name, *by_endpoint]), None)


def _refuse(
    federation: Federation, known: Frontend, zone: Zone | None, record: ZoneRecord | None, options: RemovalOptions
) -> list[Problem]:
    if options.remove_as not in (STANDALONE, STOPPED):
        return [rules.REMOVE_AS_UNKNOWN.problem(value=options.remove_as)]
    if (zone and zone.group == federation.master) or (record and record.id == known.conf.zone_id):
        return [rules.REMOVE_MASTER.problem(zone=_label(zone, record))]
    if zone is None and record is None and not (options.zone and options.zone in options.lost):
        names = ", ".join(one.name for one in known.zones if one.id != known.conf.zone_id)
        return [rules.REMOVE_ZONE_UNKNOWN.problem(zone=options.zone or "", known=names or "none")]
    if zone is None and record and record.name not in options.lost:
        detail = "the inventory does not have it."
        return [rules.REMOVE_LOSS_UNCONFIRMED.problem(zone=record.name, detail=detail)]
    return []


def _refuse_servers(
    federation: Federation,
    facts: Mapping[str, HostFacts],
    zone: Zone,
    record: ZoneRecord | None,
    options: RemovalOptions,
) -> list[Problem]:
    label = _label(zone, record)
    unusable = lost_servers(zone, facts)
    if not unusable:
        if options.lost:
            return [rules.REMOVE_NOT_LOST.problem(zone.host, zone=label)]
        return refuse_living(federation, facts, zone, record, options)
    if len(unusable) < len(zone.hosts):
        problems = refuse_lost(federation, facts, zone, options)
        return problems or refuse_living(federation, facts, zone, record, options)
    for host, found in unusable.items():
        if not facts[host].unreachable and found.code != _GONE:
            return [found.at(host)]
    if label not in options.lost:
        detail = next(iter(unusable.values())).text
        return [rules.REMOVE_LOSS_UNCONFIRMED.problem(zone.host, zone=label, detail=detail)]
    if facts[federation.master_host].frontend.answers_at(zone.endpoint):
        return [rules.REMOVE_LOST_REACHED.problem(federation.master_host, zone=label, endpoint=zone.endpoint)]
    return []


def _label(zone: Zone | None, record: ZoneRecord | None) -> str:
    """The name by which the federation knows the zone."""
    return record.name if record else zone.label if zone else ""


def _named(references: Sequence[References], zone_id: int | None) -> tuple[References, ...]:
    return tuple(one for one in references if one.is_any and (one.name is None or one.zone_id == zone_id))


def _groups(plan: RemovalPlan, host: str) -> list[str]:
    """What `host` takes part in, as names of groups for the plays."""
    parts = {
        "federation_master": host == plan.master,
        "federation_deleting": host == plan.master and (plan.record or bool(plan.named)),
        "federation_leaving": host in plan.hosts,
    }
    return [name for name, takes_part in parts.items() if takes_part]


def _lines(problems: Sequence[Problem]) -> tuple[str, ...]:
    return tuple(one.line for one in problems)
