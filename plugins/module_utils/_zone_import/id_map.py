# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a document's identities become in OpenNebula's numbers, once (or as far as) the new ids are known. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

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
from .._resources.lookup import FIRST_OWN_ID
from .._resources.vdc import ALL as ALL_RESOURCES
from .._resources.vdc import Resources
from .conflicts import Targets
from .markets import app_name
from .rules import OWN, SHARED

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


def parts_of(rule: Mapping[str, Any], narrow: bool) -> list[dict[str, Any]]:
    """The rules of a document that one of its rules becomes.

    With `narrow`, what held in all zones holds in the document's own from now on, except for what all zones share:
    before it joined, it was the only one.
    """
    if rule["zone"] != "*" or not narrow:
        return [dict(rule)]
    kinds = {
        "*": [kind for kind in rule["kinds"] if kind in FEDERATED],
        OWN: [kind for kind in rule["kinds"] if kind not in FEDERATED],
    }
    return [{**rule, "kinds": found, "zone": zone} for zone, found in kinds.items() if found]


def rules_of(rule: Mapping[str, Any], ids: Ids, own_zone: int | None, narrow: bool) -> list[Rule] | None:
    """The rules that the parts of a document's rule become.

    None while an id of them is not known; a part that names nobody becomes none.
    """
    found = []
    for part in parts_of(rule, narrow):
        numbers = _numbers(part, ids, own_zone)
        if numbers is None:
            return None
        found += numbers
    return found


def _numbers(part: Mapping[str, Any], ids: Ids, own_zone: int | None) -> list[Rule] | None:
    own = None if own_zone is None else ONE | own_zone
    shared = SHARED.get(part["kinds"][0])
    who = _word(part["who"], ids["users"], ids["groups"])
    which = own if part["which"] == OWN else _word(part["which"], ids[shared] if shared else None, ids["groups"])
    zone = own if part["zone"] == OWN else _word(part["zone"], ids["zones"], ids["groups"])
    if 0 in (who, which, zone):
        return []
    if who is None or which is None or zone is None:
        return None
    kinds, rights = (sum(known[name] for name in part[key]) for known, key in ((KINDS, "kinds"), (RIGHTS, "rights")))
    return [Rule(who, kinds | which, rights, zone)]


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
