# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan holds of one zone, and how a plan reads. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ...module_utils._problems.problem import Problem, as_warnings
from .._checks import frontend as checks
from .._model.declared import Federation, Zone
from .._model.facts import Frontend, HostFacts, frontend_of
from .planned import Plan, ZonePlan

# Actions of zones to whose servers something is done.
_WORKED_ON = ("master", "join", "converge", "member")
KNOWN_AFTER_APPLY = "(known after apply)"
_SUMMARY = {
    "join": "joins",
    "converge": "is a member and changes",
    "excluded": "is left out",
    "unknown": "is not known yet",
}


def make_entry(zone: Zone, action: str, **more: Any) -> ZonePlan:
    """The plan of a zone, with what else is known of it."""
    return ZonePlan(zone.group, zone.label, zone.endpoint, action, zone.host, **more)


def is_bare(federation: Federation, name: str, facts: Mapping[str, HostFacts]) -> bool:
    """Whether playbook install has yet to make this host a front-end: what there is to do only that run can know."""
    frontend = frontend_of(facts, name)
    return bool(federation.hosts[name].install and frontend and not frontend.installed)


def unknown(zone: Zone, bare: bool) -> ZonePlan:
    """A zone that is `bare` itself, or whose master is."""
    first = ("OpenNebula is installed",) if bare else ()
    return make_entry(zone, "unknown", changes=(*first, f"federation: {KNOWN_AFTER_APPLY}"))


def worked_on(
    federation: Federation, facts: Mapping[str, HostFacts], hosts: Collection[str], zones: Mapping[str, ZonePlan]
) -> dict[str, Frontend]:
    """The front-ends of a run on `hosts` to which something may be done, of zones with these plans by group."""
    return {
        host: frontend
        for group, entry in zones.items()
        if entry.action in _WORKED_ON and not (entry.action == "master" and entry.problems)
        for host in federation.zones[group].hosts
        if host in hosts
        for frontend in [checks.usable_frontend(facts, host)]
        if frontend
    }


def placed(host: str, found: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems with their host, unless they know a place of their own."""
    return tuple(one if one.where else one.at(host) for one in found)


def warned(host: str, found: Iterable[Problem]) -> tuple[Problem, ...]:
    """The same for problems that stop nothing."""
    return placed(host, as_warnings(found))


def lines(label: str, found: Iterable[Problem]) -> list[str]:
    """Placed problems of a zone as lines that stand alone."""
    return [f"{label}, {one.line}" for one in found]


def left_out(entry: ZonePlan) -> list[str]:
    """Why a zone, or the change of its servers, is left out, as lines."""
    return lines(entry.label, entry.problems if entry.action == "excluded" else entry.server_problems)


def text(plan: Plan) -> list[str]:
    """The plan in lines."""
    shown = []
    for entry in plan.zones.values():
        if entry.action == "outside":
            continue
        shown.append(f"{entry.label} ({entry.endpoint}): {_summary(entry)}")
        shown += [f"  ~ {change}" for change in [*entry.changes, *entry.costs]]
        found = [*entry.problems, *entry.server_problems]
        shown += [f"  ! {one.line} [{one.code}]" for one in found]
        shown += [f"  ? {one.line} [{one.code}]" for one in entry.warnings]
    if plan.unmanaged:
        shown.append(f"Not in the inventory, left alone: {', '.join(plan.unmanaged)}")
    if not plan.changed and not plan.errors:
        shown.append("Nothing to change.")
    if plan.access:
        shown.append("Administrators and access: compared at the master once the zones are as declared.")
    return shown


def _summary(entry: ZonePlan) -> str:
    if entry.action == "master":
        return "master" if entry.changes else "master, as declared"
    if entry.action == "member" and not entry.reachable:
        return "is a member that could not be examined"
    if entry.action == "member":
        return "is a member" if entry.changes else "is a member as declared"
    return _SUMMARY[entry.action]
