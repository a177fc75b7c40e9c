# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A zone with years of users joins a federation of others with the same ids: nobody loses or gains anything.

ONEFED_ALL_FAULTS=1 takes a zone of 200 users with 550 objects, otherwise one of 30 with 70.
"""

from __future__ import annotations

import stat
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.tools.playbooks import wait_for

from .crowd import OBJECTS, PRIVATE_KEY, Crowd, Endpoint, Size, fill, strangers
from .lab import ALL_FAULTS, Federation, Zone
from .picture import EVERYTHING, Names, Picture, differences, reach

SIZE = Size() if ALL_FAULTS else Size(users=30, groups=8, rules=20, templates=30, images=30, vms=10)


def endpoint(zone: Zone) -> Endpoint:
    return Endpoint(zone.url, zone.session)


@pytest.fixture
def filled(federation: Federation) -> tuple[Crowd, dict[str, str]]:
    """A master with users and objects of its own, and a standalone zone full of users, three of whom are the same.

    With what oned is called as everybody who is at the master.
    """
    madrid, lyon = federation.add("madrid"), federation.add("lyon")
    crowd = fill(endpoint(lyon), SIZE)
    same = [person.name for person in crowd.people.values() if person.plain and person.driver == "core"][:3]
    known = strangers(endpoint(madrid), crowd, same=same)
    for kind, (text, more) in OBJECTS.items():
        # With ids of the zone's, and nobody's but oneadmin's.
        for number in range(6):
            madrid.call(f"one.{kind}.allocate", text.format(f"{kind} {number} of madrid"), *more)
    overrides = {"users": dict.fromkeys(same, "same_person")}
    federation.variables["lyon"] = {
        "zone_import": True,
        "zone_import_conflicts": "rename",
        "zone_import_overrides": overrides,
    }
    federation.settings["federation_import_directory"] = str(federation.folder / "imports")
    return crowd, known


def document(federation: Federation, name: str) -> dict[str, Any]:
    """What the run has kept on the controller, for its owner alone."""
    (path,) = (federation.folder / "imports").glob(f"federation/lyon/*/{name}.yml")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept: dict[str, Any] = yaml.safe_load(path.read_text())
    return kept


def stored_key(zone: Zone, name: str) -> str:
    """The private key of a user as a zone's database has it."""
    ((body,),) = zone.rows(f"SELECT body FROM user_pool WHERE name = '{name}'")
    return ElementTree.fromstring(body).findtext("TEMPLATE/SSH_PRIVATE_KEY", "")


def with_key(zone: Zone) -> str:
    """Somebody who has a private key."""
    users = ElementTree.fromstring(zone.call("one.userpool.info")).iterfind("USER")
    return next(each.findtext("NAME", "") for each in users if each.find("TEMPLATE/SSH_PRIVATE_KEY") is not None)


def test_nobody_loses_or_gains_anything(federation: Federation, filled: tuple[Crowd, dict[str, str]]) -> None:
    madrid, lyon = federation["madrid"], federation["lyon"]
    crowd, known = filled
    before, at_master = Picture(endpoint(lyon), crowd).take(), reach(endpoint(madrid), known)
    assert sum(1 for each in before["may"].values() if each == "refused") >= SIZE.users // 20
    secret = with_key(lyon)
    old_key = stored_key(lyon, secret)
    run = federation.federate()
    wait_for(lyon.answers, "lyon answers")
    plan, kept = document(federation, "plan"), document(federation, "identities")
    zones = ElementTree.fromstring(madrid.call("one.zonepool.info")).iterfind("ZONE")
    zone_id = next(int(each.findtext("ID", "")) for each in zones if each.findtext("NAME") == "lyon")
    names = Names.of_plan(plan, zone_id)
    # What VDCs share and lose with one of them is among what was asked of oned.
    assert kept["withdrawn"]
    assert len([old for old, new in names.users.items() if old != new]) > 5
    naming_owners = len(range(1, SIZE.templates, 6))
    assert plan["references"] == {"all": naming_owners, "changing": naming_owners}
    assert any("8 documents, such as service templates, seem to name owners" in text for text in plan["warnings"])
    assert differences(before, Picture(endpoint(lyon), crowd, names, endpoint(madrid)).take()) == []

    # At the master nobody gains anything, and who came along sees there what everybody does; networks and datastores
    # are his whose group is in the default VDC.
    assert differences(at_master, reach(endpoint(madrid), known)) == []
    came = {name: crowd.people[old] for old, name in names.users.items() if old in crowd.people and name not in known}
    sessions = {name: f"{name}:{each.secret}" for name, each in came.items() if each.driver == "core" and each.enabled}
    everybody = [(kind, ids) for kind, ids in min(at_master.items())[1].items() if kind in OBJECTS and kind != "vn"]
    assert len(sessions) > 5 and len(everybody) == len(OBJECTS) - 1
    for seen in reach(endpoint(madrid), sessions).values():
        assert [(kind, seen[kind]) for kind, _ids in everybody] == everybody

    # What only the zone's own key could decrypt is readable for the owner of the document, and encrypted by the master.
    template = next(user["template"] for user in kept["users"] if user["name"] == secret)
    assert template["SSH_PRIVATE_KEY"] == PRIVATE_KEY
    new_key = stored_key(madrid, names.users[secret])
    assert len({old_key, new_key, PRIVATE_KEY}) == 3
    assert "BEGIN KEY" not in old_key + new_key + run.output

    # An app that was published in the zone is seen from everywhere.
    for zone in (madrid, lyon):
        apps = ElementTree.fromstring(zone.call("one.marketapppool.info", *EVERYTHING)).iterfind("MARKETPLACEAPP")
        assert ("recipe", str(zone_id)) in [(app.findtext("NAME"), app.findtext("ZONE_ID")) for app in apps]
    federation.assert_federated("lyon")
