# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Large files that appear whole or not at all, and what a killed run leaves of them."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import IO

from .._errors import FrontendError
from .files import PARTIAL, sync_folder
from .rights import rights_at


@contextlib.contextmanager
def appearing(path: str) -> Iterator[IO[bytes]]:
    """Yield an empty file to fill, whose `name` is not `path` yet; it is `path`, and on disk, when the block ends well.

    It belongs to the account with whose rights the folder is touched, and is for nobody else (0600). Raises
    FrontendError when the folder or the disk refuses.
    """
    folder, name = os.path.split(path)
    with _explained(path), partial(folder, name) as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())
        with rights_at(folder):
            os.rename(stream.name, path)
        sync_folder(folder)


@contextlib.contextmanager
def partial(folder: str, name: str = "") -> Iterator[IO[bytes]]:
    """An empty file in `folder`, for its owner alone (0600); whoever does not rename it finds it gone at the end."""
    with rights_at(folder):
        stream = tempfile.NamedTemporaryFile(  # noqa: SIM115 - the file outlives these rights
            prefix=f".{name}.", suffix=PARTIAL, dir=folder, delete=False
        )
    try:
        with stream:
            yield stream
    finally:
        with contextlib.suppress(OSError), rights_at(folder):
            os.unlink(stream.name)


def remove_partial(folder: str) -> None:
    """Remove what a killed run left in `folder`. Only under the host's lock: a living run's file looks the same."""
    with _explained(folder), rights_at(folder):
        for name in os.listdir(folder):
            if name.endswith(PARTIAL):
                os.unlink(os.path.join(folder, name))


def need_room(folder: str, needed: int, what: str, descriptor: int | None = None) -> None:
    """Raise FrontendError unless `needed` bytes are free in `folder`.

    `descriptor` is an open file there, for a caller whose present rights do not let it into the folder.
    """
    with _explained(folder), rights_at(folder):
        status = os.statvfs(folder if descriptor is None else descriptor)
    free = status.f_bavail * status.f_frsize
    if free < needed:
        raise FrontendError(
            f"Not enough disk room for {what} in {folder}: {_megabytes(needed)} needed, {_megabytes(free)} free. "
            "Make room, or choose another folder."
        )


@contextlib.contextmanager
def scratch(folder: str) -> Iterator[IO[bytes]]:
    """A temporary file in `folder` that has no name, so that nothing can be left of it."""
    with _explained(folder):
        with rights_at(folder):
            stream = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - the file outlives these rights
        with stream:
            yield stream


@contextlib.contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FrontendError(
            f"Cannot write {path}: {error.strerror}. Check the folder, its owner and the disk."
        ) from error


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
