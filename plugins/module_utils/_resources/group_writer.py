# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Applies what module group wants, with as few federated records as possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._api.client import Client
from .._api.template import masked
from .documents import group_from_xml, groups_from_xml
from .group import Wanted, check_deletable, created, desired, record
from .lookup import find, refuse_rename
from .name_rules import GROUP
from .names import Names, predicted
from .quotas import shown
from .writer import ObjectWriter, Record, object_options, quota_options
from .writes import write_template


def write_admins(client: Client, group_id: int, old: Sequence[int], new: Sequence[int], members: Sequence[int]) -> None:
    """Make `new` a group's administrators. Who is no member of it becomes one: OpenNebula demands it."""
    for user_id in sorted(set(new) - set(old)):
        if user_id not in members:
            client.call("one.user.addgroup", user_id, group_id)
        client.call("one.group.addadmin", group_id, user_id)
    for user_id in sorted(set(old) - set(new)):
        client.call("one.group.deladmin", group_id, user_id)


@dataclass
class GroupWriter(ObjectWriter[Wanted]):
    """One group at one endpoint."""

    names: Names
    # Ids of the members that there are.
    members: Sequence[int] = ()

    label = GROUP

    def check_wanted(self) -> None:
        self.wanted.check()

    def find(self) -> dict[str, Any] | None:
        found = find(self.client.read(groups_from_xml, "one.grouppool.info"), self.wanted)
        refuse_rename(GROUP, found, self.wanted)
        self.members = found["user_ids"] if found else ()
        return found

    def read(self, oid: int) -> dict[str, Any]:
        return self.client.read(group_from_xml, "one.group.info", oid, False)

    def record(self, found: Mapping[str, Any]) -> Record:
        return record(found)

    def created(self) -> Record:
        return created(self.wanted)

    def desired(self, start: Record) -> Record:
        return desired(start, self.wanted)

    def write(self, start: Record, after: Record) -> Record:
        group_id = start["id"]
        if group_id is None:
            group_id = self.client.create("one.group.allocate", after["name"])
        write_admins(self.client, group_id, start["admin_ids"], after["admin_ids"], self.members)
        write_template(self.client, "group", group_id, start["template"], after["template"])
        self.write_quotas(self.wait(group_id, self._is_written), after)
        return record(self.read(group_id))

    def _is_written(self, seen: dict[str, Any]) -> bool:
        now = record(seen)
        return {**now, "limits": {}} == {**desired(now, self.wanted), "limits": {}}

    def check_deletable(self, found: Mapping[str, Any]) -> None:
        check_deletable(found, [self.names.name("user", user_id) for user_id in found["user_ids"]])

    def shown(self, record: Record) -> dict[str, Any]:
        return {
            "id": record["id"],
            "name": record["name"],
            "admins": sorted(self.names.name("user", user_id) for user_id in record["admin_ids"]),
            "template": masked(record["template"]),
            "quotas": shown(record["limits"]),
        }


def write_group(client: Client, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring a group to the state that the options of module group declare; returns the module's result."""
    names = Names(client, predicted(params, check_mode))
    wanted = _wanted(params, names) if params["state"] == "present" else Wanted(params["name"], params["id"])
    return GroupWriter(client, wanted, check_mode, params["wait_timeout"], names).reach(params["state"])


def _wanted(params: Mapping[str, Any], names: Names) -> Wanted:
    admins = params["admins"]
    return Wanted(
        **object_options(params),
        **quota_options(params, names),
        admin_ids=None if admins is None else [names.id("user", admin) for admin in admins],
        purge=params["purge"],
    )
