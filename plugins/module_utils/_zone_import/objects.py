# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Objects of one zone that have an owner and a group: how their pools are read, and how they change hands.

Hosts, clusters and hooks have neither. Marketplaces and their apps are shared by all zones, see `markets`.
Behaviour as seen on OpenNebula 7.4.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from .._api.client import Client
from .._api.documents import attributes_of, number, parse_xml, text
from .._api.sql import document_types
from .._errors import ApiError
from .template_references import (
    Reference,
    mentioned,
    references,
)

# A pool is one reply: 100 000 machines are some 60 MB.
POOL_TIMEOUT = 600.0
# Filter: what anybody owns; from the first to the last.
EVERYTHING = (-2, -1, -1)
# The last argument of vmpool.info: machines in any state, those that are done included.
_ANY_STATE = -2
_DONE = "6"
_NO_SUCH_METHOD = "not defined"


@dataclass(frozen=True)
class Kind:
    """One kind of owned objects; `name` is what documents call it.

    `unique`: chown refuses a second object of that name with one owner. `repeats`: one owner may have several of a
    name all the same. `refers`: such objects name the owners of others, see template_references.
    """

    name: str
    pool: str
    tag: str
    method: str
    arguments: tuple[int, ...] = EVERYTHING
    unique: bool = True
    repeats: bool = False
    refers: bool = False


# Virtual routers come first: with them their machines change hands.
KINDS = (
    Kind("vrouters", "one.vrouterpool.info", "VROUTER", "one.vrouter", repeats=True),
    Kind("vms", "one.vmpool.info", "VM", "one.vm", (*EVERYTHING, _ANY_STATE), unique=False),
    Kind("images", "one.imagepool.info", "IMAGE", "one.image"),
    Kind("vnets", "one.vnpool.info", "VNET", "one.vn"),
    Kind("templates", "one.templatepool.info", "VMTEMPLATE", "one.template", refers=True),
    Kind("vntemplates", "one.vntemplatepool.info", "VNTEMPLATE", "one.vntemplate"),
    Kind("secgroups", "one.secgrouppool.info", "SECURITY_GROUP", "one.secgroup"),
    Kind("vmgroups", "one.vmgrouppool.info", "VM_GROUP", "one.vmgroup"),
    Kind("backupjobs", "one.backupjobpool.info", "BACKUPJOB", "one.backupjob"),
    Kind("datastores", "one.datastorepool.info", "DATASTORE", "one.datastore", (), unique=False),
    Kind("documents", "one.documentpool.info", "DOCUMENT", "one.document", unique=False),
)
BY_NAME = {kind.name: kind for kind in KINDS}


def read_objects(client: Client, kind: Kind) -> dict[int, dict[str, Any]]:
    """All objects of a kind by rising id: {id, name, uid, gid, uname, gname, lock, done, references, mentions}.

    `uname` and `gname` are what the object itself has stored. `lock` is None or OpenNebula's level (1 to 3). VM
    templates alone have `references`, which are template_references.Reference, and documents alone may be true
    in `mentions`.
    Releases before 6.8 have no backup jobs. Raises ApiError, ApiUnreachable.
    """
    patient = client.at(client.url, max(client.timeout, POOL_TIMEOUT))
    found: dict[int, dict[str, Any]] = {}
    for arguments in _calls(patient, kind):
        try:
            found.update(patient.read(lambda xml: _objects(xml, kind), kind.pool, *arguments))
        except ApiError as error:
            if kind.name == "backupjobs" and _NO_SUCH_METHOD in error.text:
                return {}
            raise
    return dict(sorted(found.items()))


def _objects(xml: str, kind: Kind) -> dict[int, dict[str, Any]]:
    objects = (_object(element, kind) for element in parse_xml(xml, f"the {kind.name}").iterfind(kind.tag))
    return {item["id"]: item for item in objects}


def _object(element: ElementTree.Element, kind: Kind) -> dict[str, Any]:
    template = element.find("TEMPLATE")
    return {
        "id": number(element, "ID"),
        "name": text(element, "NAME", ""),
        "uid": number(element, "UID", -1),
        "gid": number(element, "GID", -1),
        "uname": text(element, "UNAME", ""),
        "gname": text(element, "GNAME", ""),
        "lock": number(element, "LOCK/LOCKED", 0) or None,
        "done": kind.name == "vms" and text(element, "STATE", "") == _DONE,
        "references": references(attributes_of(template)) if kind.refers and template is not None else [],
        "mentions": kind.name == "documents" and template is not None and mentioned("".join(template.itertext())),
    }


def _calls(client: Client, kind: Kind) -> Iterable[tuple[int, ...]]:
    if kind.name != "documents":
        return [kind.arguments]
    return [(*kind.arguments, number) for number in document_types(client)]


def described(
    objects: Mapping[int, Mapping[str, Any]], users: Mapping[int, str], groups: Mapping[int, str]
) -> list[dict[str, Any]]:
    """Objects as documents have them: {id, name, owner, group}, and what else is to be said of one.

    `owner` and `group` are names, None for one whose account is gone; `stored_owner` and `stored_group` are then the
    names that the object has kept. `lock` is its level, `done` true for a machine that is done, `references` are those
    of a VM template as [{attribute, owner, stored_owner}], and `mentions` is true for a document that may have such.
    """
    known = set(users.values())
    result = []
    for item in objects.values():
        entry: dict[str, Any] = {
            "id": item["id"],
            "name": item["name"],
            "owner": users.get(item["uid"]),
            "group": groups.get(item["gid"]),
        }
        if entry["owner"] is None:
            entry["stored_owner"] = item["uname"]
        if entry["group"] is None:
            entry["stored_group"] = item["gname"]
        if item["lock"] is not None:
            entry["lock"] = item["lock"]
        if item["done"]:
            entry["done"] = True
        if item["references"]:
            entry["references"] = [_reference(one, one.owner(users, known)) for one in item["references"]]
        if item["mentions"]:
            entry["mentions"] = True
        result.append(entry)
    return result


def _reference(one: Reference, owner: str | None) -> dict[str, Any]:
    lost = {"stored_owner": one.value} if owner is None else {}
    return {"attribute": one.attribute, "owner": owner, **lost}
