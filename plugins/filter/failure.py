# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `failure`: why a task failed, for a rescue to tell."""

from __future__ import annotations

DOCUMENTATION = r"""
name: failure
short_description: Why a task failed, on one line
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Tells in sentences on one line why a task failed, for the message of a rescue.
  - Of a loop it tells what the items that failed say, each text once.
  - A module that ended without a result is explained with the remedy, when it was killed or its Python is too old.
positional: task
options:
  _input:
    description: The variable C(ansible_failed_result), which Ansible sets in a rescue.
    type: dict
    required: true
  task:
    description: Name of the task that failed, to begin with.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Restore the database, and say why if it fails
  block:
    - name: Restore the database
      onefed.opennebula.database_restore:
        src: /srv/backups/madrid-before.sqlite.gz
  rescue:
    - name: Report the failure
      ansible.builtin.fail:
        msg: "{{ ansible_failed_result | onefed.opennebula.failure(ansible_failed_task.name) }}"
"""

RETURN = r"""
_value:
  description: The name of the task and a colon, if it was given, and the sentences.
  type: str
"""

from typing import Any, Callable

from ..plugin_utils._checks.failure import failure


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"failure": failure}
