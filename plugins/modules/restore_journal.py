#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: restore_journal
short_description: Keep the journal of a restore on a front-end
version_added: 1.0.0
description:
  - Notes that a front-end is being made what a backup of its federation holds, and how far that has come, so that a run
    that died anywhere can be repeated.
  - The open journal is C(restore.json) in the collection's own folder. Each restore has a folder of its own below
    C(restores) there, for what was on the front-end before. The folders stay.
  - While a journal is open, the companions of C(oned) do not start with it, and other playbooks refuse the front-end.
options:
  state:
    description:
      - V(opened) opens a journal. One of the same O(id) that is open already is kept. It fails while the restore of
        another backup, a join, or an upgrade is in progress.
      - V(updated) notes O(step). A step that was passed already is not noted again.
      - V(closed) starts the companions of C(oned) that ran when the journal was opened, and notes that this was the
        last restore. Nothing happens without an open journal.
    type: str
    choices: [opened, updated, closed]
    required: true
  id:
    description: Id of the backup.
    type: str
    required: true
  zone_name:
    description: Name of the zone. Needed for V(opened).
    type: str
  step:
    description: What the restore has come to. Needed for V(updated).
    type: str
    choices: [opened, stopped, saved, restoring, restored, started]
extends_documentation_fragment:
  - onefed.opennebula.frontend
attributes:
  check_mode:
    description: Predicts what would change.
    support: full
  diff_mode:
    description: A journal has nothing to compare with.
    support: N/A
seealso:
  - module: onefed.opennebula.database_restore
  - module: onefed.opennebula.server_files
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Open the journal of the restore
  onefed.opennebula.restore_journal:
    state: opened
    id: 20261130T040000Z-federation
    zone_name: paris
  register: opened
"""

RETURN = r"""
journal:
  description: The journal. V(null) without one.
  returned: success
  type: dict
  contains:
    id:
      description: Id of the backup.
      type: str
      sample: 20261130T040000Z-federation
    directory:
      description: Folder for what was on the front-end before.
      type: str
      sample: /var/lib/onefed/restores/20261130T051500Z-20261130T040000Z-federation
    zone_name:
      description: Name of the zone.
      type: str
      sample: paris
    opened_at:
      description: When it was opened.
      type: str
      sample: "2026-11-30T05:15:00Z"
    closed_at:
      description: When it was closed. V(null) while it is open.
      type: str
    original:
      description: What ran before, as C(running), C(enabled) and C(companions).
      type: dict
    step:
      description: The newest step.
      type: str
      sample: saved
    steps:
      description: All steps with their times.
      type: list
      elements: dict
services:
  description: Companions that were started.
  returned: success
  type: list
  elements: dict
  contains:
    unit:
      description: The unit.
      type: str
      sample: opennebula-flow
    active:
      description: Whether it runs.
      type: bool
    error:
      description: Why it does not run, with the last lines of its journal. V(null) when it does.
      type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND
from ..module_utils._frontend.layout import Frontend
from ..module_utils._frontend.restore_journal import STEPS
from ..module_utils._module import run
from ..module_utils._recovery.restore_journal import manage
from ..module_utils._service.companions import warnings


def restore_journal(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    result = manage(frontend, module.params, module.check_mode)
    for text in warnings(result["services"]):
        module.warn(text)
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **FRONTEND,
            "state": {"type": "str", "choices": ["opened", "updated", "closed"], "required": True},
            "id": {"type": "str", "required": True},
            "zone_name": {"type": "str"},
            "step": {"type": "str", "choices": list(STEPS)},
        },
        required_if=[("state", "opened", ("zone_name",)), ("state", "updated", ("step",))],
        supports_check_mode=True,
    )
    run(module, restore_journal)


if __name__ == "__main__":
    main()
