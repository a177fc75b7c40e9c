# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Who may use a zone, declared in a playbook of users, groups, VDCs and access rules."""

from __future__ import annotations

import hashlib

from . import people
from .lab import Federation, extra

PLAYBOOK = "../tests/zones/identities"
PASSWORD = "ada-s-password"


@extra
def test_who_may_use_a_zone_is_declared_and_taken_back(federation: Federation) -> None:
    zone = federation.add("madrid")
    declared = ("-e", f"ada_password={PASSWORD}")
    before = zone.tables()
    first = federation.run(PLAYBOOK, *declared)
    assert first.code == 0, first.output
    assert first.tasks("changed") and PASSWORD not in first.output
    users = {each.findtext("NAME"): each for each in people.xml(zone, "one.userpool.info").iterfind("USER")}
    group = next(each for each in people.xml(zone, "one.grouppool.info") if each.findtext("NAME") == "devs")
    devs, ada = group.findtext("ID"), users["ada"].findtext("ID")
    assert (users["ada"].findtext("GNAME"), [each.text for each in group.iterfind("ADMINS/ID")]) == ("devs", [ada])
    assert users["grace"].findtext("PASSWORD") == hashlib.sha256(b"of old").hexdigest()
    quota = people.xml(zone, "one.user.info", int(ada or 0)).find("VM_QUOTA/VM")
    assert quota is not None
    assert [float(quota.findtext(name, "")) for name in ("VMS", "CPU")] == [3, 2.5]
    rules = {each.findtext("STRING") for each in people.xml(zone, "one.acl.info")}
    assert f"@{devs} VM+IMAGE+TEMPLATE/* CREATE *" in rules
    vdc = next(each for each in people.xml(zone, "one.vdcpool.info") if each.findtext("NAME") == "lab")
    assert [each.text for each in vdc.iterfind("GROUPS/ID")] == [devs]
    assert [each.findtext("CLUSTER_ID") for each in vdc.iterfind("CLUSTERS/CLUSTER")] == ["-10"]
    for session in (f"ada:{PASSWORD}", "grace:of old"):
        assert people.as_user(zone, session, "one.user.info", -1)[0] is True
    kept = zone.tables()
    for options in (("--check",), ()):
        again = federation.run(PLAYBOOK, *declared, *options)
        assert (again.code, again.tasks("changed")) == (0, set()), again.output
    assert zone.tables() == kept
    gone = federation.run(PLAYBOOK, *declared, "-e", "gone=true")
    assert gone.code == 0 and gone.tasks("changed"), gone.output
    assert zone.tables() == before
