# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups, VDCs and access rules, from the options of their modules to what is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fake_identities import FakeIdentities
from fake_oned import Served

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.acl_writer import write_acl
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.group_writer import write_group
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.names import Names
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.vdc_writer import ZoneNames, write_vdc

Options = dict[str, Any]
COMMON: Options = {"name": None, "id": None, "state": "present", "wait_timeout": 5.0, "purge": False}
TEMPLATE: Options = {"template": None, "template_mode": "merge"}
GROUP = {**COMMON, **TEMPLATE, "admins": None, "quotas": None, "quotas_mode": "merge"}
VDC = {**COMMON, **TEMPLATE, "groups": None, "groups_absent": None, "resources": None}
ACL: Options = {
    **dict.fromkeys(("rule", "user", "group", "resources", "rights", "zone")),
    "which": "*",
    "state": "present",
    "wait_timeout": 5.0,
}
POOLS = {"cluster": {0: "default"}, "datastore": {0: "system", 1: "default"}, "host": {}, "vnet": {3: "lan", 4: "lan"}}
PARIS = {"cluster": {0: "default", 7: "gpu"}, "datastore": {}, "host": {}, "vnet": {}}


@pytest.fixture
def oned() -> Iterator[FakeIdentities]:
    """A master with the groups devs and qa, the users ada and eve, and the zone paris."""
    with Served(FakeIdentities(pools=POOLS)) as served:
        assert isinstance(served, FakeIdentities)
        served.add(0, "madrid", {"ENDPOINT": served.url})
        for name in ("devs", "qa"):
            served._group_allocate(name)
        served._user_allocate("ada", "known", "core", [100])
        served._user_allocate("eve", "known", "core", [1])
        yield served


@pytest.fixture
def slave(oned: FakeIdentities) -> Iterator[FakeIdentities]:
    """The zone paris, which sees the master's writes three readings late."""
    fake = oned.slave(delay=3)
    fake.pools = PARIS
    with Served(fake) as served:
        assert isinstance(served, FakeIdentities)
        oned.add(100, "paris", {"ENDPOINT": served.url})
        served.zones = dict(oned.zones)
        yield served


def run(
    write: Callable[..., Any], oned: FakeIdentities, base: Options, check_mode: bool = False, **options: Any
) -> Any:
    return write(oned.client(), {**base, **options}, check_mode)


def converge(write: Callable[..., Any], oned: FakeIdentities, base: Options, **options: Any) -> tuple[Any, list[Any]]:
    """Foresee, run, and run again; the result and what was written."""
    foreseen = run(write, oned, base, True, **options)
    oned.calls.clear()
    result = run(write, oned, base, **options)
    writes = list(oned.writes)
    assert result["changed"] == foreseen["changed"] == bool(writes)
    oned.calls.clear()
    again = run(write, oned, base, **options)
    assert (again["changed"], again["created"], oned.writes) == (False, False, [])
    what = {"write_group": "group", "write_vdc": "vdc", "write_acl": "acl"}[write.__name__]
    if result[what] is not None:
        assert foreseen[what] == {**result[what], "id": foreseen[what]["id"]}
        assert again[what] == result[what]
    return result, writes


# ---- Groups


def test_a_group_is_created_with_administrators_who_become_members(oned: FakeIdentities) -> None:
    result, writes = converge(
        write_group, oned, GROUP, name="ops", admins=["ada"], template={"note": "x"}, quotas={"vm": {"vms": 9}}
    )
    assert writes == [
        ("one.group.allocate", "ops"),
        ("one.user.addgroup", 2, 102),
        ("one.group.addadmin", 102, 2),
        ("one.group.update", 102, 'NOTE="x"', 1),
        ("one.group.quota", 102, 'VM=[VMS="9"]'),
    ]
    assert result["group"] == {
        "id": 102,
        "name": "ops",
        "admins": ["ada"],
        "template": {"NOTE": "x"},
        "quotas": {"vm": {"vms": 9}},
    }
    assert result["created"] is True


def test_administrators_are_added_or_made_these_alone(oned: FakeIdentities) -> None:
    assert converge(write_group, oned, GROUP, name="devs", admins=["ada"])[1] == [("one.group.addadmin", 100, 2)]
    added = converge(write_group, oned, GROUP, name="devs", admins=["eve"])
    assert added[0]["group"]["admins"] == ["ada", "eve"]
    assert converge(write_group, oned, GROUP, id=100, purge=True)[1] == []
    assert converge(write_group, oned, GROUP, id=100, admins=["3"], purge=True)[1] == [("one.group.deladmin", 100, 2)]
    assert converge(write_group, oned, GROUP, id=100, admins=[], purge=True)[0]["group"]["admins"] == []


def test_the_last_attribute_of_a_group_can_go(oned: FakeIdentities) -> None:
    converge(write_group, oned, GROUP, name="devs", template={"A": "1"})
    writes = converge(write_group, oned, GROUP, name="devs", template={"a": None})[1]
    assert writes == [("one.group.update", 100, "<TEMPLATE></TEMPLATE>", 0)]


def test_a_group_with_members_is_not_deleted(oned: FakeIdentities) -> None:
    with pytest.raises(OnefedError, match="because it has members: ada"):
        run(write_group, oned, GROUP, name="devs", state="absent")
    result, writes = converge(write_group, oned, GROUP, name="qa", state="absent")
    assert (result["group"], writes) == (None, [("one.group.delete", 101)])


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"id": 1, "state": "absent"}, "cannot be deleted"),
        ({"id": 0, "quotas": {"vm": {"vms": 1}}}, "has no quotas"),
        ({"name": "two words"}, "OpenNebula 7.4.0 refuses"),
        ({"id": 100, "name": "qa"}, 'is called "devs", not "qa"'),
        ({"id": 999}, "There is no group 999"),
        ({"name": "qa", "admins": ["zoe"]}, 'There is no user "zoe"'),
    ],
)
def test_a_group_that_cannot_be_is_refused(oned: FakeIdentities, options: Options, why: str) -> None:
    with pytest.raises(OnefedError) as caught:
        run(write_group, oned, GROUP, **options)
    assert why in str(caught.value)
    assert oned.writes == []


def test_a_slave_waits_for_the_group(slave: FakeIdentities, oned: FakeIdentities) -> None:
    options: Options = {"name": "ops", "admins": ["eve"], "quotas": {"vm": {"vms": 1}}}
    result = run(write_group, slave, GROUP, **options)
    assert (result["group"]["id"], result["group"]["admins"]) == (102, ["eve"])
    assert list(slave.quotas) == [("group", 102)]
    assert oned.quotas == {}


# ---- VDCs


def test_a_vdc_is_created_with_groups_and_resources_by_name(oned: FakeIdentities) -> None:
    resources = [{"zone": "madrid", "clusters": ["default"], "datastores": ["system", "1"], "vnets": ["ALL"]}]
    result, writes = converge(
        write_vdc, oned, VDC, name="lab", groups=["devs"], resources=resources, template={"N": "1"}
    )
    assert writes == [
        ("one.vdc.allocate", 'N="1"\nNAME="lab"'),
        ("one.vdc.addgroup", 100, 100),
        ("one.vdc.addcluster", 100, 0, 0),
        ("one.vdc.adddatastore", 100, 0, 0),
        ("one.vdc.adddatastore", 100, 0, 1),
        ("one.vdc.addvnet", 100, 0, -10),
    ]
    shown = {"zone": "madrid", "clusters": ["0"], "hosts": [], "datastores": ["0", "1"], "vnets": ["ALL"]}
    assert result["vdc"] == {
        "id": 100,
        "name": "lab",
        "groups": ["devs"],
        "resources": [shown],
        "template": {"N": "1"},
    }


def test_all_resources_take_the_place_of_single_ones(oned: FakeIdentities) -> None:
    converge(write_vdc, oned, VDC, name="lab", resources=[{"zone": "0", "datastores": ["0", "1"]}])
    writes = converge(write_vdc, oned, VDC, name="lab", resources=[{"zone": "0", "datastores": ["ALL"]}])[1]
    assert writes == [("one.vdc.adddatastore", 100, 0, -10)]
    assert converge(write_vdc, oned, VDC, name="lab", resources=[{"zone": "0", "datastores": ["0"]}])[1] == []
    writes = converge(write_vdc, oned, VDC, name="lab", resources=[{"zone": "0", "datastores": ["0"]}], purge=True)[1]
    assert writes == [("one.vdc.adddatastore", 100, 0, 0), ("one.vdc.deldatastore", 100, 0, -10)]


def test_purge_touches_only_what_is_declared(oned: FakeIdentities) -> None:
    assert converge(write_vdc, oned, VDC, id=0, groups=["users"], purge=True)[1] == [
        ("one.vdc.delgroup", 0, 100),
        ("one.vdc.delgroup", 0, 101),
    ]
    assert converge(write_vdc, oned, VDC, id=0, resources=[], purge=True)[1] == [("one.vdc.delcluster", 0, 0, -10)]


def test_names_of_another_zone_are_asked_for_there(slave: FakeIdentities, oned: FakeIdentities) -> None:
    resources = [{"zone": "paris", "clusters": ["gpu"]}]
    assert converge(write_vdc, oned, VDC, id=0, resources=resources)[1] == [("one.vdc.addcluster", 0, 100, 7)]
    with pytest.raises(OnefedError, match='There is no host "h1"'):
        run(write_vdc, oned, VDC, id=0, resources=[{"zone": "paris", "hosts": ["h1"]}])


def test_ids_of_another_zone_need_no_answer_from_it(oned: FakeIdentities) -> None:
    with Served(FakeIdentities()) as gone:
        oned.add(100, "paris", {"ENDPOINT": gone.url})
    resources = [{"zone": "paris", "clusters": ["7"], "hosts": ["ALL"]}]
    assert len(converge(write_vdc, oned, VDC, id=0, resources=resources)[1]) == 2
    with pytest.raises(OnefedError, match="Give ids instead of names"):
        run(write_vdc, oned, VDC, id=0, resources=[{"zone": "paris", "clusters": ["gpu"]}])


def test_a_name_that_several_have_is_refused(oned: FakeIdentities) -> None:
    with pytest.raises(OnefedError, match='Several networks at .* are called "lan": 3, 4'):
        run(write_vdc, oned, VDC, id=0, resources=[{"zone": "0", "vnets": ["lan"]}])


def test_an_id_that_the_own_zone_does_not_have_is_refused(oned: FakeIdentities) -> None:
    with pytest.raises(OnefedError, match='There is no datastore "9" at .*; there are default, system'):
        run(write_vdc, oned, VDC, id=0, resources=[{"zone": "0", "datastores": ["9"]}])


def test_a_vdc_is_renamed_and_deleted(oned: FakeIdentities) -> None:
    converge(write_vdc, oned, VDC, name="lab")
    assert converge(write_vdc, oned, VDC, id=100, name="works")[1] == [("one.vdc.rename", 100, "works")]
    with pytest.raises(OnefedError, match="is taken by VDC 0"):
        run(write_vdc, oned, VDC, id=100, name="default")
    with pytest.raises(OnefedError, match='is called "works", not "lab"'):
        run(write_vdc, oned, VDC, id=100, name="lab", state="absent")
    with pytest.raises(OnefedError, match="cannot be deleted"):
        run(write_vdc, oned, VDC, id=0, state="absent")
    assert converge(write_vdc, oned, VDC, name="works", state="absent")[1] == [("one.vdc.delete", 100)]


def test_a_slave_waits_for_the_vdc(slave: FakeIdentities) -> None:
    result = run(write_vdc, slave, VDC, name="lab", groups=["qa"], resources=[{"zone": "paris", "clusters": ["gpu"]}])
    assert (result["vdc"]["id"], result["vdc"]["groups"]) == (100, ["qa"])
    assert run(write_vdc, slave, VDC, name="lab", groups=["qa"])["changed"] is False


# ---- Access rules


def test_a_rule_is_added_once_however_it_is_written(oned: FakeIdentities) -> None:
    result, writes = converge(write_acl, oned, ACL, rule="@devs IMAGE+VM/* MANAGE+USE #madrid")
    assert writes == [("one.acl.addrule", "200000064", "9400000000", "3", "100000000")]
    assert result["acl"] == {
        "id": 0,
        "text": "@100 VM+IMAGE/* USE+MANAGE #0",
        "named": "@devs VM+IMAGE/* USE+MANAGE #madrid",
        "user": "200000064",
        "resource": "9400000000",
        "rights": "3",
        "zone": "100000000",
    }
    parts: Options = {"group": "100", "resources": ["vm", "image"], "rights": ["use", "manage"], "zone": "0"}
    assert converge(write_acl, oned, ACL, **parts)[1] == []
    assert converge(write_acl, oned, ACL, **parts, state="absent")[1] == [("one.acl.delrule", 0)]


@pytest.mark.parametrize(
    ("parts", "rule"),
    [
        ({"user": "ada", "resources": ["VM"], "which": "@devs", "zone": "*"}, "#2 VM/@100 USE *"),
        ({"user": "*", "resources": ["ZONE"], "which": "#madrid", "zone": "*"}, "* ZONE/#0 USE *"),
        ({"group": "devs", "resources": ["HOST"], "which": "%default", "zone": "madrid"}, "@100 HOST/%0 USE #0"),
    ],
)
def test_a_rule_in_parts(oned: FakeIdentities, parts: Options, rule: str) -> None:
    assert run(write_acl, oned, ACL, rights=["USE"], **parts)["acl"]["text"] == rule


def test_each_of_several_equal_rules_is_deleted(oned: FakeIdentities) -> None:
    word = (0x200000064, 0x1400000000, 1, 0x400000000)
    oned.identities.rules = {3: word, 5: word, 6: (0x400000000, 0x1400000000, 1, 0x400000000)}
    run(write_acl, oned, ACL, rule="@100 VM/* USE *", state="absent")
    assert list(oned.identities.rules) == [6]


def test_a_rule_for_what_is_gone_can_be_deleted(oned: FakeIdentities) -> None:
    oned.identities.rules = {3: (0x200000064, 0x1400000000, 1, 0x100000065)}
    assert converge(write_acl, oned, ACL, rule="@100 VM/* USE #101", state="absent")[1] == [("one.acl.delrule", 3)]
    with pytest.raises(OnefedError, match='There is no zone "101"'):
        run(write_acl, oned, ACL, rule="@100 VM/* USE #101")


def test_a_rule_of_a_user_or_group_that_is_gone_is_gone_too(oned: FakeIdentities) -> None:
    for rule in ("@ops VM/* USE *", "#zoe VM/* USE *"):
        assert converge(write_acl, oned, ACL, rule=rule, state="absent")[0]["changed"] is False
    with pytest.raises(OnefedError, match='There is no zone "rome"'):
        run(write_acl, oned, ACL, rule="@devs VM/* USE #rome", state="absent")


def test_check_mode_foresees_who_an_earlier_task_creates(oned: FakeIdentities) -> None:
    predicted = {"users": ["zoe"], "groups": ["ops"]}
    result = run(write_acl, oned, ACL, True, rule="@ops USER/#zoe USE #madrid", predicted=predicted)
    assert (result["changed"], result["acl"]["named"]) == (True, "@ops USER/#zoe USE #madrid")
    with pytest.raises(OnefedError, match='There is no user "eva"'):
        run(write_acl, oned, ACL, True, rule="@ops USER/#eva USE #madrid", predicted=predicted)
    vdc = run(write_vdc, oned, VDC, True, name="lab", groups=["ops"], predicted=predicted)
    assert vdc["vdc"]["groups"] == ["ops"]
    assert oned.writes == []


def test_check_mode_foresees_zones_that_join_and_the_vdc_that_new_groups_enter(oned: FakeIdentities) -> None:
    predicted = {"zones": ["lyon"], "groups": ["ops"]}
    rule = run(write_acl, oned, ACL, True, rule="@devs VM/* USE #lyon", predicted=predicted)
    assert rule["acl"]["named"] == "@devs VM/* USE #lyon"
    resources = [{"zone": "lyon", "clusters": ["default"], "vnets": ["ALL"]}]
    vdc = run(write_vdc, oned, VDC, True, name="lab", resources=resources, predicted=predicted)
    assert [each["zone"] for each in vdc["vdc"]["resources"]] == ["lyon"]
    left = run(write_vdc, oned, VDC, True, id=0, groups_absent=["ops"], predicted=predicted)
    assert left["changed"] is True
    assert "ops" not in left["vdc"]["groups"]
    assert oned.writes == []


def test_a_group_is_taken_out_of_a_vdc_and_others_stay(oned: FakeIdentities) -> None:
    run(write_vdc, oned, VDC, name="lab", groups=["devs", "qa"])
    oned.calls.clear()
    result, writes = converge(write_vdc, oned, VDC, name="lab", groups_absent=["qa"])
    assert (writes, result["vdc"]["groups"]) == ([("one.vdc.delgroup", result["vdc"]["id"], 101)], ["devs"])


def test_parts_that_are_missing_are_named(oned: FakeIdentities) -> None:
    with pytest.raises(OnefedError, match="needs rights, zone, too"):
        run(write_acl, oned, ACL, user="ada", resources=["VM"])


def test_a_slave_waits_for_the_rule(slave: FakeIdentities) -> None:
    result = run(write_acl, slave, ACL, rule="@devs VM/* USE #paris")
    assert (result["changed"], result["acl"]["id"], result["acl"]["text"]) == (True, 0, "@100 VM/* USE #100")


def test_a_slave_whose_rules_are_old_learns_that_the_rule_exists(slave: FakeIdentities, oned: FakeIdentities) -> None:
    oned.identities.rules = {4: (0x200000064, 0x1400000000, 1, 0x400000000)}
    result = run(write_acl, slave, ACL, rule="@devs VM/* USE *")
    assert (result["changed"], result["created"], result["acl"]["id"]) == (False, False, 4)


def test_a_user_who_is_called_by_a_number_is_meant_by_it_where_names_are_given(oned: FakeIdentities) -> None:
    oned._user_allocate("2", "known", "ldap", [1])
    parts: Options = {"user": "2", "resources": ["VM"], "rights": ["USE"], "zone": "*"}
    assert run(write_acl, oned, ACL, **parts)["acl"]["text"] == "#4 VM/* USE *"
    # As OpenNebula writes rules, it is an id.
    assert run(write_acl, oned, ACL, rule="#2 VM/* USE *")["acl"]["text"] == "#2 VM/* USE *"
    run(write_group, oned, GROUP, name="devs", admins=["2"])
    assert oned.identities.groups[100]["admins"] == [4]


def test_a_zone_that_is_listed_no_more_is_named(oned: FakeIdentities) -> None:
    with pytest.raises(OnefedError, match="lists no zone 7"):
        ZoneNames(oned.client(), Names(oned.client())).resource(7, "hosts", "web")
