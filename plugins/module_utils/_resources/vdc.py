# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a VDC is to become: pure checks and a pure comparison of wanted and found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._api.template import merged
from .._errors import OnefedError
from .documents import RESOURCES
from .name_rules import VDC, check_name

# OpenNebula's id for all resources of a kind in a zone, and our word for it.
ALL, ALL_WORD = -10, "ALL"
# The VDC that every new group enters.
DEFAULT = 0

# Pairs (zone id, resource id or ALL), rising, by the kinds of documents.RESOURCES.
Resources = dict[str, list[tuple[int, int]]]


@dataclass(frozen=True)
class Wanted:
    """The options of module vdc, everything as ids. None means "as it is"."""

    name: str | None
    id: int | None = None
    group_ids: Sequence[int] | None = None
    absent_group_ids: Sequence[int] = ()
    resources: Mapping[str, Iterable[tuple[int, int]]] | None = None
    purge: bool = False
    template: Mapping[str, Any] = field(default_factory=dict)
    replace: bool = False

    def check(self) -> None:
        """Refuse what OpenNebula would refuse. Raises OnefedError."""
        if self.name is not None:
            check_name(VDC, self.name)


def created(wanted: Wanted) -> dict[str, Any]:
    """A VDC that does not exist yet, right after one.vdc.allocate. Raises OnefedError."""
    if wanted.id is not None:
        raise OnefedError(f"There is no VDC {wanted.id}. OpenNebula chooses the ids of new VDCs: leave id out.")
    return {
        "id": None,
        "name": wanted.name,
        "group_ids": [],
        "template": {},
        "resources": {kind: [] for kind in RESOURCES},
    }


def desired(before: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """The VDC as it is to be, in the shape of documents.vdc_from_xml."""
    groups = set(wanted.group_ids or ())
    if not (wanted.purge and wanted.group_ids is not None):
        groups |= set(before["group_ids"])
    groups -= set(wanted.absent_group_ids)
    resources: Resources = dict(before["resources"])
    for kind in RESOURCES if wanted.resources is not None else ():
        pairs = set((wanted.resources or {}).get(kind, ()))
        resources[kind] = _without_covered(pairs if wanted.purge else pairs | set(before["resources"][kind]))
    return {
        **before,
        "name": wanted.name or before["name"],
        "group_ids": sorted(groups),
        "template": merged(before["template"], wanted.template, wanted.replace),
        "resources": resources,
    }


def _without_covered(pairs: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """All resources of a zone include the single ones, which OpenNebula drops when all are added."""
    everything = {zone for zone, resource in pairs if resource == ALL}
    return sorted(pair for pair in pairs if pair[1] == ALL or pair[0] not in everything)


def resource_changes(before: Resources, after: Resources) -> list[tuple[str, int, int]]:
    """Calls that turn one into the other: (method, zone id, resource id), in this order.

    What is added comes before what is taken away, so that nobody loses access in between. Adding all resources of a
    zone makes OpenNebula drop the single ones itself.
    """
    changes = []
    for kind, tag in RESOURCES.items():
        old, new = set(before.get(kind, ())), set(after.get(kind, ()))
        dropped = {zone for zone, resource in new - old if resource == ALL}
        changes += [(f"one.vdc.add{tag.lower()}", zone, resource) for zone, resource in sorted(new - old)]
        changes += [
            (f"one.vdc.del{tag.lower()}", zone, resource) for zone, resource in sorted(old - new) if zone not in dropped
        ]
    return changes
