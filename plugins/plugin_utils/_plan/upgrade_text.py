# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the plan of an upgrade reads: method and why, what stops where in which order, and for about how long. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .._checks.upgrade import Examined, Goal, step_of
from .._model.upgrade import UpgradeInfo
from .entry import KNOWN_AFTER_APPLY
from .upgrade_zones import NONE, ROLLING, TOGETHER, ZoneView, target_version

_ORDER = (
    "Order: proof that zones replicate; {disabled}APIs are closed to users; followers stop, then leaders; backups; "
    "packages; configuration; migration; start; proof; APIs are opened{enabled}."
)


def describe(
    zones: Mapping[str, ZoneView],
    seen: Mapping[str, Examined],
    goal: Goal,
    method: str,
    hypervisors: str,
    seconds: Mapping[str, int],
) -> list[str]:
    """The plan of the `zones` that change, in lines, without what stands in its way."""
    if method == NONE:
        releases = sorted({one.info.release or "unknown" for one in seen.values() if one.info})
        return [f"OpenNebula is at {', '.join(releases)} already: nothing to change."] if releases else []
    shown = [_method(zones, seen, goal, method)]
    owner = next((view.leader for view in zones.values() if view.role == "master"), "the master")
    for group, view in zones.items():
        hosts = view.taking_part(method)
        outage = _outage(view, method, seconds[group])
        shown.append(f"{view.zone.label} ({view.zone.endpoint}): {_role(view)}, {outage}")
        changes = [_releases(hosts, seen, goal), *_resumed(hosts, seen), *_hypervisors(view, seen, hypervisors, method)]
        changes += _rolling(view) if method == ROLLING else _together(view, owner)
        changes.append(_backup(hosts, seen))
        changes.append(_configuration(hosts, seen))
        shown += [f"  ~ {change}" for change in changes]
    return shown + ([_order(hypervisors)] if method == TOGETHER else [])


def _order(hypervisors: str) -> str:
    if hypervisors == "leave":
        return _ORDER.format(disabled="", enabled="")
    return _ORDER.format(disabled="hypervisors are disabled; ", enabled=", and hypervisors enabled")


def _method(zones: Mapping[str, ZoneView], seen: Mapping[str, Examined], goal: Goal, method: str) -> str:
    target = goal.release or f"{goal.target}, its newest patch {KNOWN_AFTER_APPLY}"
    if method == ROLLING:
        return f"Upgrade to OpenNebula {target}: zone by zone, server by server, as no table changes."
    infos = [one.info for view in zones.values() for one in [seen[view.leader]] if one.info]
    change = next((text for info in infos for text in [_versions(info, goal)] if text), "tables change")
    federated = any(view.in_federation for view in zones.values())
    which = "all zones of the federation together" if federated else "all servers of a zone together"
    return f"Upgrade to OpenNebula {target}: {which}, as {change}."


def _versions(info: UpgradeInfo, goal: Goal) -> str:
    wanted = target_version(info, goal) or KNOWN_AFTER_APPLY
    changing = [
        f"{name} tables go from {stored} to {wanted}"
        for name, stored in (("shared", info.stored.shared), ("local", info.stored.local))
        if stored and stored != wanted
    ]
    return " and ".join(changing)


def _role(view: ZoneView) -> str:
    return {"master": "master", "slave": "slave"}.get(view.role, "in no federation")


def _outage(view: ZoneView, method: str, seconds: int) -> str:
    if method == ROLLING and view.followers:
        return f"its API is away for one election, about {seconds} s"
    about = f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"
    return f"its API is away for about {about}"


def _releases(hosts: Sequence[str], seen: Mapping[str, Examined], goal: Goal) -> str:
    by_release: dict[str, list[str]] = {}
    for host in hosts:
        info = seen[host].info
        by_release.setdefault((info.release if info else None) or "unknown", []).append(host)
    return "; ".join(f"{release} -> {goal.shown} on {', '.join(names)}" for release, names in by_release.items())


def _resumed(hosts: Sequence[str], seen: Mapping[str, Examined]) -> list[str]:
    open_at = {host: step_of(seen[host].info) for host in hosts}
    described = ", ".join(f"{host} is {step}" for host, step in open_at.items() if step)
    return [f"an interrupted upgrade goes on, with its first backups: {described}"] if described else []


def _hypervisors(view: ZoneView, seen: Mapping[str, Examined], wanted: str, method: str) -> list[str]:
    info = seen[view.leader].info
    if method == ROLLING:
        return []
    if wanted == "leave":
        return ["hypervisors stay as they are (upgrade_hosts: leave)"]
    if info is None or info.hypervisors is None:
        return [f"hypervisors that are enabled are disabled until the end: {KNOWN_AFTER_APPLY}"]
    if not info.hypervisors:
        return ["no hypervisor is enabled"]
    return [f"hypervisors {', '.join(map(str, info.hypervisors))} are disabled until the end"]


def _rolling(view: ZoneView) -> list[str]:
    turns = view.turns(ROLLING)
    last = ", the leader last" if view.followers and view.leader in turns else ""
    one_by_one = " one after the other" if len(turns) > 1 else ""
    return [f"oned and its companions stop and start on {', '.join(turns)}{one_by_one}{last}"]


def _together(view: ZoneView, owner: str) -> list[str]:
    first = f"{', '.join(view.followers)}, then " if view.followers else ""
    stops = f"oned and its companions stop on {first}{view.leader}"
    if view.role == "slave":
        done = f"gets the new shared tables from {owner}; its local tables are migrated on {view.leader}"
    else:
        done = f"shared and local tables are migrated on {view.leader}"
    copied = [f"{', '.join(view.followers)} get the database of {view.leader}"] if view.followers else []
    return [stops, done, *copied]


def _backup(hosts: Sequence[str], seen: Mapping[str, Examined]) -> str:
    infos = [seen[host].info for host in hosts]
    size = sum(info.database_size for info in infos if info)
    names = ", ".join(hosts)
    return f"backed up on {names}: configuration, auth files and the whole database ({size / 1_000_000:.0f} MB in all)"


def _configuration(hosts: Sequence[str], seen: Mapping[str, Examined]) -> str:
    infos = [info for host in hosts for info in [seen[host].info] if info]
    if infos and all(info.onecfg.installed for info in infos):
        return f"configuration files: onecfg upgrade {KNOWN_AFTER_APPLY}"
    return f"oned.conf stays as it is; attributes that are new or gone: {KNOWN_AFTER_APPLY}"
