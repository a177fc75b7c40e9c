# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A server's certificate, what it trusts and what is revoked: three files that its TLS proxy reads."""

from __future__ import annotations

import contextlib
import os
import re
import ssl
import stat
from collections.abc import Mapping
from typing import Any

from .._errors import FrontendError
from .._host.files import Attributes, make_folder, read_bytes, remove_file, write_bytes
from .paths import AUTHORITIES, CHAIN, FOLDER, REVOCATIONS

_MOST_BYTES = 2**20
# Root's only is what has the private key; of the rest nothing is secret.
_MODES = {CHAIN: 0o600, AUTHORITIES: 0o644, REVOCATIONS: 0o644}
_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----\n?", re.DOTALL)


def describe(folder: str) -> dict[str, Any]:
    """What is there: {"chain", "authorities", "revocations", "usable"}, in PEM and None where there is no file.

    `chain` is without the private key; `usable` tells whether that is there too, is that of the certificate, and only
    root's.
    """
    texts = {name: _read(os.path.join(folder, name)) for name in _MODES}
    chain = texts[CHAIN]
    return {
        "chain": None if chain is None else _KEY.sub("", chain),
        "authorities": texts[AUTHORITIES],
        "revocations": texts[REVOCATIONS],
        "usable": chain is not None and _is_usable(os.path.join(folder, CHAIN)),
    }


def write(folder: str, contents: Mapping[str, str | None], check_mode: bool) -> list[str]:
    """Write the files whose content is given and is another than that there, or whose mode is; their names.

    A file whose content is to be "" is removed. Raises FrontendError.
    """
    changed = [name for name, text in contents.items() if text is not None and _differs(folder, name, text)]
    if check_mode or not changed:
        return changed
    try:
        for missing in (os.path.dirname(folder), folder):
            if not os.path.lexists(missing):
                make_folder(missing, 0o755)
        for name in changed:
            path, text = os.path.join(folder, name), contents[name]
            if text:
                write_bytes(path, text.encode(), Attributes(os.geteuid(), os.getegid(), _MODES[name]))
            else:
                remove_file(path)
    except OSError as error:
        raise FrontendError(
            f"Cannot write the server's certificate below {folder}: {error.strerror}. Correct that and run again."
        ) from None
    return changed


def remove(folder: str, check_mode: bool) -> list[str]:
    """Remove the files, and the folder when nothing else is in it; the names of those that were there.

    Of our own folder that also goes which holds it.
    """
    found = [name for name in _MODES if os.path.lexists(os.path.join(folder, name))]
    if not check_mode:
        for name in found:
            remove_file(os.path.join(folder, name))
        with contextlib.suppress(OSError):
            os.rmdir(folder)
            if folder == FOLDER:
                os.rmdir(os.path.dirname(FOLDER))
    return found


def _differs(folder: str, name: str, text: str) -> bool:
    path = os.path.join(folder, name)
    if not text:
        return os.path.lexists(path)
    attributes = Attributes.of(path)
    return attributes is None or attributes.mode != _MODES[name] or _read(path) != text


def _read(path: str) -> str | None:
    try:
        return read_bytes(path, limit=_MOST_BYTES).decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise FrontendError(f"Cannot read {path}: {reason}. Remove it; the next run writes another one.") from None


def _is_usable(path: str) -> bool:
    status = os.lstat(path)
    if stat.S_IMODE(status.st_mode) != _MODES[CHAIN] or status.st_uid != os.geteuid():
        return False
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)
    except (OSError, ValueError):
        return False
    return True
