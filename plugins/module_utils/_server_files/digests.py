# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Whether servers of a zone have the same configuration, told without a word of what is in it."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterator

from .._errors import FrontendError
from .._frontend.layout import Frontend
from .._host.files import read_bytes
from .roots import ETC, Root, roots

# There are hundreds of files, and what is compared is not under attack.
DIGITS = 16


def digests(frontend: Frontend, key: str) -> dict[str, str]:
    """By its path below etc a digest of each shared file, equal where the content is, that tells nothing without `key`.

    A link counts by where it leads to. Raises FrontendError when a file cannot be read.
    """
    root = roots(frontend)[ETC]
    return {path: _digest(os.path.join(root.path, path), key) for path in sorted(_paths(root))}


def _paths(root: Root) -> Iterator[str]:
    for folder, folders, names in os.walk(root.path, onerror=_refuse):
        below = os.path.relpath(folder, root.path)
        folders[:] = [name for name in folders if not root.is_own(os.path.normpath(os.path.join(below, name)))]
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in [*names, *links]:
            path = os.path.normpath(os.path.join(below, name))
            if not root.is_own(path):
                yield path


def _digest(path: str, key: str) -> str:
    try:
        content = os.fsencode(os.readlink(path)) if os.path.islink(path) else read_bytes(path)
    except OSError as error:
        raise _refusal(path, error) from error
    return hmac.new(key.encode(), content, hashlib.sha256).hexdigest()[:DIGITS]


def _refuse(error: OSError) -> None:
    raise _refusal(error.filename, error) from error


def _refusal(path: str, error: OSError) -> FrontendError:
    return FrontendError(f"Cannot read {path} to compare it with other servers' ({error.strerror or error}).")
