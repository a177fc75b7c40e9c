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
from .._host.files import Attributes, read_bytes, write_bytes


def digest(document: Any) -> str:
    """SHA-256 of plain data, whatever the order of its keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def pack(path: str, document: Any) -> None:
    """Write plain data into a file, 0600, of the owner of its folder. Raises FrontendError."""
    try:
        content = gzip.compress(json.dumps(document).encode(), 6)
        # In a folder of the login user's it is theirs, so that they fetch what a task that became root has written.
        write_bytes(os.path.abspath(path), content, Attributes(os.geteuid(), os.getegid(), 0o600))
    except OSError as error:
        raise FrontendError(f"Cannot write the document to {path}: {error.strerror}. Check folder and disk.") from None


def unpack(path: str) -> Any:
    """The plain data in a file that `pack` wrote. Raises FrontendError when there is none, or it was altered."""
    try:
        return json.loads(gzip.decompress(read_bytes(path, follow=True)))
    except (OSError, EOFError, zlib.error, ValueError) as error:
        # gzip has errors of its own that are OSErrors without a text of the system's.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it was truncated or altered"
        raise FrontendError(f"Cannot read the document {path}: {reason}. Let the task transfer it again.") from None
