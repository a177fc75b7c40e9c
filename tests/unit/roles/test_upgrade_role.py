# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the steps of an upgrade go on, and when servers return by themselves: what is recorded of hosts decides it."""

from __future__ import annotations

import re
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
        "groups": {
            "federation_examined": list(hosts),
            "federation_upgrading": list(hosts),
            "federation_upgrading_leaders": ["a"],
            "federation_rolling_back": list(hosts),
        },
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


def test_a_server_that_follows_gives_the_floating_address_up_and_no_other_does() -> None:
    """Also a leader that changed meanwhile keeps it, and so does a server whose state is not known."""
    task = next(one for one in block("close")["block"] if "onefed.opennebula.floating_address" in one)
    hosts = {"a": host("proved", started={})}
    for floating, state, dropped in (
        ({"cidr": "192.0.2.30/24"}, "follower", True),
        ({"cidr": "192.0.2.30/24"}, "leader", False),
        ({"cidr": "192.0.2.30/24"}, None, False),
        (None, "follower", False),
    ):
        assert runs(task, hosts, onefed_floating=floating, onefed_zone_servers={"asked": {"state": state}}) is dropped


def test_the_way_back_keeps_a_database_that_served_meanwhile() -> None:
    """A database of before would lack what users wrote since, which other zones have."""
    tasks = loaded(ROLE / "tasks" / "back_restore.yml")[-1]
    restores = next(task for task in tasks["block"] if "onefed.opennebula.database_restore" in task)
    for method, restored in (("rolling", False), ("together", True)):
        steps = [{"step": "saved", "at": ""}]
        journal: dict[str, Any] = {"method": method, "steps": steps}
        hosts = {"a": host("saved", reopened={"journal": journal})}
        assert runs({**restores, "vars": tasks["vars"]}, hosts) is restored
        # A way back that was interrupted later: users may have been let in already.
        journal["steps"] += [{"step": "rolled_back", "at": ""}, {"step": "put_back", "at": ""}]
        assert not runs({**restores, "vars": tasks["vars"]}, hosts)


def test_an_outage_counts_from_the_first_stop() -> None:
    times = {"stopped": "2026-01-02T03:04:05Z", "opened": "2026-01-02T03:14:05Z", "proved": "2026-01-02T03:24:05Z"}
    steps = [{"step": step, "at": at} for step, at in times.items()]
    steps.insert(2, {"step": "stopped", "at": "2026-01-02T03:15:05Z"})
    assert holds("onefed_outage == 1200", {"a": host()}, onefed_noted={"journal": {"steps": steps}})


def there(one: Any) -> Any:
    return {**one, "onefed_there": {"ping": "pong"}}


def test_servers_return_by_themselves_when_a_zone_has_not_proved_itself() -> None:
    task = block("go_back")
    failed = {"a": there(host(opened={}, installed={})), "b": there(host(opened={}, installed={}))}
    assert runs(task, failed)
    proved = there(host(opened={}, installed={}, proved={}))
    assert not runs(task, {**failed, "a": proved})


def test_no_server_returns_by_itself_beside_one_that_was_given_back_to_users() -> None:
    """What users wrote to it, or to the master through it, would be lost."""
    task = block("go_back")
    failed = {"a": there(host("proved", opened={})), "b": there(host("proved", opened={}))}
    assert runs(task, failed)
    assert not runs(task, {**failed, "c": there(host(closed=ID))})
    assert runs(task, {**failed, "c": there(host(closed="20250101T000000Z-6.10.0-to-7.0.2"))})


@pytest.mark.parametrize(
    ("lost", "return_"),
    [
        (host(opened={}), True),
        (host(opened={}, saved={}), True),
        (host(opened={}, installed={}), False),
        (host("configured", opened={}), False),
        (host("migrated"), False),
        (there(host("started")), False),
    ],
)
def test_no_server_returns_by_itself_while_one_that_may_be_migrated_was_lost(lost: Any, return_: bool) -> None:
    """It would speak to the others in the tables of the new release when it is back."""
    hosts = {"a": there(host(opened={})), "b": lost}
    upgraded = {"federation_upgrading": ["a", "b"], "federation_upgrading_leaders": ["a", "b"]}
    groups = {**upgraded, "federation_examined": ["a", "b"]}
    assert runs(block("go_back"), hosts, groups=groups) is return_


def topology() -> dict[str, Any]:
    return {"zones": {"madrid": {"hosts": ["a"]}, "paris": {"hosts": ["b", "c"]}}, "hosts": {}, "master": "madrid"}


def test_nothing_is_put_back_while_a_server_could_not_be_stopped() -> None:
    tasks = loaded(ROLE / "tasks" / "back_restore.yml")[-1]
    fails = {**tasks["block"][0], "vars": tasks["vars"]}
    stopped = host("proved", reopened={"journal": {"method": "together", "steps": []}})
    assert not runs(fails, {"a": stopped, "b": stopped})
    assert runs(fails, {"a": stopped, "b": host("proved")})


@pytest.mark.parametrize(("lost", "held"), [("a", {"b", "c"}), ("b", {"c"}), ("c", {"b"}), ("", set())])
def test_a_server_that_goes_back_starts_when_its_zone_and_the_master_are_back(lost: str, held: set[str]) -> None:
    tasks = loaded(ROLE / "tasks" / "back_start.yml")[-1]
    fails = {**tasks["block"][0], "vars": tasks["vars"]}
    back: dict[str, Any] = {}
    for name in ("a", "b", "c"):
        done: dict[str, Any] = {} if name == lost else {"put_back": True}
        back[name] = host("proved", reopened={"journal": {"slave": name != "a"}}, **done)
    where = {"hosts": {"a": {"zone": "madrid"}, "b": {"zone": "paris"}, "c": {"zone": "paris"}}}
    waiting = {
        name
        for name in back
        if name != lost and runs(fails, back, name, inventory_hostname=name, onefed_topology={**topology(), **where})
    }
    assert waiting == held


def test_packages_that_a_loss_of_power_left_half_installed_are_finished_before_apt_is_asked() -> None:
    """apt itself looks for files with such names, and refuses."""
    tasks = loaded(ROLE.parent / "oned_install" / "tasks" / "repository.yml")
    finds, finishes, asks = tasks[-4:-1]
    pattern = finds["ansible.builtin.find"]["patterns"]
    assert [bool(re.match(pattern, name)) for name in ("0000", "0012", "0012.new", "tmp.i")] == [
        True,
        True,
        False,
        False,
    ]
    assert asks["name"] == "See what the repository has with apt"
    for found, finished in (({"matched": 0}, False), ({"matched": 2}, True), ({"skipped": True}, False)):
        assert runs(finishes, {"a": host()}, onefed_cut=found) is finished


@pytest.mark.parametrize(
    ("own", "leaders", "resumes", "refused"),
    [
        ({"term": 3, "last_index": 70}, {"term": 3, "last_index": 71}, None, False),
        ({"term": 3, "last_index": 71}, {"term": 3, "last_index": 71}, "saved", False),
        ({"term": 3, "last_index": 72}, {"term": 3, "last_index": 71}, None, True),
        ({"term": 4, "last_index": 70}, {"term": 3, "last_index": 71}, "stopped", True),
        ({"term": 2, "last_index": 99}, {"term": 3, "last_index": 71}, None, False),
        ({"term": 3, "last_index": 72}, {"term": 3, "last_index": 71}, "migrated", False),
        ({"term": 3, "last_index": 72}, None, None, False),
        (None, {"term": 3, "last_index": 71}, None, False),
    ],
)
def test_no_follower_gets_a_database_that_lacks_what_it_has(
    own: Any, leaders: Any, resumes: Any, refused: bool
) -> None:
    task = block("save")
    fails = {**task["block"][0], "vars": task["vars"]}
    hosts = {"a": host(stopped={"log": leaders}), "b": host(resumes, stopped={"log": own})}
    plan = {"zones": {"paris": {"leader": "a"}}, "hosts": {}}
    assert runs(fails, hosts, "b", onefed_plan=plan) is refused
    assert not runs(fails, hosts, "a", onefed_plan=plan)
    migrated = {**hosts, "a": host("migrated", stopped={"log": leaders})}
    assert not runs(fails, migrated, "b", onefed_plan=plan)
