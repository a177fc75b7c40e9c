# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a join or a changed declaration means for the companions of oned, FireEdge among them. Pure."""

from __future__ import annotations

from ...module_utils._problems.frontend import FIREEDGE_NOT_EDITED
from ...module_utils._problems.problem import Problem
from .._model.declared import Zone
from .._model.facts import Frontend


def describe_stop(frontend: Frontend) -> str:
    """What stops on a joining zone, in words."""
    journal = frontend.journal
    # Of an interrupted join they are stopped already; its journal knows which run again.
    names = [*(journal.original.companions if journal else ())]
    names += [one.unit for one in frontend.companions if one.active]
    services = ", ".join(dict.fromkeys(names))
    if frontend.runs:
        return f"oned, {services} stop until it has joined" if services else "oned stops until it has joined"
    return f"oned does not run and is started{f'; {services} stop until it has joined' if services else ''}"


def fireedge_wanted(zone: Zone, zone_id: int, frontend: Frontend) -> tuple[bool, list[str]]:
    """Whether default_zone of a member's FireEdge has to change, and how; not where it cannot be edited."""
    fireedge = frontend.fireedge
    if not fireedge or fireedge.error:
        return False, []
    now = fireedge.default_zone
    described = [
        f"{key} {given or '(empty)'} -> {wanted}"
        for key, given, wanted in (
            ("id", now.id, str(zone_id)),
            ("name", now.name, zone.name),
            ("endpoint", now.endpoint, zone.endpoint),
        )
        if given != wanted
    ]
    return bool(described), [f"default_zone of FireEdge: {', '.join(described)}"] if described else []


def fireedge_joins(zone: Zone, frontend: Frontend) -> tuple[bool, list[str]]:
    """The same for a zone that joins, whose id is not known yet."""
    fireedge = frontend.fireedge
    if not fireedge or fireedge.error:
        return False, []
    return True, [f"FireEdge gets the master's fireedge_key, and default_zone -> {zone.name}, {zone.endpoint}"]


def fireedge_problems(frontend: Frontend) -> list[Problem]:
    """A file of FireEdge that cannot be edited keeps no zone from its federation."""
    fireedge = frontend.fireedge
    if not fireedge or not fireedge.error:
        return []
    return [FIREEDGE_NOT_EDITED.problem(detail=fireedge.error)]
