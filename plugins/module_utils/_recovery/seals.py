# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a full copy held when it was made, noted in the collection's own folder.

A copy may lie where oned's account, or whoever sweeps a disk, can alter it: row counts would not show that.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from .._errors import DatabaseError, FrontendError
from .._frontend.layout import Frontend
from .._host.files import exists, opened, read_bytes, remove_file, rename_file, write_bytes

_CHUNK = 1 << 20
_LONGEST = 65_536


def seal(frontend: Frontend, path: str, log: Mapping[str, int | None] | None = None) -> None:
    """Note what the copy `path` holds, and where the log of what was copied ended. Raises FrontendError."""
    noted = {"path": os.path.realpath(path), "sha256": _sha256(path), "log": dict(log) if log else None}
    try:
        frontend.make_dir(_folder(frontend))
        write_bytes(_file(frontend, path), json.dumps(noted).encode(), frontend.state_attributes)
    except OSError as error:
        raise FrontendError(f"Cannot note what {path} holds in {_folder(frontend)}: {error.strerror}.") from error


def is_sealed(frontend: Frontend, path: str) -> bool:
    """Whether what `path` holds was noted on this host."""
    return exists(_file(frontend, path))


def sealed_log(frontend: Frontend, path: str) -> dict[str, int | None] | None:
    """Where the log of what was copied ended, as schema.log_position() says; None where that was not noted."""
    try:
        noted = json.loads(read_bytes(_file(frontend, path), limit=_LONGEST)).get("log")
    except (OSError, ValueError):
        return None
    return noted if isinstance(noted, dict) else None


def verify_seal(frontend: Frontend, path: str) -> None:
    """Raise DatabaseError when `path` was sealed on this host and holds something else now."""
    try:
        noted: dict[str, Any] = json.loads(read_bytes(_file(frontend, path), limit=_LONGEST))
    except (OSError, ValueError):
        # Of another host, or of before there were seals.
        return
    if noted.get("sha256") != _sha256(path):
        raise DatabaseError(
            f"The copy {path} is refused: it was altered after it was made. Nothing was changed; use another copy. "
            f"If you altered it yourself, remove {_file(frontend, path)} first."
        )


def set_aside(frontend: Frontend, path: str, name: str) -> None:
    """Give the copy `path` another name in its folder; what it holds is not noted any more. Raises FrontendError."""
    try:
        # At first: a copy of the old name is sealed anew.
        with contextlib.suppress(FileNotFoundError):
            remove_file(_file(frontend, path))
        rename_file(path, name)
    except OSError as error:
        raise FrontendError(f"Cannot rename the copy {path} to {name}: {error.strerror}.") from error


def _sha256(path: str) -> str:
    sha256 = hashlib.sha256()
    try:
        with os.fdopen(opened(path, follow=True), "rb") as stream:
            while chunk := stream.read(_CHUNK):
                sha256.update(chunk)
    except OSError as error:
        raise DatabaseError(f"Cannot read the copy {path}: {error.strerror}.") from error
    return sha256.hexdigest()


def _folder(frontend: Frontend) -> str:
    return os.path.join(frontend.state_dir, "seals")


def _file(frontend: Frontend, path: str) -> str:
    # A path may be longer than the name of a file.
    name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()
    return os.path.join(_folder(frontend), f"{name}.json")
