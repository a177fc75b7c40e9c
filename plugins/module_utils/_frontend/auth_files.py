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
from .._host.files import Attributes, exists, make_folder, read_bytes, write_bytes
from .._host.rights import rights_at
from .journal import Journal, host_lock
from .layout import Frontend

MODE = 0o600
MOST_BYTES = 1 << 16
_NAME = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*_auth")
# FireEdge makes it at its first start, in no package; an empty one counts for none (genFireedgeKey).
FIREEDGE_KEY = "fireedge_key"


def is_name(name: str) -> bool:
    return name == FIREEDGE_KEY or bool(_NAME.fullmatch(name))


def names(frontend: Frontend) -> list[str]:
    """Names of the auth files: regular files directly in the folder, or what oned would read there through a link.

    A link stands there where the files are a secret of Kubernetes, or lie on a shared disk.
    """
    try:
        with rights_at(frontend.auth_dir), os.scandir(frontend.auth_dir) as entries:
            return sorted(entry.name for entry in entries if is_name(entry.name) and entry.is_file())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise FrontendError(f"Cannot list {frontend.auth_dir}: {error.strerror}.") from error


def fixed(frontend: Frontend) -> list[str]:
    """Names of those that are links to what oned's account cannot replace, as a mounted secret of Kubernetes is."""
    return [name for name in names(frontend) if _is_fixed(os.path.join(frontend.auth_dir, name))]


def _is_fixed(path: str) -> bool:
    with rights_at(path):
        folder = os.path.dirname(os.path.realpath(path))
        return os.path.islink(path) and not os.access(folder, os.W_OK | os.X_OK, effective_ids=True)


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
    _refuse_shared(frontend, files)
    with host_lock(frontend, check_mode=check_mode):
        wanted = Attributes(*frontend.ids(), MODE)
        changed = [name for name, content in sorted(files.items()) if not _is(frontend, name, content, wanted)]
        if changed and not check_mode:
            _make_folder(frontend)
            for name in changed:
                _write(frontend, name, files[name].encode(), wanted)
            Journal.note(frontend, "auth_files")
    return changed


def _refuse_shared(frontend: Frontend, files: Mapping[str, str]) -> None:
    """Raise FrontendError where links make one file of two that differ in the federation."""
    known: dict[str, str] = {}
    for name, content in files.items():
        path = os.path.join(frontend.auth_dir, name)
        with rights_at(path):
            other = known.setdefault(os.path.realpath(path), name)
        if files[other] != content:
            raise FrontendError(
                f"{name} and {other} in {frontend.auth_dir} are one file, by a link, but their contents differ in the "
                "federation. Replace the link by a file. Nothing was written."
            )


def _is(frontend: Frontend, name: str, content: str, wanted: Attributes) -> bool:
    path = os.path.join(frontend.auth_dir, name)
    found = Attributes.of(path)
    if found is None:
        # Who may read what a link leads to is the business of whoever laid it.
        return Attributes.of(path, follow=True) is not None and _read(path) == content
    # Only root can give a file away, so without that right the owner is not looked at.
    alike = found == wanted if os.geteuid() == 0 else found.mode == MODE
    return alike and _read(path) == content


def _write(frontend: Frontend, name: str, content: bytes, wanted: Attributes) -> None:
    """Replace the file, or what a link leads to as oned would."""
    path = os.path.join(frontend.auth_dir, name)
    try:
        write_bytes(path, content, wanted, follow=True)
    except OSError as error:
        raise FrontendError(
            f"Cannot write {path} with the rights of {frontend.user}: {error.strerror}. Where it is a link to a secret "
            "that is kept elsewhere, give it there the content that the master's file has."
        ) from error


def _read(path: str) -> str:
    try:
        return read_bytes(path, follow=True, limit=MOST_BYTES).decode("utf-8")
    except UnicodeDecodeError:
        raise FrontendError(f"{path} is not UTF-8 text, so it is no auth file of OpenNebula. Restore it.") from None
    except OSError as error:
        raise FrontendError(f"Cannot read {path}: {error.strerror or error}.") from error


def _make_folder(frontend: Frontend) -> None:
    if not exists(frontend.auth_dir):
        try:
            make_folder(frontend.auth_dir)
        except OSError as error:
            raise FrontendError(f"Cannot make {frontend.auth_dir}: {error.strerror}.") from error
