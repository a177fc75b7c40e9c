# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a group is to become: pure checks and a pure comparison of wanted and found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._api.template import merged
from .._errors import OnefedError
from .lookup import refuse_own
from .name_rules import GROUP, check_name
from .quotas import Limits, merged_limits

ONEADMIN_GROUP = 0


@dataclass(frozen=True)
class Wanted:
    """The options of module group, administrators as ids and quotas as limits. None means "as it is"."""

    name: str | None
    id: int | None = None
    admin_ids: Sequence[int] | None = None
    purge: bool = False
    template: Mapping[str, Any] = field(default_factory=dict)
    replace: bool = False
    limits: Limits | None = None
    replace_limits: bool = False

    def check(self) -> None:
        """Refuse what OpenNebula would refuse. Raises OnefedError."""
        if self.name is not None:
            check_name(GROUP, self.name)


def record(group: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a group that module group manages."""
    return {key: group[key] for key in ("id", "name", "admin_ids", "template", "limits")}


def created(wanted: Wanted) -> dict[str, Any]:
    """The record of a group that does not exist yet, right after one.group.allocate. Raises OnefedError."""
    if wanted.id is not None:
        raise OnefedError(f"There is no group {wanted.id}. OpenNebula chooses the ids of new groups: leave id out.")
    return {"id": None, "name": wanted.name, "admin_ids": [], "template": {}, "limits": {}}


def desired(before: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """The group's record as it is to be. Raises OnefedError."""
    admins = set(wanted.admin_ids or ())
    if not (wanted.purge and wanted.admin_ids is not None):
        admins |= set(before["admin_ids"])
    limits = before["limits"]
    if wanted.limits is not None:
        limits = merged_limits(limits, wanted.limits, wanted.replace_limits)
        if before["id"] == ONEADMIN_GROUP and limits != before["limits"]:
            raise OnefedError(f'The group "{before["name"]}" (0) has no quotas in OpenNebula. Leave quotas out.')
    template = merged(before["template"], wanted.template, wanted.replace)
    return {**before, "admin_ids": sorted(admins), "template": template, "limits": limits}


def check_deletable(group: Mapping[str, Any], members: Sequence[str]) -> None:
    """Refuse to delete what OpenNebula keeps. `members` are the names of its users. Raises OnefedError."""
    refuse_own(GROUP, group)
    if members:
        raise OnefedError(
            f'The group "{group["name"]}" is not deleted, because it has members: {", ".join(sorted(members))}. Take '
            "them out of it first, with module user; those whose primary group it is need another one."
        )
