# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Access rules by name: what OpenNebula's numbers mean wherever the identities have other ids. Pure.

A rule of a document is {who, kinds, which, rights, zone}: `who` is `#user`, `@group` or `*`; `which` is `*`, `@group`,
`%cluster id`, `#id` for kinds of objects that belong to one zone, or `#name` for one kind that all zones share; `zone`
is `*`, `own` for the zone the document is of, or `#name`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._resources.acl import (
    ALL,
    CLUSTER,
    GROUP,
    KINDS,
    ONE,
    RIGHTS,
    Rule,
)
from .._resources.documents import RESOURCES
from .._resources.vdc import ALL as ALL_RESOURCES

_ID = (1 << 32) - 1
OWN = "own"
# Kinds whose objects all zones share, and where documents have their names.
SHARED = {
    "USER": "users",
    "GROUP": "groups",
    "ZONE": "zones",
    "VDC": "vdcs",
    "MARKETPLACE": "marketplaces",
    "MARKETPLACEAPP": "apps",
}
# What a VDC gives on its resources: attributes of oned.conf by kind of resource, and the kind of object.
_GRANTS = {
    "clusters": (("CLUSTER_HOST", "HOST"), ("CLUSTER_NET", "NET"), ("CLUSTER_DATASTORE", "DATASTORE")),
    "hosts": (("HOST", "HOST"),),
    "vnets": (("VNET", "NET"),),
    "datastores": (("DATASTORE", "DATASTORE"),),
}
# What makes an administrator of a group (OpenNebula's src/group/Group.cc); BACKUPJOB is newer.
_OF_GROUP = ("VM", "NET", "IMAGE", "TEMPLATE", "DOCUMENT", "SECGROUP", "VROUTER", "VMGROUP")


def by_name(
    rules: Iterable[Mapping[str, Any]], names: Mapping[str, Mapping[int, str]], own_zone: int
) -> tuple[list[dict[str, Any]], int]:
    """Rules as documents have them, and how many were left out because what they name is gone.

    `names` holds names by id, by the values of SHARED. A rule for one object of several kinds becomes one rule for
    each space of ids.
    """
    found: list[dict[str, Any]] = []
    gone = 0
    for row in rules:
        parts = _by_name(Rule.of(row), names, own_zone)
        gone += not parts
        found += parts
    unique = {tuple(_key(rule)): rule for rule in found}
    return [unique[key] for key in sorted(unique)], gone


def _key(rule: Mapping[str, Any]) -> Iterable[str]:
    return (rule["who"], "+".join(rule["kinds"]), rule["which"], "+".join(rule["rights"]), rule["zone"])


def _by_name(rule: Rule, names: Mapping[str, Mapping[int, str]], own_zone: int) -> list[dict[str, Any]]:
    who = _selector(rule.user, names["users"], names["groups"])
    zone = OWN if rule.zone_id == own_zone else _selector(rule.zone, names["zones"], names["groups"])
    parts = []
    for kinds in _spaces(rule):
        which = _selector(rule.resource, names[SHARED[kinds[0]]] if kinds[0] in SHARED else None, names["groups"])
        if kinds == ["ZONE"] and which and rule.resource & ONE and rule.resource & _ID == own_zone:
            which = OWN
        if who and which and zone:
            rights = [name for name, bit in RIGHTS.items() if rule.rights & bit]
            parts.append({"who": who, "kinds": kinds, "which": which, "rights": rights, "zone": zone})
    return parts


def _spaces(rule: Rule) -> list[list[str]]:
    if not rule.resource & ONE:
        return [rule.kinds]
    local = [kind for kind in rule.kinds if kind not in SHARED]
    return [part for part in (local, *([kind] for kind in rule.kinds if kind in SHARED)) if part]


def _selector(word: int, ones: Mapping[int, str] | None, groups: Mapping[int, str]) -> str | None:
    oid = word & _ID
    if word & ALL:
        return "*"
    if word & CLUSTER:
        return f"%{oid}"
    if word & GROUP:
        return f"@{groups[oid]}" if oid in groups else None
    if ones is None:
        return f"#{oid}"
    return f"#{ones[oid]}" if oid in ones else None


def text(rule: Mapping[str, Any]) -> str:
    """A rule in one line, as OpenNebula would write it with names."""
    return f"{rule['who']} {'+'.join(rule['kinds'])}/{rule['which']} {'+'.join(rule['rights'])} {rule['zone']}"


def derived_rules(
    vdcs: Sequence[Mapping[str, Any]], groups: Sequence[Mapping[str, Any]], config: Mapping[str, Any]
) -> set[Rule]:
    """The rules that OpenNebula itself makes of VDCs and of groups' administrators.

    `vdcs` and `groups` are as _identities gives them, `config` as one.system.config has it.
    """
    rules = set()
    for vdc in vdcs:
        for kind in RESOURCES:
            granted = [(KINDS[name], _rights(config, attribute)) for attribute, name in _GRANTS[kind]]
            for zone, oid in vdc["resources"][kind]:
                which = ALL if oid == ALL_RESOURCES else (CLUSTER if kind == "clusters" else ONE) | oid
                rules |= {
                    Rule(GROUP | group, bit | which, rights, ONE | zone)
                    for group in vdc["group_ids"]
                    for bit, rights in granted
                    if rights
                }
    for group in groups:
        for admin in group["admin_ids"]:
            rules |= _of_admin(group["id"], admin)
    return rules


def withdrawn_rules(derived: set[Rule], existing: set[Rule]) -> set[Rule]:
    """Rules that OpenNebula has made, or would make now, and that are not there.

    Somebody has deleted them, or OpenNebula itself: two VDCs that give a group the same have one rule, and it goes when
    the group leaves either. Of the two forms that an administrator's rule has, one is enough.
    """
    missing = derived - existing
    return {rule for rule in missing if replace(rule, resource=rule.resource ^ KINDS["BACKUPJOB"]) not in existing}


def _rights(config: Mapping[str, Any], attribute: str) -> int:
    value = config.get(f"DEFAULT_VDC_{attribute}_ACL", "")
    words = (value[0] if isinstance(value, list) else value).upper().split("+")
    return sum(RIGHTS.get(word.strip(), 0) for word in words)


def _of_admin(group: int, user: int) -> set[Rule]:
    of_group = sum(KINDS[name] for name in _OF_GROUP)
    who = ONE | user
    everything = sum(RIGHTS.values())
    manage = RIGHTS["USE"] | RIGHTS["MANAGE"]
    return {
        Rule(who, KINDS["USER"] | GROUP | group, everything, ALL),
        Rule(who, of_group | GROUP | group, manage, ALL),
        Rule(who, of_group | KINDS["BACKUPJOB"] | GROUP | group, manage, ALL),
        Rule(who, KINDS["VROUTER"] | ALL, RIGHTS["CREATE"], ALL),
        Rule(who, KINDS["GROUP"] | ONE | group, RIGHTS["MANAGE"], ALL),
    }
