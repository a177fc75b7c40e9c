# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Access control lists."""

from __future__ import annotations

import pytest

from .api import AUTHORIZATION, INTERNAL, Api
from .conftest import Made
from .frontend import Zone

# Selectors and rights of the ACL guide.
GROUP, ALL, USER = 0x2_0000_0000, 0x4_0000_0000, 0x1_0000_0000
CLUSTER = 0x8_0000_0000
TEMPLATE, ZONE, DATASTORE = 0x200_0000_0000, 0x8000_0000_0000, 0x1000_0000_0000
USERS, GROUPS, VDCS = 0x100_0000_0000, 0x400_0000_0000, 0x2_0000_0000_0000
USE, MANAGE = 1, 2


def rule(api: Api, number: int) -> dict[str, str]:
    found = next(each for each in api.xml("one.acl.info") if each.findtext("ID") == str(number))
    return {each.tag: each.text or "" for each in found}


def test_rules_of_a_new_installation(own: Zone) -> None:
    strings = {each.findtext("ID"): each.findtext("STRING") for each in own.api.xml("one.acl.info")}
    assert strings["0"] == "@1 VM+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VMGROUP+BACKUPJOB/* CREATE *"
    assert strings["1"] == "* ZONE/* USE *"
    assert strings["2"] == "* MARKETPLACE+MARKETPLACEAPP/* USE *"
    assert [strings[each] for each in "345"] == ["@1 HOST/* MANAGE #0", "@1 NET/* USE #0", "@1 DATASTORE/* USE #0"]


def test_rule_is_shown_as_hexadecimal_and_as_text(api: Api, made: Made) -> None:
    group = made.group(api)
    words = (f"{GROUP + group:x}", f"{TEMPLATE + ALL:x}", f"{USE + MANAGE:x}", f"{ALL:x}")
    number = made.rule(api, *words)
    assert rule(api, number) == {
        "ID": str(number),
        "USER": words[0],
        "RESOURCE": words[1],
        "RIGHTS": words[2],
        "ZONE": words[3],
        "STRING": f"@{group} TEMPLATE/* USE+MANAGE *",
    }


def test_zone_left_out_is_that_of_the_daemon(api: Api, made: Made) -> None:
    group = made.group(api)
    number = made.rule(api, f"{GROUP + group:x}", f"{TEMPLATE + ALL:x}", "1")
    assert rule(api, number)["ZONE"] == f"{USER + api.zone_id():x}"


def test_same_rule_twice_is_refused(api: Api, made: Made) -> None:
    group = made.group(api)
    words = (f"{GROUP + group:x}", f"{TEMPLATE + ALL:x}", "1", f"{ALL:x}")
    made.rule(api, *words)
    reply = api.raw("one.acl.addrule", *words)
    assert reply == [False, f"[one.acl.addrule] Rule @{group} TEMPLATE/* USE * already exists", INTERNAL, -1, -1]


def test_single_object_needs_a_single_zone(api: Api, made: Made) -> None:
    group = made.group(api)
    reply = api.raw("one.acl.addrule", f"{GROUP + group:x}", f"{TEMPLATE + USER + 3:x}", "1", f"{ALL:x}")
    assert (reply[0], reply[2]) == (False, INTERNAL)
    assert "is malformed" in reply[1]


def test_single_zone_object_may_have_all_zones(api: Api, made: Made) -> None:
    group = made.group(api)
    number = made.rule(api, f"{GROUP + group:x}", f"{ZONE + USER:x}", "1", f"{ALL:x}")
    assert rule(api, number)["STRING"] == f"@{group} ZONE/#0 USE *"


@pytest.mark.parametrize("words", [("0", "0", "0", "0"), ("400000000", "400000000", "1", "400000000")])
def test_incomplete_rule_is_refused(api: Api, words: tuple[str, ...]) -> None:
    reply = api.raw("one.acl.addrule", *words)
    assert (reply[0], reply[2]) == (False, INTERNAL)
    assert "is malformed" in reply[1]


def test_deleted_rule_is_gone(api: Api, made: Made) -> None:
    group = made.group(api)
    number = made.rule(api, f"{GROUP + group:x}", f"{TEMPLATE + ALL:x}", "1", f"{ALL:x}")
    assert api.raw("one.acl.delrule", number) == [True, number, 0]
    assert str(number) not in [each.findtext("ID") for each in api.xml("one.acl.info")]


def test_rules_of_a_group_go_with_it(api: Api, made: Made) -> None:
    group = made.group(api)
    number = made.rule(api, f"{GROUP + group:x}", f"{TEMPLATE + ALL:x}", "1", f"{ALL:x}")
    api.call("one.group.delete", group)
    assert str(number) not in [each.findtext("ID") for each in api.xml("one.acl.info")]


@pytest.mark.parametrize(("method", "kind"), [("user", USERS), ("group", GROUPS), ("vdc", VDCS)])
def test_rules_about_just_an_object_go_with_it(api: Api, made: Made, method: str, kind: int) -> None:
    group, gone = made.group(api), getattr(made, method)(api)
    about = made.rule(api, f"{GROUP + group:x}", f"{kind + USER + gone:x}", "1", f"{ALL:x}")
    # One that is about another type, too, is another rule.
    more = made.rule(api, f"{GROUP + group:x}", f"{kind + ZONE + USER + gone:x}", "1", f"{ALL:x}")
    api.call(f"one.{method}.delete", gone)
    left = [each.findtext("ID") for each in api.xml("one.acl.info")]
    assert (str(about) in left, str(more) in left) == (False, True)


def test_rule_takes_effect(api: Api, made: Made) -> None:
    group = made.group(api)
    name = made.name()
    made.user(api, name, groups=(group,))
    text = f'NAME="{made.name()}"\nCPU=1\nMEMORY=64'
    user = api.as_user(name, "pw")
    assert user.raw("one.template.allocate", text)[2] == 512
    made.rule(api, f"{GROUP + group:x}", f"{TEMPLATE + ALL:x}", "8", f"{ALL:x}")
    reply = user.raw("one.template.allocate", text)
    assert reply[0] is True
    api.call("one.template.delete", reply[1])


def test_rules_through_pyone(api: Api, made: Made) -> None:
    group = made.group(api)
    number = made.rule(api, f"{GROUP + group:x}", f"{TEMPLATE + ALL:x}", "1", f"{ALL:x}")
    assert number in [each.ID for each in api.pyone.acl.info().ACL]


def test_a_rule_for_a_cluster_is_for_what_is_in_it(api: Api, made: Made) -> None:
    group = made.group(api)
    # There the default VDC would let it use all that there is.
    api.call("one.vdc.delgroup", 0, group)
    name = made.name()
    made.user(api, name, groups=(group,))
    user = api.as_user(name, "pw")
    assert (user.raw("one.datastore.info", 1)[2], len(user.xml("one.datastorepool.info"))) == (AUTHORIZATION, 0)
    made.rule(api, f"{GROUP + group:x}", f"{DATASTORE + CLUSTER + 4711:x}", "1", f"{ALL:x}")
    assert (user.raw("one.datastore.info", 1)[2], len(user.xml("one.datastorepool.info"))) == (AUTHORIZATION, 0)
    made.rule(api, f"{GROUP + group:x}", f"{DATASTORE + CLUSTER:x}", "1", f"{ALL:x}")
    assert user.raw("one.datastore.info", 1)[0] is True
    assert {"0", "1", "2"} <= {each.findtext("ID") for each in user.xml("one.datastorepool.info")}
