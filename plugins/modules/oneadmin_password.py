#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oneadmin_password
short_description: Change the password of oneadmin in a federation, one step at a time
version_added: 1.0.0
description:
  - The steps of playbook C(onefed.opennebula.rotate_oneadmin), which runs them in their order on all servers. Use the
    playbook.
  - Zones, and the servers of a zone, log in to each other with the password of user 0 in the file C(one_auth). A change
    by hand in one place ends replication.
  - A login token, called the bridge, is accepted together with the old and the new password meanwhile. So replication
    and elections go on at every moment, and an interrupted change harms nothing and is repaired by repeating it.
options:
  step:
    description:
      - V(begin), at the master, makes the bridge and, without O(password), a random new password.
      - V(accept), on every server, waits until C(oned) accepts O(password), here the bridge.
      - V(adopt), on every server, does the same and then writes it to C(one_auth). First the bridge, later the new
        password.
      - V(change), at the master, stores the new password in place of the old one. Does not take away the bridge.
      - V(restart), on every server, restarts what read an older C(one_auth) at its start. This is C(oned) on slaves,
        and C(opennebula-hem) and C(opennebula-scheduler).
      - V(finish), at the master, takes away the bridge.
    type: str
    choices: [begin, accept, adopt, change, restart, finish]
    required: true
  user:
    description: Name of user 0, as RV(user) tells. Required for V(accept) and V(adopt).
    type: str
  password:
    description: The password or the bridge. Required for V(accept), V(adopt) and V(change).
    type: str
  due:
    description: Whether V(restart) restarts them even if nothing tells that it is necessary.
    type: bool
    default: false
  timeout:
    description: How long to wait for C(oned), in seconds.
    type: float
    default: 60.0
extends_documentation_fragment:
  - onefed.opennebula.api
  - onefed.opennebula.frontend
attributes:
  check_mode:
    description: Predicts whether it would change anything. Nothing is waited for.
    support: full
  diff_mode:
    description: What changes is secret.
    support: none
notes:
  - With V(begin), the result holds secrets. Set C(no_log) to V(true) on the task.
  - If the master refuses C(one_auth), it is asked with O(password), for it may have been set there by hand.
  - Login tokens of oneadmin that others made stay.
  - V(change) writes the hash with C(one.system.sql), because C(one.user.passwd) takes all login tokens away at once.
seealso:
  - module: onefed.opennebula.auth_files
  - module: onefed.opennebula.user
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Make a new password, and a bridge to it
  onefed.opennebula.oneadmin_password:
    step: begin
  delegate_to: madrid-1
  run_once: true
  register: begun
  no_log: true

- name: Let the server use the bridge
  onefed.opennebula.oneadmin_password:
    step: adopt
    user: "{{ begun.user }}"
    password: "{{ begun.bridge }}"
"""

RETURN = r"""
needed:
  description: Whether the master stores another password.
  returned: with step V(begin)
  type: bool
user:
  description: Name of user 0.
  returned: with step V(begin)
  type: str
  sample: oneadmin
bridge:
  description: The login token. V(null) when none is needed and there is none. Secret.
  returned: with step V(begin)
  type: str
generated:
  description: The new password, if it was made. Secret.
  returned: with step V(begin)
  type: str
oned:
  description: Whether C(oned) was restarted.
  returned: with step V(restart)
  type: bool
services:
  description:
    - Companions of C(oned) that were restarted.
    - One that does not run is also reported as a warning. It is no failure.
  returned: with step V(restart)
  type: list
  elements: dict
  contains:
    unit:
      description: The unit.
      type: str
      sample: opennebula-hem
    error:
      description: Why it does not run. V(null) when it does.
      type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._api.client import client_for
from ..module_utils._argspec import API, FRONTEND, TEXT
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._rotation.master import (
    begin,
    change,
    connect,
    drop_bridges,
)
from ..module_utils._rotation.server import accept, adopt, restart
from ..module_utils._service.companions import warnings


def at_the_master(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    password, check_mode = module.params["password"], module.check_mode
    client = connect(client_for(module.params, frontend), password)
    if module.params["step"] == "begin":
        return begin(client, password, check_mode)
    if module.params["step"] == "change":
        return {"changed": change(client, password, check_mode)}
    return {"changed": drop_bridges(client, check_mode)}


def on_a_server(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params, check_mode = module.params, module.check_mode
    if params["step"] == "restart":
        result = restart(frontend, params["due"], params["timeout"], check_mode)
        for text in warnings(result["services"]):
            module.warn(text)
        return result
    if params["step"] == "adopt":
        return {"changed": adopt(frontend, params["user"], params["password"], params["timeout"], check_mode)}
    if not check_mode:
        accept(frontend, params["user"], params["password"], params["timeout"])
    return {"changed": False}


def main() -> None:
    steps = ["begin", "accept", "adopt", "change", "restart", "finish"]
    module = AnsibleModule(
        argument_spec={
            **API,
            **FRONTEND,
            "step": {"type": "str", "choices": steps, "required": True},
            "user": {"type": TEXT},
            "password": {"type": TEXT, "no_log": True},
            "due": {"type": "bool", "default": False},
            "timeout": {"type": "float", "default": 60.0},
        },
        required_if=[
            ("step", "accept", ("user", "password")),
            ("step", "adopt", ("user", "password")),
            ("step", "change", ("password",)),
        ],
        supports_check_mode=True,
    )
    run(module, at_the_master if module.params["step"] in ("begin", "change", "finish") else on_a_server)


if __name__ == "__main__":
    main()
