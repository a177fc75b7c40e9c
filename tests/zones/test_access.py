# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Administrators of zones and access policies: declared, applied at the master, and asked of the API as those users."""

from __future__ import annotations

import re
import stat
from typing import Any

import pytest

from tests.tools.playbooks import wait_for

from .lab import Federation, Zone, extra
from .people import as_user, xml
from .test_refusals import fingerprint

ADA, GRACE, CARL = "ada-has-1-secret", "grace-has-1-secret", "carl-has-1-secret"
TOKEN = "a-token-of-carl"
AUTHORIZATION = 0x0200


@pytest.fixture
def declared(pair: Federation) -> Federation:
    """Paris has administrators of its own: one with a password, one with a generated one, one who exists."""
    pair.settings.update(
        federation_groups=[{"name": "dev", "admins": ["carl"], "template": {"SUNSTONE": {"DEFAULT_VIEW": "cloud"}}}],
        federation_users=[
            {"name": "carl", "password": CARL, "group": "dev", "template_secrets": {"TOKEN_PASSWORD": TOKEN}},
            {"name": "blas", "state": "absent"},
        ],
        federation_vdcs=[
            {"name": "lab", "groups": ["dev"], "resources": [{"zone": "paris", "clusters": ["default"]}]},
            {"id": 0, "groups_absent": ["dev"]},
        ],
        federation_acls=[
            {"rule": "@dev VM+TEMPLATE/* CREATE #paris"},
            {"user": "ana", "resources": ["VDC"], "rights": ["USE"], "zone": "*"},
        ],
    )
    pair.variables["paris"].update(
        zone_admin_group="paris-admins",
        zone_administrators=[{"name": "ada", "password": ADA}, {"name": "eva"}, "celia", "carl"],
    )
    pair.variables["madrid"].update(zone_administrators=[{"name": "grace", "password": GRACE}])
    return pair


def allowed(zone: Zone, session: str, method: str, *arguments: Any) -> bool:
    """Whether OpenNebula lets somebody do it; any other refusal is an error of the test."""
    answer = as_user(zone, session, method, *arguments)
    assert answer[0] or answer[2] == AUTHORIZATION, answer
    return bool(answer[0])


def rules(zone: Zone) -> set[str]:
    return {rule.findtext("STRING", "") for rule in xml(zone, "one.acl.info").iterfind("ACL")}


def members(zone: Zone, group: str) -> set[str]:
    """Who is in a group."""
    names = {user.findtext("ID"): user.findtext("NAME", "") for user in xml(zone, "one.userpool.info").iterfind("USER")}
    pool = xml(zone, "one.grouppool.info")
    return {
        names[user.text]
        for each in pool.iterfind("GROUP")
        if each.findtext("NAME") == group
        for user in each.iterfind("USERS/ID")
    }


def ids(zone: Zone, kind: str) -> dict[str, int]:
    pool = xml(zone, f"one.{kind}pool.info")
    return {each.findtext("NAME", ""): int(each.findtext("ID", "")) for each in pool.iterfind(kind.upper())}


def test_declared_access_is_applied_at_the_master_and_a_second_run_changes_nothing(declared: Federation) -> None:
    plan = declared.federate("--check", "--diff")
    assert declared.master.users() == {"oneadmin", "serveradmin", "ana", "blas", "celia"}
    assert not (declared.master.state / "passwords").exists()
    real = declared.federate("--diff", "-vvv")
    assert plan.tasks("changed") == real.tasks("changed")
    madrid, paris = declared.master, declared["paris"]
    assert madrid.users() == {"oneadmin", "serveradmin", "ana", "celia", "ada", "eva", "carl", "grace"}
    assert members(madrid, "paris-admins") == {"ada", "eva", "celia", "carl"}
    assert members(madrid, "oneadmin") == {"oneadmin", "serveradmin", "grace"}
    groups = ids(madrid, "group")
    assert {rule for rule in rules(madrid) if f"@{groups['paris-admins']} " in rule} == {
        f"@{groups['paris-admins']} {rest} #{ids(madrid, 'zone')['paris']}"
        for rest in (
            "VM+HOST+NET+IMAGE+TEMPLATE+DATASTORE+CLUSTER+DOCUMENT+SECGROUP+VROUTER+VMGROUP+VNTEMPLATE+BACKUPJOB/* "
            "USE+MANAGE+ADMIN+CREATE",
            "MARKETPLACE+MARKETPLACEAPP/* CREATE",
            "USER/* MANAGE+ADMIN",
            "GROUP/* USE+ADMIN",
        )
    }
    default = xml(madrid, "one.vdc.info", 0)
    assert [group.text for group in default.iterfind("GROUPS/ID")] == [str(groups["users"])]
    password = madrid.state / "passwords/eva.password"
    assert (stat.S_IMODE(password.stat().st_mode), stat.S_IMODE(password.parent.stat().st_mode)) == (0o600, 0o700)
    assert f"eva: {password} on madrid-1" in " ".join(real.output.split())
    generated = password.read_text().strip()
    wait_for(lambda: "carl" in paris.users(), "the users in paris")
    for zone in (madrid, paris):
        assert as_user(zone, f"eva:{generated}", "one.user.info", -1)[0]
    assert [secret for secret in (ADA, GRACE, CARL, TOKEN, generated) if secret in plan.output + real.output] == []

    before = {zone.host: zone.tables() for zone in declared.zones.values()}
    again = declared.federate()
    assert again.tasks("changed") == set()
    assert {zone.host: zone.tables() for zone in declared.zones.values()} == before


@extra
def test_an_administrator_manages_his_zone_and_is_refused_elsewhere(declared: Federation) -> None:
    declared.federate()
    madrid, paris, ada = declared.master, declared["paris"], f"ada:{ADA}"
    users = ids(madrid, "user")
    work: dict[str, tuple[Any, ...]] = {
        "cluster.update": (0, 'NOTE="mine"', 1),
        "template.allocate": ('NAME="t"',),
        "image.allocate": ('NAME="i"\nTYPE="DATABLOCK"\nSIZE="10"', 1),
        "datastore.allocate": ('NAME="d"\nDS_MAD="fs"\nTM_MAD="local"', -1),
        "vm.allocate": ('NAME="m"\nCPU="0.5"\nMEMORY="64"', True),
    }
    # Slaves read their rules again after some seconds.
    wait_for(lambda: as_user(paris, ada, "one.cluster.update", 0, "A=1", 1)[0], "the rules in paris", 40)
    assert {name: allowed(paris, ada, f"one.{name}", *arguments) for name, arguments in work.items()} == dict.fromkeys(
        work, True
    )
    assert {name: allowed(madrid, ada, f"one.{name}", *arguments) for name, arguments in work.items()} == dict.fromkeys(
        work, False
    )
    theirs = paris.call("one.vm.allocate", 'NAME="x"\nCPU="0.5"\nMEMORY="64"', True)
    # Rules that came between two of its readings, paris knows in part.
    wait_for(lambda: allowed(paris, ada, "one.vm.chown", theirs, users["ana"], 1), "all rules in paris", 40)
    assert allowed(paris, ada, "one.user.quota", users["ana"], 'VM=[VMS="5"]')
    # What would make somebody more than he is.
    for zone in (madrid, paris):
        assert not allowed(zone, ada, "one.user.passwd", users["oneadmin"], "another")
        assert not allowed(zone, ada, "one.user.passwd", users["ana"], "another")
        assert not allowed(zone, ada, "one.user.info", users["serveradmin"], True)
        assert not allowed(zone, ada, "one.user.addgroup", users["ada"], 0)
        assert not allowed(zone, ada, "one.acl.addrule", "100000005", "10400000000", "1", "400000000")
        assert not allowed(zone, ada, "one.zone.raftstatus")
    assert not allowed(madrid, ada, "one.user.quota", users["ana"], 'VM=[VMS="5"]')
    grace = f"grace:{GRACE}"
    assert all(allowed(zone, grace, "one.cluster.update", 0, 'NOTE="x"', 1) for zone in (madrid, paris))


@extra
def test_what_is_not_declared_is_left_alone(declared: Federation) -> None:
    declared.federate()
    madrid = declared.master
    before = madrid.users(), rules(madrid), members(madrid, "paris-admins")
    declared.settings.update(federation_users=[], federation_vdcs=[], federation_acls=[], federation_groups=[])
    declared.variables["paris"].update(zone_administrators=[])
    run = declared.federate()
    assert run.tasks("changed") == set()
    assert (madrid.users(), rules(madrid), members(madrid, "paris-admins")) == before


@extra
def test_nothing_declared_is_no_task(pair: Federation) -> None:
    run = pair.federate()
    assert [line["task"] for line in run.trace if "access" in line["task"].lower()] == []


WRONG = (
    ({"federation_users": [{"name": "x", "passwort": "s3cret-x"}]}, "(x) has unknown keys: passwort"),
    ({"federation_acls": [{"rule": "@dev VM/* USE #roma"}]}, "names the zone 'roma', which does not exist"),
)
MORE_WRONG = (
    ({"federation_groups": [{"name": "dev"}, {"name": "dev"}]}, "declares the group with name 'dev' twice"),
    ({"federation_acls": [{"rule": "@dev VM/* USE"}]}, "names no zone"),
    ({"federation_vdcs": "lab"}, "it must be a list"),
)


@pytest.mark.parametrize(("settings", "text"), [*WRONG, *(pytest.param(*one, marks=extra) for one in MORE_WRONG)])
def test_a_wrong_declaration_is_refused_before_anything_changes(
    pair: Federation, settings: dict[str, Any], text: str
) -> None:
    before = fingerprint(pair)
    pair.settings.update(settings)
    run = pair.run()
    assert run.code != 0
    assert text in " ".join(run.output.split())
    assert "s3cret-x" not in run.output
    assert run.tasks("changed") == set()
    assert fingerprint(pair) == before


@extra
def test_a_zone_that_cannot_join_keeps_no_policy_of_others_from_being_applied(declared: Federation) -> None:
    declared["paris"].create_user("remy")
    run = declared.run()
    assert run.code != 0
    assert re.search(r"paris is not in the federation yet; it got no administrators", run.output)
    assert {"carl", "grace"} <= declared.master.users()
    assert "ada" not in declared.master.users()


@extra
def test_a_policy_that_opennebula_refuses_is_told_and_the_run_goes_on_to_its_summary(members: Federation) -> None:
    members.settings.update(federation_groups=[{"name": "dev"}], federation_users=[{"name": "ada", "group": "nobody"}])
    run = members.run()
    assert run.code != 0
    output = " ".join(run.output.split())
    assert "Administrators and access: Make users as declared: There is no group" in output
    assert "ZONE ID SERVER" in output
