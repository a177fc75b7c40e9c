# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of importing a zone's identities: pure checks, and where an interrupted import stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._problems import own_data as rules
from ...module_utils._problems.problem import Problem
from .._model.declared import Zone
from .._model.facts import Frontend, HostFacts
from .._model.identity_plan import IdentityPlan, ImportAnswer
from .._model.plain import parse
from .failure import module_failure
from .frontend import credentials


def import_answer(result: Mapping[str, Any]) -> ImportAnswer:
    """What the master said, from a registered result of identity_import."""
    if "plan" in result:
        return ImportAnswer(parse(IdentityPlan, result["plan"]))
    if result.get("unreachable"):
        return ImportAnswer(lost=True)
    text, remedy = module_failure(result)
    return ImportAnswer(error=text, remedy=remedy)


def wanted(zone: Zone, frontend: Frontend) -> bool:
    """Whether a joining zone's identities are imported; one whose oned never ran has none."""
    journal = frontend.journal
    filled = frontend.database.bootstrapped or (journal and journal.original.bootstrapped)
    return bool(zone.import_ and filled)


def problems(zone: Zone, host_facts: HostFacts, master: Frontend) -> list[Problem]:
    """What keeps the identities of a joining zone from being imported, if they are to be."""
    return unaskable(zone, host_facts, master) or _refused(host_facts.kept.planned)


def unaskable(zone: Zone, host_facts: HostFacts, master: Frontend) -> list[Problem]:
    """Why the import cannot even be planned."""
    frontend = host_facts.frontend
    if not wanted(zone, frontend):
        return _half_done(frontend)
    found = _unread(frontend) if not frontend.is_exported else _lost(frontend) if not host_facts.kept.document else []
    if not master.serves:
        found.append(rules.MASTER_STOPPED.problem())
    return found


def _half_done(frontend: Frontend) -> list[Problem]:
    return [rules.IMPORT_HALF_DONE.problem()] if frontend.is_exported else []


def _lost(frontend: Frontend) -> list[Problem]:
    folder = frontend.journal.directory if frontend.journal else ""
    return [rules.IMPORT_DOCUMENT_LOST.problem(copy=f"{folder}/identities.yml")]


def _unread(frontend: Frontend) -> list[Problem]:
    """Whether the zone's oned can be asked for its identities."""
    journal = frontend.journal
    begun = journal and journal.reached - {"opened"} and not frontend.join_undone
    if begun or not frontend.is_standalone:
        return [rules.IMPORT_TOO_LATE.problem()]
    if not frontend.serves:
        return [rules.IMPORT_ZONE_STOPPED.problem()]
    return credentials(frontend)


def _refused(planned: ImportAnswer | None) -> list[Problem]:
    """What the master said against the import."""
    if planned is None:
        return []
    if planned.lost:
        return [rules.IMPORT_HOST_LOST.problem()]
    if planned.plan is None:
        return [rules.IMPORT_NOT_PLANNED.problem(detail=planned.error, what_to_do=planned.remedy)]
    return [
        *(rules.IMPORT_CONFLICT.problem(detail=text) for text in planned.plan.collisions),
        *(rules.IMPORT_REFUSED.problem(detail=text) for text in planned.plan.problems),
    ]
