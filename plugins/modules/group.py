#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: group
short_description: Manage the groups of OpenNebula
version_added: 1.0.0
description:
  - Creates, changes and deletes groups, with their administrators and their quotas.
  - In a federation, groups are the same in all zones. A slave passes the changes on to its master; the module then
    waits until they are visible at the slave.
  - A group that already is as declared is not written to, because every write is replicated to all zones.
options:
  name:
    description:
      - Name of the group. Identifies it unless O(id) is given. OpenNebula renames no groups.
      - "At most 128 bytes, without any of C(& | : \\ \" ; / ' # { } $ < >), tabs and line breaks."
    type: str
  id:
    description: Id of an existing group.
    type: int
  admins:
    description: Administrators of the group, by name or id. An administrator who is not a member becomes one.
    type: list
    elements: str
  purge:
    description: Whether administrators that O(admins) does not name lose that role. They stay members.
    type: bool
    default: false
  state:
    description:
      - V(present) makes sure that the group exists as declared.
      - V(absent) deletes it, with its access rules. A group with members is not deleted.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - onefed.opennebula.object
  - onefed.opennebula.predicted
  - onefed.opennebula.quotas
  - onefed.opennebula.api
  - onefed.opennebula.frontend
notes:
  - OpenNebula puts every new group into the VDC C(default), whose resources its members may then use. Take it out
    with module M(onefed.opennebula.vdc).
  - Members of a group that is their primary one may create nothing until an access rule lets them, see module
    M(onefed.opennebula.acl). OpenNebula's own rule is for the group C(users) alone.
  - Users enter and leave groups with module M(onefed.opennebula.user).
seealso:
  - module: onefed.opennebula.user
  - module: onefed.opennebula.vdc
  - module: onefed.opennebula.acl
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Create a group with an administrator
  onefed.opennebula.group:
    name: developers
    admins: [ada]
    template:
      SUNSTONE: {DEFAULT_VIEW: cloud}
    quotas:
      vm: {vms: 100}

- name: Let its members create virtual machines, images and templates
  onefed.opennebula.acl:
    rule: "@developers VM+IMAGE+TEMPLATE/* CREATE *"

- name: Make somebody else its only administrator
  onefed.opennebula.group:
    name: developers
    admins: [grace]
    purge: true

- name: Delete a group
  onefed.opennebula.group:
    name: developers
    state: absent
"""

RETURN = r"""
group:
  description: The group; V(null) when it does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: Id. V(null) in check mode for a group to be created.
      type: int
      sample: 100
    name:
      description: Name.
      type: str
      sample: developers
    admins:
      description: Names of the administrators.
      type: list
      elements: str
      sample: [ada]
    template:
      description: All attributes. The values of those whose names speak of secrets are asterisks.
      type: dict
      sample: {"SUNSTONE": {"DEFAULT_VIEW": "cloud"}}
    quotas:
      description: Limits in this zone that are not the default, as in O(quotas), with ids.
      type: dict
      sample: {"vm": {"vms": 100}}
created:
  description: Whether the group did not exist before.
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
from ..module_utils._resources.group_writer import write_group


def group(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    return write_group(client_for(module.params, frontend), module.params, module.check_mode)


def main() -> None:
    module = AnsibleModule(**options.GROUP.with_shared(API, FRONTEND, PREDICTED), supports_check_mode=True)
    run(module, group)


if __name__ == "__main__":
    main()
