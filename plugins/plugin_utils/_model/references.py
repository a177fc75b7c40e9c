# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What names a zone in the tables that all zones share, as module zone_references tells it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VdcEntry:
    """The resources of a zone in a VDC: pairs of kind and id, where -10 is all of a kind."""

    name: str
    resources: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Marketplace:
    """A marketplace of a zone, and the names of its apps."""

    name: str
    apps: tuple[str, ...]


@dataclass(frozen=True)
class References:
    """All that names one zone: `rules` are pairs of id and text, `groups` have such rules.

    `name` is None where the zone has no record.
    """

    zone_id: int
    name: str | None
    vdcs: tuple[VdcEntry, ...] = ()
    rules: tuple[tuple[int, str], ...] = ()
    groups: tuple[str, ...] = ()
    marketplaces: tuple[Marketplace, ...] = ()

    @property
    def is_any(self) -> bool:
        return bool(self.vdcs or self.rules or self.marketplaces)
