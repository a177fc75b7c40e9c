# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a federation that was built otherwise, from what was found on its front-ends. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...module_utils._endpoints import is_loopback
from ...module_utils._errors import OnefedError
from .._checks.frontend import usable
from .._inventory.topology import TopologyError, topology
from .._model.facts import Frontend, HostFacts
from .._model.records import ListedServer, ZoneRecord
from .names import group_names
from .zone_variables import ZoneFound, carried, described_zone

# The parent when all hosts of an inventory were given.
_ANY_GROUP = "federation"


@dataclass(frozen=True)
class Found:
    """A host of the given inventory: what was found on it, and its `variables` there that may be read."""

    facts: HostFacts
    variables: Mapping[str, Any]


@dataclass(frozen=True)
class ExportedZone:
    """A zone's group; `notes` are what an operator has to decide, or to know."""

    group: str
    variables: Mapping[str, Any]
    hosts: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exported:
    """The federation's group with all variables that differ from their defaults."""

    group: str
    variables: Mapping[str, Any]
    zones: tuple[ExportedZone, ...]
    notes: tuple[str, ...] = ()


def export(group: str, found: Mapping[str, Found]) -> Exported:
    """The inventory with which a run has nothing to do, as far as what was built is what the collection builds.

    Raises OnefedError when the hosts are no federation, or more than one.
    """
    frontends = {host: one.facts.frontend for host, one in found.items() if not usable(one.facts)}
    records = _records(frontends, found)
    notes = [f"{host} was left out: {_why(one.facts)}" for host, one in found.items() if host not in frontends]
    alone = [host for host, frontend in frontends.items() if frontend.is_standalone]
    notes += [
        f"{host} was left out: it is in no federation. A zone that is to join is added by hand." for host in alone
    ]
    members = {host: frontend for host, frontend in frontends.items() if host not in alone}
    strangers = [host for host, frontend in members.items() if frontend.conf.zone_id not in records]
    notes += [
        f"{host} was left out: the federation has no zone {members[host].conf.zone_id}, of which it says to be."
        for host in strangers
    ]
    by_zone = {
        zone_id: {host: members[host] for host in members if members[host].conf.zone_id == zone_id}
        for zone_id in records
    }
    notes += [
        f"Zone {record.name} ({record.endpoint}) has no front-end in the inventory that was given; without, it is left "
        "alone by every run."
        for record in records.values()
        if not by_zone[record.id]
    ]
    shown = [record for record in records.values() if by_zone[record.id]]
    names = group_names([record.name for record in shown], group)
    known = {host: carried(found[host].variables) for host in members}
    common = _common([known[host] for host in members if host not in strangers])
    zones = tuple(
        _zone(name, record, by_zone[record.id], {host: _without(known[host], common) for host in known}, known)
        for name, record in zip(names, shown)
    )
    variables = dict(common)
    if any(is_loopback(record.endpoint) for record in shown):
        variables["federation_allow_loopback"] = True
    exported = Exported(_ANY_GROUP if group == "all" else group, variables, zones, tuple(notes))
    return replace(exported, notes=(*exported.notes, *_contradictions(exported)))


def _records(frontends: Mapping[str, Frontend], found: Mapping[str, Found]) -> dict[int, ZoneRecord]:
    """The zones by id, from a server of the master's zone, else from a slave."""
    federated = {host: one for host, one in frontends.items() if one.conf.mode in ("MASTER", "SLAVE")}
    if not federated:
        told = "; ".join(f"{host}: {_why(one.facts)}" for host, one in found.items() if usable(one.facts))
        raise OnefedError(
            "There is no federation to export: no front-end that could be examined is a master or a slave by its "
            f"oned.conf.{f' Not examined: {told}' if told else ''}"
        )
    masters = [host for host, one in federated.items() if one.conf.mode == "MASTER" and one.own_zone]
    if len(masters) > 1 and not all(federated[host].in_zone_with(federated[masters[0]]) for host in masters[1:]):
        raise OnefedError(
            f"The front-ends are of more than one federation: {', '.join(masters)} are masters and no servers of one "
            "zone. Export one federation at a time: name its front-ends with --limit."
        )
    order = sorted(federated.values(), key=lambda one: (one.conf.mode != "MASTER", not one.leads, not one.serves))
    known = next((one.zones for one in order if one.zones), ())
    if not known:
        raise OnefedError(f"None of {', '.join(federated)} tells which zones there are. Start oned on the master.")
    return {record.id: record for record in sorted(known, key=lambda record: record.id)}


def _zone(
    group: str,
    record: ZoneRecord,
    frontends: Mapping[str, Frontend],
    left: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, Mapping[str, Any]],
) -> ExportedZone:
    """A zone with its hosts by the ids of its servers; `left` is what differs between the hosts of the federation."""
    servers = {host: _listed(record, frontend) for host, frontend in frontends.items()}
    order = sorted(frontends, key=lambda host: (frontends[host].conf.server_id, host))
    ordered = {host: frontends[host] for host in order}
    variables, of_hosts, notes = described_zone(ZoneFound(group, record, ordered, servers, known))
    absent = [one for one in record.servers if one.id not in {two.id for two in servers.values() if two}]
    notes += [
        f"Server {one.name} (id {one.id}, {one.endpoint}) of zone {record.name} has no host in the inventory that was "
        "given. Add it, or a run says that it is not declared."
        for one in absent
    ]
    return ExportedZone(group, variables, {host: {**left[host], **of_hosts[host]} for host in order}, tuple(notes))


def _listed(record: ZoneRecord, frontend: Frontend) -> ListedServer | None:
    return next((one for one in record.servers if one.id == frontend.conf.server_id), None)


def _common(every: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all hosts have alike; addresses are each host's own."""
    names = set.intersection(*({*one} for one in every)) - {"ansible_host", "oned_address"} if every else set()
    return {
        name: every[0][name] for name in every[0] if name in names and all(one[name] == every[0][name] for one in every)
    }


def _without(variables: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if name not in common}


def _contradictions(exported: Exported) -> list[str]:
    """What a run would refuse of this inventory."""
    zones = {zone.group: list(zone.hosts) for zone in exported.zones}
    variables = {
        host: {**exported.variables, **zone.variables, **own}
        for zone in exported.zones
        for host, own in zone.hosts.items()
    }
    try:
        topology(exported.group, zones, variables)
    except TopologyError as error:
        return [f"To be decided, a run stops at it: {problem}" for problem in error.problems]
    return []


def _why(facts: HostFacts) -> str:
    return " ".join(problem.text for problem in usable(facts))
