#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: frontend_info
short_description: Examine an OpenNebula front-end
version_added: 0.1.0
description:
  - Collects all that matters for a federation from one front-end, in one go. It changes nothing.
  - A part that cannot be read holds an C(error); the other parts still come.
options:
  probe_endpoints:
    description: Endpoints of zones. It is tried whether this host reaches an C(oned) there.
    type: list
    elements: str
    default: []
  timeout:
    description: Limit of each call, in seconds. All calls together take four times as long at most.
    type: float
    default: 5.0
extends_documentation_fragment:
  - onefed.opennebula.frontend
attributes:
  check_mode:
    description: Reads only.
    support: full
  diff_mode:
    description: Changes nothing.
    support: N/A
seealso:
  - module: onefed.opennebula.federation_info
  - module: onefed.opennebula.database_info
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Examine the front-end, and whether it reaches the master
  onefed.opennebula.frontend_info:
    probe_endpoints:
      - http://192.0.2.11:2633/RPC2
  register: found

- name: Show the mode that is configured, and the one that runs
  ansible.builtin.debug:
    msg: "{{ found.frontend.conf.mode }} {{ found.frontend.api.mode }}"
"""

RETURN = r"""
frontend:
  description: The front-end. It holds no secret.
  returned: success
  type: dict
  contains:
    installed:
      description: Whether the program C(oned) is there.
      type: bool
    oned_version:
      description: Version of that program, V(null) if it does not tell.
      type: str
      sample: 7.4.0
    conf:
      description: What C(oned.conf) says, or would say if it left something to the defaults.
      type: dict
      contains:
        path:
          description: The file.
          type: str
          sample: /etc/one/oned.conf
        error:
          description: Why the file cannot be used, V(null) if it can. All else is V(null) then.
          type: str
        mode:
          description: C(MODE) of C(FEDERATION).
          type: str
          sample: STANDALONE
        zone_id:
          description: C(ZONE_ID) of C(FEDERATION).
          type: int
          sample: 0
        server_id:
          description: C(SERVER_ID) of C(FEDERATION).
          type: int
          sample: -1
        master_oned:
          description: C(MASTER_ONED) of C(FEDERATION).
          type: str
        port:
          description: Port of the API.
          type: int
          sample: 2633
        listen_address:
          description: Address of the API.
          type: str
          sample: 0.0.0.0
        backend:
          description: Database backend.
          type: str
          sample: sqlite
        db_name:
          description: Name of the database, V(null) with SQLite.
          type: str
        vectors:
          description: C(FEDERATION) and C(RAFT) as they are in the file.
          type: dict
          sample: {"FEDERATION": {"MODE": "STANDALONE", "ZONE_ID": "0"}}
        lens_problems:
          description: What keeps C(onedb) from reading the file.
          type: list
          elements: str
    service:
      description: The service.
      type: dict
      contains:
        state:
          description: V(running), V(stopped), V(failed) (also while systemd waits for the next try) or V(unknown).
          type: str
          sample: running
        enabled:
          description: Whether it starts with the host, V(null) if that is unknown.
          type: bool
        error:
          description: Why it is unknown.
          type: str
    api:
      description: What the running C(oned) says. What it did not tell is V(null).
      type: dict
      contains:
        state:
          description: V(open) when it answers, otherwise why not, such as V(refused) or V(timeout).
          type: str
          sample: open
        detail:
          description: The same in words.
          type: str
        authenticated:
          description: Whether it accepts C(one_auth).
          type: bool
        version:
          description: Version of the running program.
          type: str
          sample: 7.4.0
        mode:
          description: C(MODE) that runs.
          type: str
          sample: MASTER
        zone_id:
          description: C(ZONE_ID) that runs.
          type: int
        server_id:
          description: Id of this server in its zone, V(-1) in a zone of one server.
          type: int
        conf:
          description: The configuration that runs. C(PORT), C(LISTEN_ADDRESS) and the keys of C(FEDERATION).
          type: dict
          sample: {"PORT": "2633", "MODE": "MASTER", "ZONE_ID": "0"}
        zones:
          description: The zones it knows, as M(onefed.opennebula.zone_info) returns them.
          type: list
          elements: dict
        raft:
          description: Its Raft status, with keys in lower case.
          type: dict
          sample: {"state_name": "solo", "fedlog_index": 512, "federated_log": "filled"}
        errors:
          description: What went wrong in asking.
          type: list
          elements: str
    database:
      description: The database as M(onefed.opennebula.database_info) returns it, or V(error).
      type: dict
    auth_files:
      description: Names of the auth files.
      type: list
      elements: str
      sample: [one_auth, sunstone_auth]
    one_auth:
      description: V(ok), V(missing), V(rejected) by C(oned), or V(unknown) while the API does not answer.
      type: str
      sample: ok
    disk:
      description: Room for backups, in bytes.
      type: dict
      contains:
        free:
          description: What is free in the file system of OpenNebula's var folder.
          type: int
        needed:
          description: What a join needs.
          type: int
        error:
          description: Why that is unknown.
          type: str
    time:
      description: The host's clock, in seconds since 1970.
      type: float
    journal:
      description: Journal of a join in progress as M(onefed.opennebula.join_journal) returns it, V(null) without one.
      type: dict
    probes:
      description: By endpoint, how it answered.
      type: dict
      sample: {"http://192.0.2.11:2633/RPC2": {"state": "open", "detail": "oned answers"}}
    beside:
      description: Active services of OpenNebula beside C(oned). They keep old credentials until they restart.
      type: list
      elements: str
      sample: [opennebula-flow]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.onefed.opennebula.plugins.module_utils._argspec import FRONTEND
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend_facts import examine
from ansible_collections.onefed.opennebula.plugins.module_utils._module import run


def frontend_info(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    facts = examine(frontend, module.params["probe_endpoints"], module.params["timeout"])
    return {"changed": False, "frontend": facts}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **FRONTEND,
            "probe_endpoints": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float", "default": 5.0},
        },
        supports_check_mode=True,
    )
    run(module, frontend_info)


if __name__ == "__main__":
    main()
