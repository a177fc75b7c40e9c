# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the option in module_utils/_argspec.py PREDICTED, and of what it means in check mode."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  predicted:
    description:
      - Names of what earlier tasks of the same play create. In check mode they are taken to exist; what else does not
        exist is refused as in a real run, which does not look at this option.
    type: dict
    suboptions:
      users:
        description: Names of users.
        type: list
        elements: str
        default: []
      groups:
        description: Names of groups.
        type: list
        elements: str
        default: []
      vdcs:
        description: Names of VDCs.
        type: list
        elements: str
        default: []
      zones:
        description: Names of zones.
        type: list
        elements: str
        default: []
attributes:
  check_mode:
    description: Can run in check mode and predict the change.
    support: full
    details:
      - What is named and does not exist is refused, unless O(predicted) says that an earlier task creates it.
  diff_mode:
    description: Returns what is different, before and after.
    support: full
"""
