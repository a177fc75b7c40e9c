# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Users and groups."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest

from .api import ACTION, AUTHENTICATION, AUTHORIZATION, INTERNAL, Api, outline
from .conftest import Made
from .frontend import Zone
from .truth import load, of_version, since

QUOTAS = load("documents")["VM_QUOTA"]
HASH = hashlib.sha256(b"old-password").hexdigest()


def groups(api: Api, user: int) -> tuple[int, set[int]]:
    """Primary group and all groups."""
    found = api.xml("one.user.info", user)
    return int(found.findtext("GID") or ""), {int(each.text or "") for each in found.findall("GROUPS/ID")}


def members(api: Api, group: int, kind: str = "USERS") -> list[int]:
    return [int(each.text or "") for each in api.xml("one.group.info", group).findall(f"{kind}/ID")]


# ---- New installation


def test_first_users_and_groups(own: Zone) -> None:
    users = {each.findtext("NAME"): each for each in own.api.xml("one.userpool.info").findall("USER")}
    assert (users["oneadmin"].findtext("ID"), users["serveradmin"].findtext("ID")) == ("0", "1")
    names = {each.findtext("ID"): each.findtext("NAME") for each in own.api.xml("one.grouppool.info").findall("GROUP")}
    assert (names["0"], names["1"]) == ("oneadmin", "users")


def test_users_group_has_its_views(own: Zone) -> None:
    assert own.api.xml("one.group.info", 1).findtext("TEMPLATE/SUNSTONE/DEFAULT_VIEW") == "cloud"


# ---- Users


def test_user_of_oneadmin_goes_to_group_users(api: Api, made: Made) -> None:
    number = made.user(api)
    assert groups(api, number) == (1, {1})
    assert number in members(api, 1)


def test_first_group_given_is_the_primary_one(api: Api, made: Made) -> None:
    first, second = made.group(api), made.group(api)
    number = made.user(api, groups=(second, first))
    assert groups(api, number) == (second, {first, second})


def test_groups_may_be_left_out(api: Api, made: Made) -> None:
    name = made.name()
    number = api.call("one.user.allocate", name, "pw", "")
    assert groups(api, number) == (1, {1})
    api.call("one.user.delete", number)


def test_driver_is_core_unless_given(api: Api, made: Made) -> None:
    assert api.xml("one.user.info", made.user(api)).findtext("AUTH_DRIVER") == "core"


def test_token_password_is_made(api: Api, made: Made) -> None:
    token = api.xml("one.user.info", made.user(api)).findtext("TEMPLATE/TOKEN_PASSWORD") or ""
    assert re.fullmatch(r"[0-9a-f]{64}", token)


def test_token_password_can_be_restored(api: Api, made: Made) -> None:
    number = made.user(api)
    api.call("one.user.update", number, f'TOKEN_PASSWORD="{HASH}"', 1)
    assert api.xml("one.user.info", number).findtext("TEMPLATE/TOKEN_PASSWORD") == HASH


@pytest.mark.parametrize("driver", ["imported", "public", "ssh", "x509", "ldap", "server_cipher"])
def test_any_other_driver_keeps_the_value_as_it_is(api: Api, made: Made, driver: str) -> None:
    number = made.user(api, password=HASH, driver=driver)
    user = api.xml("one.user.info", number)
    assert (user.findtext("PASSWORD"), user.findtext("AUTH_DRIVER")) == (HASH, driver)


def test_import_keeps_the_hash_and_so_the_password(api: Api, made: Made) -> None:
    name = made.name()
    number = made.user(api, name, HASH, "imported")
    user = api.as_user(name, "old-password")
    assert user.raw("one.user.info", -1)[2] == AUTHENTICATION
    assert api.raw("one.user.chauth", number, "core", "") == [True, number, 0]
    document = api.xml("one.user.info", number)
    assert (document.findtext("PASSWORD"), document.findtext("AUTH_DRIVER")) == (HASH, "core")
    assert user.raw("one.user.info", -1)[0] is True


def test_chauth_with_a_password_hashes_it(api: Api, made: Made) -> None:
    number = made.user(api, password=HASH, driver="imported")
    api.call("one.user.chauth", number, "core", "fresh")
    assert api.xml("one.user.info", number).findtext("PASSWORD") == hashlib.sha256(b"fresh").hexdigest()


def test_chgrp_changes_the_primary_group(api: Api, made: Made) -> None:
    number, group = made.user(api), made.group(api)
    assert api.call("one.user.chgrp", number, group) == number
    assert groups(api, number) == (group, {group})
    assert number not in members(api, 1)


def test_chgrp_to_a_further_group_keeps_the_old_one(api: Api, made: Made) -> None:
    number, group = made.user(api), made.group(api)
    api.call("one.user.addgroup", number, group)
    api.call("one.user.chgrp", number, group)
    assert groups(api, number) == (group, {1, group})


def test_passwd_keeps_the_driver(api: Api, made: Made) -> None:
    number = made.user(api, password="key", driver="ssh")
    assert api.raw("one.user.passwd", number, "another") == [True, number, 0]
    user = api.xml("one.user.info", number)
    assert (user.findtext("PASSWORD"), user.findtext("AUTH_DRIVER")) == ("another", "ssh")


def test_chauth_without_a_password_keeps_what_is_stored(api: Api, made: Made) -> None:
    number = made.user(api)
    api.call("one.user.chauth", number, "ldap", "")
    assert api.xml("one.user.info", number).findtext("PASSWORD") == hashlib.sha256(b"pw").hexdigest()


def test_addgroup_and_delgroup(api: Api, made: Made) -> None:
    number, group = made.user(api), made.group(api)
    assert api.call("one.user.addgroup", number, group) == number
    assert groups(api, number) == (1, {1, group})
    assert members(api, group) == [number]
    assert api.call("one.user.delgroup", number, group) == number
    assert groups(api, number) == (1, {1})


def test_primary_group_cannot_be_left(api: Api, made: Made) -> None:
    number = made.user(api)
    reply = api.raw("one.user.delgroup", number, 1)
    assert (reply[0], reply[2]) == (False, ACTION)
    assert groups(api, number) == (1, {1})


def test_deleted_user_is_gone_from_groups(api: Api, made: Made) -> None:
    group = made.group(api)
    number = made.user(api, groups=(group,))
    assert api.raw("one.user.delete", number) == [True, number, 0]
    assert api.raw("one.user.info", number)[2:4] == [1024, number]
    assert members(api, group) == []


def test_oneadmin_cannot_be_deleted(api: Api) -> None:
    reply = api.raw("one.user.delete", 0)
    assert reply[0] is False
    assert api.xml("one.user.info", 0).findtext("NAME") == "oneadmin"


def test_ids_are_not_used_again(api: Api, made: Made) -> None:
    first = made.user(api)
    api.call("one.user.delete", first)
    assert made.user(api) == first + 1


def test_ordinary_user_may_not_create_users(api: Api, made: Made) -> None:
    name = made.name()
    number = made.user(api, name)
    reply = api.as_user(name, "pw").raw("one.user.allocate", made.name(), "p", "", [])
    assert reply[:3] == [
        False,
        f"[one.user.allocate] User [{number}] : Not authorized to perform CREATE USER.",
        AUTHORIZATION,
    ]


def test_pool_of_an_ordinary_user_holds_himself(api: Api, made: Made) -> None:
    name = made.name()
    number = made.user(api, name)
    pool = api.as_user(name, "pw").xml("one.userpool.info")
    assert [each.findtext("ID") for each in pool.findall("USER")] == [str(number)]


def test_pool_holds_hashes_and_quotas_beside_users(api: Api, made: Made) -> None:
    number = made.user(api)
    pool = api.xml("one.userpool.info")
    user = next(each for each in pool.findall("USER") if each.findtext("ID") == str(number))
    assert user.findtext("PASSWORD") == hashlib.sha256(b"pw").hexdigest()
    children = list(pool)
    following = children[children.index(user) + 1]
    assert (following.tag, following.findtext("ID")) == ("QUOTAS", str(number))


def test_users_through_pyone(one: Any, api: Api, made: Made) -> None:
    group = made.group(api)
    number = made.user(api, groups=(group,))
    user = one.user.info(number)
    found = (user.GID, user.ENABLED, user.GROUPS.ID)
    assert found == (group, 1, [group])
    assert number in [each.ID for each in one.userpool.info().USER]


# ---- Quotas


def test_quota_document(api: Api, made: Made, version: str) -> None:
    number = made.user(api)
    assert api.call("one.user.quota", number, 'VM=[VMS="3",CPU="2",MEMORY="1024"]') == number
    document = re.search(r"<VM_QUOTA>.*?</VM_QUOTA>", api.call("one.user.info", number))
    assert document
    assert outline(document.group()) == of_version(QUOTAS, version)


def test_quota_values(api: Api, made: Made) -> None:
    number = made.user(api)
    api.call("one.user.quota", number, 'VM=[VMS="3",CPU="2",MEMORY="1024"]')
    found = api.xml("one.user.info", number).find("VM_QUOTA/VM")
    assert found is not None
    values = {each.tag: each.text for each in found}
    assert (values["VMS"], values["CPU"], values["MEMORY"]) == ("3", "2", "1024")
    assert (values["VMS_USED"], values["RUNNING_VMS"], values["SYSTEM_DISK_SIZE"]) == ("0", "-1", "-1")


def test_quota_of_a_group(api: Api, made: Made) -> None:
    group = made.group(api)
    assert api.call("one.group.quota", group, 'VM=[VMS="5"]') == group
    assert api.xml("one.group.info", group).findtext("VM_QUOTA/VM/VMS") == "5"


def limits(api: Api, user: int, kind: str) -> list[dict[str, str]]:
    """The entries of one kind, without what is used."""
    found = api.xml("one.user.info", user).findall(f"{kind}_QUOTA/{kind}")
    return [{each.tag: each.text or "" for each in entry if not each.tag.endswith("_USED")} for entry in found]


def test_limits_that_are_not_named_go_back_to_the_default(api: Api, made: Made) -> None:
    number = made.user(api)
    api.call("one.user.quota", number, 'VM=[VMS="3",CPU="2.5"]')
    assert {limits(api, number, "VM")[0][name] for name in ("VMS", "CPU", "MEMORY")} == {"3", "2.50", "-1"}
    api.call("one.user.quota", number, 'VM=[CPU="4.00",MEMORY="x"]')
    assert {name: limits(api, number, "VM")[0][name] for name in ("VMS", "CPU", "MEMORY")} == {
        "VMS": "-1",
        "CPU": "4",
        "MEMORY": "-1",
    }


def test_a_quota_without_any_limit_is_gone(api: Api, made: Made) -> None:
    number = made.user(api)
    api.call("one.user.quota", number, 'VM=[VMS="3"]\nDATASTORE=[ID="1",IMAGES="4"]\nNETWORK=[ID="0",LEASES="2"]')
    assert limits(api, number, "DATASTORE") == [{"ID": "1", "IMAGES": "4", "SIZE": "-1"}]
    assert limits(api, number, "NETWORK") == [{"ID": "0", "LEASES": "2"}]
    api.call("one.user.quota", number, 'VM=[VMS="-1"]\nDATASTORE=[ID="1"]')
    assert (limits(api, number, "VM"), limits(api, number, "DATASTORE")) == ([], [])
    assert limits(api, number, "NETWORK") == [{"ID": "0", "LEASES": "2"}]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('DATASTORE=[IMAGES="4"]', "DATASTORE = [ IMAGES=4 ]"),
        ('DATASTORE=[ID="x",IMAGES="4"]', "DATASTORE = [ ID=x,IMAGES=4 ]"),
        ('IMAGE=[ID="1",RVMS="-3"]', "IMAGE = [ ID=1,RVMS=-3 ]"),
    ],
)
def test_a_quota_that_is_none_is_refused(api: Api, made: Made, text: str, shown: str) -> None:
    number = made.user(api)
    reply = api.raw("one.user.quota", number, text)
    assert reply[:3] == [False, f"[one.user.quota] Negative limits or bad format in quota {shown}", ACTION]


def test_clusters_have_quotas_without_defaults(api: Api, made: Made, version: str) -> None:
    if version == "6.10":
        pytest.skip("quotas of clusters came after 6.10")
    number = made.user(api)
    api.call("one.user.quota", number, 'VM=[CLUSTER_IDS="0",VMS="1",CPU="-1"]')
    (entry,) = limits(api, number, "VM")
    assert (entry["CLUSTER_IDS"], entry["VMS"], entry["CPU"], entry["MEMORY"]) == ("0", "1", "-2", "-2")
    api.call("one.user.quota", number, 'VM=[CLUSTER_IDS="0"]')
    assert limits(api, number, "VM") == []


def test_default_quotas_have_no_limit_where_none_is_given(own: Zone) -> None:
    document = own.api.call("one.userquota.update", 'VM=[VMS="3"]')
    assert "<VMS><![CDATA[3]]></VMS>" in document
    assert "<CPU><![CDATA[-2]]></CPU>" in document
    assert own.api.raw("one.userquota.update", 'VM=[VMS="-1"]')[2] == ACTION
    assert "<VM_QUOTA></VM_QUOTA>" in own.api.call("one.userquota.update", 'VM=[VMS="-2"]')


def test_oneadmin_has_no_quota(api: Api) -> None:
    reply = api.raw("one.user.quota", 0, 'VM=[VMS="3"]')
    assert reply[0] is False


# ---- Groups


def test_group_ids_begin_with_100(api: Api, made: Made) -> None:
    assert made.group(api) >= 100


def test_new_group_enters_the_default_vdc(api: Api, made: Made) -> None:
    group = made.group(api)
    assert str(group) in [each.text for each in api.xml("one.vdc.info", 0).findall("GROUPS/ID")]


def test_taken_group_name_is_refused(api: Api, made: Made) -> None:
    name = made.name()
    number = made.group(api, name)
    reply = api.raw("one.group.allocate", name)
    assert reply == [False, f"[one.group.allocate] NAME is already taken by GROUP {number}.", INTERNAL, -1, -1]


def test_a_group_name_holds_no_colon(api: Api) -> None:
    reply = api.raw("one.group.allocate", "a:b")
    assert reply[1:3] == ["[one.group.allocate] Invalid NAME, char ':' is not allowed", INTERNAL]


def test_a_group_name_holds_no_blank_since_7_2(api: Api, made: Made, version: str) -> None:
    name = f"{made.name()} x"
    if tuple(map(int, version.split(".")[:2])) < (7, 2):
        assert api.xml("one.group.info", made.group(api, name)).findtext("NAME") == name
        return
    reply = api.raw("one.group.allocate", name)
    assert reply[1:3] == ["[one.group.allocate] Invalid NAME, char ' ' is not allowed", INTERNAL]


def test_a_user_name_holds_no_tab(api: Api, made: Made) -> None:
    reply = api.raw("one.user.allocate", f"{made.name()}\tx", "secret", "core", [1])
    assert reply[1:3] == ["[one.user.allocate] Invalid NAME, char '\t' is not allowed.", INTERNAL]


def test_a_template_can_be_emptied(api: Api, made: Made) -> None:
    group = made.group(api)
    api.call("one.group.update", group, 'LABEL="x"', 1)
    assert api.raw("one.group.update", group, "<TEMPLATE></TEMPLATE>", 0) == [True, group, 0]
    assert len(api.xml("one.group.info", group).find("TEMPLATE") or []) == 0


def test_administrator_must_be_a_member(api: Api, made: Made) -> None:
    group, outsider = made.group(api), made.user(api)
    assert api.raw("one.group.addadmin", group, outsider)[0] is False
    member = made.user(api, groups=(group,))
    assert api.raw("one.group.addadmin", group, member) == [True, group, 0]
    assert members(api, group, "ADMINS") == [member]
    assert api.raw("one.group.deladmin", group, member) == [True, group, 0]
    assert members(api, group, "ADMINS") == []


def test_administrator_gets_rules(api: Api, made: Made) -> None:
    group = made.group(api)
    admin = made.user(api, groups=(group,))
    api.call("one.group.addadmin", group, admin)
    strings = [each.findtext("STRING") for each in api.xml("one.acl.info") if each.findtext("USER") == f"1{admin:08x}"]
    assert f"#{admin} USER/@{group} USE+MANAGE+ADMIN+CREATE *" in strings
    assert len(strings) == 4


def test_deleted_group_is_gone(api: Api, made: Made) -> None:
    group = made.group(api)
    assert api.raw("one.group.delete", group) == [True, group, 0]
    assert api.raw("one.group.info", group)[2:4] == [1024, group]
    assert str(group) not in [each.text for each in api.xml("one.vdc.info", 0).findall("GROUPS/ID")]


def test_group_with_users_cannot_be_deleted(api: Api, made: Made) -> None:
    group = made.group(api)
    made.user(api, groups=(group,))
    assert api.raw("one.group.delete", group)[0] is False


@pytest.mark.parametrize("group", [0, 1])
def test_system_groups_cannot_be_deleted(api: Api, group: int) -> None:
    assert api.raw("one.group.delete", group)[0] is False
    assert api.raw("one.group.info", group)[0] is True


def test_template_of_a_group(api: Api, made: Made) -> None:
    group = made.group(api)
    assert api.call("one.group.update", group, 'LABEL="x"', 1) == group
    assert api.xml("one.group.info", group).findtext("TEMPLATE/LABEL") == "x"


def test_vlan_rules_came_with_7_4(api: Api, version: str) -> None:
    assert (api.xml("one.group.info", 1).find("VLAN_RULES") is None) == (not since(version, "7.4"))
