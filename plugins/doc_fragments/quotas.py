# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of OPTIONS in module_utils/_resources/quotas.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  quotas:
    description:
      - Limits in the zone that is asked. Each zone has quotas of its own.
      - A limit is a number that is not negative, V(-1) for the zone's default, or V(-2) for no limit.
      - Limits that are not named stay, unless O(quotas_mode=replace).
    type: dict
    suboptions:
      vm:
        description:
          - Limits of virtual machines, such as C(vms), C(cpu), C(memory), C(system_disk_size), C(running_vms),
            C(running_cpu) and C(running_memory).
        type: dict
      clusters:
        description:
          - The same limits for single clusters, by the cluster's name or id, or by several of them with commas.
          - OpenNebula 6.10 knows no such limits.
        type: dict
      datastores:
        description: Limits C(size) in MB and C(images), by the datastore's name or id.
        type: dict
      networks:
        description: Limit C(leases), by the virtual network's name or id.
        type: dict
      images:
        description: Limit C(rvms) of virtual machines that use an image at the same time, by the image's name or id.
        type: dict
  quotas_mode:
    description:
      - With V(merge), limits that are not in O(quotas) stay.
      - With V(replace), they become the zone's default. Without O(quotas) this changes nothing.
    type: str
    choices: [merge, replace]
    default: merge
"""
