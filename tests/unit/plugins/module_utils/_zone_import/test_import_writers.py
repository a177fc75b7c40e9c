# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an import writes at the master, and that undoing it leaves the master as it was."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from fake_identities import FakeIdentities
from fake_oned import Served
from imported import document, group, user

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.acl import parse_rule
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.conflicts import Policy
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.plan import Options
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.steps import run_import

# What the master's VDCs give, as OpenNebula's oned.conf has it.
GRANTS = {"CLUSTER_HOST": "MANAGE", "CLUSTER_NET": "USE", "CLUSTER_DATASTORE": "USE"}
SAME = Policy(conflicts="same_person")
TOKEN = {"TOKEN_PASSWORD": "the-zones"}


@pytest.fixture
def oned() -> Iterator[FakeIdentities]:
    """A master with the groups dev (100) and qa (101), the VDC lab of qa, and the empty zone lyon (100)."""
    granted = "".join(f"<DEFAULT_VDC_{name}_ACL>{rights}</DEFAULT_VDC_{name}_ACL>" for name, rights in GRANTS.items())
    federation = "<FEDERATION><MODE>MASTER</MODE><ZONE_ID>0</ZONE_ID></FEDERATION>"
    answers = {
        "one.system.config": f"<OPENNEBULA_CONFIGURATION>{federation}{granted}</OPENNEBULA_CONFIGURATION>",
        "one.marketpool.info": "<MARKETPLACE_POOL/>",
        "one.marketapppool.info": "<MARKETPLACEAPP_POOL/>",
    }
    fake = FakeIdentities(instead={method: [True, answer, 0] for method, answer in answers.items()})
    with Served(fake) as served:
        assert isinstance(served, FakeIdentities)
        served.add(0, "madrid", {"ENDPOINT": served.url})
        served.add(100, "lyon", {"ENDPOINT": ""})
        for name in ("dev", "qa"):
            served._group_allocate(name)
        served._vdc_allocate('NAME="lab"')
        served._vdc_addgroup(100, 101)
        yield served


def step(
    oned: FakeIdentities, name: str, content: dict[str, Any], begun: Any = None, policy: Policy = SAME, **more: Any
) -> dict[str, Any]:
    options = Options(policy=policy, zone_id=100, **more)
    return run_import(oned.client(), content, name, options, begun or {}, False, 5.0)


def rules(oned: FakeIdentities) -> set[tuple[int, ...]]:
    return set(oned.identities.rules.values())


def numbers(text: str) -> tuple[int, ...]:
    rule = parse_rule(text)
    return (rule.user, rule.resource, rule.rights, rule.zone)


def lab(*groups: str) -> dict[str, Any]:
    """A VDC of the zone, which the federation has as well."""
    nothing: dict[str, Any] = {kind: [] for kind in ("hosts", "datastores", "vnets")}
    clusters = [{"zone": "own", "id": 0}]
    return {"name": "lab", "template": {}, "groups": list(groups), "clusters": clusters, **nothing}


def test_undoing_leaves_a_rule_of_which_the_federation_had_a_part(oned: FakeIdentities) -> None:
    oned._acl_addrule(*parse_rule("@100 USER/* USE *").words)
    rule = {"who": "@dev", "kinds": ["VM", "USER"], "which": "*", "rights": ["USE"], "zone": "*"}
    content, before = document(groups=[group("dev")], acls=[rule]), deepcopy(oned.identities)
    plan = step(oned, "plan", content)["plan"]
    assert plan["acls"] == [{**rule, "kinds": ["VM"], "zone": "own"}]
    step(oned, "identities", content, plan)
    assert rules(oned) >= {numbers("@100 USER/* USE *"), numbers("@100 VM/* USE #100")}
    step(oned, "undo", content, plan)
    assert oned.identities == before


def test_groups_that_vdcs_of_the_federation_gain_are_planned_and_taken_back(oned: FakeIdentities) -> None:
    content = document(groups=[group("dev"), group("new")])
    content["vdcs"].append(lab("dev", "new"))
    content["source"]["ids"]["vdcs"]["lab"] = 100
    before = deepcopy(oned.identities)
    plan = step(oned, "plan", content)["plan"]
    assert plan["vdc_groups"] == [{"vdc": "lab", "group": "dev"}, {"vdc": "lab", "group": "new"}]
    step(oned, "identities", content, plan)
    assert oned.identities.vdcs[100]["groups"] == [101, 100, 102]
    assert step(oned, "plan", content, plan)["plan"]["vdc_groups"] == plan["vdc_groups"]
    step(oned, "undo", content, plan)
    assert oned.identities == before


def test_a_group_that_leaves_a_vdc_again_keeps_what_others_give_it(
    oned: FakeIdentities, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = parse_rule("@100 HOST/* MANAGE #0")
    oned._vdc_addcluster(100, 0, -10)
    oned._acl_addrule(*shared.words)
    content = document(groups=[group("dev")])
    content["vdcs"].append(lab("dev"))
    content["source"]["ids"]["vdcs"]["lab"] = 100
    before = deepcopy(oned.identities)
    plan = step(oned, "plan", content)["plan"]
    step(oned, "identities", content, plan)

    def leave(oid: int, gid: int) -> Any:
        """As OpenNebula does, which keeps one rule for all VDCs."""
        oned.identities.rules = {}
        return FakeIdentities._vdc_delgroup(oned, oid, gid)

    monkeypatch.setattr(oned, "_vdc_delgroup", leave)
    step(oned, "undo", content, plan)
    assert oned.identities == before


def test_a_group_that_was_kept_out_of_the_default_vdc_gets_the_zones_clusters_only(oned: FakeIdentities) -> None:
    oned._vdc_delgroup(0, 100)
    content, before = document(groups=[group("dev"), group("new")]), deepcopy(oned.identities)
    content["vdcs"][0]["groups"] = ["users", "dev", "new"]
    plan = step(oned, "plan", content)["plan"]
    assert plan["vdc_groups"] == []
    step(oned, "identities", content, plan)
    assert oned.identities.vdcs[0]["groups"] == [1, 101, 102]
    assert rules(oned) == {
        numbers("@100 HOST/* MANAGE #100"),
        numbers("@100 NET/* USE #100"),
        numbers("@100 DATASTORE/* USE #100"),
    }
    assert step(oned, "identities", content, plan)["changed"] is False
    step(oned, "undo", content, plan)
    assert oned.identities == before


def test_a_stranger_who_came_after_the_plan_is_a_collision_and_survives_the_undoing(oned: FakeIdentities) -> None:
    content = document(users=[user("ada", template=TOKEN), user("bob", driver="ldap", template=TOKEN)])
    plan = step(oned, "plan", content)["plan"]
    # The same account of a directory, seen for the first time at the master.
    oned._user_allocate("bob", "hash", "ldap", [1])
    before = deepcopy(oned.identities)
    with pytest.raises(OnefedError, match='user "bob" was created in the federation by another client'):
        step(oned, "identities", content, plan)
    assert step(oned, "undo", content, plan)["changed"] is False
    assert oned.identities == before


def test_who_was_half_created_or_has_a_new_password_since_is_the_imports(oned: FakeIdentities) -> None:
    people = [user(name, driver="ldap", template=TOKEN) for name in ("ada", "eve")]
    people += [user("bob"), user("ssh", password="", driver="ssh", template=TOKEN)]
    content, before = document(users=people), deepcopy(oned.identities)
    plan = step(oned, "plan", content)["plan"]
    oned._user_allocate("ada", "hash", "imported", [1])
    oned._user_allocate("ssh", "", "ssh", [1])
    step(oned, "identities", content, plan)
    found = {each["name"]: each for each in oned.identities.users.values()}
    assert (found["ada"]["driver"], found["ada"]["template"], found["ssh"]["template"]) == ("ldap", TOKEN, TOKEN)
    found["eve"]["password"] = "changed"
    plan = step(oned, "plan", content, plan)["plan"]
    assert (plan["collisions"], {each["action"] for each in plan["identities"]["users"][2:]}) == ([], {"create"})
    step(oned, "undo", content, plan)
    assert oned.identities == before
