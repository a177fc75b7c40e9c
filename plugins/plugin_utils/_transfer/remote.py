# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What action plugins of this collection do on a host beside running their modules."""

from __future__ import annotations

import posixpath
import shlex

from ansible.plugins.action import ActionBase

from .snapshots import abandoned, find_command


def remove_remote_leftovers(action: ActionBase, folder: str) -> None:
    """Remove files that killed runs of this controller left on the host; `folder` is this task's temporary one."""
    parent = posixpath.dirname(folder.rstrip("/"))
    listed = action._low_level_execute_command(find_command(shlex.quote(parent)), sudoable=False)
    left = abandoned(listed["stdout"].splitlines())
    if left:
        action._low_level_execute_command(f"rm -f {' '.join(map(shlex.quote, left))}", sudoable=False)
