# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
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
    """A step, and when it was reached, in UTC."""

    step: str
    at: str = ""


@dataclass(frozen=True)
class OriginalState:
    """What a front-end was before its join; `companions` are units that ran."""

    running: bool = False
    mode: str | None = None
    bootstrapped: bool = False
    is_slave: bool = False
    companions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Backups:
    """Backups of the whole database, and of the federated tables; None as long as there is none."""

    database: str | None = None
    undo: str | None = None


@dataclass(frozen=True)
class Journal:
    """A join that is in progress, or was interrupted. `kind` tells what joins, a "zone" or a "server"."""

    id: str = ""
    directory: str | None = None
    kind: str = "zone"
    zone_name: str = ""
    zone_endpoint: str = ""
    zone_existed: bool = False
    zone_id: int | None = None
    master_endpoint: str = ""
    server_endpoint: str | None = None
    server_existed: bool = False
    server_id: int | None = None
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
