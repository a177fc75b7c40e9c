#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: acl
short_description: Manage the access rules of OpenNebula
version_added: 1.0.0
description:
  - Adds and deletes access rules. OpenNebula changes no rules.
  - In a federation, access rules are the same in all zones. A slave passes the changes on to its master; the module
    then waits until they are visible at the slave, where they are in force by then.
  - A rule that exists already, however it is written, is not added again.
options:
  rule:
    description:
      - The whole rule as OpenNebula shows it, which is who, what and which of it, rights and zone.
      - C(#) stands for one user, object or zone, C(@) for a group, C(%) for a cluster, and C(*) for all. Behind it
        is an id or a name; a number is taken for an id.
      - Names are known of users, groups, zones, VDCs and clusters. Names with blanks need the other options.
      - The zone is required, because OpenNebula would take that of the master.
    type: str
  user:
    description: User the rule is for, by name or id, or V(*) for all users.
    type: str
  group:
    description: Group whose members the rule is for, by name or id.
    type: str
  resources:
    description:
      - Kinds of objects, some of V(VM), V(HOST), V(NET), V(IMAGE), V(USER), V(TEMPLATE), V(GROUP), V(ACL),
        V(DATASTORE), V(CLUSTER), V(DOCUMENT), V(ZONE), V(SECGROUP), V(VDC), V(VROUTER), V(MARKETPLACE),
        V(MARKETPLACEAPP), V(VMGROUP), V(VNTEMPLATE), V(HOOK) and V(BACKUPJOB).
    type: list
    elements: str
  which:
    description:
      - Which objects of these kinds. All of them with V(*), otherwise written as in O(rule), for example V(#5), those
        of the group V(@developers), or those in the cluster V(%default).
    type: str
    default: "*"
  rights:
    description: Rights, some of V(USE), V(MANAGE), V(ADMIN) and V(CREATE).
    type: list
    elements: str
  zone:
    description: Zone the rule holds in, by name or id, or V(*) for all zones.
    type: str
  state:
    description:
      - V(present) makes sure that the rule exists, V(absent) that it does not.
    type: str
    choices: [present, absent]
    default: present
  wait_timeout:
    description:
      - How long a change may take to be visible at the endpoint, in seconds. A slave reads its rules again every 15
        seconds by default.
    type: float
    default: 60.0
extends_documentation_fragment:
  - onefed.opennebula.predicted
  - onefed.opennebula.api
  - onefed.opennebula.frontend
notes:
  - OpenNebula deletes the rules of users and groups together with them, and makes rules of its own for VDCs and
    administrators of groups. Rules made here that are equal to those are the same rules.
seealso:
  - module: onefed.opennebula.vdc
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Let a group create virtual machines and templates in all zones
  onefed.opennebula.acl:
    rule: "@developers VM+TEMPLATE/* CREATE *"

- name: Let a user manage the images of a group in one zone
  onefed.opennebula.acl:
    rule: "#ada IMAGE/@developers USE+MANAGE #paris"

- name: The same in parts
  onefed.opennebula.acl:
    user: ada
    resources: [IMAGE]
    which: "@developers"
    rights: [USE, MANAGE]
    zone: paris

- name: Take a right back
  onefed.opennebula.acl:
    rule: "@developers VM+TEMPLATE/* CREATE *"
    state: absent
"""

RETURN = r"""
acl:
  description: The rule; V(null) with O(state=absent).
  returned: success
  type: dict
  contains:
    id:
      description: Id. V(null) in check mode for a rule to be added.
      type: int
      sample: 8
    text:
      description: The rule with ids, as OpenNebula shows it.
      type: str
      sample: "#5 IMAGE/@100 USE+MANAGE #101"
    named:
      description: The rule with the names of users, groups, zones, VDCs and clusters, as O(rule) takes it.
      type: str
      sample: "#ada IMAGE/@developers USE+MANAGE #paris"
    user:
      description: Who, as the API writes it.
      type: str
      sample: "100000005"
    resource:
      description: What and which of it, as the API writes it.
      type: str
      sample: "8200000064"
    rights:
      description: Rights, as the API writes them.
      type: str
      sample: "3"
    zone:
      description: Zone, as the API writes it.
      type: str
      sample: "100000065"
created:
  description: Whether the rule was added.
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
from ..module_utils._resources.acl_writer import write_acl


def acl(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    return write_acl(client_for(module.params, frontend), module.params, module.check_mode)


def main() -> None:
    module = AnsibleModule(**options.ACL.with_shared(API, FRONTEND, PREDICTED), supports_check_mode=True)
    run(module, acl)


if __name__ == "__main__":
    main()
