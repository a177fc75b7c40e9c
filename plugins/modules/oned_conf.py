#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oned_conf
short_description: Set attributes of OpenNebula's oned.conf, or restore a backup of it
version_added: 1.0.0
description:
  - Sets single attributes and keys of vector attributes, and leaves every other byte of the file as it is,
    comments, order and spacing included.
  - Refuses a file that C(oned) would refuse, and writes only what both C(oned) and OpenNebula's Augeas lens read,
    by which C(onedb) and C(onezone serversync) find the database.
  - Of a repeated attribute the first is edited, which is the one that C(oned) uses.
  - The new file replaces the old one in one step; owner, mode, ACL and SELinux context stay.
  - Puts back a backup that it made itself, with O(state=restored).
  - C(oned) reads the file at its start only, see M(onefed.opennebula.oned_service).
options:
  state:
    description:
      - V(present) sets O(attributes) and O(vectors).
      - V(restored) replaces the file by O(backup_file) in one step, with the owner, mode, ACL and SELinux context of
        the backup. The backup stays where it is.
    type: str
    choices: [present, restored]
    default: present
  backup_file:
    description:
      - The backup to put back, as RV(backup_file) named it. Only with O(state=restored), which needs it.
      - A file that is not a backup of this file is refused, as is one that C(oned) would refuse.
    type: path
  attributes:
    description:
      - Single attributes and their values, for example C(PORT).
      - V(null) removes an attribute, so that the built-in default of C(oned) holds.
    type: dict
    default: {}
  vectors:
    description:
      - Vector attributes and the keys to set in them, for example C(MODE) in C(FEDERATION).
        Keys that are not named keep their value. V(null) in place of a value removes a key, in place of the keys the
        whole vector.
      - C(oned) does not merge a vector with its defaults. So C(FEDERATION) and C(RAFT) are completed with the values of
        the stock file; C(MASTER_ONED_GRPC) is only written when it is given or present.
    type: dict
    default: {}
  path:
    description:
      - The file. Defaults to that of the front-end. A link is followed.
      - Files of the same syntax can be named too, such as C(monitord.conf).
    type: path
  backup:
    description: Whether to keep the old file beside the new one, with the same owner and mode.
    type: bool
    default: false
extends_documentation_fragment:
  - onefed.opennebula.change
  - onefed.opennebula.frontend
attributes:
  diff_mode:
    description: Shows the file before and after; secrets are masked.
    support: full
notes:
  - A task that writes C(PASSWD) or C(ONE_KEY) must have C(no_log) set to V(true), because Ansible logs the options of
    modules on the host.
seealso:
  - module: onefed.opennebula.oned_service
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Make the front-end the master of its federation
  onefed.opennebula.oned_conf:
    vectors:
      FEDERATION:
        MODE: MASTER
        ZONE_ID: 0
    backup: true
  register: configured

- name: Let oned read it
  onefed.opennebula.oned_service:
    state: restarted
  when: configured is changed

- name: Put the former oned.conf back
  onefed.opennebula.oned_conf:
    backup_file: "{{ configured.backup_file }}"
    state: restored

- name: Listen on one address only
  onefed.opennebula.oned_conf:
    attributes:
      LISTEN_ADDRESS: 192.0.2.11
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /etc/one/oned.conf
backup_file:
  description: The old file, with O(state=restored) what was replaced. V(null) when none was kept.
  returned: success
  type: str
  sample: /etc/one/oned.conf.20250401T120000Z
lens_problems:
  description:
    - What keeps C(onedb) and C(onezone serversync) from reading the file, each with its line. They read all or nothing.
    - It is also reported as a warning.
  returned: success
  type: list
  elements: str
  sample: ["line 12: PORT has no value; write an empty pair of quotes"]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND
from ..module_utils._errors import ConfigError
from ..module_utils._frontend.conf_writer import Request, configure, restore
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run


def oned_conf(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params = module.params
    if params["state"] == "restored":
        if params["attributes"] or params["vectors"]:
            raise ConfigError("State restored takes no attributes and no vectors. Set them in a task of their own.")
        result = restore(frontend, params["path"], params["backup_file"], params["backup"], module.check_mode)
    elif params["backup_file"]:
        raise ConfigError("backup_file is for state restored only. Set backup: true to keep the file as it is now.")
    else:
        options = {name: params[name] for name in ("attributes", "vectors", "path", "backup")}
        result = configure(frontend, Request(**options, hidden=module.no_log), module.check_mode)
    for problem in result["lens_problems"]:
        module.warn(f"onedb cannot read {result['path']}: {problem}.")
    if not module._diff:
        del result["diff"]
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **FRONTEND,
            "attributes": {"type": "dict", "default": {}},
            "vectors": {"type": "dict", "default": {}},
            "path": {"type": "path"},
            "backup": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "restored"], "default": "present"},
            "backup_file": {"type": "path"},
        },
        required_if=[("state", "restored", ("backup_file",))],
        supports_check_mode=True,
    )
    run(module, oned_conf)


if __name__ == "__main__":
    main()
