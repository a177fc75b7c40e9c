# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The files by which OpenNebula's services prove who they are: <name>_auth, and fireedge_key, in oned's .one folder.

All zones of a federation share them, since they share the users, and since FireEdge signs with its key what that of
another zone accepts. one_key is no such file: each zone keeps its own.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Mapping

from .._errors import FrontendError
from .._host.files import Attributes, read_bytes, write_bytes
from .journal import Journal, host_lock
from .layout import Frontend

MODE = 0o600
_NAME = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*_auth")
# FireEdge makes it at its first start, in no package; an empty one counts for none (genFireedgeKey).
FIREEDGE_KEY = "fireedge_key"


def is_name(name: str) -> bool:
    return name == FIREEDGE_KEY or bool(_NAME.fullmatch(name))


def names(frontend: Frontend) -> list[str]:
    """Names of the auth files: regular files directly in the folder."""
    try:
        with os.scandir(frontend.auth_dir) as entries:
            return sorted(
                entry.name for entry in entries if is_name(entry.name) and entry.is_file(follow_symlinks=False)
            )
    except FileNotFoundError:
        return []
    except OSError as error:
        raise FrontendError(f"Cannot list {frontend.auth_dir}: {error.strerror}.") from error


def read_all(frontend: Frontend) -> dict[str, str]:
    """Content of every auth file by name: secrets. Raises FrontendError without any of them."""
    contents = {name: _read(os.path.join(frontend.auth_dir, name)) for name in names(frontend)}
    return {name: content for name, content in contents.items() if content.strip() or name != FIREEDGE_KEY}


def digests(frontend: Frontend, key: str) -> dict[str, str]:
    """By name a digest that is equal where the content is, surrounding blanks aside, and tells nothing without `key`.

    Empty for the key of FireEdge where FireEdge is not installed, and none is wanted.
    """
    found = {
        name: hmac.new(key.encode(), content.strip().encode(), hashlib.sha256).hexdigest()
        for name, content in read_all(frontend).items()
    }
    return found if os.path.exists(frontend.fireedge_conf) else {**found, FIREEDGE_KEY: ""}


def write_all(frontend: Frontend, files: Mapping[str, str], check_mode: bool) -> list[str]:
    """Make the files have this content, oned's account as owner, and mode 0600; the names of those that changed.

    The key of FireEdge is left out where FireEdge is not installed.
    """
    for name, content in files.items():
        if not is_name(name):
            raise FrontendError(
                f"{name!r} is no auth file; they are <name>_auth and {FIREEDGE_KEY}. one_key is never written."
            )
        if not isinstance(content, str) or not content.strip():
            raise FrontendError(f"The new content of {name} is empty or no text. Nothing was written.")
    if not os.path.exists(frontend.fireedge_conf):
        files = {name: content for name, content in files.items() if name != FIREEDGE_KEY}
    with host_lock(frontend, check_mode=check_mode):
        wanted = Attributes(*frontend.ids(), MODE)
        changed = [name for name, content in sorted(files.items()) if not _is(frontend, name, content, wanted)]
        if changed and not check_mode:
            _make_folder(frontend)
            for name in changed:
                path = os.path.join(frontend.auth_dir, name)
                try:
                    write_bytes(path, files[name].encode(), wanted)
                except OSError as error:
                    raise FrontendError(f"Cannot write {path}: {error.strerror}.") from error
            Journal.note(frontend, "auth_files")
    return changed


def _is(frontend: Frontend, name: str, content: str, wanted: Attributes) -> bool:
    path = os.path.join(frontend.auth_dir, name)
    found = Attributes.of(path)
    # Only root can give a file away, so without that right the owner is not looked at.
    alike = found is not None and (found == wanted if os.geteuid() == 0 else found.mode == MODE)
    return alike and _read(path) == content


def _read(path: str) -> str:
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        raise FrontendError(f"{path} is not UTF-8 text, so it is no auth file of OpenNebula. Restore it.") from None
    except OSError as error:
        raise FrontendError(f"Cannot read {path}: {error.strerror or error}.") from error


def _make_folder(frontend: Frontend) -> None:
    if not os.path.isdir(frontend.auth_dir):
        try:
            os.mkdir(frontend.auth_dir, 0o700)
            frontend.give(frontend.auth_dir, 0o700)
        except OSError as error:
            raise FrontendError(f"Cannot make {frontend.auth_dir}: {error.strerror}.") from error
