# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Virtual data centers, which connect groups with the resources of zones."""

from __future__ import annotations

import pytest

from .api import INTERNAL, Api
from .conftest import Made
from .federation import Federation
from .frontend import Zone

ALL = -10


def contents(api: Api, vdc: int, kind: str) -> list[tuple[str | None, str | None]]:
    """Zone and id of the resources of one kind: CLUSTER, HOST, DATASTORE, VNET."""
    found = api.xml("one.vdc.info", vdc).findall(f"{kind}S/{kind}")
    return [(each.findtext("ZONE_ID"), each.findtext(f"{kind}_ID")) for each in found]


def rules(api: Api, group: int) -> set[str | None]:
    return {each.findtext("STRING") for each in api.xml("one.acl.info") if each.findtext("USER") == f"2{group:08x}"}


def test_default_vdc_of_a_new_installation(own: Zone) -> None:
    vdc = own.api.xml("one.vdc.info", 0)
    assert vdc.findtext("NAME") == "default"
    assert "1" in [each.text for each in vdc.findall("GROUPS/ID")]
    assert contents(own.api, 0, "CLUSTER") == [("0", "-10")]


def test_new_vdc_is_empty(api: Api, made: Made) -> None:
    name = made.name()
    number = made.vdc(api, name)
    assert number >= 100
    assert api.call("one.vdc.info", number) == (
        f"<VDC><ID>{number}</ID><NAME>{name}</NAME><GROUPS></GROUPS><CLUSTERS></CLUSTERS><HOSTS></HOSTS>"
        "<DATASTORES></DATASTORES><VNETS></VNETS><TEMPLATE></TEMPLATE></VDC>"
    )


def test_taken_name_is_refused(api: Api, made: Made) -> None:
    name = made.name()
    number = made.vdc(api, name)
    reply = api.raw("one.vdc.allocate", f'NAME="{name}"')
    assert reply == [False, f"[one.vdc.allocate] NAME is already taken by Vdc {number}.", INTERNAL, -1, -1]


def test_template_is_kept(api: Api, made: Made) -> None:
    number = made.vdc(api)
    assert api.call("one.vdc.update", number, 'NOTE="x"', 1) == number
    assert api.xml("one.vdc.info", number).findtext("TEMPLATE/NOTE") == "x"


@pytest.mark.parametrize("kind", ["CLUSTER", "HOST", "DATASTORE", "VNET"])
def test_all_resources_of_a_zone_are_minus_ten(api: Api, made: Made, kind: str) -> None:
    number = made.vdc(api)
    zone = api.zone_id()
    assert api.raw(f"one.vdc.add{kind.lower()}", number, zone, ALL) == [True, number, 0]
    assert contents(api, number, kind) == [(str(zone), "-10")]
    assert api.raw(f"one.vdc.del{kind.lower()}", number, zone, ALL) == [True, number, 0]
    assert contents(api, number, kind) == []


def test_all_takes_the_place_of_single_ones(api: Api, made: Made) -> None:
    number, zone = made.vdc(api), api.zone_id()
    api.call("one.vdc.addcluster", number, zone, 0)
    assert contents(api, number, "CLUSTER") == [(str(zone), "0")]
    api.call("one.vdc.addcluster", number, zone, ALL)
    assert contents(api, number, "CLUSTER") == [(str(zone), "-10")]


def test_single_ones_added_later_stand_beside_all(api: Api, made: Made) -> None:
    number, zone = made.vdc(api), api.zone_id()
    api.call("one.vdc.addcluster", number, zone, ALL)
    assert api.raw("one.vdc.addcluster", number, zone, 0) == [True, number, 0]
    assert contents(api, number, "CLUSTER") == [(str(zone), "-10"), (str(zone), "0")]
    api.call("one.vdc.delcluster", number, zone, ALL)
    assert contents(api, number, "CLUSTER") == [(str(zone), "0")]


def test_vdc_is_renamed(api: Api, made: Made) -> None:
    number, name = made.vdc(api), made.name()
    assert api.raw("one.vdc.rename", number, name) == [True, number, 0]
    assert api.xml("one.vdc.info", number).findtext("NAME") == name


def test_unknown_zone_is_refused(api: Api, made: Made) -> None:
    number = made.vdc(api)
    reply = api.raw("one.vdc.addcluster", number, 98, ALL)
    assert reply[0] is False
    assert contents(api, number, "CLUSTER") == []


def test_unknown_local_resource_is_refused(api: Api, made: Made) -> None:
    number = made.vdc(api)
    assert api.raw("one.vdc.addcluster", number, api.zone_id(), 4711)[0] is False


def test_groups_enter_and_leave(api: Api, made: Made) -> None:
    number, group = made.vdc(api), made.group(api)
    assert api.raw("one.vdc.addgroup", number, group) == [True, number, 0]
    assert [each.text for each in api.xml("one.vdc.info", number).findall("GROUPS/ID")] == [str(group)]
    reply = api.raw("one.vdc.addgroup", number, group)
    text = f"[one.vdc.addgroup] Group {group} is already assigned to the VDC {number}"
    assert reply == [False, text, INTERNAL, -1, -1]
    assert api.raw("one.vdc.delgroup", number, group) == [True, number, 0]
    assert api.xml("one.vdc.info", number).findall("GROUPS/ID") == []


def test_group_gets_rules_for_the_resources(api: Api, made: Made) -> None:
    number, group, zone = made.vdc(api), made.group(api), api.zone_id()
    api.call("one.vdc.delgroup", 0, group)
    assert rules(api, group) == set()
    api.call("one.vdc.addgroup", number, group)
    api.call("one.vdc.addcluster", number, zone, ALL)
    expected = {f"@{group} {what} #{zone}" for what in ("HOST/* MANAGE", "NET/* USE", "DATASTORE/* USE")}
    assert rules(api, group) == expected
    api.call("one.vdc.delcluster", number, zone, ALL)
    assert rules(api, group) == set()


def test_deleted_vdc_takes_its_rules_along(api: Api, made: Made) -> None:
    number, group = made.vdc(api), made.group(api)
    api.call("one.vdc.delgroup", 0, group)
    api.call("one.vdc.addgroup", number, group)
    api.call("one.vdc.addhost", number, api.zone_id(), ALL)
    assert len(rules(api, group)) == 1
    assert api.raw("one.vdc.delete", number) == [True, number, 0]
    assert rules(api, group) == set()
    assert api.raw("one.vdc.info", number)[2:4] == [1024, number]


def test_default_vdc_cannot_be_deleted(api: Api) -> None:
    assert api.raw("one.vdc.delete", 0)[0] is False
    assert api.xml("one.vdc.info", 0).findtext("NAME") == "default"


def test_resources_of_another_zone_are_not_looked_up(federation: Federation, made: Made) -> None:
    master = federation.master.api
    number, zone = made.vdc(master), federation.slave.api.zone_id()
    assert master.raw("one.vdc.addcluster", number, zone, 4711) == [True, number, 0]
    assert contents(master, number, "CLUSTER") == [(str(zone), "4711")]


def test_default_vdc_grants_nothing_in_a_zone_that_joins(federation: Federation) -> None:
    if not isinstance(federation.slave, Zone):
        pytest.skip("the given federation may have granted something since")
    assert contents(federation.master.api, 0, "CLUSTER") == [("0", "-10")]


def test_vdcs_through_pyone(api: Api, made: Made) -> None:
    number = made.vdc(api)
    api.call("one.vdc.addcluster", number, api.zone_id(), ALL)
    found = api.pyone.vdc.info(number).CLUSTERS.CLUSTER
    assert [(each.ZONE_ID, each.CLUSTER_ID) for each in found] == [(api.zone_id(), ALL)]
