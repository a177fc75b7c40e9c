# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The record of an upgrade in progress, beside that of a join, and of those that have ended.

All front-ends of a run give their upgrade the same id. What lies here never lay in a folder of oned's account.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from .._errors import FrontendError
from .._host.clock import utc_now
from .._host.files import exists, remove_file
from .._host.rights import rights_at
from .journal import NO_JOURNAL, Journal, read_journal, write_journal
from .layout import Frontend
from .restore_journal import RestoreJournal

# Steps of the way back: the server stops, and has what it had, from when on it is written to again.
BACK = ("rolled_back", "put_back")
# In the order in which an upgrade reaches them.
STEPS = (
    *("opened", "stopped", "saved", "installed", "configured", "migrating", "migrated", "started", "proved"),
    *BACK,
)
METHODS = ("rolling", "together")
PARTS = ("leader", "follower")
# The archive of the configuration, and how copies of a whole database are called; others are federated snapshots, or
# copies of before oned ran once more.
CONFIGURATION = "configuration.tar"
_DATABASE = re.compile(r"(?!\.|federated|undo\.sql|earlier-).*\.(db|sql)(\.gz)?")
_NAME = "upgrade.json"
_FOLDER = "upgrades"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


@dataclass
class UpgradeJournal:
    """What a front-end was before its upgrade, and how far that has come.

    `original` holds "running" and "enabled" (of oned), "companions" (units that ran) and "lockdown". `hypervisors` are
    the ids of those that the run disabled, None as long as it has disabled none. `position` says where the database
    stood when the upgrade was closed, see position() in _database/position.py.
    """

    id: str
    directory: str
    zone_name: str
    method: str
    from_release: str
    to_release: str
    part: str
    slave: bool
    opened_at: str
    original: dict[str, Any]
    packages: dict[str, str]
    step: str = STEPS[0]
    steps: list[dict[str, str]] = field(default_factory=list)
    hypervisors: list[int] | None = None
    federated_index: int | None = None
    closed_at: str | None = None
    position: dict[str, Any] | None = None

    @classmethod
    def load(cls, frontend: Frontend) -> UpgradeJournal | None:
        """The open journal, None without one. Raises FrontendError when it cannot be read."""
        return cls._read(frontend, os.path.join(frontend.state_dir, _NAME))

    @classmethod
    def closed(cls, frontend: Frontend, upgrade: str | None = None) -> UpgradeJournal | None:
        """The closed journal of that id, without one the newest that was not rolled back; None if there is none."""
        if upgrade is not None:
            return cls._read(frontend, os.path.join(folder_of(frontend, upgrade), _NAME))
        folder = os.path.join(frontend.state_dir, _FOLDER)
        try:
            with rights_at(folder):
                names = os.listdir(folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FrontendError(f"Cannot list {folder}: {error.strerror}.") from error
        found = [cls._read(frontend, os.path.join(folder, name, _NAME)) for name in names if _ID.fullmatch(name)]
        known = [journal for journal in found if journal and journal.step not in BACK]
        return max(known, key=lambda journal: journal.closed_at or "", default=None)

    @classmethod
    def _read(cls, frontend: Frontend, path: str) -> UpgradeJournal | None:
        try:
            journal = cls(**read_journal(path))
            journal._check()
            # Whatever is written there, it leads to no other folder.
            journal.directory = folder_of(frontend, journal.id)
            return journal
        except FileNotFoundError:
            return None
        except NO_JOURNAL as error:
            raise FrontendError(
                f"Cannot read the journal of an upgrade, {path}: {error}. If that upgrade was not complete, put back "
                f"by hand what it changed, from the backups in {os.path.join(frontend.state_dir, _FOLDER)}. Remove "
                f"{path} and run again."
            ) from error

    def _check(self) -> None:
        """Raises ValueError for what no journal says."""
        texts = (self.zone_name, self.from_release, self.to_release, self.opened_at, self.closed_at or "")
        sound = (
            isinstance(self.id, str)
            and _ID.fullmatch(self.id)
            and (self.method in METHODS and self.part in PARTS and self.step in STEPS)
            and (isinstance(self.original, dict) and isinstance(self.packages, dict) and isinstance(self.steps, list))
            and all(isinstance(text, str) for text in texts)
            and (self.hypervisors is None or all(isinstance(each, int) for each in self.hypervisors))
            and (self.position is None or isinstance(self.position, dict))
        )
        if not sound:
            raise ValueError("it says what no journal of this collection says")

    @property
    def archive(self) -> str:
        """Where the configuration is saved."""
        return os.path.join(self.directory, CONFIGURATION)

    def database(self) -> str | None:
        """The backup of the whole database in the journal's folder, None without one."""
        try:
            with rights_at(self.directory):
                names = sorted(name for name in os.listdir(self.directory) if _DATABASE.fullmatch(name))
        except OSError:
            names = []
        return os.path.join(self.directory, names[0]) if names else None

    def reach(self, step: str) -> bool:
        """Set the step, unless a later one was reached; whether that is news. save() makes it last."""
        if STEPS.index(step) <= STEPS.index(self.step):
            return False
        self.move(step)
        return True

    def move(self, step: str) -> None:
        """Set the step, an earlier one too."""
        self.step = step
        self.steps.append({"step": step, "at": utc_now()})

    def save(self, frontend: Frontend) -> None:
        """Write to disk, durable when it returns."""
        write_journal(frontend, os.path.join(frontend.state_dir, _NAME), asdict(self))

    def close(self, frontend: Frontend) -> None:
        """Move the journal beside the backups, where it stays."""
        self.closed_at = utc_now()
        write_journal(frontend, os.path.join(self.directory, _NAME), asdict(self))
        self._remove(os.path.join(frontend.state_dir, _NAME))

    def reopen(self, frontend: Frontend) -> None:
        """Make a closed journal the open one. Until that is done there is a closed one."""
        self.closed_at = None
        self.save(frontend)
        self._remove(os.path.join(self.directory, _NAME))

    def public(self) -> dict[str, Any]:
        """What modules return: with the backups that there are. Holds no secret."""
        data = asdict(self)
        del data["position"]
        saved = self.archive if exists(self.archive) else None
        return {**data, "backups": {"configuration": saved, "database": self.database()}}

    @staticmethod
    def _remove(path: str) -> None:
        try:
            with contextlib.suppress(FileNotFoundError):
                remove_file(path)
        except OSError as error:
            raise FrontendError(f"Cannot remove the journal {path}: {error.strerror}.") from error


def folder_of(frontend: Frontend, upgrade: str) -> str:
    """The folder of an upgrade by its id. Raises FrontendError for what is no id."""
    if not _ID.fullmatch(upgrade):
        raise FrontendError(f"{upgrade!r} is no id of an upgrade: use letters, digits, dots, underscores and hyphens.")
    return os.path.join(frontend.state_dir, _FOLDER, upgrade)


def in_progress(frontend: Frontend) -> bool:
    """Whether a join, an upgrade or a restore is open on this front-end, which the companions of oned wait for."""
    return bool(Journal.load(frontend) or UpgradeJournal.load(frontend) or RestoreJournal.load(frontend))


def refuse_during_upgrade(frontend: Frontend, what: str) -> None:
    """Raise FrontendError, which says that `what` cannot begin, while an upgrade is open."""
    journal = UpgradeJournal.load(frontend)
    if journal:
        raise FrontendError(
            f"An upgrade to {journal.to_release} ({journal.id}) is in progress on this front-end, so {what} cannot "
            "begin. Run playbook upgrade, which completes it; or run playbook upgrade_rollback, which takes it back."
        )
