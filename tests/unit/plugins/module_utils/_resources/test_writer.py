# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life that all objects of a federation share: what a writer does, in which order, what check mode leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._api.client import Client
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.acl_writer import AclWriter
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.group_writer import GroupWriter
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.user_writer import UserWriter
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.vdc_writer import VdcWriter
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.writer import Record, Writer
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.writes import UNKNOWN
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.zone_writer import ZoneWriter


@dataclass
class Lamps(Writer[str]):
    """A writer of lamps of a colour, in a room that may have one already."""

    room: dict[str, Any] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    label = "LAMP"

    def check_wanted(self) -> None:
        self.done.append("check wanted")

    def find(self) -> dict[str, Any] | None:
        self.done.append("find")
        return dict(self.room) or None

    def record(self, found: Mapping[str, Any]) -> Record:
        return {"id": found["id"], "colour": found["colour"]}

    def created(self) -> Record:
        return {"id": None, "colour": "none"}

    def desired(self, start: Record) -> Record:
        return {**start, "colour": self.wanted}

    def check(self, before: Record | None, after: Record) -> None:
        self.done.append(f"check {after['colour']}")

    def write(self, start: Record, after: Record) -> Record:
        self.done.append("create" if start["id"] is None else "change")
        self.room.update({**after, "id": 7, "maker": "x"})
        return self.record(self.room)

    def check_deletable(self, found: Mapping[str, Any]) -> None:
        self.done.append("check deletable")

    def delete(self, found: Mapping[str, Any]) -> None:
        self.done.append("delete")
        self.room.clear()

    def shown(self, record: Record) -> dict[str, Any]:
        return {"id": record["id"], "light": record["colour"]}


def lamps(room: dict[str, Any], check_mode: bool = False) -> Lamps:
    return Lamps(cast(Client, None), "red", check_mode, 1.0, room)


def test_what_is_not_there_is_created_once() -> None:
    writer = lamps({})
    assert writer.reach("present") == {
        "changed": True,
        "created": True,
        "lamp": {"id": 7, "light": "red"},
        "diff": {"before": {}, "after": {"id": 7, "light": "red"}},
    }
    assert writer.done == ["check wanted", "find", "check red", "create"]
    again = writer.reach("present")
    assert (again["changed"], again["created"], writer.done[-1]) == (False, False, "check red")


def test_what_is_otherwise_is_changed() -> None:
    writer = lamps({"id": 3, "colour": "blue"})
    result = writer.reach("present")
    assert (result["changed"], result["created"], writer.done[-1]) == (True, False, "change")
    assert result["diff"] == {"before": {"id": 3, "light": "blue"}, "after": {"id": 7, "light": "red"}}


def test_check_mode_predicts_and_writes_nothing() -> None:
    created = lamps({}, check_mode=True)
    result = created.reach("present")
    assert result["lamp"] == {"id": None, "light": "red"}
    assert result["diff"]["after"] == {"id": UNKNOWN, "light": "red"}
    assert (result["changed"], created.done) == (True, ["check wanted", "find", "check red"])
    deleted = lamps({"id": 3, "colour": "blue"}, check_mode=True)
    assert deleted.reach("absent")["changed"] is True
    assert (deleted.done, deleted.room["id"]) == (["find", "check deletable"], 3)


def test_what_is_there_is_deleted_once() -> None:
    writer = lamps({"id": 3, "colour": "blue"})
    assert writer.reach("absent") == {
        "changed": True,
        "created": False,
        "lamp": None,
        "diff": {"before": {"id": 3, "light": "blue"}, "after": {}},
    }
    assert writer.done == ["find", "check deletable", "delete"]
    assert writer.reach("absent")["changed"] is False


@pytest.mark.parametrize("kind", [UserWriter, GroupWriter, VdcWriter, AclWriter, ZoneWriter])
def test_every_kind_of_object_has_this_life(kind: type[Writer[Any]]) -> None:
    own = {"present", "absent", "reach"} & set(vars(kind))
    # A zone can be predicted without its oned, and has two states more.
    assert own == ({"present", "reach"} if kind is ZoneWriter else set())
    assert issubclass(kind, Writer)
