# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the master says of the import of a zone's identities: the plan of module identity_import, or why there is none.

See _zone_import.plan, which makes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Identity:
    """A user, group, VDC or marketplace of the zone: `action` tells what becomes of it, see _zone_import.conflicts."""

    name: str
    action: str
    new_name: str
    old_id: int | None = None
    id: int | None = None


@dataclass(frozen=True)
class Membership:
    """A user who enters a group, or administers it."""

    user: str
    group: str


@dataclass(frozen=True)
class VdcGroup:
    vdc: str
    group: str


@dataclass(frozen=True)
class VdcResource:
    """A resource that a VDC gains; `zone` and `id` are the document's words."""

    vdc: str
    kind: str
    zone: str
    id: int | str


@dataclass(frozen=True)
class Count:
    """How many there are, and how many of them change."""

    all: int = 0
    changing: int = 0


@dataclass(frozen=True)
class IdentityPlan:
    """What an import does; it may be carried out when `collisions` and `problems` are empty. `acls` are rules."""

    identities: Mapping[str, tuple[Identity, ...]] = field(default_factory=dict)
    memberships: tuple[Membership, ...] = ()
    admins: tuple[Membership, ...] = ()
    vdc_groups: tuple[VdcGroup, ...] = ()
    resources: tuple[VdcResource, ...] = ()
    acls: tuple[Mapping[str, Any], ...] = ()
    objects: Mapping[str, Count] = field(default_factory=dict)
    references: Count = field(default_factory=Count)
    unmovable: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    collisions: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def moves(self) -> bool:
        """Whether objects change hands, or templates name other owners."""
        return any(one.changing for one in (*self.objects.values(), self.references))


@dataclass(frozen=True)
class ImportAnswer:
    """What came of asking the master: a plan, an `error` with a `remedy`, or the host was `lost`."""

    plan: IdentityPlan | None = None
    lost: bool = False
    error: str = ""
    remedy: str = ""
