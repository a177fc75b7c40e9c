# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Who of a document is who in the federation it is imported into. Pure.

Every user, group, VDC and marketplace of the document gets a `Target`. What stands in the way is collected, never
guessed: all collisions are reported at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._errors import OnefedError
from .._resources.name_rules import GROUP, MARKETPLACE, USER, VDC, accepted, name_fault
from .._resources.user import FOREIGN_DRIVER, TOKEN
from .export import BUILTIN

# Kinds of identities, and what one of each is called.
KINDS = {"users": USER, "groups": GROUP, "vdcs": VDC, "marketplaces": MARKETPLACE}
# How a name that is taken is resolved: not at all; both are the same; the imported one gets another name.
FAIL, SAME, RENAME = "fail", "same_person", "rename"
POLICIES = (FAIL, SAME, RENAME)
# What becomes of a name besides SAME.
CREATE, BEGUN, BUILTIN_ACTION = "create", "begun", "builtin"
_POOLS = {"marketplaces": "markets"}


@dataclass(frozen=True)
class Policy:
    """What to do about taken names: in general, and by kind and name.

    An override is one of POLICIES or {"rename": new name}. `suffix` makes the new name otherwise.
    """

    conflicts: str = FAIL
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    suffix: str = ""

    def check(self, document: Mapping[str, Any]) -> None:
        """Refuse overrides that name nothing of the document. Raises OnefedError."""
        for kind, entries in self.overrides.items():
            if kind not in KINDS:
                raise OnefedError(f'There are no overrides for "{kind}"; there are {", ".join(KINDS)}.')
            known = {item["name"] for item in document[kind]}
            for name, value in (entries or {}).items():
                renamed = isinstance(value, Mapping) and set(value) == {RENAME} and isinstance(value[RENAME], str)
                if value not in POLICIES and not renamed:
                    raise OnefedError(
                        f"The override of {KINDS[kind]} {name} is {value!r}. Use {', '.join(POLICIES)} or "
                        "{rename: new name}."
                    )
                if name not in known:
                    raise OnefedError(f'An override is given for {KINDS[kind]} "{name}", which is not in the document.')

    def of(self, kind: str, name: str) -> tuple[str, str | None]:
        """The policy for one name, and the new name if one was chosen."""
        value = (self.overrides.get(kind) or {}).get(name, self.conflicts)
        return (RENAME, value[RENAME]) if isinstance(value, Mapping) else (value, None)


@dataclass(frozen=True)
class Target:
    """What becomes of one name.

    `action` is builtin, create (also under another name), same_person, or begun for what an interrupted import of the
    same document has created. `id` is None for what is still to be created.
    """

    name: str
    new_name: str
    action: str
    id: int | None = None

    @property
    def ours(self) -> bool:
        """Whether this import makes it, so that it may be completed and undone."""
        return self.action in (CREATE, BEGUN)


Targets = dict[str, dict[str, Target]]


def resolve(document: Mapping[str, Any], shared: Mapping[str, Any], policy: Policy) -> tuple[Targets, list[str]]:
    """A target for every name, by kind, and the collisions as texts, names that the federation refuses among them.

    `shared` is what export.read_shared gives of the federation.
    """
    targets: Targets = {}
    collisions: list[str] = []
    for kind in KINDS:
        existing = _existing(kind, shared)
        # MariaDB takes names for equal that differ in case only.
        folded = {name.casefold(): name for name in existing}
        taken: dict[str, str] = {}
        targets[kind] = {}
        for item in document[kind]:
            target, problem = _target(kind, item, existing, folded, policy)
            if target is not None and target.action == CREATE and not problem:
                problem = _refused(kind, target, shared["version"], policy)
            if target is not None and target.ours and target.new_name in taken:
                problem = (
                    f'{KINDS[kind]} "{item["name"]}" would be called "{target.new_name}" like the imported '
                    f'{KINDS[kind]} "{taken[target.new_name]}". Give one of them another name.'
                )
            if problem:
                collisions.append(problem)
            if target is not None:
                targets[kind][item["name"]] = target
                taken[target.new_name] = item["name"]
    return targets, collisions


def go_on(
    identities: Mapping[str, Any], document: Mapping[str, Any], shared: Mapping[str, Any]
) -> tuple[Targets, list[str]]:
    """Like `resolve`, by what the plan of the import's first run says: `identities` of _import_plan.make_plan.

    What was to be created then did not exist, so what exists of it now was created by that import, unless it is a user
    that differs from the document's. Raises OnefedError if the plan is another document's.
    """
    if any({item["name"] for item in identities[kind]} != {item["name"] for item in document[kind]} for kind in KINDS):
        raise OnefedError("The plan is not that of this document: others are named in it. Give both of one import.")
    targets: Targets = {}
    problems: list[str] = []
    wanted, users = ({user["name"]: user for user in source["users"]} for source in (document, shared))
    for kind in KINDS:
        existing = _existing(kind, shared)
        targets[kind] = {}
        for item in identities[kind]:
            name, new_name, action = item["name"], item["new_name"], item["action"]
            oid = item["id"] if action == BUILTIN_ACTION else existing.get(new_name)
            if action in (CREATE, BEGUN):
                action = CREATE if oid is None else BEGUN
                if kind == "users" and oid is not None and not _same_login(wanted[name], users[new_name]):
                    problems.append(
                        f'user "{new_name}" was created in the federation by another client after the import was '
                        "planned. Delete that user, or undo the import and plan it anew."
                    )
                    continue
            elif oid is None:
                problems.append(
                    f'{KINDS[kind]} "{new_name}", the same as the zone\'s, was removed from the federation '
                    "after the import was planned. Create it again, or undo the import and plan it anew."
                )
            targets[kind][name] = Target(name, new_name, action, oid)
    return targets, problems


def _same_login(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether a user is the one that the import makes of the document's.

    Passwords change, and a directory says the same of a user in every zone. Only the token that OpenNebula gives every
    user, which the import replaces with the zone's before the user can log in, belongs to one user alone.
    """
    token = wanted["template"].get(TOKEN)
    if token is not None and wanted["password"] and found["driver"] != FOREIGN_DRIVER:
        return bool(found["template"].get(TOKEN) == token)
    return found["password"] == wanted["password"] and found["driver"] in (FOREIGN_DRIVER, wanted["driver"])


def _existing(kind: str, shared: Mapping[str, Any]) -> dict[str, int]:
    return {item["name"]: item["id"] for item in shared[_POOLS.get(kind, kind)]}


def _target(
    kind: str,
    item: Mapping[str, Any],
    existing: Mapping[str, int],
    folded: Mapping[str, str],
    policy: Policy,
) -> tuple[Target | None, str]:
    name, builtin = item["name"], item.get("builtin")
    if builtin is not None and builtin in BUILTIN[kind]:
        real = next((known for known, oid in existing.items() if oid == builtin), name)
        return Target(name, real, BUILTIN_ACTION, builtin), ""
    action, chosen = policy.of(kind, name)
    clash = name if name in existing else folded.get(name.casefold())
    if action == SAME and name in existing:
        return Target(name, name, SAME, existing[name]), ""
    if action == RENAME and (chosen is not None or clash is not None):
        return _renamed(kind, name, chosen or f"{name}{policy.suffix}", existing, folded)
    if clash is None:
        return Target(name, name, CREATE), ""
    differs = "" if clash == name else f' (there it is "{clash}", which MariaDB takes for the same name)'
    return None, (
        f'{KINDS[kind]} "{name}" exists in the federation already{differs}. If both are the same, choose '
        f"{SAME} for it, else {RENAME}."
    )


def _renamed(
    kind: str, name: str, new_name: str, existing: Mapping[str, int], folded: Mapping[str, str]
) -> tuple[Target | None, str]:
    if new_name in existing or new_name.casefold() in folded:
        return None, (
            f'{KINDS[kind]} "{name}" cannot become "{new_name}", because the federation has that name too. '
            "Choose another one as override."
        )
    return Target(name, new_name, CREATE), ""


def _refused(kind: str, target: Target, release: str, policy: Policy) -> str:
    """Why the federation's OpenNebula would refuse the new name, and what to set instead; "" if it takes it."""
    renamed = target.new_name != target.name
    if kind == "marketplaces" and not renamed:
        return ""  # OpenNebula does not check it, as its record is written as it is
    fault = name_fault(KINDS[kind], target.new_name, release)
    if not fault:
        return ""
    better = json.dumps({kind: {target.name: {RENAME: accepted(KINDS[kind], target.new_name, release)}}})
    cure = f"an override such as {better}"
    if renamed and policy.of(kind, target.name)[1] is None:
        cure = f'another suffix than "{policy.suffix}", or {cure}'
    name = f'{KINDS[kind]} "{target.name}"'
    return f'{name} cannot be created as "{target.new_name}": the name {fault}. Give {cure}.'
