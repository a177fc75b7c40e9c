# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which objects change hands, and in which order. Pure.

What is to be is told by the document's names alone. The ids of owners before and after overlap, so nothing is ever
concluded from the owner an object has at the moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .id_map import Ids
from .objects import BY_NAME, Kind

ONEADMIN, SERVERADMIN = 0, 1
# Holder of an object on its way between two owners: serveradmin and the group oneadmin, which no quota stops.
PARKING_USER, PARKING_GROUP = SERVERADMIN, 0
_SHOWN = 10


def owner_of(item: Mapping[str, Any], ids: Ids) -> tuple[int | None, int | None]:
    """The new owner's and group's ids of a document's object; those that no longer exist become oneadmin's."""
    uid = ONEADMIN if item["owner"] is None else ids["users"].get(item["owner"])
    gid = ONEADMIN if item["group"] is None else ids["groups"].get(item["group"])
    return uid, gid


def check_objects(document: Mapping[str, Any], leave_unmovable: bool, orphans: bool) -> tuple[list[str], list[str]]:
    """What stands in the way of giving all objects to their owners, and what is to be known about it."""
    problems: list[str] = []
    warnings: list[str] = []
    done = [item for items in document["objects"].values() for item in items if item.get("done")]
    if done:
        count = f"{len(done)} machines are done, and OpenNebula changes the owner of such machines no more"
        if leave_unmovable:
            warnings.append(f"{count}; their records will show the user who has the old owner's id in the federation.")
        else:
            problems.append(
                f"{count}. Remove their records before the export (onedb purge-done), or allow to leave them."
            )
    for kind, items in document["objects"].items():
        gone = [item for item in items if item["owner"] is None or item["group"] is None]
        if gone:
            count = f"{len(gone)} of the {kind} have an owner or a group that no longer exists: {_listed(gone)}"
            if orphans:
                warnings.append(f"{count}. They become oneadmin's.")
            else:
                problems.append(f"{count}. Change their owners before the export, or let oneadmin have them.")
        twice = _twice(BY_NAME[kind], items) if kind in BY_NAME else []
        if twice:
            problems.append(
                f"Of the {kind}, {', '.join(twice)} would belong twice to one owner, which OpenNebula refuses. "
                "Rename some of them before the export."
            )
    locked = sum(1 for items in document["objects"].values() for item in items if item.get("lock"))
    if locked:
        warnings.append(
            f"{locked} objects are locked. They stay so, but the lock becomes oneadmin's, for only an unlocked object "
            "changes hands."
        )
    return problems, warnings


def _listed(items: Sequence[Mapping[str, Any]]) -> str:
    shown = ", ".join(f"{item['id']} ({item['name']})" for item in items[:_SHOWN])
    return shown + (f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else "")


def _twice(kind: Kind, items: Sequence[Mapping[str, Any]]) -> list[str]:
    if not kind.unique or kind.repeats:
        return []
    seen: set[tuple[str, str]] = set()
    found = []
    for item in items:
        key = (item["name"], item["owner"] or "")
        if key in seen:
            found.append(item["name"])
        seen.add(key)
    return found


def object_changes(document: Mapping[str, Any], ids: Ids) -> dict[str, dict[str, int]]:
    """How many objects there are of each kind, and how many change the id of their owner or group."""
    old = document["source"]["ids"]
    return {
        kind: {
            "all": len(items),
            "changing": sum(
                owner_of(item, ids) != (old["users"].get(item["owner"]), old["groups"].get(item["group"]))
                for item in items
                if not item.get("done")
            ),
        }
        for kind, items in document["objects"].items()
    }


@dataclass(frozen=True)
class Step:
    """One chown; -1 keeps. `rename` is a name that the object bears meanwhile, for OpenNebula looks at names."""

    id: int
    uid: int
    gid: int
    rename: str = ""


@dataclass(frozen=True)
class Wanted:
    """Whose an object is to be: ids, and the names that it is to have stored."""

    uid: int
    gid: int
    uname: str
    gname: str


def steps(kind: Kind, current: Mapping[int, Mapping[str, Any]], wanted: Mapping[int, Wanted]) -> list[Step]:
    """The chowns that give objects to their owners, in an order in which no owner ever has one name twice.

    `current` is what objects.read_objects gives. A ring of owners who give each other objects of one name is
    opened by parking one of them. OpenNebula takes a chown to the present owner for nothing, so an object whose owner
    keeps the id but not the name is parked, too. Linear in the number of objects.
    """
    moving = {oid: want for oid, want in wanted.items() if oid in current and _differs(current[oid], want)}
    if not kind.unique or kind.repeats:
        names = Counter(item["name"] for item in current.values())
        return [
            step
            for oid, want in moving.items()
            for step in _steps(current[oid], want, rename=kind.repeats and names[current[oid]["name"]] > 1)
        ]
    holder = {(item["name"], item["uid"]): oid for oid, item in current.items()}
    left = dict(moving)
    ordered: list[Step] = []
    for start in moving:
        chain, parked = _chain(start, left, current, holder)
        parking = _parking(current[start]["name"], holder)
        if parked is not None:
            ordered.append(Step(parked, parking, -1))
        for oid in reversed(chain):
            item, want = current[oid], left.pop(oid)
            ordered += _steps(item, want, parked=oid == parked, parking=parking)
            if holder.get((item["name"], item["uid"])) == oid:
                del holder[item["name"], item["uid"]]
            holder[item["name"], want.uid] = oid
    return ordered


def chains(kind: Kind, ordered: Sequence[Step], current: Mapping[int, Mapping[str, Any]]) -> list[list[Step]]:
    """Steps that have to wait for each other, in their order; the chains may be walked side by side.

    A step waits for those of the same object, and of a kind whose names are unique for those of the same name.
    """
    found: dict[int | str, list[Step]] = {}
    for step in ordered:
        found.setdefault(current[step.id]["name"] if kind.unique else step.id, []).append(step)
    return list(found.values())


def _chain(
    start: int,
    left: Mapping[int, Wanted],
    current: Mapping[int, Mapping[str, Any]],
    holder: Mapping[tuple[str, int], int],
) -> tuple[list[int], int | None]:
    """Objects of which each waits for the next one to leave its new owner, and the one that closes a ring."""
    chain: list[int] = []
    on_chain: set[int] = set()
    oid: int | None = start
    while oid is not None and oid in left:
        if oid in on_chain:
            return chain, oid
        chain.append(oid)
        on_chain.add(oid)
        item, want = current[oid], left[oid]
        oid = None if want.uid == item["uid"] else holder.get((item["name"], want.uid))
    return chain, None


def _parking(name: str, holder: Mapping[tuple[str, int], int]) -> int:
    """The user that may hold an object of that name for a while, as it has none of that name."""
    return ONEADMIN if (name, PARKING_USER) in holder and (name, ONEADMIN) not in holder else PARKING_USER


def _steps(
    item: Mapping[str, Any],
    want: Wanted,
    parked: bool = False,
    rename: bool = False,
    parking: int = PARKING_USER,
) -> list[Step]:
    stale_user = want.uid == item["uid"] and want.uname != item["uname"]
    stale_group = want.gid == item["gid"] and want.gname != item["gname"]
    found = []
    if stale_user or stale_group:
        found.append(Step(item["id"], parking if stale_user else -1, PARKING_GROUP if stale_group else -1))
    uid = want.uid if parked or stale_user or want.uid != item["uid"] else -1
    gid = want.gid if stale_group or want.gid != item["gid"] else -1
    return [*found, Step(item["id"], uid, gid, temporary_name(item["id"]) if rename and uid > -1 else "")]


def _differs(item: Mapping[str, Any], want: Wanted) -> bool:
    return (item["uid"], item["gid"], item["uname"], item["gname"]) != (want.uid, want.gid, want.uname, want.gname)


def temporary_name(oid: int) -> str:
    """What a virtual router is called while it changes hands beside another one of its name."""
    return f"onefed-import-{oid}"
