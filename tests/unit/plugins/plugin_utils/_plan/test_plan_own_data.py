# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a joining zone may have of its own when its oned has stopped, by the plan, and how the report tells of more."""

from __future__ import annotations

from typing import Any

import pytest
from planned import declared, frontend, plan

from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.declared import Federation
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.planned import Plan
from ansible_collections.onefed.opennebula.plugins.plugin_utils._report.report import make_report

ZONES = [{"id": 0, "name": "OpenNebula", "endpoint": "http://192.0.2.31:2633/RPC2", "servers": []}]


def paris(*users: str) -> dict[str, Any]:
    found = frontend()
    found["database"]["zones"] = ZONES
    found["database"]["own"]["users"] = list(users)
    return found


def entry_of(found: dict[str, Any], **variables: Any) -> dict[str, Any]:
    entry: dict[str, Any] = plan(frontend(), found, what=declared(**variables))["zones"]["paris"]
    return entry


def test_a_zone_that_had_nothing_may_have_nothing() -> None:
    entry = entry_of(paris())
    assert entry["own_data"] == {"action": "refuse", "known": {}, "zones": ZONES, "is_slave": False}


def test_a_zone_may_have_what_is_discarded_and_the_plan_names_it() -> None:
    entry = entry_of(paris("ada", "remy"), zone_discard=True)
    assert (entry["own_data"]["action"], entry["own_data"]["known"]["users"]) == ("discard", ["ada", "remy"])
    assert "its own data goes, as zone_discard says: users ada, remy" in entry["changes"]


def test_a_zone_that_is_imported_is_compared_with_what_was_noted() -> None:
    assert entry_of(paris("ada"), zone_import=True)["own_data"]["action"] == "import"


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_of_a_join_that_was_undone_only_the_journal_is_left(state: str) -> None:
    found = paris()
    steps = [{"step": step} for step in ("opened", "restoring", "reverted")]
    journal = {"zone_existed": False, "zone_name": "paris", "original": {"companions": []}, "steps": steps}
    found["journal"] = {**journal, "step": "reverted"}
    found["service"]["state"] = state
    entry = entry_of(found)
    assert (entry["undone"], entry["resumes"]) == (state == "running", state != "running")


def test_the_report_names_what_went_beyond_the_plan() -> None:
    what = declared(zone_discard=True)
    made = plan(frontend(), paris(), what=what)
    seen = {"paris-1": {"verified": {"discarded": ["users lea", "groups web"]}}}
    told = "\n".join(make_report(Federation.from_dict(what), Plan.from_dict(made), seen).text)
    assert (
        "paris had more of its own than the plan told, which went as zone_discard says: users lea; groups web." in told
    )
