# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options in module_utils/_argspec.py FRONTEND."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
requirements:
  - Python 3.9 or newer on the host that it runs on
options:
  oned_location:
    description:
      - Folder of a self-contained OpenNebula (its E(ONE_LOCATION)).
      - Unset for OpenNebula installed from packages.
    type: path
  oned_user:
    description:
      - Account that runs C(oned).
      - Defaults to V(oneadmin), or to the owner of O(oned_location).
    type: str
  oned_group:
    description:
      - Group of the account that runs C(oned).
      - Defaults to V(oneadmin), or to the group of O(oned_location).
    type: str
  oned_service:
    description: Name of the systemd unit of C(oned). Not used with O(oned_location).
    type: str
    default: opennebula
"""
