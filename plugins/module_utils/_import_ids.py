# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a document's identities become in OpenNebula's numbers, once (or as far as) the new ids are known. Pure."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from ansible_collections.onefed.opennebula.plugins.module_utils._acls import (
    ALL,
    CLUSTER,
    GROUP,
    KINDS,
    ONE,
    RIGHTS,
    Rule,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._export_markets import app_name
from ansible_collections.onefed.opennebula.plugins.module_utils._export_rules import OWN, SHARED
from ansible_collections.onefed.opennebula.plugins.module_utils._identities import RESOURCES
from ansible_collections.onefed.opennebula.plugins.module_utils._import_names import Targets
from ansible_collections.onefed.opennebula.plugins.module_utils._vdcs import ALL as ALL_RESOURCES
from ansible_collections.onefed.opennebula.plugins.module_utils._vdcs import Resources
from ansible_collections.onefed.opennebula.plugins.module_utils._zones import FIRST_OWN_ID

# Ids by the document's names, by kind: users, groups, vdcs, marketplaces, apps, zones. None is not known yet.
Ids = Mapping[str, Mapping[str, Optional[int]]]
# Kinds that mean the same in every zone, so that a rule about them may hold in all.
FEDERATED = ("USER", "GROUP", "ZONE", "ACL", "VDC")


def known_ids(targets: Targets, shared: Mapping[str, Any]) -> dict[str, dict[str, int | None]]:
    """Ids before anything is created."""
    ids: dict[str, dict[str, int | None]] = {
        kind: {name: target.id for name, target in found.items()} for kind, found in targets.items()
    }
    # Those that every OpenNebula has are in no document.
    ids["marketplaces"].update(
        {market["name"]: market["id"] for market in shared["markets"] if market["id"] < FIRST_OWN_ID}
    )
    ids["apps"] = _apps(ids, shared)
    ids["zones"] = {zone["name"]: zone["id"] for zone in shared["zones"]}
    return ids


def _apps(ids: Ids, shared: Mapping[str, Any]) -> dict[str, int | None]:
    """Apps of the document's marketplaces and of those that every OpenNebula has, by the document's names."""
    markets, owners = ({oid: name for name, oid in ids[kind].items()} for kind in ("marketplaces", "users"))
    strangers = {user["id"]: user["name"] for user in shared["users"]}
    return {
        app_name(markets[app["market_id"]], owners.get(app["uid"], strangers.get(app["uid"], "")), app["name"]): app[
            "id"
        ]
        for app in shared["apps"]
        if app["market_id"] in markets
    }


def rules_of(rule: Mapping[str, Any], ids: Ids, own_zone: int | None, narrow: bool) -> list[Rule] | None:
    """The rules that one rule of a document becomes; None while an id of it is not known, empty if a name is nobody's.

    With `narrow`, what held in all zones holds in the document's own from now on, except for what all zones share:
    before it joined, it was the only one.
    """
    who = _word(rule["who"], ids["users"], ids["groups"])
    shared = SHARED.get(rule["kinds"][0])
    if rule["which"] == OWN:
        which: int | None = None if own_zone is None else ONE | own_zone
    else:
        which = _word(rule["which"], ids[shared] if shared else None, ids["groups"])
    rights = sum(RIGHTS[name] for name in rule["rights"])
    if who == 0 or which == 0:
        return []
    found = []
    for kinds, zone in _zones(rule, ids, own_zone, narrow):
        if zone == 0:
            continue
        if who is None or which is None or zone is None:
            return None
        found.append(Rule(who, sum(KINDS[kind] for kind in kinds) | which, rights, zone))
    return found


def _zones(rule: Mapping[str, Any], ids: Ids, own_zone: int | None, narrow: bool) -> list[tuple[list[str], int | None]]:
    own = None if own_zone is None else ONE | own_zone
    if rule["zone"] == OWN:
        return [(rule["kinds"], own)]
    if rule["zone"] != "*":
        return [(rule["kinds"], _one(ids["zones"], rule["zone"][1:]))]
    if not narrow:
        return [(rule["kinds"], ALL)]
    everywhere = [kind for kind in rule["kinds"] if kind in FEDERATED]
    here = [kind for kind in rule["kinds"] if kind not in FEDERATED]
    parts: list[tuple[list[str], int | None]] = [(everywhere, ALL), (here, own)]
    return [part for part in parts if part[0]]


def _word(text: str, ones: Mapping[str, int | None] | None, groups: Mapping[str, int | None]) -> int | None:
    """The number of a selector: None while its id is not known, 0 for a name that is nobody's."""
    if text == "*":
        return ALL
    sign, name = text[0], text[1:]
    if sign == "%":
        return CLUSTER | int(name)
    if sign == "@":
        found = _one(groups, name)
        return found and found ^ ONE ^ GROUP
    return ONE | int(name) if ones is None else _one(ones, name)


def _one(ids: Mapping[str, int | None], name: str) -> int | None:
    if name not in ids:
        return 0
    oid = ids[name]
    return None if oid is None else ONE | oid


def covered(rule: Rule, existing: set[Rule]) -> bool:
    """Whether a rule, or the same for all zones, exists."""
    return rule in existing or Rule(rule.user, rule.resource, rule.rights, ALL) in existing


def vdc_resources(vdc: Mapping[str, Any], ids: Ids, own_zone: int | None) -> Resources:
    """A document's VDC's resources as far as their zones are known."""
    found: Resources = {}
    for kind in RESOURCES:
        pairs = set()
        for item in vdc[kind]:
            zone = own_zone if item["zone"] == OWN else ids["zones"].get(item["zone"][1:])
            if zone is not None:
                pairs.add((zone, ALL_RESOURCES if item["id"] == "all" else int(item["id"])))
        found[kind] = sorted(pairs)
    return found
