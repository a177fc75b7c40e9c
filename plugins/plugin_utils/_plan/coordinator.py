# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which server speaks for its zone, as the servers stand now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .._checks import frontend as checks
from .._model.declared import Federation, Zone
from .._model.facts import NOT_EXAMINED, HostFacts
from .detach import may_be_given_up
from .members import server_of

# How near a server is to speaking for its zone.
_JOINS, _LEADS, _BEGAN, _FOLLOWS, _LEFT_SOLO, _STANDS, _FEDERATED, _DETACHED, _ALONE, _COMES, _UNKNOWN = range(11)


def with_coordinators(federation: Federation, facts: Mapping[str, HostFacts]) -> Federation:
    """The federation with each zone's `host`, and the `master_host`, as the servers stand now.

    A zone is worked on through its leader; without one through a server that is a member; else through the first.
    `reached_at` is the endpoint at which others must find it now.
    """
    zones = {}
    for group, zone in federation.zones.items():
        host = min(zone.servers, key=lambda name: _rank(zone, name, facts.get(name, NOT_EXAMINED)))
        # Until somebody holds the floating address, the zone is where its coordinator is.
        unheld = zone.floating and not any(has_vip(zone, facts.get(name, NOT_EXAMINED)) for name in zone.hosts)
        reached_at = zone.endpoints[host] if unheld else zone.endpoint
        zones[group] = replace(zone, host=host, reached_at=reached_at)
    return replace(federation, zones=zones, master_host=zones[federation.master].host)


def has_vip(zone: Zone, host_facts: HostFacts) -> bool:
    """Whether this host has the zone's floating address."""
    frontend = host_facts.examined
    return bool(zone.floating and frontend and frontend.has_address(zone.floating.address))


def _rank(zone: Zone, host: str, host_facts: HostFacts) -> int:
    if checks.usable(host_facts):
        return _UNKNOWN
    frontend = host_facts.frontend
    journal = frontend.journal
    if journal and not may_be_given_up(host_facts):
        return _JOINS if journal.of_zone else _COMES
    if journal and not frontend.leads:
        return _BEGAN
    if frontend.in_raft:
        if frontend.leads:
            return _LEADS
        # One that a join has detached from its leader is what its zone was; that leader is a slave by now.
        if frontend.is_standalone or (frontend.conf.mode == "MASTER" and not zone.is_master):
            return _DETACHED
        return _FOLLOWS if frontend.raft_state == "follower" else _STANDS
    if frontend.is_standalone:
        return _ALONE
    # One that an interrupted run left alone has gone on without the others, which have no leader.
    listed = server_of(zone, host, frontend.servers_of(frontend.conf.zone_id))
    return _LEFT_SOLO if listed and frontend.runs else _FEDERATED
