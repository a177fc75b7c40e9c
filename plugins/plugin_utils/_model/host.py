# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a front-end has apart from oned: room, paths to others, companions, addresses."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...module_utils._problems.problem import Problem


@dataclass(frozen=True)
class Disk:
    """Room for backups, in bytes."""

    free: int = 0
    needed: int = 0


@dataclass(frozen=True)
class Probe:
    state: str
    detail: str = ""


@dataclass(frozen=True)
class Companion:
    """A companion of oned: another service of OpenNebula, which keeps credentials in memory."""

    unit: str
    active: bool = False


@dataclass(frozen=True)
class DefaultZone:
    """The zone that FireEdge takes for its own."""

    id: str | None = None
    name: str | None = None
    endpoint: str | None = None


@dataclass(frozen=True)
class FireEdge:
    default_zone: DefaultZone = field(default_factory=DefaultZone)
    error: str | None = None


@dataclass(frozen=True)
class Address:
    interface: str
    address: str
    prefix: int
    mac: str = ""


@dataclass(frozen=True)
class KeptAddress:
    """What the unit of module floating_address keeps; `address` is with its prefix."""

    address: str


@dataclass(frozen=True)
class VipHook:
    problems: tuple[Problem, ...] = ()
