# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What access rules an import brings into a federation, what they would do there, and what its own do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from .._resources.acl import ALL, GROUP, ONE, Rule
from .conflicts import BUILTIN_ACTION, Targets
from .export import BUILTIN
from .id_map import (
    FEDERATED,
    Ids,
    parts_of,
    rules_of,
    vdc_resources,
)
from .rules import (
    OWN,
    SHARED,
    by_name,
    derived_rules,
    text,
)

Data = Mapping[str, Any]
DEFAULT_VDC = BUILTIN["vdcs"][0]
ONEADMIN_GROUP = 0
# All that a rule may allow but to look.
_POWER = {"MANAGE", "ADMIN", "CREATE"}


def brought_rules(document: Data, shared: Data, targets: Targets) -> list[dict[str, Any]]:
    """The document's rules, and those that stand for places in the default VDC.

    The federation's default VDC has the clusters of all zones. A group that it had before, and kept out of there,
    stays out, and gets by rules what the zone's default VDC gave it in the zone.
    """
    default = next((vdc for vdc in document["vdcs"] if vdc.get("builtin") == DEFAULT_VDC), None)
    if default is None:
        return list(document["acls"])
    inside = {gid for vdc in shared["vdcs"] if vdc["id"] == DEFAULT_VDC for gid in vdc["group_ids"]}
    found = [targets["groups"].get(name) for name in default["groups"]]
    outside = {
        target.id: target.name
        for target in found
        if target is not None and not target.ours and target.id is not None and target.id not in inside
    }
    own = document["source"]["zone"]["id"]
    vdc = {"group_ids": list(outside), "resources": vdc_resources(default, {"zones": {}}, own)}
    given = derived_rules([vdc], [], shared["config"])
    instead, _gone = by_name(map(asdict, given), {"users": {}, "groups": outside, "zones": {}}, own)
    return [*document["acls"], *(rule for rule in instead if rule not in document["withdrawn"])]


def missing_rules(
    rules: Iterable[Data], shared: Data, ids: Ids, zone_id: int | None, narrow: bool
) -> list[dict[str, Any]]:
    """The parts of a document's rules that the federation lacks."""
    existing = {Rule.of(row) for row in shared["rules"]}
    found: dict[str, dict[str, Any]] = {}
    for part in (part for rule in rules for part in parts_of(rule, narrow)):
        # Rules for all zones hold in the new one too, whatever id it gets.
        everywhere = rules_of({**part, "zone": "*"}, ids, zone_id, False)
        wanted = rules_of(part, ids, zone_id, False)
        known = wanted is not None and existing.issuperset(wanted)
        if not known and (everywhere is None or not existing.issuperset(everywhere)):
            found[text(part)] = part
    return list(found.values())


def ruling_rules(parts: Iterable[Data], shared: Data, targets: Targets, ids: Ids, zone_id: int | None) -> list[Data]:
    """Those that would give power over what the zone has not brought along.

    The master decides on everything that all zones share, by the rules that hold in its own zone.
    """
    own = {OWN: zone_id, **{f"#{name}": oid for name, oid in ids["zones"].items()}}
    return [
        part
        for part in parts
        if set(part["kinds"]) & set(FEDERATED)
        and set(part["rights"]) & _POWER
        and (part["zone"] == "*" or own.get(part["zone"]) == shared["zone_id"])
        and not _rules_anyway(part["who"], targets)
        and not _brought_along(part, targets)
    ]


def _rules_anyway(who: str, targets: Targets) -> bool:
    """Whether it is oneadmin or a member of group oneadmin."""
    target = targets["users" if who[0] == "#" else "groups"].get(who[1:])
    return target is not None and target.action == BUILTIN_ACTION and (who[0] == "#" or target.id == ONEADMIN_GROUP)


def _brought_along(part: Data, targets: Targets) -> bool:
    """Whether a rule is only about what the import creates."""
    sign, name = part["which"][0], part["which"][1:]
    kind = "groups" if sign == "@" else SHARED.get(part["kinds"][0], "")
    target = targets.get(kind, {}).get(name)
    return part["which"] == OWN or (target is not None and target.ours)


def gaining_groups(document: Data, shared: Data, targets: Targets) -> list[str]:
    """Groups that both have and the federation alone has in the default VDC, which gains the zone's clusters."""
    inside = {gid for vdc in shared["vdcs"] if vdc["id"] == DEFAULT_VDC for gid in vdc["group_ids"]}
    before = {name for vdc in document["vdcs"] if vdc.get("builtin") == DEFAULT_VDC for name in vdc["groups"]}
    return [
        name
        for name, target in targets["groups"].items()
        if not target.ours and target.id in inside and name not in before
    ]


def gained_rules(document: Data, shared: Data, targets: Targets, ids: Ids) -> list[Rule]:
    """Rules of the federation's for all zones that give rights in the new one to people who had them not."""
    had = {
        (rule.user, rule.resource, rule.rights)
        for item in document["acls"]
        if item["zone"] in ("*", OWN)
        for rule in rules_of({**item, "zone": "*"}, ids, None, False) or []
    }
    signs = {"users": ONE, "groups": GROUP}
    before = {
        sign | target.id
        for kind, sign in signs.items()
        for target in targets[kind].values()
        if not target.ours and target.id is not None
    }
    made = derived_rules(shared["vdcs"], shared["groups"], shared["config"])
    return [
        rule
        for rule in map(Rule.of, shared["rules"])
        if rule.zone_id is None
        and rule.user in {ALL, *before}
        and rule not in made
        and set(rule.kinds) - set(SHARED) - set(FEDERATED)
        and (rule.user, rule.resource, rule.rights) not in had
    ]
