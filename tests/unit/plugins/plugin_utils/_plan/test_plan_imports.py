# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports of joining zones' identities in the plan of a run, and what the summary tells of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from imported import document, federation, group, user
from planned import MASTER_URL, NOW, PARIS_URL, frontend, make_plan, topology, zone

from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import import plan as _import_plan
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.conflicts import Policy
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.plan import Options
from ansible_collections.onefed.opennebula.plugins.plugin_utils._inventory.topology import TopologyError
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.plain import parse
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.planned import ZonePlan
from ansible_collections.onefed.opennebula.plugins.plugin_utils._report import migration

BASE = [{"attribute": "DISK/IMAGE_UID", "owner": "alice"}]
OWNED = {"templates": [{"id": 7, "name": "web", "owner": "alice", "group": "dev", "references": BASE}]}
PATHS: dict[str, Any] = {"document": "/state/identities.yml", "plan": "/state/plan.yml"}


def declared(**variables: Any) -> dict[str, Any]:
    """The zones madrid, the master, and paris and lyon, which are imported."""
    everywhere = {name: value for name, value in variables.items() if name.startswith("federation_")}
    slave = {"zone_import": True, **variables}
    return topology(
        "federation",
        {"madrid": ["madrid-1"], "paris": ["paris-1"], "lyon": ["lyon-1"]},
        {
            "madrid-1": {"ansible_host": "192.0.2.11", "zone_role": "master", **everywhere},
            "paris-1": {"ansible_host": "192.0.2.31", **slave},
            "lyon-1": {"ansible_host": "192.0.2.41", **slave},
        },
    )


def asked(*names: str, shared: Any = None, **policy: Any) -> dict[str, Any]:
    """What the master says of a zone with these users, who all are in the group dev of that zone."""
    content = document(users=[user(name, "dev") for name in names], groups=[group("dev")], objects=OWNED)
    options = Options(policy=Policy(**policy), joins=True)
    return {"plan": _import_plan.make_plan(content, shared or federation(), options, {})[0]}


def plan(
    paris: dict[str, Any] | None = None, master: dict[str, Any] | None = None, what: Any = None, **imports: Any
) -> dict[str, Any]:
    """The plan of a run on madrid and paris; `imports` is what is known of the import of paris."""
    facts: dict[str, Any] = {
        "madrid-1": {"frontend": master or frontend()},
        "paris-1": {"frontend": paris or frontend(), "import": {**dict.fromkeys((*PATHS, "planned")), **imports}},
    }
    return make_plan(what or declared(), facts, ["madrid-1", "paris-1"], NOW)


def interrupted(*steps: str, **more: Any) -> dict[str, Any]:
    """paris as a run left it that came as far as the last of `steps`."""
    found = frontend()
    found["service"]["state"], found["api"]["state"] = "stopped", "refused"
    found["journal"] = {
        "zone_existed": False,
        "zone_name": "paris",
        "directory": "/var/lib/onefed/joins/1-paris",
        "original": {"companions": [], "bootstrapped": True},
        "step": steps[-1],
        "steps": [{"step": step, "at": ""} for step in steps],
        "backups": {"database": "/var/lib/onefed/joins/1-paris/one.db", "undo": None},
        **more,
    }
    return found


def test_an_import_is_asked_of_the_master_before_it_is_planned() -> None:
    paris = frontend()
    paris["database"]["own"]["users"] = ["alice"]
    made = plan(paris)
    assert made["left_out"] == []
    wanted = made["imports"]["paris-1"]
    assert wanted["folder"] == "~/.local/state/onefed/imports/federation/paris"
    assert wanted["options"] == {
        "conflicts": "fail",
        "overrides": {},
        "suffix": "_paris",
        "acl_zones": "own",
        "allow_administrators": False,
        "orphans": "fail",
        "leave_unmovable": False,
    }
    assert (wanted["allow"], wanted["exported"], wanted["restore"]) == (["192.0.2.11"], False, None)
    assert plan(planned=asked("alice"))["imports"] == {}


def test_the_plan_says_who_is_created_who_is_the_same_and_what_changes_hands() -> None:
    shared = federation(users=("eve", "bob"))
    said = asked("alice", "bob", shared=shared, overrides={"users": {"bob": "same_person"}})
    said["plan"]["vdc_groups"] = [{"vdc": "lab", "group": "dev"}]
    said["plan"]["resources"].append({"vdc": "default", "kind": "hosts", "zone": "#lyon", "id": 7})
    said["plan"]["acls"].append({"who": "#bob", "kinds": ["ZONE"], "which": "own", "rights": ["MANAGE"], "zone": "own"})
    made = plan(planned=said)
    entry = made["zones"]["paris"]
    assert (entry["action"], entry["imports"]["moves"]) == ("join", True)
    for line in (
        "users created, id (known after apply): alice (was 2)",
        "users that are the same in the federation: bob",
        "groups created, id (known after apply): dev (was 100)",
        "user bob joins group dev",
        "VDC lab gains group dev",
        "VDC default gains all clusters of zone paris",
        "VDC default gains hosts 7 of zone lyon",
        "access rule #bob ZONE/#paris MANAGE #paris",
        "objects whose owner or group gets another id: 1 of 1 templates",
        "VM templates that name an owner: 1 of 1 change",
    ):
        assert f"  ~ {line}" in made["text"]


def test_what_stands_in_the_way_of_the_import_leaves_the_zone_out() -> None:
    made = plan(planned=asked("alice", "bob", shared=federation(users=("alice", "bob"))))
    assert made["zones"]["paris"]["action"] == "excluded"
    assert [line.split(" exists")[0] for line in made["left_out"]] == [
        'paris, paris-1: Import: user "alice"',
        'paris, paris-1: Import: user "bob"',
    ]
    assert made["left_out"][0].endswith("See zone_import_conflicts, zone_import_overrides and zone_import_suffix.")
    unasked = plan(planned={"msg": "An override is given for user zoe"})
    assert "Its import cannot be planned: An override is given for user zoe" in unasked["left_out"][0]
    crashed = plan(planned={"exception": "Traceback:\n  line 1\nKeyError: 'x'\n"})
    assert "Its import cannot be planned: the module gave no result: KeyError: 'x'" in crashed["left_out"][0]


def test_two_zones_that_would_create_one_name_are_both_left_out() -> None:
    facts: dict[str, Any] = {
        "madrid-1": {"frontend": frontend()},
        "paris-1": {"frontend": frontend(), "import": {**dict.fromkeys(PATHS), "planned": asked("alice")}},
        "lyon-1": {"frontend": frontend(), "import": {**dict.fromkeys(PATHS), "planned": asked("Alice", "zoe")}},
    }
    lyon_url = "http://192.0.2.41:2633/RPC2"
    for found in facts.values():
        found["frontend"]["probes"][lyon_url] = {"state": "open", "detail": ""}
    made = make_plan(declared(), facts, list(facts), NOW)
    assert sorted(line.partition(" Rename")[0] for line in made["left_out"]) == [
        'lyon, lyon-1: Import: group "dev" would be created by paris too.',
        'lyon, lyon-1: Import: user "Alice" would be created by paris too.',
        'paris, paris-1: Import: group "dev" would be created by lyon too.',
        'paris, paris-1: Import: user "alice" would be created by lyon too.',
    ]
    assert {entry["action"] for entry in made["zones"].values()} == {"master", "excluded"}


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda paris, _: paris["service"].update(state="stopped"), "Its oned does not run or does not answer"),
        (lambda paris, _: paris.update(one_auth="rejected"), "oned refuses the name and password"),
        (lambda _, master: master["api"].update(state="refused"), "The master's oned does not run"),
    ],
)
def test_an_import_needs_both_daemons(spoil: Any, text: str) -> None:
    paris, master = frontend(), frontend()
    spoil(paris, master)
    made = plan(paris, master)
    assert text in "\n".join(made["left_out"])
    assert made["imports"] == {}


def test_a_zone_that_never_ran_has_nothing_to_import() -> None:
    paris = frontend()
    paris["database"].update(bootstrapped=False, zones=[])
    paris["service"]["state"], paris["api"]["state"] = "stopped", "refused"
    entry = plan(paris)["zones"]["paris"]
    assert (entry["action"], entry["bootstrap"], entry["imports"]) == ("join", True, None)


def test_an_interrupted_import_goes_on_with_what_it_kept() -> None:
    made = plan(interrupted("opened", "exported", "restored"), **PATHS)
    wanted = made["imports"]["paris-1"]
    assert (wanted["exported"], wanted["document"], wanted["plan"], wanted["restore"]) == (True, *PATHS.values(), None)
    # Its rollback was interrupted after the master was cleaned, perhaps while the database was put back.
    half = interrupted("opened", "exported", "restoring")
    half["database"].update(bootstrapped=False)
    made = plan(half, document=PATHS["document"])
    assert made["imports"]["paris-1"]["restore"] == "/var/lib/onefed/joins/1-paris/one.db"
    assert made["zones"]["paris"]["bootstrap"] is False


def test_a_lockdown_that_an_interrupted_run_left_is_lifted_by_whatever_joins_the_zone() -> None:
    paris = frontend()
    paris["lockdown"] = True
    discards = declared(zone_import=False, zone_discard=True)
    for made in (plan(paris, what=discards), plan(paris, planned=asked("alice"))):
        entry = made["zones"]["paris"]
        assert (entry["action"], entry["lockdown"], "locked down" in str(entry["warnings"])) == ("join", True, False)
        assert "its lockdown, which an earlier run left, is lifted at the end" in entry["changes"]
    assert plan(what=discards)["zones"]["paris"]["lockdown"] is False


def test_a_lockdown_that_nothing_opens_is_reported() -> None:
    zones = [zone(0, "OpenNebula", MASTER_URL), zone(100, "paris", PARIS_URL)]
    member, excluded = frontend("SLAVE", 100, MASTER_URL, zones), frontend()
    excluded["database"]["own"]["users"] = ["alice"]
    for paris in (member, excluded):
        paris["lockdown"] = True
        made = plan(paris, frontend("MASTER", 0, "", zones), declared(zone_import=False))
        told = "\n".join(made["text"])
        assert "  ? paris-1: It is locked down, as during an import or an upgrade: its API refuses users." in told
        assert " run playbook " in told
        assert " [locked_down]" in told


def test_an_import_that_was_undone_begins_anew() -> None:
    found = interrupted("opened", "exported", "reverted")
    found["service"]["state"], found["api"]["state"] = "running", "open"
    made = plan(found, **PATHS)
    wanted, entry = made["imports"]["paris-1"], made["zones"]["paris"]
    assert (wanted["exported"], wanted["document"], wanted["restore"]) == (False, None, None)
    assert (entry["undone"], entry["resumes"]) == (True, False)
    found["database"]["own"]["users"] = ["alice"]
    assert "The zone has data of its own" in plan(found, what=declared(zone_import=False))["left_out"][0]


@pytest.mark.parametrize(
    ("steps", "imports", "text"),
    [
        (("opened", "exported"), True, "what it kept of that is not on this controller"),
        (("opened", "exported"), False, "An interrupted run has begun to import its users"),
        (("opened", "restored"), True, "has begun to join it without its users"),
        (("opened",), True, "Its oned does not run or does not answer"),
    ],
)
def test_an_interrupted_run_is_repeated_as_it_was(steps: tuple[str, ...], imports: bool, text: str) -> None:
    made = plan(interrupted(*steps), what=declared(zone_import=imports))
    assert text in made["left_out"][0]
    assert made["imports"] == {}


def test_a_member_with_the_variable_is_left_as_it_is() -> None:
    zones = [zone(0, "OpenNebula", MASTER_URL), zone(100, "paris", PARIS_URL)]
    made = plan(frontend("SLAVE", 100, MASTER_URL, zones), frontend("MASTER", 0, "", zones))
    assert (made["zones"]["paris"]["action"], made["imports"], made["changed"]) == ("member", {}, False)


def test_contradictions_of_an_import_are_told() -> None:
    with pytest.raises(TopologyError) as error:
        declared(zone_discard=True, federation_import_directory="imports", zone_import_overrides="alice")
    told = str(error.value)
    assert "Zone 'paris' has zone_import and zone_discard" in told
    assert "federation_import_directory is 'imports'; it must begin with / or ~" in told
    assert "zone_import_overrides of hosts 'paris-1', 'lyon-1' is something else; it must be a dictionary." in told


def test_the_summary_tells_what_came_along_and_where_it_is_kept() -> None:
    entry = parse(ZonePlan, plan(planned=asked("alice", "bob"))["zones"]["paris"])
    seen = {
        "journal": {"directory": "/var/lib/onefed/joins/1-paris"},
        "imported": asked("alice", "bob"),
        "lockdown": {"closed": False, "reason": "Only root may write packet filter rules."},
    }
    kept = (
        "Its identities are kept in ~/.local/state/onefed/imports/federation/paris/1-paris/identities.yml on the "
        "controller."
    )
    assert migration.imported(entry, seen) == [
        "paris brought along: 2 users, 1 group, 1 objects (their owners or groups have new ids), "
        "1 VM template that named owners by what they were called. " + kept
    ]
    assert migration.warnings(entry, seen)[0].endswith("Only root may write packet filter rules.")
    removed = f"What its import had created at the master was removed. {kept}"
    assert migration.taken_back(entry, seen, {"changed": True}) == [removed]
    assert migration.taken_back(entry, seen, None) == [kept]
    assert migration.imported(replace(entry, imports=None), seen) == []
