# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a join in progress, as module join_journal documents it."""

from __future__ import annotations

from dataclasses import dataclass, field

# Steps in the journal of a zone: its identities are written down for good; its other servers are being stopped; what
# its join did is undone. And of a server: it is a copy of its leader.
EXPORTED = "exported"
DETACHING = "detaching"
REVERTED = "reverted"
COPIED = "copied"


@dataclass(frozen=True)
class ReachedStep:
    """A step that was reached."""

    step: str


@dataclass(frozen=True)
class OriginalState:
    """What a front-end was before its join; `companions` are units of those that ran."""

    bootstrapped: bool = False
    companions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Backups:
    """The backup of the whole database; None as long as there is none."""

    database: str | None = None


@dataclass(frozen=True)
class Journal:
    """A join that is in progress, or was interrupted. `kind` tells what joins, a "zone" or a "server"."""

    directory: str | None = None
    kind: str = "zone"
    zone_existed: bool = False
    zone_id: int | None = None
    server_existed: bool = False
    opened_at: str = ""
    original: OriginalState = field(default_factory=OriginalState)
    step: str = ""
    steps: tuple[ReachedStep, ...] = ()
    backups: Backups = field(default_factory=Backups)

    @property
    def reached(self) -> frozenset[str]:
        """All steps that it has reached."""
        return frozenset(one.step for one in self.steps)

    @property
    def of_zone(self) -> bool:
        return self.kind == "zone"


@dataclass(frozen=True)
class RestoreJournal:
    """The journal of a restore from the backup `id`; it is open until `closed_at`."""

    id: str
    directory: str = ""
    opened_at: str = ""
    closed_at: str | None = None
    step: str = "opened"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None
