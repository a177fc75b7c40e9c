# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Applies what module group wants, with as few federated records as possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._api.client import NO_EXISTS, Client
from .._api.template import masked
from .._errors import ApiError
from .documents import group_from_xml, groups_from_xml
from .group import (
    Wanted,
    check_deletable,
    created,
    desired,
    find_group,
    record,
)
from .name_rules import GROUP
from .names import Names, predicted
from .quotas import quota_text, shown, wanted_limits
from .writes import (
    UNKNOWN,
    await_gone,
    check_new_name,
    wait_until_replicated,
    write_template,
)


def write_admins(client: Client, group_id: int, old: Sequence[int], new: Sequence[int], members: Sequence[int]) -> None:
    """Make `new` a group's administrators. Who is no member of it becomes one: OpenNebula demands it."""
    for user_id in sorted(set(new) - set(old)):
        if user_id not in members:
            client.call("one.user.addgroup", user_id, group_id)
        client.call("one.group.addadmin", group_id, user_id)
    for user_id in sorted(set(old) - set(new)):
        client.call("one.group.deladmin", group_id, user_id)


@dataclass
class GroupWriter:
    """One group at one endpoint. `timeout` limits in seconds how long a written change may take to be visible."""

    client: Client
    wanted: Wanted
    check_mode: bool
    timeout: float
    names: Names

    def present(self) -> dict[str, Any]:
        """Create the group, or change what differs."""
        self.wanted.check()
        found = self._find()
        before = None if found is None else record(found)
        start = before or created(self.wanted)
        if before is None:
            check_new_name(self.client, GROUP, self.wanted.name)
        after = desired(start, self.wanted)
        changed = before != after
        if changed and not self.check_mode:
            after = self._write(start, after, found["user_ids"] if found else [])
        return self._result(before, after, changed)

    def absent(self) -> dict[str, Any]:
        """Delete the group."""
        found = self._find()
        if found is None:
            return self._result(None, None, False)
        check_deletable(found, [self.names.name("user", user_id) for user_id in found["user_ids"]])
        if not self.check_mode:
            self.client.call("one.group.delete", found["id"])
            await_gone(self.client, self.timeout, "group", found["id"])
        return self._result(record(found), None, True)

    def _find(self) -> dict[str, Any] | None:
        return find_group(self.client.read(groups_from_xml, "one.grouppool.info"), self.wanted)

    def _read(self, group_id: int) -> dict[str, Any]:
        return self.client.read(group_from_xml, "one.group.info", group_id, False)

    def _write(self, start: Mapping[str, Any], after: Mapping[str, Any], members: Sequence[int]) -> dict[str, Any]:
        group_id = start["id"]
        if group_id is None:
            group_id = self.client.create("one.group.allocate", after["name"])
        write_admins(self.client, group_id, start["admin_ids"], after["admin_ids"], members)
        write_template(self.client, "group", group_id, start["template"], after["template"])
        read = self._visible(group_id)
        # Quotas are the zone's own: a slave can set them only once the group has arrived.
        text = quota_text(read["limits"], after["limits"])
        if text:
            self.client.call("one.group.quota", group_id, text)
        return record(self._read(group_id))

    def _visible(self, group_id: int) -> dict[str, Any]:
        """The group once it reads as written, quotas aside."""
        seen: dict[str, Any] = {}

        def reads_as_written() -> bool:
            try:
                seen.update(self._read(group_id))
            except ApiError as error:
                if error.code == NO_EXISTS:
                    return False
                raise
            now = record(seen)
            return {**now, "limits": {}} == {**desired(now, self.wanted), "limits": {}}

        wait_until_replicated(self.client, self.timeout, reads_as_written, f"the change of group {group_id}")
        return seen

    def _result(
        self, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, changed: bool
    ) -> dict[str, Any]:
        old, new = self._shown(before), self._shown(after)
        return {
            "changed": changed,
            "created": before is None and after is not None,
            "group": new or None,
            "diff": {"before": old, "after": {**new, "id": UNKNOWN} if new and new["id"] is None else new},
        }

    def _shown(self, group: Mapping[str, Any] | None) -> dict[str, Any]:
        """A group as the module returns it, its administrators by name."""
        if group is None:
            return {}
        return {
            "id": group["id"],
            "name": group["name"],
            "admins": sorted(self.names.name("user", user_id) for user_id in group["admin_ids"]),
            "template": masked(group["template"]),
            "quotas": shown(group["limits"]),
        }


def write_group(client: Client, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring a group to the state that the options of module group declare; returns the module's result."""
    names = Names(client, predicted(params, check_mode))
    wanted = _wanted(params, names) if params["state"] == "present" else Wanted(params["name"], params["id"])
    writer = GroupWriter(client, wanted, check_mode, params["wait_timeout"], names)
    return writer.present() if params["state"] == "present" else writer.absent()


def _wanted(params: Mapping[str, Any], names: Names) -> Wanted:
    admins, quotas = params["admins"], params["quotas"]
    return Wanted(
        name=params["name"],
        id=params["id"],
        admin_ids=None if admins is None else [names.id("user", admin) for admin in admins],
        purge=params["purge"],
        template=params["template"] or {},
        replace=params["template_mode"] == "replace",
        limits=None if quotas is None else wanted_limits(quotas, names.id),
        replace_limits=params["quotas_mode"] == "replace",
    )
