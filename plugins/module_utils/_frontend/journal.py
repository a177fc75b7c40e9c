# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One lock per front-end, and the record of a join in progress that a run which died anywhere leaves behind.

A zone joins a federation, or a server joins its zone; a front-end does one of them at a time.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .._errors import FrontendError
from .._host.clock import utc_now
from .._host.deadline import Deadline
from .._host.files import read_bytes, sync_folder, write_bytes
from .._host.rights import rights_at
from . import former_state
from .layout import Frontend

LOCK_WAIT = 180.0  # seconds; a stop of oned, within a snapshot say, may take systemd's 90
LOCK_POLL = 0.2
FORMAT = 1
# Backups in the journal's folder: the federated tables as they were, and beside it the whole database, whose name
# depends on the backend.
UNDO = "undo.sql"
_WHOLE = (".db", ".sql")
# More is no journal.
_MOST_BYTES = 1 << 20
# What a file that is no journal, or that cannot be read, makes of reading it.
NO_JOURNAL = (OSError, ValueError, TypeError, KeyError, AttributeError)
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


@contextlib.contextmanager
def host_lock(frontend: Frontend, wait: float = LOCK_WAIT, check_mode: bool = False) -> Iterator[None]:
    """Keep every other changing module of the collection off this front-end; does nothing in check mode.

    Killing Ansible leaves remote modules running, so the next run waits for them, `wait` seconds at most. The kernel
    releases the lock when its holder ends, however that happens. Raises FrontendError that names the holder.
    """
    if check_mode:
        yield
        return
    path = os.path.join(frontend.state_dir, "lock")
    try:
        frontend.make_dir(frontend.state_dir)
        descriptor = _opened(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        account = f"root or as {frontend.user}" if frontend.location else "root"
        raise FrontendError(
            f"Cannot open the lock of this front-end, {path}: {error.strerror}. Run as {account}."
        ) from error
    try:
        _acquire(descriptor, path, wait)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        former_state.take_over(frontend)
        yield
    finally:
        os.close(descriptor)


def await_quiet(frontend: Frontend, wait: float = LOCK_WAIT) -> None:
    """Wait until no changing module works on this front-end; what is read meanwhile would not last.

    Raises FrontendError that names the holder.
    """
    path = os.path.join(frontend.state_dir, "lock")
    try:
        descriptor = _opened(path, os.O_RDONLY)
    except OSError:
        return  # nothing of ours ever ran here, or what did is not ours to see
    try:
        _acquire(descriptor, path, wait)
    finally:
        os.close(descriptor)


def _opened(path: str, flags: int) -> int:
    """A descriptor of the lock; a pipe in its place would hold the run, and a link lead elsewhere."""
    with rights_at(os.path.dirname(path)):
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file", path)
    return descriptor


def _acquire(descriptor: int, path: str, wait: float) -> None:
    def acquired() -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    if not Deadline.after(wait).wait_until(acquired, LOCK_POLL):
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise FrontendError(
            f"Another module of this collection is at work on this host: process {holder} holds {path}; "
            f"waited {wait:g} s for it. Let it end, or end that process, then run again."
        )


def read_journal(path: str) -> dict[str, Any]:
    """The fields of a journal that write_journal() wrote. Raises FileNotFoundError, or one of NO_JOURNAL."""
    data: dict[str, Any] = json.loads(read_bytes(path, limit=_MOST_BYTES).decode("utf-8"))
    if data.pop("format") != FORMAT:
        raise ValueError("it has another format")
    return data


def write_journal(frontend: Frontend, path: str, fields: Mapping[str, Any]) -> None:
    """Write a journal to disk, durable when it returns. Raises FrontendError."""
    content = json.dumps({"format": FORMAT, **fields}, indent=1).encode()
    try:
        frontend.make_dir(os.path.dirname(path))
        write_bytes(path, content, frontend.state_attributes)
    except OSError as error:
        raise FrontendError(f"Cannot write the journal {path}: {error.strerror}.") from error


def check_id(opened: str, wanted: str | None) -> None:
    """Raise FrontendError unless the open journal is the one that is asked for, if one is."""
    if wanted not in (None, opened):
        raise FrontendError(f"The open journal is {opened}, not {wanted}. Nothing was changed.")


def former_companions(original: Mapping[str, Any]) -> list[str]:
    """The companions of oned that ran when a journal was opened, by what it keeps of the front-end before."""
    units = original.get("companions")
    return units if isinstance(units, list) else []


@dataclass
class Journal:
    """A join in progress. `files` maps each file that a join changes to its former mode, None for one that was not.

    `kind` is "zone" or "server". The last three are a server's: whether the zone had it before, and its id there.
    """

    id: str
    directory: str
    zone_name: str
    zone_endpoint: str
    master_endpoint: str
    zone_existed: bool
    zone_id: int | None
    opened_at: str
    original: dict[str, Any]
    files: dict[str, int | None]
    step: str = "opened"
    steps: list[dict[str, str]] = field(default_factory=list)
    kind: str = "zone"
    server_endpoint: str | None = None
    server_existed: bool = False
    server_id: int | None = None

    def __post_init__(self) -> None:
        # Where its files are now: not in `directory` as long as an earlier release's have not been taken over.
        self.place = self.directory

    @staticmethod
    def path(frontend: Frontend) -> str:
        return os.path.join(frontend.state_dir, "journal.json")

    @classmethod
    def load(cls, frontend: Frontend) -> Journal | None:
        """The open journal, None without one. Raises FrontendError when it cannot be read."""
        folder = former_state.state_to_read(frontend)
        path = os.path.join(folder, os.path.basename(cls.path(frontend)))
        try:
            journal = cls(**read_journal(path))
            journal._check()
            # Whatever is written there, it leads to no other folder.
            journal.directory = os.path.join(frontend.state_dir, "joins", journal.id)
            journal.place = os.path.join(folder, "joins", journal.id)
            return journal
        except FileNotFoundError:
            return None
        except NO_JOURNAL as error:
            raise FrontendError(
                f"Cannot read the journal of a join in progress, {path}: {error}. The files as they were before the "
                f"join lie in {os.path.join(folder, 'joins')}: put them back by hand, remove "
                f"{path}, and run again."
            ) from error

    def _check(self) -> None:
        """Raises ValueError for what no journal says: one may come from a folder in which oned's account can write."""
        texts = (self.zone_name, self.zone_endpoint, self.master_endpoint, self.opened_at, self.step)
        ids = (self.zone_id, self.server_id)
        modes = self.files.values() if isinstance(self.files, dict) else [""]
        sound = (
            isinstance(self.id, str)
            and _ID.fullmatch(self.id)
            and self.kind in ("zone", "server")
            and isinstance(self.original, dict)
            and isinstance(self.steps, list)
            and all(isinstance(each, str) for each in (*texts, self.server_endpoint or ""))
            and all(each is None or isinstance(each, int) for each in (*ids, *modes))
        )
        if not sound:
            raise ValueError("it says what no journal of this collection says")

    def save(self, frontend: Frontend) -> None:
        """Write to disk, durable when it returns."""
        write_journal(frontend, self.path(frontend), asdict(self))

    @classmethod
    def note(cls, frontend: Frontend, step: str) -> None:
        """Record that the join reached `step`; does nothing when no join is open."""
        journal = cls.load(frontend)
        if journal:
            journal.reach(step)
            journal.save(frontend)

    def reach(self, step: str) -> None:
        """Set the step; save() makes it last."""
        if step != self.step:
            self.step = step
            self.steps.append({"step": step, "at": utc_now()})

    def close(self, frontend: Frontend) -> None:
        """Move the journal beside the backups, where it stays."""
        try:
            with rights_at(frontend.state_dir):
                os.rename(self.path(frontend), os.path.join(self.directory, "journal.json"))
            sync_folder(self.directory)
            sync_folder(frontend.state_dir)
        except OSError as error:
            raise FrontendError(f"Cannot close the journal {self.path(frontend)}: {error.strerror}.") from error

    def public(self) -> dict[str, Any]:
        """What modules return: no bookkeeping of the saved files, but which backups there are. Holds no secret."""
        data = asdict(self)
        del data["files"]
        data["backups"] = self._backups()
        return data

    def _backups(self) -> dict[str, str | None]:
        try:
            with rights_at(self.place):
                names = sorted(os.listdir(self.place))
        except OSError:
            names = []
        whole = [name for name in names if name.endswith(_WHOLE) and name != UNDO and not name.startswith(".")]
        found = {"database": whole[:1], "undo": [UNDO] if UNDO in names else []}
        return {kind: os.path.join(self.directory, name[0]) if name else None for kind, name in found.items()}
