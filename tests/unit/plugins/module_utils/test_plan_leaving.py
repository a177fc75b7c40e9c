# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Step 3 in the plan: servers that leave their zone."""

from __future__ import annotations

import pytest
from grown import declared, group_of_three, plan, url

LEAVES = {"paris-1": {}, "paris-2": {}, "paris-3": {"oned_state": "absent"}}


@pytest.mark.parametrize("leader", ["paris-2", "paris-3"])
def test_an_absent_server_leaves_and_hands_the_lead_over(leader: str) -> None:
    what = declared(LEAVES, zone_allow_even=True)
    made = plan(group_of_three(leader), what)
    entry = made["zones"]["paris"]
    assert entry["host"] == "paris-2" if leader == "paris-2" else "paris-1"
    assert entry["servers"]["leave"] == [
        {
            "host": "paris-3",
            "id": 2,
            "name": "paris-3",
            "leads": leader == "paris-3",
            "reachable": True,
        }
    ]


def test_a_server_that_is_out_of_reach_leaves_only_when_its_oned_does_not_answer() -> None:
    paris = group_of_three()
    paris["paris-3"] = {"unreachable": "no route"}
    what = declared(LEAVES, zone_allow_even=True)
    made = plan(paris, what)
    assert "paris-3: Its oned runs, but Ansible cannot stop it" in made["left_out"][0]
    assert made["zones"]["paris"]["servers"]["leave"] == []
    paris["paris-1"]["probes"][url("paris-3")] = {"state": "timeout", "detail": "5 s"}
    step = plan(paris, what)["zones"]["paris"]["servers"]
    assert [(gone["host"], gone["id"], gone["reachable"]) for gone in step["leave"]] == [("paris-3", 2, False)]


def test_a_leaving_server_that_was_lost_after_its_removal_is_stopped_when_it_is_back() -> None:
    paris = group_of_three()
    for found in paris.values():
        found["api"]["zones"][1]["servers"] = found["api"]["zones"][1]["servers"][:2]
    what = declared(LEAVES, zone_allow_even=True)
    lost = plan({**paris, "paris-3": {"unreachable": "no route"}}, what)["zones"]["paris"]
    assert lost["servers"]["leave"] == []
    assert lost["warnings"][0].startswith("paris-3: It has left the zone, but it cannot be examined.")
    step = plan(paris, what)["zones"]["paris"]["servers"]
    assert [(gone["host"], gone["id"], gone["reachable"]) for gone in step["leave"]] == [("paris-3", None, True)]
