#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oned_service
short_description: Start and stop the OpenNebula daemon
version_added: 1.0.0
description:
  - Starts C(oned) and waits until its API answers; stops it and waits until it has ended.
  - A start that fails is noticed at once, although systemd goes on showing the unit as starting, and is reported with
    the words of C(oned) in the journal and in C(oned.log).
  - Works with the systemd unit of packages, and with C(bin/one) of a self-contained OpenNebula.
  - Units that systemd stops together with C(oned), because they require it or are bound to it, run again after the next
    start. None of OpenNebula's packages does so.
options:
  state:
    description:
      - V(started), V(stopped) and V(restarted) as usual; V(restarted) also starts an C(oned) that is stopped.
      - V(initialized) fills a new database, which only a first start does. C(oned) is started and stopped again.
        Nothing happens when the database has been filled before.
      - V(restart_needed) starts and stops nothing. It notes that the running C(oned) has to be restarted, because what
        C(oned) reads at its start is about to change. M(onefed.opennebula.frontend_info) reports this until another
        C(oned) runs.
      - V(alone) stops only the companions of C(oned), as O(services) describes them, and leaves C(oned) as it is.
    type: str
    choices: [started, stopped, restarted, initialized, restart_needed, alone]
    default: started
  wait:
    description:
      - Whether to wait until the API answers, or until C(oned) has ended. V(initialized) always waits.
      - Also an C(oned) that runs already is waited for.
    type: bool
    default: true
  services:
    description:
      - Whether V(stopped) and V(restarted) first stop the companions of C(oned) that OpenNebula's packages install
        and that keep credentials in memory, such as C(opennebula-flow), C(opennebula-fireedge) and C(opennebula-hem).
      - Those that ran are started after the next start of C(oned) by this module. While the journal of a join is open,
        they are started when it is closed, see M(onefed.opennebula.join_journal).
      - A self-contained OpenNebula has no such services.
    type: bool
    default: false
  log_end:
    description: Whether to return where the log ends in the database of an C(oned) that has stopped.
    type: bool
    default: false
  timeout:
    description: Limit of each wait, in seconds.
    type: float
    default: 120.0
extends_documentation_fragment:
  - onefed.opennebula.change
  - onefed.opennebula.frontend
  - onefed.opennebula.login
attributes:
  diff_mode:
    description: Shows no difference.
    support: none
notes:
  - A start that failed is stopped for good, so that systemd does not repeat it. Its count of failed starts is reset
    before each start.
  - systemd starts C(opennebula-hem), and C(opennebula-scheduler) until OpenNebula 6.10, together with C(oned).
seealso:
  - module: onefed.opennebula.oned_conf
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Restart oned and wait for its API
  onefed.opennebula.oned_service:
    state: restarted

- name: Create the database of a new front-end
  onefed.opennebula.oned_service:
    state: initialized
"""

RETURN = r"""
state:
  description: V(running) or V(stopped), as it is afterwards.
  returned: success
  type: str
  sample: running
services:
  description:
    - Services that were started again after C(oned).
    - One that does not run is also reported as a warning. It is no failure.
  returned: success
  type: list
  elements: dict
  contains:
    unit:
      description: The unit.
      type: str
      sample: opennebula-flow
    error:
      description: Why it does not run, with the last lines of its journal. V(null) when it does.
      type: str
log:
  description: Where the log ends. V(null) in check mode, before a first start, and unless O(log_end) asks for it.
  returned: success
  type: dict
  contains:
    last_index:
      description: Index of the newest record. V(null) without any record.
      type: int
      sample: 4711
    last_applied:
      description: Index of the newest record that was carried out.
      type: int
      sample: 4711
    term:
      description: Term of the newest record.
      type: int
      sample: 3
    applied_term:
      description: Term of the newest record that was carried out.
      type: int
      sample: 3
drivers_ended:
  description:
    - Drivers of C(oned) that did not end with it, so that they were sent SIGTERM. Without that it would have hung after
      its last line in C(oned.log) until systemd kills it.
    - This is also reported as a warning.
  returned: success
  type: list
  elements: str
  sample: [one_tm.rb]
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 7.2
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND, LOGIN
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._service.companions import warnings
from ..module_utils._service.drivers import hung
from ..module_utils._service.oned import ensure


def oned_service(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params = module.params
    result = ensure(
        frontend,
        params["state"],
        params["wait"],
        params["timeout"],
        module.check_mode,
        with_companions=params["services"],
        login=params,
        log_end=params["log_end"],
    )
    for text in [*warnings(result["services"]), *hung(result["drivers_ended"])]:
        module.warn(text)
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **FRONTEND,
            **LOGIN,
            "state": {
                "type": "str",
                "choices": ["started", "stopped", "restarted", "initialized", "restart_needed", "alone"],
                "default": "started",
            },
            "wait": {"type": "bool", "default": True},
            "services": {"type": "bool", "default": False},
            "log_end": {"type": "bool", "default": False},
            "timeout": {"type": "float", "default": 120.0},
        },
        supports_check_mode=True,
    )
    run(module, oned_service)


if __name__ == "__main__":
    main()
