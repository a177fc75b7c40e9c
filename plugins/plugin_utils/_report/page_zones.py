# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawing of a federation: the master's zone, and below it the zones to which it replicates. Pure.

What is said by a colour is said by a shape and in words, too. All values are escaped: they come from members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Record = Mapping[str, Any]

ERROR, WARNING, GOOD = "error", "warning", "good"
_WIDTH, _HEIGHT = 300, 48
_ICONS = {
    GOOD: '<circle cx="8" cy="8" r="6.5" fill="none" stroke="currentColor" stroke-width="2"/>'
    '<path d="M5 8l2 2 4-4" fill="none" stroke="currentColor" stroke-width="2"/>',
    WARNING: '<path d="M8 1.5L15 14.5H1z" fill="none" stroke="currentColor" stroke-width="2"/>'
    '<path d="M8 6v4M8 11.5v1.5" stroke="currentColor" stroke-width="2"/>',
    ERROR: '<path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" fill="currentColor"/><path d="M5 5l6 6M11 5l-6 6" class="cut"/>',
    "leader": '<path d="M8 1l2.1 4.6 5 .6-3.7 3.4 1 4.9L8 12l-4.4 2.5 1-4.9L.9 6.2l5-.6z" fill="currentColor"/>',
    "follower": '<circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" stroke-width="2"/>',
}
# A server that is its zone's only one leads it.
_ICON_OF_STATE = {"leader": "leader", "solo": "leader"}
_TRUNK = (
    '<svg class="trunk" viewBox="0 0 32 32" preserveAspectRatio="none" aria-hidden="true">'
    '<path class="line" d="{}"/>{}</svg>'
)
_ARROW = '<path class="head" d="M8 20h16L16 32z"/>'


def icon(name: str) -> str:
    return f'<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">{_ICONS[name]}</svg>'


def marked(severity: str, text: str) -> str:
    """A text with its severity's colour and shape; `text` is HTML."""
    return f'<span class="{severity}">{icon(severity)}{text}</span>'


def text_of(value: Any, unknown: str = "unknown") -> str:
    return unknown if value is None else escape(str(value))


def drawing(zones: Sequence[Record], history: Sequence[Record]) -> str:
    """The zones as cards; lines lead from the master to those that follow it."""
    masters = [zone for zone in zones if zone["is_master"]]
    others = [zone for zone in zones if not zone["is_master"]]
    top = "".join(f'<article class="card master">{_zone(zone, history)}</article>' for zone in masters)
    if masters and others:
        top += _TRUNK.format("M16 0V32", "")
    follow = _TRUNK.format("M16 0V22", _ARROW) if masters else ""
    cards = "".join(
        f'<div>{follow}<article class="card">{_zone(zone, history, bool(masters))}</article></div>' for zone in others
    )
    return top + (f'<div class="slaves">{cards}</div>' if cards else "")


def _zone(zone: Record, history: Sequence[Record], federated: bool = True) -> str:
    follows = "The master: it replicates to all others." if zone["is_master"] else "It follows the master."
    follows = follows if federated else "It is in no federation."
    facts = {"Id": text_of(zone["id"]), "Endpoint": text_of(zone["endpoint"], "none")}
    if zone["floating"]:
        facts["Floating address"] = _floating(zone)
    shown = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items())
    servers = "".join(f"<li>{_server(zone, server)}</li>" for server in zone["servers"])
    return (
        f'<h3>{escape(zone["name"])}</h3><p>{_verdict(zone)}</p><p class="soft">{follows}</p>'
        f'<dl class="facts">{shown}</dl><ul class="servers">{servers}</ul>{_chart(zone["name"], history)}'
    )


def _floating(zone: Record) -> str:
    holders = ", ".join(zone["floating"]["vip_holders"]) or "nobody that was asked"
    return f"{escape(zone['floating']['address'])}, held by {escape(holders)}"


def _verdict(zone: Record) -> str:
    severities = [problem["severity"] for problem in zone["problems"]]
    errors, warnings = severities.count(ERROR), len(severities) - severities.count(ERROR)
    if errors:
        return marked(ERROR, f"{errors} {'error' if errors == 1 else 'errors'}")
    if warnings:
        return marked(WARNING, f"{warnings} {'warning' if warnings == 1 else 'warnings'}")
    return marked(GOOD, "no problem")


def _server(zone: Record, server: Record) -> str:
    name = f"<strong>{escape(server['name'])}</strong>"
    if not server["reachable"]:
        return f"{marked(ERROR, name)} does not answer"
    state = server["raft_state"]
    words = {None: "tells no state", "solo": "the only server"}.get(state, state)
    told = f"{escape(str(words))}, index {text_of(server['index'], 'none')}"
    if server["lag"] and not zone["is_master"]:
        told += f", {server['lag']} behind the master"
    if server["log_lag"]:
        told += f", {server['log_lag']} records behind its leader"
    if server["has_vip"]:
        told += ", has the floating address"
    return f"{icon(_ICON_OF_STATE.get(state, 'follower'))}{name} {told}"


def _chart(name: str, history: Sequence[Record]) -> str:
    """The zone's index over the last runs, with a mark at the bottom where it was behind."""
    runs = [(run["time"], run["zones"][name]) for run in history if name in run["zones"]]
    known = [(when, one["index"]) for when, one in runs if one["index"] is not None]
    if len(known) < 2:
        return ""
    begin, end = runs[0][0], runs[-1][0]
    low, high = min(index for _when, index in known), max(index for _when, index in known)
    points = " ".join(
        f"{_at(when, begin, end):.1f},{40 - 36 * (index - low) / max(1, high - low):.1f}" for when, index in known
    )
    late = [(when, one["lag"]) for when, one in runs if one["lag"]]
    marks = "".join(f'<path class="lag" d="M{_at(when, begin, end):.1f} 43V48"/>' for when, _lag in late)
    worst = f"behind by up to {max(lag for _when, lag in late)} in {len(late)} of them" if late else "never behind"
    told = f"Index {known[0][1]} to {known[-1][1]} in {len(runs)} checks within {_span(end - begin)}, {worst}."
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f'<polyline class="index" points="{points}"/>{marks}</svg><p class="soft">{told}</p>'
    )


def _at(when: int, begin: int, end: int) -> float:
    return _WIDTH * (when - begin) / max(1, end - begin)


def _span(seconds: int) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"
