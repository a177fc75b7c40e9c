# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which objects change hands."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.import_objects import (
    PARKING_GROUP,
    PARKING_USER,
    Step,
    Wanted,
    chains,
    steps,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.objects import BY_NAME

IMAGES, MACHINES, ROUTERS = BY_NAME["images"], BY_NAME["vms"], BY_NAME["vrouters"]


def item(oid: int, name: str, uid: int, gid: int = 1, uname: str = "", gname: str = "users") -> dict[str, Any]:
    return {"id": oid, "name": name, "uid": uid, "gid": gid, "uname": uname or f"old{uid}", "gname": gname}


def current(*items: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {each["id"]: each for each in items}


def want(uid: int, uname: str = "", gid: int = 1, gname: str = "users") -> Wanted:
    return Wanted(uid, gid, uname or f"new{uid}", gname)


def test_whoever_has_the_name_at_the_new_owner_moves_first() -> None:
    found = steps(
        IMAGES, current(item(0, "x", 2), item(1, "x", 3), item(2, "x", 4)), {0: want(3), 1: want(4), 2: want(5)}
    )
    assert found == [Step(2, 5, -1), Step(1, 4, -1), Step(0, 3, -1)]


def test_a_ring_is_opened_by_parking_one() -> None:
    found = steps(IMAGES, current(item(0, "x", 2), item(1, "x", 3)), {0: want(3), 1: want(2)})
    assert found == [Step(0, PARKING_USER, -1), Step(1, 2, -1), Step(0, 3, -1)]


def test_names_matter_only_where_opennebula_looks_at_them() -> None:
    found = steps(MACHINES, current(item(0, "x", 2), item(1, "x", 3)), {0: want(3), 1: want(2)})
    assert found == [Step(0, 3, -1), Step(1, 2, -1)]


def test_an_owner_of_the_same_id_and_another_name_is_written_again() -> None:
    there = current(item(0, "x", 2, 100, "bob", "dev"))
    assert steps(IMAGES, there, {0: want(2, "rob", 100, "dev")}) == [Step(0, PARKING_USER, -1), Step(0, 2, -1)]
    assert steps(IMAGES, there, {0: want(2, "bob", 100, "ops")}) == [Step(0, -1, PARKING_GROUP), Step(0, -1, 100)]
    assert steps(IMAGES, there, {0: want(2, "bob", 100, "dev")}) == []


def test_steps_wait_for_those_of_their_name_or_of_their_object() -> None:
    ordered = [Step(0, PARKING_USER, -1), Step(1, 2, -1), Step(2, 5, -1), Step(0, 3, -1)]
    there = current(item(0, "x", 2), item(1, "x", 3), item(2, "y", 4))
    assert chains(IMAGES, ordered, there) == [[ordered[0], ordered[1], ordered[3]], [ordered[2]]]
    assert chains(MACHINES, ordered, there) == [[ordered[0], ordered[3]], [ordered[1]], [ordered[2]]]


def test_virtual_routers_of_one_name_bear_another_one_meanwhile() -> None:
    there = current(item(0, "r", 2), item(1, "r", 2), item(2, "s", 2))
    found = steps(ROUTERS, there, {0: want(5), 1: want(5), 2: want(5)})
    assert found == [Step(0, 5, -1, "onefed-import-0"), Step(1, 5, -1, "onefed-import-1"), Step(2, 5, -1)]


def test_what_is_gone_since_the_export_is_left_out() -> None:
    assert steps(IMAGES, {}, {7: want(3)}) == []


@st.composite
def zones(draw: st.DrawFn) -> tuple[dict[int, dict[str, Any]], dict[int, Wanted]]:
    """Owners whose ids are changed into others, some of them into each other's; nobody has a name twice."""
    old = draw(st.lists(st.integers(2, 9), min_size=1, max_size=6, unique=True))
    new = draw(st.permutations(old) | st.lists(st.integers(2, 12), min_size=len(old), max_size=len(old), unique=True))
    ids = dict(zip(old, new, strict=True))
    held = draw(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(old)), unique=True, max_size=15))
    # What serveradmin or oneadmin has stays his, whatever others have to leave with them for a while.
    admin = draw(st.integers(0, 1))
    kept = [(name, admin) for name in draw(st.sets(st.sampled_from("abc")))]
    there = current(*(item(number, name, uid) for number, (name, uid) in enumerate([*held, *kept])))
    staying = {number: want(admin, f"old{admin}") for number in range(len(held), len(there))}
    return there, {**{number: want(ids[there[number]["uid"]]) for number in range(len(held))}, **staying}


@given(zones(), st.randoms())
def test_nobody_ever_has_a_name_twice_and_all_get_theirs(
    zone: tuple[dict[int, dict[str, Any]], dict[int, Wanted]], chance: Random
) -> None:
    """Also when chains are walked side by side, in whatever order that turns out to be."""
    there, wanted = zone
    left = chains(IMAGES, steps(IMAGES, there, wanted), there)
    ordered = []
    while left:
        chain = chance.choice(left)
        ordered.append(chain.pop(0))
        left = [each for each in left if each]
    state = {oid: (each["name"], each["uid"]) for oid, each in there.items()}
    for step in ordered:
        name, _uid = state[step.id]
        assert (name, step.uid) not in state.values()
        state[step.id] = (name, step.uid)
    assert {oid: uid for oid, (_name, uid) in state.items()} == {oid: each.uid for oid, each in wanted.items()}
    assert len(ordered) <= 2 * len(there)


def test_the_order_of_many_is_found_at_once() -> None:
    """A chain as long as the zone: linear, where looking for the next one anew would take minutes."""
    count = 30_000
    there = current(*(item(number, "x", number + 2) for number in range(count)))
    found = steps(IMAGES, there, {number: want(number + 3) for number in range(count)})
    assert [step.id for step in found] == list(range(count - 1, -1, -1))
