# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a zone that leaves, in words: what refers to it, and what becomes of that. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .._model.references import References
from .removal_planned import RemovalPlan

_MOST = 5
_ALL = -10


def removal_text(plan: RemovalPlan) -> Iterator[str]:
    """The lines of a plan."""
    if not plan.changed:
        yield f"{plan.label or 'The zone'} is not a member of the federation, nothing refers to it: nothing to change."
        return
    becomes = "goes on as a zone of its own" if plan.starts else "is stopped, as a zone of its own"
    what = becomes if plan.hosts else "only what the federation has of it goes"
    yield f"{plan.label} ({plan.endpoint or 'no endpoint'}): leaves the federation; {what}"
    if plan.undo:
        yield f"  ~ {', '.join(plan.undo)}: the database of before an interrupted run is put back, to begin anew"
    if plan.convert:
        yield "  ~ oned stops; full backup"
        if len(plan.hosts) > 1:
            yield f"  ~ {', '.join(plan.hosts)}: all stop; the newest one's database is copied to the others"
        yield (
            f"  ~ in its own database zone {plan.zone_id} becomes zone 0, and records, rules, VDC entries and "
            "marketplaces of other zones are removed; users, groups, quotas and objects stay"
        )
    if plan.stopping:
        yield "  ~ MODE SLAVE -> STANDALONE, ZONE_ID -> 0"
    if plan.hosts and plan.starts:
        yield "  ~ oned starts, open to nobody else where it can be locked down, until its record is gone"
    if plan.record:
        yield f"  ~ at the master: record {plan.zone_id} is deleted, and its id is never used again"
    for one in plan.named:
        yield from _named(one)
    yield from (f"  ? {line}" for line in plan.warnings)


def _named(one: References) -> Iterator[str]:
    zone = f"zone {one.zone_id}{'' if one.name else ', which is no more'}"
    for vdc in one.vdcs:
        resources = ", ".join(f"{kind} {'ALL' if oid == _ALL else oid}" for kind, oid in vdc.resources)
        yield f"  ~ VDC {vdc.name} loses, of {zone}: {resources}"
    if one.rules:
        yield f"  ~ access rules on {zone} are removed ({len(one.rules)}): {_some([text for _oid, text in one.rules])}"
    if one.groups:
        yield f"  ~ groups that have such rules stay, without them: {_some(one.groups)}"
    for market in one.marketplaces:
        apps = f", with the records of its apps {_some(market.apps)}" if market.apps else ""
        yield f"  ~ marketplace {market.name} of {zone} goes{apps}; what it keeps stays where it is"


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:_MOST]) + (" …" if len(words) > _MOST else "")
