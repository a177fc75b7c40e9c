# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What stands in the way of importing a zone's identities: pure checks, and where an interrupted import stands.

The facts of the zone's host (see frontend) have C(import) besides: C(document) and C(plan), the paths on the
controller of what an interrupted import kept there, None where there is no such file, and C(planned), what the master
said of the import, None before it was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .failure import module_failure
from .frontend import (
    Problem,
    credentials,
    in_raft,
    problem,
    raft_state,
    serves,
)

Data = Mapping[str, Any]

# Steps in the journal of a zone: its identities are written down for good; what its join did is undone.
EXPORTED = "exported"
REVERTED = "reverted"
_NOTHING: Data = {"document": None, "plan": None, "planned": None}
_DECIDE = "See zone_import_conflicts, zone_import_overrides and zone_import_suffix."


def kept_of(host_facts: Data) -> Data:
    """What an interrupted import kept."""
    return host_facts.get("import") or _NOTHING


def wanted(zone: Data, frontend: Data) -> bool:
    """Whether a joining zone's identities are imported; one whose oned never ran has none."""
    journal = frontend["journal"]
    filled = frontend["database"]["bootstrapped"] or (journal and journal["original"].get("bootstrapped"))
    return bool(zone["import"] and filled)


def lives(frontend: Data) -> bool:
    """Whether a zone stands alone and answers, so that its tables are its own; one of several servers leads then."""
    leads = not in_raft(frontend) or raft_state(frontend) == "leader"
    return serves(frontend) and leads and bool(frontend["conf"]["mode"] == "STANDALONE")


def undone(frontend: Data) -> bool:
    """Whether a join was undone so far that the zone lives its own life again, and only its journal is open."""
    journal = frontend["journal"]
    return bool(journal and journal.get("step") == REVERTED and lives(frontend))


def exported(frontend: Data) -> bool:
    """Whether the zone's identities were written down before it stopped, and are never to be read from it again."""
    journal = frontend["journal"]
    return bool(journal and EXPORTED in steps_of(journal) and not undone(frontend))


def problems(zone: Data, host_facts: Data, master: Data) -> list[Problem]:
    """What keeps the identities of a joining zone from being imported, if they are to be."""
    return unaskable(zone, host_facts, master) or _refused(kept_of(host_facts)["planned"])


def unaskable(zone: Data, host_facts: Data, master: Data) -> list[Problem]:
    """Why the import cannot even be planned."""
    frontend = host_facts["frontend"]
    if not wanted(zone, frontend):
        return _half_done(frontend)
    if exported(frontend):
        found = _lost(frontend) if kept_of(host_facts)["document"] is None else []
    else:
        found = _unread(frontend)
    if not serves(master):
        described = "Start it first; if this run does, run it again."
        found.append(problem("The master's oned does not run, so the import cannot be planned.", described))
    return found


def _half_done(frontend: Data) -> list[Problem]:
    if not exported(frontend):
        return []
    return [
        problem(
            "An interrupted run has begun to import its users, who would lose what they own.",
            "Run again with zone_import: true, or with playbook import_zone.",
        )
    ]


def _lost(frontend: Data) -> list[Problem]:
    copy = f"{frontend['journal']['directory']}/identities.yml"
    return [
        problem(
            "An interrupted run has begun its import, and what it kept of that is not on this controller.",
            "Run again where it was started, or bring its federation_import_directory here; a copy of the identities "
            f"alone is {copy} on the host.",
        )
    ]


def _unread(frontend: Data) -> list[Problem]:
    """Whether the zone's oned can be asked for its identities."""
    journal = frontend["journal"]
    begun = journal and steps_of(journal) - {"opened"} and not undone(frontend)
    if begun or frontend["conf"]["mode"] != "STANDALONE":
        return [
            problem(
                "It is a slave already, or an interrupted run has begun to join it without its users.",
                "Let it join or be returned to what it was, as that run would have: without zone_import.",
            )
        ]
    if not serves(frontend):
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


def steps_of(journal: Data) -> set[str]:
    """All steps that a join has reached, by its journal."""
    return {one["step"] for one in journal.get("steps", [])}
