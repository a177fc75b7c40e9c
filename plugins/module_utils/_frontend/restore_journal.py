# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The record of a front-end that is made what a backup of its federation holds, and of the last time that was done."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from .._errors import FrontendError
from .._host.clock import utc_now
from .._host.files import remove_file
from .journal import NO_JOURNAL, read_journal, write_journal
from .layout import Frontend

# In the order in which a restore reaches them.
STEPS = ("opened", "stopped", "saved", "restoring", "restored", "started")
_OPEN, _CLOSED = "restore.json", "restored.json"
_FOLDER = "restores"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,199}")


@dataclass
class RestoreJournal:
    """A restore: `id` is that of the backup, `directory` keeps what was there before.

    `original` holds "running" and "enabled" (of oned), and "companions" (units that ran).
    """

    id: str
    directory: str
    zone_name: str
    opened_at: str
    original: dict[str, Any]
    step: str = STEPS[0]
    steps: list[dict[str, str]] = field(default_factory=list)
    closed_at: str | None = None

    @classmethod
    def begun(cls, frontend: Frontend, backup: str, zone_name: str, original: dict[str, Any]) -> RestoreJournal:
        """A new one, which save() makes the open one. Raises FrontendError for what is no id of a backup."""
        if not _ID.fullmatch(backup):
            raise FrontendError(f"{backup!r} is no id of a backup.")
        now = utc_now()
        name = f"{re.sub('[^0-9TZ]', '', now)}-{backup}"
        steps = [{"step": STEPS[0], "at": now}]
        return cls(backup, _directory(frontend, name), zone_name, now, original, steps=steps)

    @classmethod
    def load(cls, frontend: Frontend) -> RestoreJournal | None:
        """The open journal, None without one. Raises FrontendError when it cannot be read."""
        return cls._read(frontend, _OPEN)

    @classmethod
    def last(cls, frontend: Frontend) -> RestoreJournal | None:
        """The journal of the last restore that came to its end. Raises FrontendError when it cannot be read."""
        return cls._read(frontend, _CLOSED)

    @classmethod
    def _read(cls, frontend: Frontend, name: str) -> RestoreJournal | None:
        path = os.path.join(frontend.state_dir, name)
        try:
            journal = cls(**read_journal(path))
            journal._check()
            # Whatever is written there, it leads to no other folder.
            journal.directory = _directory(frontend, os.path.basename(journal.directory))
            return journal
        except FileNotFoundError:
            return None
        except NO_JOURNAL as error:
            raise FrontendError(
                f"Cannot read the journal of a restore, {path}: {error}. Remove {path} and run playbook restore again."
            ) from error

    def _check(self) -> None:
        """Raises ValueError for what no journal says."""
        sound = (
            all(isinstance(text, str) for text in (self.id, self.directory, self.zone_name, self.opened_at))
            and self.step in STEPS
            and _ID.fullmatch(self.id)
            and _ID.fullmatch(os.path.basename(self.directory))
            and isinstance(self.original, dict)
            and isinstance(self.steps, list)
        )
        if not sound:
            raise ValueError("it says what no journal of this collection says")

    def reach(self, step: str) -> bool:
        """Set the step, unless a later one was reached; whether that is news. save() makes it last."""
        if STEPS.index(step) <= STEPS.index(self.step):
            return False
        self.step = step
        self.steps.append({"step": step, "at": utc_now()})
        return True

    def save(self, frontend: Frontend) -> None:
        """Write to disk, durable when it returns."""
        write_journal(frontend, os.path.join(frontend.state_dir, _OPEN), asdict(self))

    def close(self, frontend: Frontend) -> None:
        """Make it the last one; what was there before stays in its directory."""
        self.closed_at = utc_now()
        write_journal(frontend, os.path.join(frontend.state_dir, _CLOSED), asdict(self))
        path = os.path.join(frontend.state_dir, _OPEN)
        try:
            with contextlib.suppress(FileNotFoundError):
                remove_file(path)
        except OSError as error:
            raise FrontendError(f"Cannot remove the journal {path}: {error.strerror}.") from error

    def public(self) -> dict[str, Any]:
        """What modules return. Holds no secret."""
        return asdict(self)


def _directory(frontend: Frontend, name: str) -> str:
    return os.path.join(frontend.state_dir, _FOLDER, name)
