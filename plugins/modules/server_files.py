#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_files
short_description: Give a server of an HA zone the files that all servers of the zone share
version_added: 1.0.0
description:
  - The servers of an HA zone have more in common than their database. This module packs these files on the leader,
    brings them to another server by way of the controller, and can put there what was replaced back.
  - C(.one), the folder of the auth files, with all in it, C(one_key) too. What only this server has there is removed.
  - C(remotes), drivers and hooks. What only this server has there is removed.
  - C(.ssh) of the account of C(oned), where its home is OpenNebula's own folder. A server keeps keys of its own with
    other names, and its own lines of C(authorized_keys) and C(known_hosts) beside the leader's.
  - The configuration, C(/etc/one) in packages, without backup copies and without what belongs to one server alone
    (C(guacd), C(prometheus), C(alertmanager)). A file or folder that this server does not have belongs to a service
    that is not installed there, and is left out.
  - C(oned.conf) becomes the leader's, but for C(DB), C(HOSTNAME), C(LISTEN_ADDRESS), C(PORT), C(GRPC_LISTEN_ADDRESS)
    and C(GRPC_PORT), which each server keeps, and C(SERVER_ID).
  - Files in C(.one), C(.ssh) and C(remotes) belong to the account of C(oned) and are read and written with its rights.
    Nobody but it can read those in C(.one).
options:
  state:
    description:
      - V(packed) writes an archive of the files of this server.
      - V(unpacked) makes the files of this server equal to those in an archive of another server of its zone.
      - V(restored) puts back what V(unpacked) replaced or removed, and removes what it added.
    type: str
    choices: [packed, unpacked, restored]
    required: true
  dest:
    description:
      - With O(state=packed), the archive to write. Readable for the owner of its folder only. It holds secrets.
      - Defaults to a new file below C(snapshots) in the collection's own folder.
      - Not together with O(fetch).
    type: path
  fetch:
    description:
      - With O(state=packed), whether to bring the archive to the controller instead of leaving it on the front-end.
      - It lies in Ansible's temporary folder there, readable for this user only, and is removed at the end of the run.
    type: bool
    default: false
  src:
    description: With O(state=unpacked), the archive. Required then.
    type: path
  remote_src:
    description: Whether O(src) lies on the front-end. It is uploaded from the controller otherwise.
    type: bool
    default: false
  server_id:
    description:
      - With O(state=unpacked), the C(SERVER_ID) of this server.
      - Without it C(oned.conf) is left alone.
    type: int
  backup_dir:
    description:
      - With O(state=unpacked), a folder for C(server-files.tar.gz), a copy of all that is replaced or removed. It is
        complete before the first change. When it exists already, only what is not in it is added.
      - With O(state=restored), the folder of that copy. Nothing happens without one. Required then.
      - It must exist, unless it is below the collection's own, C(onefed) in OpenNebula's folder of variable data.
    type: path
extends_documentation_fragment:
  - onefed.opennebula.frontend
attributes:
  check_mode:
    description:
      - Predicts what would change.
      - An archive that is not there yet counts as a change.
    support: full
  diff_mode:
    description: Shows paths and modes, never content.
    support: full
notes:
  - An archive is checked as a whole before anything is touched. Links that lead out of their folder are left out when
    it is packed, and an archive with one is refused.
  - Run it as root. Other accounts cannot write to C(/etc/one).
seealso:
  - module: onefed.opennebula.database_backup
  - module: onefed.opennebula.database_restore
  - module: onefed.opennebula.join_journal
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Pack the leader's files
  onefed.opennebula.server_files:
    state: packed
    fetch: true
  register: packed

- name: Give them to the new server
  onefed.opennebula.server_files:
    state: unpacked
    src: "{{ packed.controller_path }}"
    server_id: 2
    backup_dir: "{{ join.journal.directory }}"

- name: Put its own files back
  onefed.opennebula.server_files:
    state: restored
    backup_dir: "{{ join.journal.directory }}"
"""

RETURN = r"""
controller_path:
  description: The archive on the controller.
  returned: success with O(state=packed) and O(fetch=true)
  type: str
  sample: /root/.ansible/tmp/ansible-local-4711abcdefgh/onefed-deploy.example.org-4720-0a1b2c3d.tar.gz
dest:
  description: The archive on the front-end.
  returned: success with O(state=packed) and O(fetch=false)
  type: str
  sample: /var/lib/onefed/snapshots/files-20250401T120000Z.tar.gz
size:
  description: Its size in bytes. V(null) in check mode.
  returned: success with O(state=packed) and O(fetch=false)
  type: int
  sample: 1048576
paths:
  description:
    - The files, links and folders that were replaced, added, removed or given other attributes. They begin with C(one)
      (the folder C(.one)), C(ssh), C(remotes) or C(etc).
  returned: success with O(state=unpacked) or O(state=restored), unless the archive is missing in check mode
  type: list
  elements: str
  sample: [etc/monitord.conf, one/one_auth, remotes/hooks/mine.rb]
left_out:
  description: What was not packed, or not unpacked. A folder stands for all in it.
  returned: success with O(state=packed) or O(state=unpacked), unless the archive is missing in check mode
  type: list
  elements: dict
  contains:
    path:
      description: The path.
      type: str
      sample: etc/oneflow-server.conf
    reason:
      description: Why.
      type: str
      sample: no such file or folder of a service is here
backup_file:
  description: The copy of what was replaced. V(null) without any.
  returned: success with O(state=unpacked) or O(state=restored), unless the archive is missing in check mode
  type: str
  sample: /var/lib/onefed/joins/20250401T120000Z-paris/server-files.tar.gz
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._server_files.sync import pack, restore, unpack

# The action plugin of the same name carries the archive to and from the controller.
OPTIONS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["packed", "unpacked", "restored"], "required": True},
    "dest": {"type": "path"},
    "fetch": {"type": "bool", "default": False},
    "src": {"type": "path"},
    "remote_src": {"type": "bool", "default": False},
    "server_id": {"type": "int"},
    "backup_dir": {"type": "path"},
}


def server_files(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params = module.params
    if params["state"] == "packed":
        return pack(frontend, params["dest"], module.check_mode)
    if params["state"] == "unpacked":
        return unpack(frontend, params["src"], params["server_id"], params["backup_dir"], module.check_mode)
    return restore(frontend, params["backup_dir"], module.check_mode)


def main() -> None:
    module = AnsibleModule(
        argument_spec={**FRONTEND, **OPTIONS},
        required_if=[("state", "unpacked", ["src"]), ("state", "restored", ["backup_dir"])],
        supports_check_mode=True,
    )
    run(module, server_files)


if __name__ == "__main__":
    main()
