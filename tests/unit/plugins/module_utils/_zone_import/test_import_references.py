# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates that name the owner of an image or a network: found, told, and written anew by what was meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from imported import document, federation, user

from ansible_collections.onefed.opennebula.plugins.module_utils._api.documents import attributes_of
from ansible_collections.onefed.opennebula.plugins.module_utils._api.template_xml import attributes_xml
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.conflicts import Policy
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.import_references import ReferenceWriter
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.objects import (
    BY_NAME,
    described,
    read_objects,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.plan import Options, make_plan
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.template_references import (
    Reference,
    references,
    rewritten,
)

FILES = '$FILE[IMAGE="a b", IMAGE_UNAME="alice"] $FILE[IMAGE_ID=3] $FILE[IMAGE=x,IMAGE_UID = 3]'
TEMPLATE = {
    "CONTEXT": {"FILES_DS": FILES, "PASSWORD": "encrypted"},
    "CPU": "1",
    "DISK": [{"IMAGE": "base", "IMAGE_UNAME": "alice", "READONLY": ""}, {"IMAGE_ID": "4"}, {"IMAGE_UID": "3"}],
    "NIC": {"NETWORK": "net", "NETWORK_UNAME": "bob"},
    "NOTE": "IMAGE_UNAME=alice",
    "VMGROUP": {"VMGROUP_NAME": "g", "VMGROUP_UID": "9", "ROLE": "r"},
}
FOUND = [
    Reference("CONTEXT/FILES_DS/IMAGE_UNAME", "alice"),
    Reference("CONTEXT/FILES_DS/IMAGE_UID", "3"),
    Reference("DISK/IMAGE_UNAME", "alice"),
    Reference("DISK/IMAGE_UID", "3"),
    Reference("NIC/NETWORK_UNAME", "bob"),
    Reference("VMGROUP/VMGROUP_UID", "9"),
]
USERS = {0: "oneadmin", 1: "serveradmin", 2: "alice", 3: "bob"}


class Zone:
    """An oned with one template."""

    url = "http://lyon"
    timeout = 30.0

    def __init__(self, template: dict[str, Any] | None = None) -> None:
        self.template = template or TEMPLATE
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def at(self, _url: str, _timeout: float) -> Zone:
        return self

    def read(self, reader: Callable[[str], Any], method: str, *arguments: Any) -> Any:
        return reader(self.call(method, *arguments))

    def call(self, method: str, *arguments: Any) -> Any:
        self.calls.append((method, arguments))
        head = "<ID>5</ID><UID>2</UID><GID>1</GID><UNAME>alice</UNAME><GNAME>users</GNAME><NAME>web</NAME>"
        body = f"{head}{attributes_xml(self.template)}"
        if method == "one.template.info":
            return f"<VMTEMPLATE>{body}</VMTEMPLATE>"
        if method == "one.templatepool.info":
            return f"<VMTEMPLATE_POOL><VMTEMPLATE>{body}</VMTEMPLATE></VMTEMPLATE_POOL>"
        assert method == "one.template.update", method
        self.template = {**self.template, **attributes_of(ElementTree.fromstring(arguments[1]))}
        return arguments[0]

    def objects(self) -> dict[int, dict[str, Any]]:
        return read_objects(self, BY_NAME["templates"])  # type: ignore[arg-type]


def exported(zone: Zone) -> dict[str, Any]:
    templates = described(zone.objects(), USERS, {1: "users"})
    return document(users=[user("alice"), user("bob")], objects={"templates": templates})


def writer(zone: Zone, given: dict[str, Any], uids: dict[str, int], names: dict[int, str]) -> ReferenceWriter:
    return ReferenceWriter(zone, given, {"users": uids}, names)  # type: ignore[arg-type]


def test_what_names_an_owner_is_found_in_vectors_and_in_lists_of_files() -> None:
    assert references(TEMPLATE) == FOUND


def test_only_attributes_that_differ_are_written_and_all_else_in_them_stays() -> None:
    assert rewritten(TEMPLATE, lambda one: one.value) == {}
    new = {"alice": "al,ice", "3": "7", "bob": "bob", "9": "9"}
    assert rewritten(TEMPLATE, lambda one: new[one.value]) == {
        "CONTEXT": [
            {
                "FILES_DS": '$FILE[IMAGE="a b", IMAGE_UNAME="al,ice"] $FILE[IMAGE_ID=3] $FILE[IMAGE=x,IMAGE_UID = "7"]',
                "PASSWORD": "encrypted",
            }
        ],
        "DISK": [
            {"IMAGE": "base", "IMAGE_UNAME": "al,ice", "READONLY": ""},
            {"IMAGE_ID": "4"},
            {"IMAGE_UID": "7"},
        ],
    }


def test_the_document_tells_who_is_meant_by_name() -> None:
    (template,) = exported(Zone())["objects"]["templates"]
    assert template["references"] == [
        {"attribute": "CONTEXT/FILES_DS/IMAGE_UNAME", "owner": "alice"},
        {"attribute": "CONTEXT/FILES_DS/IMAGE_UID", "owner": "bob"},
        {"attribute": "DISK/IMAGE_UNAME", "owner": "alice"},
        {"attribute": "DISK/IMAGE_UID", "owner": "bob"},
        {"attribute": "NIC/NETWORK_UNAME", "owner": "bob"},
        {"attribute": "VMGROUP/VMGROUP_UID", "owner": None, "stored_owner": "9"},
    ]


def test_templates_get_new_names_and_ids_once_whatever_those_mean_now() -> None:
    zone = Zone()
    given = exported(zone)
    # The federation's alice has bob's old id, and bob that of the zone's alice.
    names = {2: "bob", 3: "alice", 40: "alice_lyon"}
    uids = {"alice": 40, "bob": 2}
    assert writer(zone, given, uids, names).stale(zone.objects()) == [5]
    writer(zone, given, uids, names).rewrite(5)
    _update, (oid, xml, append) = zone.calls[-1]
    assert (oid, append) == (5, 1)
    assert {child.tag for child in ElementTree.fromstring(xml)} == {"CONTEXT", "DISK"}
    assert "<READONLY><![CDATA[]]></READONLY>" in xml
    assert [one.value for one in references(zone.template)] == ["alice_lyon", "2", "alice_lyon", "2", "bob", "9"]
    # Again, as after an interruption.
    assert writer(zone, given, uids, names).stale(zone.objects()) == []
    assert zone.template["NIC"] == TEMPLATE["NIC"]


def test_a_template_that_was_changed_since_is_refused() -> None:
    zone = Zone()
    given = exported(zone)
    zone.template = {"DISK": {"IMAGE_UNAME": "alice"}}
    with pytest.raises(OnefedError, match=r"Template 5 \(web\) at http://lyon names owners elsewhere than when"):
        writer(zone, given, {"alice": 2, "bob": 3}, USERS).stale(zone.objects())


def test_the_plan_counts_them_and_tells_what_stays() -> None:
    given = exported(Zone())
    given["objects"]["documents"] = [
        {"id": 8, "name": "shop", "owner": "bob", "group": "users", "mentions": True},
        {"id": 9, "name": "other", "owner": "bob", "group": "users"},
    ]
    plan, _targets = make_plan(given, federation(("alice",)), Options(Policy("rename", suffix="_lyon")), {})
    assert plan["references"] == {"all": 1, "changing": 1}
    told = " ".join(plan["warnings"])
    assert "1 templates use images or networks of an owner who does not exist: 5 (web). They stay as they are" in told
    assert "1 documents, such as service templates, seem to name owners" in told
    assert "8 (shop)" in told and "9 (other)" not in told


def test_names_that_stay_change_nothing_and_ids_that_are_not_known_yet_do() -> None:
    by_name = exported(Zone({"NIC": {"NETWORK": "n", "NETWORK_UNAME": "bob"}}))
    by_id = exported(Zone({"NIC": {"NETWORK": "n", "NETWORK_UID": "3"}}))
    for given, changing in ((by_name, 0), (by_id, 1)):
        plan, _targets = make_plan(given, federation(), Options(), {})
        assert plan["references"] == {"all": 1, "changing": changing}
