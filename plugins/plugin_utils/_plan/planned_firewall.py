# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan holds of the rules by which servers let in the federation only, as planned does of all else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rules:
    """Options of role firewall, without their prefix; without `ports` there are no rules."""

    ports: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guard:
    """What becomes of the rules of a server.

    `first` are those that it gets before zones call each other, None where it keeps what it has until the end; `last`
    are those of the end, as declared. To `former` it goes back when these shut out a zone.
    """

    first: Rules | None
    last: Rules
    former: Rules


@dataclass(frozen=True)
class FirewallPlan:
    """What a run does to the rules of servers: `guards` by host, `altered` names those whose rules are not as declared.

    `changes` are text by group, `strangers` zones of the federation whose addresses nobody knows.
    """

    guards: Mapping[str, Guard] = field(default_factory=dict)
    altered: tuple[str, ...] = ()
    changes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    strangers: tuple[str, ...] = ()

    @property
    def opens(self) -> bool:
        """Whether zones reach each other only once it has begun."""
        return any(guard.first is not None for guard in self.guards.values())
