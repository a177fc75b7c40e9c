# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The import of a joining zone's identities within the plan of a run. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...module_utils._problems import own_data as rules
from ...module_utils._problems.frontend import LOCKED_DOWN
from ...module_utils._problems.problem import Problem
from ...module_utils._zone_import.conflicts import BEGUN, CREATE, KINDS, SAME
from ...module_utils._zone_import.rules import OWN, text
from .._checks import migration as import_checks
from .._model.declared import Federation, Zone
from .._model.facts import HostFacts, frontend_of
from .._model.identity_plan import Identity, IdentityPlan, VdcResource
from .addresses import addresses_of
from .entry import KNOWN_AFTER_APPLY, placed, warned
from .planned import ImportOptions, ImportPlan, ZonePlan


def with_import(entry: ZonePlan, federation: Federation, zone: Zone, facts: Mapping[str, HostFacts]) -> ZonePlan:
    """The plan of a zone that joins, or is left out for other reasons, with what its import does, if it has one."""
    host_facts, master = facts[zone.host], facts[federation.master_host].frontend
    frontend = host_facts.frontend
    if not import_checks.wanted(zone, frontend) or import_checks.unaskable(zone, host_facts, master):
        return entry
    kept, exported = host_facts.kept, frontend.is_exported
    # Identities are undone, and the plan with them, before the database is put back.
    restores = exported and kept.plan is None and frontend.journal
    imports = ImportPlan(
        folder="/".join([federation.settings.import_directory, federation.group, zone.group]),
        options=_options(zone),
        allow=addresses_of(federation, federation.master_zone, facts),
        document=kept.document if exported else None,
        plan=kept.plan if exported else None,
        exported=exported,
        restore=frontend.journal.backups.database if restores and frontend.journal else None,
        planned=kept.planned is not None,
    )
    plan = kept.planned.plan if kept.planned else None
    if not plan:
        return replace(entry, imports=imports)
    entry = replace(entry, imports=replace(imports, moves=plan.moves, creates=_new_names(plan)))
    if entry.action != "join":
        return entry
    notes = (rules.IMPORT_NOTE.problem(detail=line) for line in plan.warnings)
    return replace(
        entry,
        changes=(*entry.changes, *_changes(plan, zone.label)),
        warnings=(*entry.warnings, *warned(zone.host, notes)),
    )


def _options(zone: Zone) -> ImportOptions:
    return ImportOptions(
        conflicts=zone.import_conflicts,
        overrides=zone.import_overrides,
        acl_zones=zone.import_acl_zones,
        allow_administrators=zone.import_allow_administrators,
        orphans=zone.import_orphans,
        leave_unmovable=zone.import_leave_unmovable,
        suffix=zone.import_suffix if zone.import_suffix is not None else f"_{zone.label}",
    )


def lockdowns(zone: Zone, facts: Mapping[str, HostFacts], entry: ZonePlan) -> list[Problem]:
    """Warnings of hosts that an interrupted run has locked down and this run does not open."""
    opened = [entry.host, *entry.abandoned] if entry.action == "join" else []
    others = {host: frontend_of(facts, host) for host in zone.hosts if host not in opened}
    return [LOCKED_DOWN.problem(host) for host, found in others.items() if found and found.lockdown]


def unplanned(zones: Mapping[str, ZonePlan]) -> dict[str, ImportPlan]:
    """What imports have yet to be planned, by host."""
    return {entry.host: entry.imports for entry in zones.values() if entry.imports and not entry.imports.planned}


def without_same_names(zones: Mapping[str, ZonePlan]) -> dict[str, ZonePlan]:
    """The plans, of which those that join side by side and would create the same name are left out, all of them."""
    holders: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for group, entry in zones.items():
        for kind, names in (entry.imports.creates if entry.imports else {}).items():
            for name in names:
                # MariaDB takes names for equal that differ in case only.
                holders.setdefault((kind, name.casefold()), []).append((name, group))
    clashes: dict[str, list[Problem]] = {}
    for (kind, _folded), found in holders.items():
        for name, group in found if len(found) > 1 else []:
            others = ", ".join(zones[other].label for _name, other in found if other != group)
            clash = rules.IMPORT_SAME_NAME.problem(kind=KINDS[kind], name=name, others=others)
            clashes.setdefault(group, []).append(clash)
    return {
        group: replace(
            entry,
            action="excluded",
            changes=(),
            costs=(),
            problems=(*entry.problems, *placed(entry.host, clashes[group])),
        )
        if group in clashes
        else entry
        for group, entry in zones.items()
    }


def _new_names(plan: IdentityPlan) -> dict[str, tuple[str, ...]]:
    return {
        kind: tuple(item.new_name for item in items if item.action == CREATE) for kind, items in plan.identities.items()
    }


def _changes(plan: IdentityPlan, label: str) -> list[str]:
    """The import of the zone called `label` in lines."""
    found = ["its identities are written down, and nobody but the master reaches its API until it has joined"]
    for kind, items in plan.identities.items():
        new = [_created(item) for item in items if item.action in (CREATE, BEGUN)]
        same = [_same(item) for item in items if item.action == SAME]
        found += [f"{kind} created, id {KNOWN_AFTER_APPLY}: {', '.join(new)}"] if new else []
        found += [f"{kind} that are the same in the federation: {', '.join(same)}"] if same else []
    found += [f"user {one.user} joins group {one.group}" for one in plan.memberships]
    found += [f"user {one.user} administers group {one.group}" for one in plan.admins]
    found += [f"VDC {one.vdc} gains group {one.group}" for one in plan.vdc_groups]
    found += [f"VDC {one.vdc} gains {_resource(one, label)}" for one in plan.resources]
    found += [f"access rule {text(_placed(rule, label))}" for rule in plan.acls]
    return found + _objects(plan)


def _created(item: Identity) -> str:
    renamed = "" if item.new_name == item.name else f" as {item.new_name}"
    return f"{item.name}{renamed} (was {item.old_id})"


def _same(item: Identity) -> str:
    changes = "" if item.old_id == item.id else f" ({item.old_id} -> {item.id})"
    return f"{item.name}{changes}"


def _resource(item: VdcResource, label: str) -> str:
    which = f"all {item.kind}" if item.id == "all" else f"{item.kind} {item.id}"
    return f"{which} of zone {label if item.zone == OWN else item.zone[1:]}"


def _placed(rule: Mapping[str, Any], label: str) -> Mapping[str, Any]:
    """A rule with the name that its zone will have in the federation."""
    return {**rule, **{word: f"#{label}" for word in ("which", "zone") if rule[word] == OWN}}


def _objects(plan: IdentityPlan) -> list[str]:
    counted = [f"{one.changing} of {one.all} {kind}" for kind, one in plan.objects.items() if one.changing]
    left = [f"{kind} {', '.join(map(str, ids))}" for kind, ids in plan.unmovable.items()]
    found = [f"objects whose owner or group gets another id: {', '.join(counted)}"] if counted else []
    named = plan.references
    found += [f"VM templates that name an owner: {named.changing} of {named.all} change"] if named.all else []
    return found + ([f"objects that keep their owner's old id: {'; '.join(left)}"] if left else [])
