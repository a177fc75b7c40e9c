# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A zone's identities are written down, brought into a federation, and everybody gets what was his."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tools.playbooks import wait_for

from . import people
from .lab import Federation, Zone, extra
from .tasks import Runner

POOLS: dict[str, tuple[int, ...]] = {
    "template": people.EVERYTHING,
    "vntemplate": people.EVERYTHING,
    "secgroup": people.EVERYTHING,
    "vmgroup": people.EVERYTHING,
    "vrouter": people.EVERYTHING,
    "backupjob": people.EVERYTHING,
    "document": (*people.EVERYTHING, 7),
    "vn": people.EVERYTHING,
    "image": people.EVERYTHING,
    "datastore": (),
    "vm": (*people.EVERYTHING, -2),
}


@pytest.fixture
def task(tmp_path: Path) -> Runner:
    return Runner(tmp_path, "9d4e1e23bd5b727046a9e3b4b7db57bd8d6ee684", people.PASSWORD)


def content(path: Path) -> dict[str, Any]:
    """A document without what it says of the zone it came from."""
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    del document["source"]
    return document


def all_owners(zone: Zone) -> dict[str, Any]:
    return {pool: people.owners(zone, pool, *arguments) for pool, arguments in POOLS.items()}


def limits(zone: Zone, name: str) -> dict[str, str]:
    """What is set and used of a user's quota of machines."""
    pool = people.xml(zone, "one.userpool.info")
    oid = next(each.findtext("ID") for each in pool.iterfind("USER") if each.findtext("NAME") == name)
    quota = people.xml(zone, "one.user.info", int(oid or 0)).find("VM_QUOTA/VM")
    return (
        {} if quota is None else {each.tag: each.text or "" for each in quota if each.tag in ("VMS", "VMS_USED", "CPU")}
    )


@extra
def test_the_document_is_for_its_owner_alone_and_is_written_once(
    federation: Federation, task: Runner, tmp_path: Path
) -> None:
    lyon = federation.add("lyon")
    people.fill(lyon)
    dest = tmp_path / "lyon.yml"
    predicted = task(lyon, "identity_export", check=True, dest=str(dest))
    assert (predicted["changed"], dest.exists()) == (True, False)
    first = task(lyon, "identity_export", dest=str(dest))
    assert first["changed"] is True
    assert first["counts"]["users"] == 5
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600
    document = yaml.safe_load(dest.read_text())
    alice = next(user for user in document["users"] if user["name"] == "alice")
    assert alice["template"]["SSH_PRIVATE_KEY"] == 'line 1\nline "2"'
    assert alice["quotas"] == {"vm": {"cpu": 4.5, "vms": 2}, "datastores": {"1": {"size": 1000}}}
    assert {"id": 0, "name": "thing", "owner": "alice", "group": "dev", "lock": 2} in document["objects"]["templates"]
    dest.chmod(0o644)
    assert task(lyon, "identity_export", dest=str(dest))["changed"] is True
    assert task(lyon, "identity_export", dest=str(dest))["changed"] is False


def test_the_round_trip_through_an_empty_zone_gives_the_same_document(
    federation: Federation, task: Runner, tmp_path: Path
) -> None:
    lyon, empty = federation.add("lyon"), federation.add("empty")
    people.fill(lyon)
    first, second = tmp_path / "lyon.yml", tmp_path / "empty.yml"
    task(lyon, "identity_export", dest=str(first))
    imported = task(empty, "identity_import", src=str(first))
    assert not imported.get("failed") and imported["changed"] is True, imported
    task(empty, "identity_export", dest=str(second))
    before, after = content(first), content(second)
    # Only the objects themselves are not brought along.
    assert {kind: len(items) for kind, items in after.pop("objects").items()} == {
        **dict.fromkeys(before.pop("objects"), 0),
        "secgroups": 1,
        "datastores": 3,
    }
    assert after == before
    assert people.as_user(empty, f"alice:{people.PASSWORD}", "one.user.info", -1)[0] is True
    assert people.as_user(empty, f"bob:{people.PASSWORD}", "one.user.info", -1)[2] == 256


@pytest.fixture
def joined(federation: Federation, task: Runner, tmp_path: Path) -> tuple[Federation, dict[str, Any], dict[str, Any]]:
    """A zone under a master whose users have the ids of the zone's; its identities are created, nothing is given."""
    madrid, lyon = federation.add("madrid"), federation.add("lyon")
    people.fill(lyon)
    # So all ids of the zone move up by one, each to the old one of the next.
    madrid.create_user("alice")
    madrid.call("one.group.allocate", "strangers")
    people.make_master(madrid)
    before = all_owners(lyon)
    document = str(tmp_path / "lyon.yml")
    assert not task(lyon, "identity_export", dest=document).get("failed")
    zone_id = madrid.call("one.zone.allocate", f'NAME="lyon"\nENDPOINT="{lyon.url}"')
    options = {"src": document, "plan": str(tmp_path / "lyon.plan.yml"), "zone_id": zone_id}
    created = task(madrid, "identity_import", step="identities", conflicts="rename", **options)
    assert not created.get("failed") and created["changed"] is True, created
    people.join(madrid, lyon, zone_id)
    wait_for(lyon.answers, "lyon answers")
    return federation, before, options


@extra
def test_everybody_owns_in_the_federation_what_he_owned(
    joined: tuple[Federation, dict[str, Any], dict[str, Any]], task: Runner
) -> None:
    federation, before, options = joined
    lyon = federation["lyon"]
    strangers = all_owners(lyon)["image"]
    assert [owner[0] for owner in strangers.values()] != [owner[0] for owner in before["image"].values()]
    moved = task(lyon, "identity_import", step="ownership", **options)
    assert not moved.get("failed") and moved["changed"] is True, moved
    renamed = {"alice": "alice_OpenNebula"}
    expected = {
        pool: {oid: tuple(renamed.get(name, name) for name in names) for oid, names in found.items()}
        for pool, found in before.items()
    }
    assert all_owners(lyon) == expected
    assert people.xml(lyon, "one.template.info", 0).findtext("LOCK/LOCKED") == "2"
    assert {each.findtext("NAME") for each in people.xml(lyon, "one.vrouterpool.info", *people.EVERYTHING)} == {"thing"}
    assert limits(lyon, "alice_OpenNebula") == {"VMS": "2", "CPU": "4.50", "VMS_USED": "1"}
    assert limits(lyon, "alice") == {}
    assert limits(lyon, "bob")["VMS"] == "-1"
    assert "<VMS><![CDATA[1]]></VMS>" in lyon.call("one.userquota.info")
    assert people.as_user(lyon, f"alice_OpenNebula:{people.PASSWORD}", "one.user.info", -1)[0] is True
    assert task(lyon, "identity_import", step="ownership", **options)["changed"] is False


@extra
def test_rules_and_vdcs_speak_of_the_new_zone_only(joined: tuple[Federation, dict[str, Any], dict[str, Any]]) -> None:
    federation, _before, options = joined
    madrid, zone_id = federation["madrid"], options["zone_id"]
    rules = {each.findtext("STRING") for each in people.xml(madrid, "one.acl.info")}
    ids = {
        kind: {each.findtext("NAME"): each.findtext("ID") for each in people.xml(madrid, f"one.{kind}pool.info")}
        for kind in ("user", "group", "vdc")
    }
    ops, carol, bob = ids["group"]["ops"], ids["user"]["carol"], ids["user"]["bob"]
    assert {f"@{ops} NET/#0 USE+MANAGE #{zone_id}", f"#{carol} DATASTORE+SECGROUP/* CREATE #{zone_id}"} <= rules
    assert f"#{bob} USER/#0 USE #{zone_id}" in rules
    default = people.xml(madrid, "one.vdc.info", 0)
    assert ops not in [each.text for each in default.iterfind("GROUPS/ID")]
    clusters = [
        (each.findtext("ZONE_ID"), each.findtext("CLUSTER_ID")) for each in default.iterfind("CLUSTERS/CLUSTER")
    ]
    assert clusters == [("0", "-10"), (str(zone_id), "-10")]
    lab = people.xml(madrid, "one.vdc.info", int(ids["vdc"]["lab"] or 0))
    assert [each.text for each in lab.iterfind("GROUPS/ID")] == [ops]
    assert [each.findtext("ZONE_ID") for each in lab.iterfind("CLUSTERS/CLUSTER")] == [str(zone_id)]
    markets = [each for each in people.xml(madrid, "one.marketpool.info") if each.findtext("NAME") == "shelf"]
    assert [(each.findtext("ZONE_ID"), len(each.findall("MARKETPLACEAPPS/ID"))) for each in markets] == [
        (str(zone_id), 1)
    ]


def announced(federation: Federation) -> tuple[Zone, Zone, Any]:
    """A master, a zone with a life of its own that has not joined yet, and the id that it has at the master."""
    madrid, lyon = federation.add("madrid"), federation.add("lyon")
    people.fill(lyon)
    people.make_master(madrid)
    return madrid, lyon, madrid.call("one.zone.allocate", f'NAME="lyon"\nENDPOINT="{lyon.url}"')


@extra
def test_an_import_that_was_killed_goes_on_and_can_be_undone(
    federation: Federation, task: Runner, tmp_path: Path
) -> None:
    madrid, lyon, zone_id = announced(federation)
    before = {name: rows for name, rows in madrid.tables().items() if name != "zone_pool"}
    document, plan = str(tmp_path / "lyon.yml"), tmp_path / "lyon.plan.yml"
    task(lyon, "identity_export", dest=document)
    options = {"src": document, "plan": str(plan), "zone_id": zone_id}
    assert task(madrid, "identity_import", step="identities", **options)["changed"] is True
    complete = madrid.tables()
    # As a run leaves it that was killed before its last user and its rules.
    kept = yaml.safe_load(plan.read_text())
    assert kept.pop("done") == ["identities"]
    plan.write_text(yaml.safe_dump(kept))
    carol = next(each for each in people.xml(madrid, "one.userpool.info") if each.findtext("NAME") == "carol")
    madrid.call("one.user.chauth", int(carol.findtext("ID", "")), "imported", "")
    for rule in people.xml(madrid, "one.acl.info"):
        if "NET/#0 USE+MANAGE" in rule.findtext("STRING", ""):
            madrid.call("one.acl.delrule", int(rule.findtext("ID", "")))
    assert task(madrid, "identity_import", step="identities", **options)["changed"] is True
    again = madrid.tables()
    assert {row[1:] for row in again.pop("acl")} == {row[1:] for row in complete.pop("acl")}
    assert again == complete
    assert task(madrid, "identity_import", step="undo", src=document, plan=str(plan))["changed"] is True
    after = madrid.tables()
    assert {name: after[name] for name in before} == before
    assert not plan.exists()


@extra
def test_collisions_are_all_listed_and_nothing_is_done(federation: Federation, task: Runner, tmp_path: Path) -> None:
    madrid, lyon = federation.add("madrid"), federation.add("lyon")
    people.fill(lyon)
    for name in ("alice", "bob"):
        madrid.create_user(name)
    madrid.call("one.group.allocate", "dev")
    document, plan = str(tmp_path / "lyon.yml"), tmp_path / "plan.yml"
    task(lyon, "identity_export", dest=document)
    before = madrid.tables()
    refused = task(madrid, "identity_import", src=document, plan=str(plan), step="identities")
    assert refused["failed"] is True
    for name in ('user "alice"', 'user "bob"', 'group "dev"'):
        assert f"{name} exists in the federation already" in refused["msg"]
    planned = task(madrid, "identity_import", src=document, step="plan")
    assert planned["changed"] is False and len(planned["plan"]["collisions"]) == 3
    assert (madrid.tables(), plan.exists()) == (before, False)


@extra
def test_what_the_federation_shares_with_the_zone_stays_as_it_was(
    federation: Federation, task: Runner, tmp_path: Path
) -> None:
    """Groups, a VDC and a rule are in both; the federation keeps one group from the clusters of its zones."""
    madrid, lyon, zone_id = announced(federation)
    dev, ops = (madrid.call("one.group.allocate", name) for name in ("dev", "ops"))
    madrid.call("one.vdc.delgroup", 0, dev)
    lab = madrid.call("one.vdc.allocate", 'NAME="lab"')
    # With the VDC default it has one rule for its groups.
    madrid.call("one.vdc.addcluster", lab, 0, -10)
    add_rule(madrid, 0x200000000 + ops, 0x10200000000 + ops)  # @ops USER/@ops USE *
    groups = people.xml(lyon, "one.grouppool.info").iterfind("GROUP")
    gid = next(int(each.findtext("ID", "")) for each in groups if each.findtext("NAME") == "ops")
    add_rule(lyon, 0x200000000 + gid, 0x11200000000 + gid)  # @ops VM+USER/@ops USE *
    before = {name: rows for name, rows in madrid.tables().items() if name != "zone_pool"}
    document = str(tmp_path / "lyon.yml")
    task(lyon, "identity_export", dest=document)
    options = {"src": document, "plan": str(tmp_path / "plan.yml"), "zone_id": zone_id, "conflicts": "same_person"}
    created = task(madrid, "identity_import", step="identities", **options)
    assert created["plan"]["vdc_groups"] == [{"vdc": "lab", "group": "ops"}], created
    assert members(madrid, 0) == ["users", "ops"]
    assert members(madrid, lab) == ["ops"]
    rules = {each.findtext("STRING") for each in people.xml(madrid, "one.acl.info")}
    assert f"@{dev} HOST/* MANAGE #{zone_id}" in rules
    assert f"@{dev} HOST/* MANAGE #0" not in rules
    assert {f"@{ops} VM/@{ops} USE #{zone_id}", f"@{ops} USER/@{ops} USE *", f"@{ops} HOST/* MANAGE #0"} <= rules
    assert task(madrid, "identity_import", step="identities", **options)["changed"] is False
    assert task(madrid, "identity_import", step="undo", **options)["changed"] is True
    after = madrid.tables()
    for tables in (before, after):
        tables["acl"] = sorted(row[1:] for row in tables["acl"])
    assert {name: after[name] for name in before} == before


def add_rule(zone: Zone, who: int, what: int) -> None:
    """Let somebody use something in all zones."""
    zone.call("one.acl.addrule", *(f"{word:x}" for word in (who, what, 1, 0x400000000)))


def members(zone: Zone, vdc: int) -> list[str]:
    """The groups in a VDC."""
    groups = people.xml(zone, "one.grouppool.info").iterfind("GROUP")
    names = {each.findtext("ID"): each.findtext("NAME", "") for each in groups}
    return [names[each.text] for each in people.xml(zone, "one.vdc.info", vdc).iterfind("GROUPS/ID")]
