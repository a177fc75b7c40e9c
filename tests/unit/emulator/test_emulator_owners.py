# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Objects that users own, and what becomes of them when owners change."""

from __future__ import annotations

import hashlib

import pytest
from emulated import Zone

TEMPLATE = 'NAME="t"\nCPU="1"'


def owner(zone: Zone, kind: str, oid: int) -> tuple[str, ...]:
    document = zone.xml(f"one.{kind}.info", oid)
    return tuple(document.findtext(name, "") for name in ("UID", "GID", "UNAME", "GNAME"))


@pytest.mark.parametrize(("kind", "arguments", "table"), [
    ("template", (TEMPLATE,), "template_pool"),
    ("vntemplate", (TEMPLATE,), "vn_template_pool"),
    ("secgroup", (TEMPLATE,), "secgroup_pool"),
    ("vmgroup", (TEMPLATE,), "vmgroup_pool"),
    ("document", (TEMPLATE, 100), "document_pool"),
    ("vn", ('NAME="t"\nVN_MAD="bridge"\nBRIDGE="br0"', -1), "network_pool"),
    ("vm", (TEMPLATE, True), "vm_pool"),
])
def test_owners_change_in_the_document_and_in_the_columns(zone: Zone, kind: str, arguments: tuple[object, ...],
                                                          table: str) -> None:
    oid = zone.call(f"one.{kind}.allocate", *arguments)
    user = zone.call("one.user.allocate", "bob", "pw", "", [])
    assert owner(zone, kind, oid) == ("0", "0", "oneadmin", "oneadmin")
    assert zone.raw(f"one.{kind}.chown", oid, user, 1) == [True, oid, 0]
    assert owner(zone, kind, oid) == (str(user), "1", "bob", "users")
    assert zone.sql(f"SELECT uid, gid FROM {table} WHERE oid = {oid}") == [(user, 1)]
    assert zone.raw(f"one.{kind}.chown", oid, 99, -1) == [
        False, f"[one.{kind}.chown] Error getting user [99].", 1024, 99, -1]


def test_a_name_that_was_changed_elsewhere_stays_in_the_document(zone: Zone) -> None:
    oid = zone.call("one.template.allocate", TEMPLATE)
    zone.call("one.template.chown", oid, zone.call("one.user.allocate", "bob", "pw", "", []), -1)
    zone.call("one.user.delete", 2)
    assert owner(zone, "template", oid)[:3] == ("2", "0", "bob")


def test_a_limit_of_machines_stops_their_new_owner(zone: Zone) -> None:
    user = zone.call("one.user.allocate", "bob", "pw", "", [])
    machine = zone.call("one.vm.allocate", TEMPLATE, True)
    zone.call("one.user.quota", user, 'VM=[VMS="0"]')
    assert zone.raw("one.vm.chown", machine, user, -1) == [
        False, f"[one.vm.chown] User [0] : user [{user}] limit of 0 reached for VMS quota in VM.", 512, -1, -1]
    zone.call("one.user.quota", user, 'VM=[VMS="-1"]')
    assert zone.raw("one.vm.chown", machine, user, -1) == [True, machine, 0]
    assert zone.xml("one.user.info", user).findtext("VM_QUOTA/VM/VMS_USED") == "1"


def test_hashes_can_be_imported_unchanged(zone: Zone) -> None:
    zone.call("one.user.allocate", "bob", "pw", "", [])
    stored = zone.xml("one.user.info", 2).findtext("PASSWORD")
    user = zone.call("one.user.allocate", "bob2", stored, "imported", [1])
    assert zone.raw("one.user.info", -1, session="bob2:pw")[2] == 256
    assert zone.raw("one.user.chauth", user, "core", "") == [True, user, 0]
    assert zone.xml("one.user.info", user).findtext("PASSWORD") == stored
    assert zone.raw("one.user.info", -1, session="bob2:pw")[0] is True


def test_old_hashes_become_new_ones_at_the_first_login(zone: Zone) -> None:
    user = zone.call("one.user.allocate", "bob", hashlib.sha1(b"pw").hexdigest(), "old", [])
    zone.call("one.user.chauth", user, "core", "")
    assert zone.raw("one.user.info", -1, session="bob:pw")[0] is True
    assert zone.xml("one.user.info", user).findtext("PASSWORD") == hashlib.sha256(b"pw").hexdigest()
