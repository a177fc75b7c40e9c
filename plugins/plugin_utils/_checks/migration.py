# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What stands in the way of importing a zone's identities: pure checks, and where an interrupted import stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._model.declared import Zone
from .._model.facts import Frontend, HostFacts
from .failure import module_failure
from .frontend import (
    Problem,
    credentials,
    problem,
)

Data = Mapping[str, Any]

_DECIDE = "See zone_import_conflicts, zone_import_overrides and zone_import_suffix."


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
        described = "Start it first; if this run does, run it again."
        found.append(problem("The master's oned does not run, so the import cannot be planned.", described))
    return found


def _half_done(frontend: Frontend) -> list[Problem]:
    if not frontend.is_exported:
        return []
    return [
        problem(
            "An interrupted run has begun to import its users, who would lose what they own.",
            "Run again with zone_import: true, or with playbook import_zone.",
        )
    ]


def _lost(frontend: Frontend) -> list[Problem]:
    copy = f"{frontend.journal.directory if frontend.journal else ''}/identities.yml"
    return [
        problem(
            "An interrupted run has begun its import, and what it kept of that is not on this controller.",
            "Run again where it was started, or bring its federation_import_directory here; a copy of the identities "
            f"alone is {copy} on the host.",
        )
    ]


def _unread(frontend: Frontend) -> list[Problem]:
    """Whether the zone's oned can be asked for its identities."""
    journal = frontend.journal
    begun = journal and journal.reached - {"opened"} and not frontend.join_undone
    if begun or not frontend.is_standalone:
        return [
            problem(
                "It is a slave already, or an interrupted run has begun to join it without its users.",
                "Let it join or be returned to what it was, as that run would have: without zone_import.",
            )
        ]
    if not frontend.serves:
        return [
            problem(
                "Its oned does not run or does not answer, so its users and their possessions cannot be written down.",
                "Start it and run again.",
            )
        ]
    return credentials(frontend)


def _refused(planned: Data | None) -> list[Problem]:
    """What the master said against the import."""
    if planned is None:
        return []
    if "plan" not in planned:
        if planned.get("unreachable"):
            return [problem("Its import cannot be planned: the host was lost.", "")]
        described, remedy = module_failure(planned)
        return [problem(f"Its import cannot be planned: {described}", remedy)]
    plan = planned["plan"]
    return [
        *(problem(f"Import: {text}", _DECIDE) for text in plan["collisions"]),
        *(problem(f"Import: {text}", "") for text in plan["problems"]),
    ]
