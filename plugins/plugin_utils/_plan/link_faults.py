# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which zones cannot be called through their TLS proxies and firewalls, once these are made. Pure.

Such a zone goes on as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...module_utils._problems.problem import Problem
from .._checks import cluster as cluster_checks
from .._checks import frontend as checks
from .._checks.connectivity import connectivity_problems
from .._model.declared import Federation, Zone
from .._model.facts import HostFacts
from .coordinator import with_coordinators
from .entry import placed
from .planned import Plan
from .planned_links import LinkResult


def link_faults(
    federation: Federation, plan: Plan, made: Mapping[str, LinkResult], facts: Mapping[str, HostFacts]
) -> dict[str, list[str]]:
    """What is wrong, as lines by group.

    `made` is what became of every host's proxy; `facts` are those after the proxies were made, of none to leave out who
    reaches whom.
    """
    found: dict[str, list[str]] = {}
    for host in plan.links.new:
        result = made.get(host, LinkResult())
        if not result.links:
            why = (result.failure or "The host was lost, or the run could not finish").rstrip(".")
            found.setdefault(federation.hosts[host].zone, []).append(f"{host} has no TLS proxy: {why}.")
    federation = with_coordinators(federation, facts) if facts else federation
    judged = _judged(federation, plan) if facts else set()
    for group in judged - set(found):
        lines = [] if federation.master in found else _unreached(federation, federation.zones[group], facts)
        if lines:
            found[group] = lines
    return found


def _judged(federation: Federation, plan: Plan) -> set[str]:
    """Groups of zones that are to be called otherwise than before: through TLS, or for the first time."""
    linked = plan.links.servers if plan.links.new else ()
    grown = [group for group, entry in plan.zones.items() if entry.action == "join" or entry.servers.add_server]
    return {federation.hosts[host].zone for host in linked} | set(grown if plan.firewall.opens else ())


def _unreached(federation: Federation, zone: Zone, facts: Mapping[str, HostFacts]) -> list[str]:
    """Between the zone and the master, and among the servers of a zone."""
    usable = {host: checks.usable_frontend(facts, host) for host in zone.servers}
    frontends = {host: frontend for host, frontend in usable.items() if frontend}
    master = checks.usable_frontend(facts, federation.master_host)
    problems: list[Problem] = []
    if not zone.is_master and zone.host in frontends and master:
        found = connectivity_problems(federation, zone, frontends[zone.host], master, linked=True)
        problems += placed(zone.host, found)
    for host, frontend in frontends.items():
        others = {other: zone.endpoints[other] for other in frontends if other != host}
        problems += placed(host, cluster_checks.routes(host, frontend, others, frontends, linked=True))
    return [one.line for one in problems]
