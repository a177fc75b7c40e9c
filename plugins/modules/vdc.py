#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vdc
short_description: Manage the virtual data centers of OpenNebula
version_added: 1.0.0
description:
  - Creates, changes, renames and deletes VDCs, which let groups use clusters, hosts, datastores and virtual networks
    of zones.
  - In a federation, VDCs are the same in all zones. A slave passes the changes on to its master; the module then
    waits until they are visible at the slave.
  - A VDC that already is as declared is not written to, because every write is replicated to all zones.
options:
  name:
    description:
      - Name of the VDC. Identifies it unless O(id) is given.
      - With O(id) and O(state=present), the VDC is renamed if it is called otherwise.
        With O(state=absent), it is deleted only if it is called so.
      - "At most 128 bytes, without any of C(& | : \\ \" ; / ' # { } $ < >), tabs and line breaks."
    type: str
  id:
    description: Id of an existing VDC. That of the VDC C(default) is V(0).
    type: int
  groups:
    description: Groups that are in the VDC, by name or id.
    type: list
    elements: str
  groups_absent:
    description: Groups that are not in the VDC, by name or id, whatever O(groups) says.
    type: list
    elements: str
  resources:
    description: What the VDC holds of each zone.
    type: list
    elements: dict
    suboptions:
      zone:
        description: Zone, by name or id.
        type: str
        required: true
      clusters:
        description:
          - Clusters, with all that is in them, by name or id. V(ALL) is all of the zone, those to come included.
          - Names in another zone are asked for at the endpoint of that zone, with the same credentials. Ids in another
            zone are taken as they are.
        type: list
        elements: str
      hosts:
        description: Hosts, like O(resources[].clusters).
        type: list
        elements: str
      datastores:
        description: Datastores, like O(resources[].clusters).
        type: list
        elements: str
      vnets:
        description: Virtual networks, like O(resources[].clusters).
        type: list
        elements: str
  purge:
    description:
      - Whether groups that O(groups) does not name are taken out if O(groups) is given, and resources of any zone that
        O(resources) does not name if O(resources) is given.
    type: bool
    default: false
  state:
    description:
      - V(present) makes sure that the VDC exists as declared.
      - V(absent) deletes it, with the access rules that it made.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - onefed.opennebula.object
  - onefed.opennebula.predicted
  - onefed.opennebula.api
  - onefed.opennebula.frontend
notes:
  - The VDC C(default) holds all clusters of the master's zone, and nothing of a zone that joined the federation.
    Every new group enters it.
  - OpenNebula makes access rules from the groups and resources of a VDC. A slave applies new rules only when it reads
    its rules again, by default within 15 seconds.
seealso:
  - module: onefed.opennebula.group
  - module: onefed.opennebula.acl
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Let a group use one cluster and all virtual networks of a zone
  onefed.opennebula.vdc:
    name: development
    groups: [developers]
    resources:
      - zone: paris
        clusters: [default]
        vnets: [ALL]

- name: Make a VDC hold just this
  onefed.opennebula.vdc:
    name: development
    groups: [developers]
    resources:
      - zone: paris
        clusters: [ALL]
    purge: true

- name: Take a group out of the default VDC, which every new group enters
  onefed.opennebula.vdc:
    id: 0
    groups_absent: [developers]

- name: Let the groups of the default VDC use a zone that joined the federation
  onefed.opennebula.vdc:
    id: 0
    resources:
      - zone: paris
        clusters: [ALL]

- name: Delete a VDC
  onefed.opennebula.vdc:
    name: development
    state: absent
"""

RETURN = r"""
vdc:
  description: The VDC; V(null) when it does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: Id. V(null) in check mode for a VDC to be created.
      type: int
      sample: 100
    name:
      description: Name.
      type: str
      sample: development
    groups:
      description: Names of the groups.
      type: list
      elements: str
      sample: [developers]
    resources:
      description: What the VDC holds of each zone.
      type: list
      elements: dict
      contains:
        zone:
          description: Name of the zone.
          type: str
          sample: paris
        clusters:
          description: Ids of clusters, or V(ALL).
          type: list
          elements: str
          sample: ["0"]
        hosts:
          description: Ids of hosts, or V(ALL).
          type: list
          elements: str
        datastores:
          description: Ids of datastores, or V(ALL).
          type: list
          elements: str
        vnets:
          description: Ids of virtual networks, or V(ALL).
          type: list
          elements: str
          sample: [ALL]
    template:
      description: All attributes. The values of those whose names speak of secrets are asterisks.
      type: dict
created:
  description: Whether the VDC did not exist before.
  returned: success
  type: bool
  sample: true
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._api.client import client_for
from ..module_utils._argspec import API, FRONTEND, PREDICTED
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._resources import options
from ..module_utils._resources.vdc_writer import write_vdc


def vdc(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    return write_vdc(client_for(module.params, frontend), module.params, module.check_mode)


def main() -> None:
    module = AnsibleModule(**options.VDC.with_shared(API, FRONTEND, PREDICTED), supports_check_mode=True)
    run(module, vdc)


if __name__ == "__main__":
    main()
