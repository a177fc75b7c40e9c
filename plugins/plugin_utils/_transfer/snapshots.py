# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of secrets on their way through the controller: their names, and what killed runs leave of them.

A snapshot holds the hashes of all passwords, a server's files hold its keys, so none may outlive its run. The names
tell which process on which controller made a file; once that is gone, the next run removes it.
"""

from __future__ import annotations

import contextlib
import glob
import os
import platform
import re
import secrets
from collections.abc import Iterable

_NODE = re.sub(r"[^A-Za-z0-9.]", "_", platform.node()) or "controller"
_NAME = re.compile(rf"onefed-{re.escape(_NODE)}-(\d+)-[0-9a-f]+\.(?:sql|tar|json)\.gz")
# How ansible-core names the temporary folder of a run on the controller: process id and eight characters of mkdtemp.
_RUN = re.compile(r"ansible-local-(\d+).{8}")


def new_name(suffix: str) -> str:
    """A name for a file of this process; the suffix is .sql.gz, .tar.gz or .json.gz."""
    return f"onefed-{_NODE}-{os.getpid()}-{secrets.token_hex(4)}{suffix}"


def find_command(folder: str) -> str:
    """The shell command that lists this controller's files in all temporary folders below a host's `folder`."""
    return f"find {folder} -maxdepth 2 -type f -path '*/ansible-tmp-*' -name '*onefed-{_NODE}-*' 2>/dev/null"


def abandoned(paths: Iterable[str]) -> list[str]:
    """Those of the files whose process has gone."""
    found = []
    for path in paths:
        match = _NAME.search(os.path.basename(path))
        if match and not _lives(int(match[1])):
            found.append(path)
    return found


def remove_local_leftovers(local_tmp: str) -> None:
    """Remove files of killed runs from the controller; `local_tmp` is this run's own temporary folder."""
    for folder in glob.glob(os.path.join(os.path.dirname(local_tmp), "ansible-local-*")):
        run = _RUN.fullmatch(os.path.basename(folder))
        if run is None or _lives(int(run[1])):
            continue
        with contextlib.suppress(OSError):
            for name in filter(_NAME.search, os.listdir(folder)):
                os.unlink(os.path.join(folder, name))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Another user's process.
        pass
    return True
