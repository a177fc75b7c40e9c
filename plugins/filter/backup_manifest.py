# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `backup_manifest`: what is in a backup of a federation, and what is not."""

from __future__ import annotations

DOCUMENTATION = r"""
name: backup_manifest
short_description: What is in a backup of a federation, and what is not
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Brings together what role P(onefed.opennebula.backup#role) recorded of each host.
positional: hostvars
options:
  _input:
    description: The plan, what filter P(onefed.opennebula.backup#filter) returned.
    type: dict
    required: true
  hostvars:
    description: The magic variable C(hostvars).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Complete the backup
  onefed.opennebula.federation_backup:
    state: completed
    path: "{{ begun.path }}"
    manifest: "{{ onefed_plan | onefed.opennebula.backup_manifest(hostvars) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - The manifest, with C(complete), C(failures) by group of zone, C(zones) and C(files); and what operators are told,
      C(text) and C(warnings).
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._model.plain import parse
from ..plugin_utils._plan.backup import BackupPlan
from ..plugin_utils._report.backup import make_manifest
from ..plugin_utils._report.recorded import results_of
from ..plugin_utils._report.terminal import for_terminal


def backup_manifest(plan: Mapping[str, Any], hostvars: Mapping[str, Any]) -> dict[str, Any]:
    """Make the manifest from what the hosts have recorded."""
    planned = parse(BackupPlan, plan)
    return for_terminal(make_manifest(planned, results_of(hostvars, planned.hosts)))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"backup_manifest": backup_manifest}
