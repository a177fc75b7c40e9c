# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What an import will do, said before anything is done. Pure.

The plan is plain data that people read and that is kept: an interrupted import goes on, and is undone, by what its
first plan said (`identities`, `memberships`, `admins`, `vdc_groups`, `resources`, `acls`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._errors import OnefedError
from .._resources.acl import Rule
from .._resources.documents import RESOURCES
from .conflicts import (
    Policy,
    Target,
    Targets,
    go_on,
    resolve,
)
from .encrypted import left_readable
from .export import FORMAT
from .id_map import (
    FEDERATED,
    Ids,
    known_ids,
    vdc_resources,
)
from .import_objects import check_objects, object_changes
from .import_references import (
    check_references,
    reference_changes,
)
from .import_rules import (
    DEFAULT_VDC,
    ONEADMIN_GROUP,
    brought_rules,
    gained_rules,
    gaining_groups,
    missing_rules,
    ruling_rules,
)
from .rules import OWN, text


@dataclass(frozen=True)
class Options:
    """What the caller decided.

    `zone_id` is the zone's id in the federation, None while it has none; `joins` tells that it is to be in one although
    the master stands alone yet.
    """

    policy: Policy = field(default_factory=Policy)
    zone_id: int | None = None
    joins: bool = False
    narrow: bool = True
    allow_administrators: bool = False
    leave_unmovable: bool = False
    orphans_to_oneadmin: bool = False


def check_document(document: Any) -> None:
    """Refuse what is no document of this format. Raises OnefedError."""
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise OnefedError(f"This is not a document of identity_export in format {FORMAT}. Export the zone again.")
    missing = {"source", "users", "groups", "vdcs", "acls", "withdrawn", "marketplaces", "objects"} - set(document)
    if missing:
        raise OnefedError(f"The document is incomplete: {', '.join(sorted(missing))} missing. Export the zone again.")


def make_plan(
    document: Mapping[str, Any], shared: Mapping[str, Any], options: Options, begun: Mapping[str, Any]
) -> tuple[dict[str, Any], Targets]:
    """The plan, and what becomes of each name.

    `shared` is what export.read_shared gives of the federation, `begun` the plan of an interrupted run of the same
    import (or empty). The plan is::

        {zone, zone_id, acl_zones, identities: {kind: [{name, action, new_name, old_id, id}]},
         memberships: [{user, group}], admins: [{user, group}], vdc_groups: [{vdc, group}],
         resources: [{vdc, kind, zone, id}], acls: [{who, kinds, ...}],
         objects: {kind: {all, changing}}, references: {all, changing}, unmovable, collisions, problems, warnings}

    It may be carried out when `collisions` and `problems` are empty. Raises OnefedError for wrong options.
    """
    check_document(document)
    options.policy.check(document)
    if begun:
        targets, collisions = go_on(begun["identities"], document, shared)
    else:
        targets, collisions = resolve(document, shared, options.policy)
    ids = known_ids(targets, shared)
    old_ids = document["source"]["ids"]
    problems, warnings = check_objects(document, options.leave_unmovable, options.orphans_to_oneadmin)
    acls = missing_rules(brought_rules(document, shared, targets), shared, ids, options.zone_id, options.narrow)
    ruling = [] if options.allow_administrators else ruling_rules(acls, shared, targets, ids, options.zone_id)
    problems += _administrators(document, targets, options) + [_rules(rule) for rule in ruling]
    problems += left_readable(document, shared["config"], [t.name for t in targets["users"].values() if t.ours])
    warnings += [_reaches(rule) for rule in acls if rule not in ruling and _federated(rule) and rule["zone"] != OWN]
    warnings += [_gained(rule) for rule in gained_rules(document, shared, targets, ids)]
    warnings += [_gains(name) for name in gaining_groups(document, shared, targets)]
    warnings += check_references(document)
    warnings += document["source"]["notes"]
    plan = {
        "zone": document["source"]["zone"]["name"],
        "zone_id": options.zone_id,
        "acl_zones": OWN if options.narrow else "all",
        "identities": {
            kind: [_described(target, old_ids[kind].get(name)) for name, target in found.items()]
            for kind, found in targets.items()
        },
        "memberships": _memberships(document, shared, targets),
        "admins": _admins(document, shared, targets),
        "vdc_groups": _vdc_groups(document, shared, targets),
        "resources": _resources(document, shared, targets, ids, options),
        "acls": acls,
        "objects": object_changes(document, ids),
        "references": reference_changes(document, targets),
        "unmovable": _unmovable(document),
        "collisions": collisions,
        "problems": problems,
        "warnings": warnings,
    }
    return plan, targets


def _described(target: Target, old_id: int | None) -> dict[str, Any]:
    return {
        "name": target.name,
        "action": target.action,
        "new_name": target.new_name,
        "old_id": old_id,
        "id": target.id,
    }


def _unmovable(document: Mapping[str, Any]) -> dict[str, list[int]]:
    found = {kind: [item["id"] for item in items if item.get("done")] for kind, items in document["objects"].items()}
    return {kind: ids for kind, ids in found.items() if ids}


def _memberships(document: Mapping[str, Any], shared: Mapping[str, Any], targets: Targets) -> list[dict[str, str]]:
    """Groups that users gain who exist already, by the document's names."""
    known = {user["id"]: user["group_ids"] for user in shared["users"]}
    names = {user["name"]: [user["group"], *user["groups"]] for user in document["users"]}
    gained = _new_pairs(names, known, targets["users"], targets["groups"])
    return [{"user": user, "group": group} for user, group in gained]


def _admins(document: Mapping[str, Any], shared: Mapping[str, Any], targets: Targets) -> list[dict[str, str]]:
    """Administrators that groups gain which exist already, by the document's names."""
    known = {group["id"]: group["admin_ids"] for group in shared["groups"]}
    names = {group["name"]: group["admins"] for group in document["groups"]}
    gained = _new_pairs(names, known, targets["groups"], targets["users"])
    return [{"user": user, "group": group} for group, user in gained]


def _new_pairs(
    wanted: Mapping[str, Sequence[str]],
    known: Mapping[int, Sequence[int]],
    owners: Mapping[str, Target],
    others: Mapping[str, Target],
) -> Iterator[tuple[str, str]]:
    """Pairs of names that are `wanted` of owners that exist already, and not `known`, which is by their ids."""
    for name, names in wanted.items():
        owner = owners.get(name)
        if owner is None or owner.ours:
            continue
        for each in names:
            other = others.get(each)
            if other is not None and (other.id is None or other.id not in known.get(owner.id or 0, ())):
                yield name, each


def _administrators(document: Mapping[str, Any], targets: Targets, options: Options) -> list[str]:
    """Who would rule the whole federation: members of oneadmin, and administrators of the groups all zones have."""
    if options.allow_administrators:
        return []
    builtin = {name: target.id for name, target in targets["groups"].items() if target.action == "builtin"}
    members = [
        user["name"]
        for user in document["users"]
        if "builtin" not in user
        and any(builtin.get(name) == ONEADMIN_GROUP for name in [user["group"], *user["groups"]])
    ]
    admins = [name for group in document["groups"] if group["name"] in builtin for name in group["admins"]]
    problems = []
    if members:
        problems.append(
            f"Of the zone's users, {', '.join(members)} belong to the group oneadmin and would administer the whole "
            "federation. Take them out of it before the export, or allow administrators."
        )
    if admins:
        problems.append(
            f"Of the zone's users, {', '.join(sorted(set(admins)))} administer a group that every zone has, and would "
            "administer it in the whole federation. Change that before the export, or allow administrators."
        )
    return problems


def _federated(rule: Mapping[str, Any]) -> str:
    return "+".join(sorted(set(rule["kinds"]) & set(FEDERATED)))


def _reaches(rule: Mapping[str, Any]) -> str:
    return (
        f"The rule {text(rule)} gives a right on {_federated(rule)} in the whole federation, because all zones share "
        "them."
    )


def _rules(rule: Mapping[str, Any]) -> str:
    return (
        f"The rule {text(rule)} would give power in the whole federation, over what is not the zone's own. Delete it "
        "before the export, or allow administrators."
    )


def _gained(rule: Rule) -> str:
    return (
        f"The federation has the rule {rule.text()} for all zones, which the zone has not. It holds in the zone, too, "
        "once it has joined."
    )


def _gains(group: str) -> str:
    return (
        f"The group {group} is in the federation's default VDC, and was not in the zone's. Its members may use the "
        "zone's clusters as far as that VDC has them, once the zone has joined."
    )


def _vdc_groups(document: Mapping[str, Any], shared: Mapping[str, Any], targets: Targets) -> list[dict[str, str]]:
    """Groups that VDCs gain which exist already, by the document's names; the default one has new groups anyway."""
    held = {vdc["id"]: set(vdc["group_ids"]) for vdc in shared["vdcs"]}
    found = []
    for vdc in document["vdcs"]:
        target = targets["vdcs"].get(vdc["name"])
        if target is None or target.ours or target.id == DEFAULT_VDC:
            continue
        for name in vdc["groups"]:
            group = targets["groups"].get(name)
            if group is not None and (group.id is None or group.id not in held.get(target.id or 0, ())):
                found.append({"vdc": vdc["name"], "group": name})
    return found


def _resources(
    document: Mapping[str, Any], shared: Mapping[str, Any], targets: Targets, ids: Ids, options: Options
) -> list[dict[str, Any]]:
    """What VDCs gain that exist already; `zone` is the document's word."""
    known = {vdc["id"]: vdc["resources"] for vdc in shared["vdcs"]}
    found = []
    for vdc in document["vdcs"]:
        target = targets["vdcs"].get(vdc["name"])
        if target is None or target.ours:
            continue
        held = known.get(target.id or 0, {})
        for kind in RESOURCES:
            for item in vdc[kind]:
                pairs = vdc_resources({**dict.fromkeys(RESOURCES, []), kind: [item]}, ids, options.zone_id)[kind]
                if not pairs or pairs[0] not in held.get(kind, []):
                    found.append({"vdc": vdc["name"], "kind": kind, **item})
    return found
