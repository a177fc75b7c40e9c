# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""When the steps of an upgrade go on, and when servers return by themselves: what is recorded of hosts decides it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLE = Path(__file__).resolve().parents[3] / "roles" / "upgrade"
ID = "20260102T030405Z-7.0.2-to-7.4.0"


def loaded(path: Path) -> Any:
    return DataLoader().load_from_file(str(path), trusted_as_template=True)


def block(name: str) -> dict[str, Any]:
    """The first task of a file of tasks that has conditions."""
    found: dict[str, Any] = next(task for task in loaded(ROLE / "tasks" / f"{name}.yml") if "when" in task)
    return found


def host(resumes: str | None = None, running: str | None = "7.0.2", closed: str | None = None, **result: Any) -> Any:
    """What is known of a host."""
    return {
        "onefed": {"plan": {"resumes": resumes, "id": ID, "zone": "paris"}, "result": result},
        "onefed_seen": {"upgrade": {"running": running, "closed": closed}},
    }


def holds(condition: str, hosts: dict[str, Any], own: str = "a", **more: Any) -> bool:
    """Whether a condition holds on one of the hosts."""
    named = {name: {"inventory_hostname": name, **one} for name, one in hosts.items()}
    variables = {
        **loaded(ROLE / "vars" / "main.yml"),
        "hostvars": named,
        "groups": {"federation_upgrading": list(hosts)},
        "onefed_plan": {"method": "together", "hosts": {name: one["onefed"]["plan"] for name, one in hosts.items()}},
        "onefed_topology": {"settings": {"on_failure": "rollback"}},
        "ansible_check_mode": False,
        **named[own],
        **more,
    }
    return bool(Templar(DataLoader(), variables=variables).template(trust_as_template(f"{{{{ {condition} }}}}")))


def runs(task: dict[str, Any], hosts: dict[str, Any], own: str = "a", **more: Any) -> bool:
    """Whether all conditions of a task hold on one of the hosts."""
    conditions = task["when"] if isinstance(task["when"], list) else [task["when"]]
    return all(holds(condition, hosts, own, **task.get("vars", {}), **more) for condition in conditions)


@pytest.mark.parametrize(
    ("others", "began"),
    [
        ({}, False),
        ({"b": host("opened")}, False),
        ({"b": host(None, running=None)}, False),
        ({"b": host("opened", running=None)}, True),
        ({"b": host("stopped")}, True),
        ({"b": host("proved")}, True),
    ],
)
def test_what_was_asked_of_a_zone_that_stops_is_not_asked_again(others: dict[str, Any], began: bool) -> None:
    assert holds("onefed_stop_began", {"a": host("opened"), **others}) is began


def test_a_zone_is_given_back_only_when_all_its_servers_have_started() -> None:
    task, groups = block("close"), {"federation_upgrading": ["a", "b"]}
    well = {"a": host("proved", started={}), "b": host("proved", started={})}
    assert runs(task, well, groups=groups)
    assert not runs(task, {**well, "b": host("proved")}, groups=groups)
    leaders = {**groups, "federation_upgrading_leaders": ["b"]}
    assert not runs(task, well, groups=leaders)


def test_the_way_back_keeps_a_database_that_served_meanwhile() -> None:
    """A database of before would lack what users wrote since, which other zones have."""
    tasks = loaded(ROLE / "tasks" / "back_restore.yml")[-1]
    restores = next(task for task in tasks["block"] if "onefed.opennebula.database_restore" in task)
    for method, restored in (("rolling", False), ("together", True)):
        journal = {"method": method, "steps": [{"step": "saved", "at": ""}]}
        hosts = {"a": host("saved", reopened={"journal": journal})}
        assert runs({**restores, "vars": tasks["vars"]}, hosts) is restored
