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
import io
import json
import os
import zlib
from typing import Any

from .._errors import FrontendError
from .._host.files import Attributes, read_bytes, write_bytes
from .._host.unpacking import Overlong, read_whole

# Room for 600 000 objects of a zone, and what a controller may have to spare: its data takes the twentyfold.
MOST_BYTES = 64 * 2**20


def digest(document: Any) -> str:
    """SHA-256 of plain data, whatever the order of its keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def pack(path: str, document: Any) -> None:
    """Write plain data into a file, 0600, of the owner of its folder. Raises FrontendError."""
    content = json.dumps(document).encode()
    if len(content) > MOST_BYTES:
        raise FrontendError(
            f"The document has {len(content) >> 20} MiB, and {MOST_BYTES >> 20} MiB are carried. Most of it are "
            "virtual machines that are done: remove them from the zone with onedb purge-done."
        )
    try:
        # In a folder of the login user's it is theirs, so that they fetch what a task that became root has written.
        write_bytes(os.path.abspath(path), gzip.compress(content, 6), Attributes(os.geteuid(), os.getegid(), 0o600))
    except OSError as error:
        raise FrontendError(f"Cannot write the document to {path}: {error.strerror}. Check folder and disk.") from None


def unpack(path: str) -> Any:
    """The plain data in a file that `pack` wrote. Raises FrontendError when there is none, or it was altered."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(read_bytes(path, follow=True)), mode="rb") as content:
            return json.loads(read_whole(content, MOST_BYTES))
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        # gzip has errors of its own that are OSErrors without a text of the system's.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it was truncated or altered"
        if isinstance(error, Overlong):
            reason = str(error)
        raise FrontendError(f"Cannot read the document {path}: {reason}. Let the task transfer it again.") from None
