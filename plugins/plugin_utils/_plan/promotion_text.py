# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator reads of the plan of a change of the master. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...module_utils._problems.problem import Problem
from .._model.declared import Federation
from .._model.facts import HostFacts
from .promotion_planned import FollowingZone, PromotionPlan


def plan_text(
    federation: Federation, facts: Mapping[str, HostFacts], plan: PromotionPlan, warnings: Sequence[Problem]
) -> list[str]:
    """The lines; `warnings` are what is lost."""
    zone = federation.zones[plan.zone]
    if not plan.changed:
        return [f"{zone.label} is the master, and every zone that answers follows it: nothing to change."]
    former = federation.zones[plan.former].label if plan.former else "nobody"
    how = f"{former} is lost" if plan.lost else f"{former} gives its place up, nothing is lost"
    if plan.goes_back:
        how = f"goes back into its place, as nothing was written since {former} took it"
    index = facts[plan.host].frontend.database.log.last_federated_index
    shown = [f"{zone.label} ({zone.endpoint}): becomes the master, with its own id {plan.zone_id}; {how}"]
    if plan.catching_up:
        shown.append(f"  ~ {', '.join(plan.catching_up)}: back to where an interrupted run began, to catch up first")
    if plan.promote:
        shown.append(f"  ~ oned stops; full backup; its log, up to federated record {index}, becomes a master's")
    if len(plan.promoting) > 1:
        shown.append(f"  ~ {', '.join(plan.promoting)}: all stop; the newest one's database is copied to the others")
    if plan.promote:
        for old, new in plan.renumbered.items():
            shown.append(f"  ~ server {old} gets the id {new}: oned sends nothing to a zone that has its leader's id")
    if plan.fireedge:
        shown.append(f"  ~ FireEdge on {', '.join(plan.fireedge)}: default_zone -> {plan.name}, {plan.endpoint}")
    if plan.demote:
        which = f" of {', '.join(plan.demoting)}" if len(plan.demoting) > 1 else ""
        back = f"comes back as a slave with its own id {plan.former_zone_id}"
        shown.append(f"  ~ {former}: oned{which} stops first, and {back}")
    for one in plan.follow.values():
        anew = "; it has records that are given up, and gets the new master's tables" if one.reseed else ""
        shown.append(f"  ~ {one.label}: MASTER_ONED -> {zone.endpoint}, oned restarts{_of(one)}{anew}")
    if plan.rotate:
        shown.append(f"  ~ oneadmin gets a new password in all zones that answer, so that {former} stays out")
    wait = ", the copies, and an election" if len(plan.promoting) > 1 else ""
    shown.append(
        f"  ~ nobody can write to the federation until the new master runs: for about two restarts of oned{wait}"
    )
    return shown + [f"  ? {one.line} [{one.code}]" for one in warnings] + [f"  ? {line}" for line in plan.left]


def _of(zone: FollowingZone) -> str:
    return f" on {', '.join(zone.hosts)}, one after the other" if len(zone.hosts) > 1 else ""
