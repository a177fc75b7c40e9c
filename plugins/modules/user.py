#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: user
short_description: Manage the users of OpenNebula
version_added: 1.0.0
description:
  - Creates, changes, enables, disables and deletes users, with their groups and their quotas.
  - In a federation, users are the same in all zones. A slave passes the changes on to its master; the module then
    waits until they are visible at the slave.
  - A user who already is as declared is not written to, because every write is replicated to all zones.
options:
  name:
    description:
      - Name of the user. Identifies the user unless O(id) is given. OpenNebula renames no users.
      - "At most 128 bytes, without blanks, tabs, line breaks and any of C(& | : \\ \" ; / ' # { } $ < >)."
    type: str
  id:
    description: Id of an existing user.
    type: int
  password:
    description:
      - Password, without blanks. Required to create a user, unless O(password_hash) is given.
      - For a driver other than V(core) this is what the driver compares, for example a public key or a
        distinguished name; OpenNebula stores it as it is.
    type: str
  password_hash:
    description:
      - What OpenNebula is to store instead of a password, as another zone stored it. For V(core) this is the SHA-256
        of the password in lower case hexadecimal digits.
      - While it is written, the user cannot log in for a moment.
    type: str
  update_password:
    description:
      - With V(on_create), the password is set only for new users, and for those whose driver changes.
      - With V(always), it is set whenever what OpenNebula stores is different.
    type: str
    choices: [always, on_create]
    default: on_create
  generate_password:
    description:
      - Whether a new user without O(password) and O(password_hash) gets a random password.
      - It stands in a file on this host that only root and the account of C(oned) can read; see RV(password_file). A
        file that is there already, from a run that was interrupted, is used.
    type: bool
    default: false
  auth_driver:
    description: Name of the authentication driver. New users get V(core) by default.
    type: str
  enabled:
    description: Whether the user may log in.
    type: bool
  group:
    description:
      - Primary group, by name or id. New users get V(users) by default.
      - The old primary group is left, unless O(groups) names it.
    type: str
  groups:
    description: Further groups the user is in, by name or id. The primary group need not be among them.
    type: list
    elements: str
  purge:
    description: Whether the user leaves groups that neither O(group) nor O(groups) name. Needs O(groups).
    type: bool
    default: false
  template_secrets:
    description: Attributes like those of O(template), but with values that must not be shown or logged.
    type: dict
  template_mode:
    description:
      - With V(merge), attributes that are in neither O(template) nor O(template_secrets) stay.
      - With V(replace), they are removed, except for C(TOKEN_PASSWORD), with which the virtual machines of the user
        are known to OneGate.
    type: str
    choices: [merge, replace]
    default: merge
  state:
    description:
      - V(present) makes sure that the user exists as declared.
      - V(absent) deletes the user. Objects owned by the user are kept without an owner.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - onefed.opennebula.object
  - onefed.opennebula.predicted
  - onefed.opennebula.quotas
  - onefed.opennebula.api
  - onefed.opennebula.frontend
attributes:
  diff_mode:
    description: Returns what is different, before and after, without secrets.
    support: full
notes:
  - The password and driver of C(oneadmin) and C(serveradmin) are not changed. Every C(oned) of a federation and its
    companions log in with them, from files on every server. Playbook C(rotate_oneadmin) changes the password
    of C(oneadmin).
  - Users whose primary group is not C(users) may create nothing until an access rule lets them, see module
    M(onefed.opennebula.acl).
  - Attributes that OpenNebula encrypts, such as C(SSH_PRIVATE_KEY), can be read at the federation master only. A slave
    cannot tell that they are as declared and writes them each time.
  - OpenNebula does not let groups be changed by hand for drivers that manage them, such as LDAP.
seealso:
  - module: onefed.opennebula.group
  - module: onefed.opennebula.acl
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Create a user
  onefed.opennebula.user:
    name: ada
    password: "{{ vault_ada_password }}"
    group: developers
    groups: [users]
    quotas:
      vm: {vms: 10, cpu: 20, memory: 65536}
      datastores:
        default: {images: 20}

- name: Create a user who logs in with a certificate
  onefed.opennebula.user:
    name: grace
    auth_driver: x509
    password: /C=ES/O=ONE/CN=grace

- name: Take a user over from another OpenNebula without knowing the password
  onefed.opennebula.user:
    name: alan
    password_hash: "{{ vault_alan_hash }}"
    template: {EMAIL: alan@example.com}
    template_secrets: {TOKEN_PASSWORD: "{{ vault_alan_token }}"}

- name: Set a new password
  onefed.opennebula.user:
    name: ada
    password: "{{ vault_ada_password }}"
    update_password: always

- name: Let a user log in no more, and take all quotas back
  onefed.opennebula.user:
    name: ada
    enabled: false
    quotas: {}
    quotas_mode: replace

- name: Delete a user
  onefed.opennebula.user:
    name: ada
    state: absent
"""

RETURN = r"""
user:
  description: The user; V(null) when the user does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: Id. V(null) in check mode for a user to be created.
      type: int
      sample: 5
    name:
      description: Name.
      type: str
      sample: ada
    driver:
      description: Authentication driver.
      type: str
      sample: core
    enabled:
      description: Whether the user may log in.
      type: bool
      sample: true
    group:
      description: Name of the primary group.
      type: str
      sample: developers
    groups:
      description: Names of all groups of the user, the primary one included.
      type: list
      elements: str
      sample: [developers, users]
    template:
      description: All attributes. The values of those whose names speak of secrets are asterisks.
      type: dict
      sample: {"EMAIL": "ada@example.com", "TOKEN_PASSWORD": "********"}
    quotas:
      description: Limits in this zone that are not the default, as in O(quotas), with ids.
      type: dict
      sample: {"vm": {"vms": 10}, "datastores": {"1": {"images": 20}}}
password_file:
  description:
    - File on this host with the password that was generated for the user. V(null) if none was, or it was removed.
  returned: success
  type: str
  sample: /var/lib/onefed/passwords/ada.password
created:
  description: Whether the user did not exist before.
  returned: success
  type: bool
  sample: true
password_changed:
  description: Whether an existing user got another password.
  returned: success
  type: bool
  sample: false
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._api.client import client_for
from ..module_utils._argspec import API, FRONTEND, PREDICTED
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._resources import options
from ..module_utils._resources.passwords import GeneratedPasswords
from ..module_utils._resources.user_writer import write_user


def user(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    folder = GeneratedPasswords(frontend) if module.params["generate_password"] else None
    return write_user(client_for(module.params, frontend), module.params, module.check_mode, folder)


def main() -> None:
    module = AnsibleModule(**options.USER.with_shared(API, FRONTEND, PREDICTED), supports_check_mode=True)
    run(module, user)


if __name__ == "__main__":
    main()
