# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Documents between controller and host: compressed JSON in a file that nobody else may read.

People read YAML, which front-ends cannot write: they have Python's library only. A module's result is no way either,
for Ansible shows results, and blanks out whatever looks like a secret option of the task.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from typing import Any

from .._errors import FrontendError


def digest(document: Any) -> str:
    """SHA-256 of plain data, whatever the order of its keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def pack(path: str, document: Any) -> None:
    """Write plain data into a file, new or empty, 0600, of the owner of its folder. Raises FrontendError."""
    try:
        owner = os.stat(os.path.dirname(path) or os.curdir)
        with open(path, "wb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW, 0o600)) as stream:
            os.fchmod(stream.fileno(), 0o600)
            if os.geteuid() == 0:
                # The login user fetches what a task that became root has written.
                os.fchown(stream.fileno(), owner.st_uid, owner.st_gid)
            stream.write(gzip.compress(json.dumps(document).encode(), 6))
    except OSError as error:
        raise FrontendError(f"Cannot write the document to {path}: {error.strerror}. Check folder and disk.") from None


def unpack(path: str) -> Any:
    """The plain data in a file that `pack` wrote. Raises FrontendError when there is none, or it was altered."""
    try:
        with open(path, "rb") as stream:
            return json.loads(gzip.decompress(stream.read()))
    except (OSError, EOFError, zlib.error, ValueError) as error:
        # gzip has errors of its own that are OSErrors without a text of the system's.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it was truncated or altered"
        raise FrontendError(f"Cannot read the document {path}: {reason}. Let the task transfer it again.") from None
