# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan comes back from Ansible as it was, but for warnings, which are lines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from grown import group_of_three
from grown import plan as plan_of_three
from planned import federated, frontend, plan

from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.plain import plain
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.planned import Plan


def without_warnings(made: Any) -> Any:
    if isinstance(made, dict):
        return {key: without_warnings(value) for key, value in made.items() if key != "warnings"}
    return [without_warnings(item) for item in made] if isinstance(made, list) else made


@pytest.mark.parametrize(
    "made",
    [
        plan(frontend(), frontend()),
        plan(*federated()),
        plan(frontend(), {"unreachable": "no route"}),
        plan_of_three({**group_of_three(), "paris-3": {"unreachable": "no route"}}),
        plan_of_three({"paris-1": frontend(), "paris-2": frontend(), "paris-3": frontend()}),
    ],
    ids=["joins", "member", "left out", "three", "grows"],
)
def test_a_plan_comes_back_from_ansible_as_it_was(made: dict[str, Any]) -> None:
    back = Plan.from_dict(json.loads(json.dumps(made)))
    assert without_warnings(plain(back)) == without_warnings(made)
    assert back.zones["paris"].alters == (made["zones"]["paris"]["changes"] != [])
