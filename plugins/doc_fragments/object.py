# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that objects with a template share in module_utils/_resources/options.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  template:
    description:
      - Attributes of the object. A dictionary makes a vector attribute, a list a repeated one, V(null) removes an
        attribute.
      - The names of attributes are not case sensitive, they are stored in upper case.
    type: dict
  template_mode:
    description:
      - With V(merge), attributes that are not in O(template) stay. With V(replace), they are removed.
    type: str
    choices: [merge, replace]
    default: merge
  wait_timeout:
    description: How long a change may take to be visible at the endpoint, in seconds.
    type: float
    default: 30.0
"""
