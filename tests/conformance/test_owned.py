# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Objects of one zone that users own: how they change hands, and what forbids it."""

from __future__ import annotations

from typing import Any

import pytest

from .api import ACTION, AUTHORIZATION, INTERNAL, Api
from .conftest import Made
from .truth import since

EVERYTHING = (-2, -1, -1)
TEMPLATES: dict[str, tuple[Any, ...]] = {
    "template": ('NAME="{}"',),
    "vntemplate": ('NAME="{}"\nVN_MAD="bridge"',),
    "secgroup": ('NAME="{}"',),
    "vmgroup": ('NAME="{}"\nROLE=[NAME="r"]',),
    "vrouter": ('NAME="{}"',),
    "backupjob": ('NAME="{}"\nDATASTORE_ID="1"',),
    "document": ('NAME="{}"', 4711),
    "vn": ('NAME="{}"\nVN_MAD="bridge"\nBRIDGE="b"', -1),
    "image": ('NAME="{}"\nTYPE="DATABLOCK"\nSIZE="1"', 1, False),
    "datastore": ('NAME="{}"\nDS_MAD="fs"\nTM_MAD="shared"', -1),
    "vm": ('NAME="{}"\nCPU="0.5"\nMEMORY="10"', True),
}
WORDS = {
    "template": "virtual machine template",
    "vntemplate": "virtual network template",
    "secgroup": "security group",
    "vmgroup": "vm group",
    "vrouter": "virtual router",
    "backupjob": "backup job",
    "vn": "virtual network",
    "image": "image",
}
RULE_NAMES = {"template": "TEMPLATE", "vn": "NET", "image": "IMAGE", "vm": "VM", "document": "DOCUMENT"}


def new(api: Api, made: Made, kind: str, name: str) -> int:
    text, *more = TEMPLATES[kind]
    number = int(api.call(f"one.{kind}.allocate", text.format(name), *more))
    if kind != "vm":
        made._note(api, f"one.{kind}.delete", number)
    return number


def owner(api: Api, kind: str, number: int) -> list[str | None]:
    document = api.xml(f"one.{kind}.info", number)
    return [document.findtext(name) for name in ("UID", "GID", "UNAME", "GNAME")]


@pytest.mark.parametrize("kind", TEMPLATES)
def test_everything_owned_can_be_given_away(api: Api, made: Made, kind: str) -> None:
    name = made.name()
    user, group, number = made.user(api, name), made.group(api, name), new(api, made, kind, made.name())
    assert owner(api, kind, number) == ["0", "0", "oneadmin", "oneadmin"]
    assert api.raw(f"one.{kind}.chown", number, user, group) == [True, number, 0]
    assert owner(api, kind, number) == [str(user), str(group), name, name]
    api.call(f"one.{kind}.chown", number, 0, 0)
    if kind == "vm":
        api.call("one.vm.action", "terminate-hard", number)


@pytest.mark.parametrize("kind", WORDS)
def test_nobody_gets_two_objects_of_one_name(api: Api, made: Made, kind: str) -> None:
    user, name = made.user(api), made.name()
    first = new(api, made, kind, name)
    api.call(f"one.{kind}.chown", first, user, -1)
    second = new(api, made, kind, name)
    text = f"[one.{kind}.chown] user [{user}] already owns {WORDS[kind]} [{first}] with NAME {name}"
    assert api.raw(f"one.{kind}.chown", second, user, -1) == [False, text, INTERNAL, -1, -1]


def test_virtual_routers_of_one_owner_may_be_renamed_alike(api: Api, made: Made) -> None:
    name = made.name()
    new(api, made, "vrouter", name)
    assert api.raw("one.vrouter.rename", new(api, made, "vrouter", made.name()), name)[0]
    number = new(api, made, "image", made.name())
    other = new(api, made, "image", name)
    text = f"[one.image.rename] image cannot be renamed to {name} because it collides with image {other}"
    assert api.raw("one.image.rename", number, name) == [False, text, ACTION, -1, -1]


@pytest.mark.parametrize("kind", RULE_NAMES)
def test_oneadmin_gives_away_no_locked_object(api: Api, made: Made, kind: str) -> None:
    user, number = made.user(api), new(api, made, kind, made.name())
    text = f"[one.{kind}.chown] User [0] : {RULE_NAMES[kind]} is locked. [{number}]."
    for level, stored, refused in ((4, "1", True), (2, "2", True), (3, "3", False)):
        assert api.call(f"one.{kind}.lock", number, level) == number
        assert api.xml(f"one.{kind}.info", number).findtext("LOCK/LOCKED") == stored
        reply = api.raw(f"one.{kind}.chown", number, user, -1)
        assert reply == ([False, text, AUTHORIZATION, -1, -1] if refused else [True, number, 0])
    assert api.call(f"one.{kind}.unlock", number) == number
    assert api.xml(f"one.{kind}.info", number).find("LOCK") is None
    api.call(f"one.{kind}.chown", number, 0, -1)
    if kind == "vm":
        api.call("one.vm.action", "terminate-hard", number)


def test_machines_that_are_done_stay_whose_they_are(api: Api, made: Made) -> None:
    user, number = made.user(api), new(api, made, "vm", made.name())
    api.call("one.vm.action", "terminate-hard", number)
    text = "[one.vm.chown] Could not change VM ownership, wrong state"
    assert api.raw("one.vm.chown", number, user, -1) == [False, text, ACTION, -1, -1]
    listed = [
        {each.findtext("ID") for each in api.xml("one.vmpool.info", *EVERYTHING, state).findall("VM")}
        for state in (-1, -2, 6)
    ]
    assert [str(number) in found for found in listed] == [False, True, True]


def test_what_is_used_is_counted_for_the_new_owner(api: Api, made: Made) -> None:
    old, user, number = made.user(api), made.user(api), new(api, made, "vm", made.name())
    for uid in (old, user):
        api.call("one.vm.chown", number, uid, -1)
    assert api.xml("one.user.info", old).find("VM_QUOTA/VM") is None
    quota = api.xml("one.user.info", user).find("VM_QUOTA/VM")
    assert quota is not None
    found = {each.tag: each.text for each in quota}
    assert [found[name] for name in ("VMS", "VMS_USED", "CPU_USED", "MEMORY_USED", "RUNNING_VMS_USED")] == [
        "-1",
        "1",
        "0.50",
        "10",
        "1",
    ]
    api.call("one.vm.chown", number, 0, -1)
    assert api.xml("one.user.info", user).find("VM_QUOTA/VM") is None
    api.call("one.vm.action", "terminate-hard", number)


def test_images_count_in_their_datastore(api: Api, made: Made) -> None:
    user, number = made.user(api), new(api, made, "image", made.name())
    api.call("one.user.quota", user, 'DATASTORE=[ID="1",IMAGES="0"]')
    text = f"[one.image.chown] User [0] : user [{user}] limit of 0 reached for IMAGES quota in DATASTORE with ID: 1."
    assert api.raw("one.image.chown", number, user, -1) == [False, text, AUTHORIZATION, -1, -1]
    api.call("one.user.quota", user, 'DATASTORE=[ID="1"]')
    assert api.raw("one.image.chown", number, user, -1)[0]
    assert api.xml("one.user.info", user).findtext("DATASTORE_QUOTA/DATASTORE/SIZE_USED") == "1"
    api.call("one.image.chown", number, 0, -1)


def test_default_limits_hold_for_who_has_none_of_his_own(api: Api, made: Made) -> None:
    user, number = made.user(api), new(api, made, "vm", made.name())
    api.call("one.userquota.update", 'VM=[VMS="0"]')
    try:
        text = f"[one.vm.chown] User [0] : user [{user}] limit of 0 reached for VMS quota in VM."
        assert api.raw("one.vm.chown", number, user, -1) == [False, text, AUTHORIZATION, -1, -1]
    finally:
        api.call("one.userquota.update", 'VM=[VMS="-2"]')
    assert "<VMS>" not in api.call("one.userquota.info")
    assert api.raw("one.vm.chown", number, user, -1)[0]
    api.call("one.vm.chown", number, 0, -1)
    api.call("one.vm.action", "terminate-hard", number)


def test_groups_limits_hold_too(api: Api, made: Made) -> None:
    group, number = made.group(api), new(api, made, "vm", made.name())
    api.call("one.group.quota", group, 'VM=[VMS="0"]')
    text = f"[one.vm.chown] User [0] : group [{group}] limit of 0 reached for VMS quota in VM."
    assert api.raw("one.vm.chown", number, -1, group) == [False, text, AUTHORIZATION, -1, -1]
    api.call("one.vm.action", "terminate-hard", number)


def test_a_groups_vlans_are_set_as_a_whole(api: Api, made: Made, version: str) -> None:
    if not since(version, "7.4"):
        pytest.skip("since 7.4 only")
    group = made.group(api)
    for text, wanted in (
        ('VLAN=[ID="6-8",SCOPE="ANY"]', ["6-8"]),
        ("<TEMPLATE><VLAN><ID>9</ID></VLAN></TEMPLATE>", ["9"]),
        ("", []),
    ):
        assert api.call("one.group.vlan", group, text) == group
        assert [each.text for each in api.xml("one.group.info", group).findall("VLAN_RULES/VLAN/ID")] == wanted


def test_encrypted_attributes_are_read_when_asked_for(api: Api, made: Made) -> None:
    user = made.user(api)
    api.call("one.user.update", user, 'SSH_PRIVATE_KEY="k"', 1)
    api.call("one.user.update", user, 'OTHER="o"', 1)
    shown = [api.xml("one.user.info", user, decrypt).findtext("TEMPLATE/SSH_PRIVATE_KEY") for decrypt in (False, True)]
    assert shown[0] not in ("", "k", None)
    assert shown[1] == "k"


@pytest.mark.parametrize("kind", RULE_NAMES)
def test_a_locked_object_keeps_its_template(api: Api, made: Made, kind: str) -> None:
    number = new(api, made, kind, made.name())
    text = f"[one.{kind}.update] User [0] : {RULE_NAMES[kind]} is locked. [{number}]."
    for level, refused in ((2, True), (3, False)):
        api.call(f"one.{kind}.lock", number, level)
        reply = api.raw(f"one.{kind}.update", number, 'LABELS="x"', 1)
        assert reply == ([False, text, AUTHORIZATION, -1, -1] if refused else [True, number, 0])
    api.call(f"one.{kind}.unlock", number)
    if kind == "vm":
        api.call("one.vm.action", "terminate-hard", number)


def test_a_templates_attributes_of_one_name_are_replaced_together(api: Api, made: Made) -> None:
    number = new(api, made, "template", made.name())
    api.call("one.template.update", number, 'DISK=[IMAGE="a",E=""]\nDISK=[IMAGE="b"]\nNIC=[NETWORK="n"]\nS="s"', 1)
    disks = "<DISK><IMAGE>a</IMAGE><E><![CDATA[]]></E><F></F></DISK><DISK><IMAGE>c</IMAGE><G/></DISK>"
    api.call("one.template.update", number, f"<TEMPLATE>{disks}<S><![CDATA[]]></S><T></T></TEMPLATE>", 1)
    template = api.xml("one.template.info", number).find("TEMPLATE")
    assert template is not None
    assert [(each.tag, [(leaf.tag, leaf.text or "") for leaf in each], each.text or "") for each in template] == [
        # Of XML without any content becomes no attribute; an empty CDATA is an empty text.
        ("DISK", [("E", ""), ("IMAGE", "a")], ""),
        ("DISK", [("IMAGE", "c")], ""),
        ("NIC", [("NETWORK", "n")], ""),
        ("S", [], ""),
    ]
