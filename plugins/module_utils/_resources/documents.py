# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Users, groups, VDCs and access rules: OpenNebula's documents as plain data."""

from __future__ import annotations

from typing import Any, Callable
from xml.etree import ElementTree

from .._api.documents import hexadecimal, number, numbers, parse_xml, template_of, text
from .quotas import limits_of

# What a VDC holds of a zone, by the name that modules give it, and OpenNebula's word for one.
RESOURCES = {"clusters": "CLUSTER", "hosts": "HOST", "datastores": "DATASTORE", "vnets": "VNET"}


def user_from_xml(xml: str) -> dict[str, Any]:
    """A USER document, with the limits it holds in the zone that was asked.

    {id, name, group_id, group, group_ids (rising), driver, enabled, password (as stored, a secret), template, limits}
    """
    root = parse_xml(xml, "a user")
    return _user(root, root)


def users_from_xml(xml: str) -> list[dict[str, Any]]:
    """The users of a USER_POOL document as `user_from_xml` gives them, by rising id."""
    return _pool(parse_xml(xml, "the users"), "USER", _user)


def group_from_xml(xml: str) -> dict[str, Any]:
    """A GROUP document: {id, name, user_ids, admin_ids (both rising), template, limits}."""
    root = parse_xml(xml, "a group")
    return _group(root, root)


def groups_from_xml(xml: str) -> list[dict[str, Any]]:
    """The groups of a GROUP_POOL document as `group_from_xml` gives them, by rising id."""
    return _pool(parse_xml(xml, "the groups"), "GROUP", _group)


def vdc_from_xml(xml: str) -> dict[str, Any]:
    """A VDC document: {id, name, group_ids, template, resources}.

    `resources` holds pairs (zone id, id or vdc.ALL), rising, by clusters, hosts, datastores and vnets.
    """
    return _vdc(parse_xml(xml, "a VDC"))


def vdcs_from_xml(xml: str) -> list[dict[str, Any]]:
    """The VDCs of a VDC_POOL document as `vdc_from_xml` gives them, by rising id."""
    vdcs = [_vdc(element) for element in parse_xml(xml, "the VDCs").iterfind("VDC")]
    return sorted(vdcs, key=lambda vdc: vdc["id"])


def rules_from_xml(xml: str) -> list[dict[str, Any]]:
    """The rules of an ACL_POOL document by rising id: {id, user, resource, rights, zone}, all numbers."""
    rules = [
        {"id": number(element, "ID"), **{name: hexadecimal(element, name.upper()) for name in _WORDS}}
        for element in parse_xml(xml, "the access rules").iterfind("ACL")
    ]
    return sorted(rules, key=lambda rule: rule["id"])


def names_from_xml(xml: str, tag: str) -> list[tuple[int, str]]:
    """Ids and names of the objects in a pool's document; `tag` is the name of their elements."""
    root = parse_xml(xml, f"the pool of {tag}")
    return [(number(element, "ID"), text(element, "NAME")) for element in root.iterfind(tag)]


_WORDS = ("user", "resource", "rights", "zone")


def _pool(
    root: ElementTree.Element, tag: str, read: Callable[[ElementTree.Element, ElementTree.Element], dict[str, Any]]
) -> list[dict[str, Any]]:
    quotas = _quotas_beside(root)
    found = [read(element, quotas.get(text(element, "ID", ""), element)) for element in root.iterfind(tag)]
    return sorted(found, key=lambda each: each["id"])


def _quotas_beside(root: ElementTree.Element) -> dict[str, ElementTree.Element]:
    """In a pool, the quotas of all objects stand beside these, by their ids."""
    return {text(element, "ID", ""): element for element in root.iterfind("QUOTAS")}


def _template(element: ElementTree.Element) -> dict[str, Any]:
    return dict(sorted(template_of(element).items()))


def _user(element: ElementTree.Element, quotas: ElementTree.Element) -> dict[str, Any]:
    return {
        "id": number(element, "ID"),
        "name": text(element, "NAME"),
        "group_id": number(element, "GID"),
        "group": text(element, "GNAME", ""),
        "group_ids": numbers(element, "GROUPS/ID"),
        "driver": text(element, "AUTH_DRIVER", ""),
        "enabled": text(element, "ENABLED", "1").strip() == "1",
        "password": text(element, "PASSWORD", ""),
        "template": _template(element),
        "limits": limits_of(quotas),
    }


def _group(element: ElementTree.Element, quotas: ElementTree.Element) -> dict[str, Any]:
    return {
        "id": number(element, "ID"),
        "name": text(element, "NAME"),
        "user_ids": numbers(element, "USERS/ID"),
        "admin_ids": numbers(element, "ADMINS/ID"),
        "template": _template(element),
        "limits": limits_of(quotas),
    }


def _vdc(element: ElementTree.Element) -> dict[str, Any]:
    resources = {
        kind: sorted((number(item, "ZONE_ID"), number(item, f"{tag}_ID")) for item in element.iterfind(f"{tag}S/{tag}"))
        for kind, tag in RESOURCES.items()
    }
    return {
        "id": number(element, "ID"),
        "name": text(element, "NAME"),
        "group_ids": numbers(element, "GROUPS/ID"),
        "template": _template(element),
        "resources": resources,
    }
