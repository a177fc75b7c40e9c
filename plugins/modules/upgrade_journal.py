#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: upgrade_journal
short_description: Keep the journal of an upgrade of OpenNebula on a front-end
version_added: 1.0.0
description:
  - Notes what a front-end was before it is upgraded to another release, and how far that has come, so that a run that
    died anywhere can be repeated or taken back.
  - The open journal is C(upgrade.json) in the collection's own folder. Each upgrade has a folder of its own below
    C(upgrades) there, for the archive of the configuration (M(onefed.opennebula.upgrade_files)) and the backup of the
    whole database (M(onefed.opennebula.database_backup)). The folders stay.
  - While a journal is open, the companions of C(oned) do not start with it, and no join can begin on the front-end.
options:
  state:
    description:
      - V(opened) notes what the front-end is and opens a journal. One of the same O(id) that is open already is kept.
        It fails while another upgrade, or a join, is in progress.
      - The O(part) of an open journal is noted anew as long as nothing was stopped.
      - Where C(oned) had been stopped with the former release and runs again, as after a loss of power, the step is
        V(opened) again, and a copy of the database that was made meanwhile gets a name that begins with C(earlier-).
      - V(updated) notes O(step), O(hypervisors) and O(federated_index) in the open journal. A step that was passed
        already is not noted again.
      - V(closed) starts the companions of C(oned) that ran when the journal was opened, and moves the journal to the
        folder of the upgrade, with a note of where the database stands. Nothing happens without an open journal.
      - V(reopened) makes the closed journal O(id) the open one, for the way back. When it is open, nothing happens but
        what V(opened) does where C(oned) runs again.
    type: str
    choices: [opened, updated, closed, reopened]
    required: true
  id:
    description:
      - Id of the upgrade, the same on all hosts of a run. Letters, digits, dots, underscores and hyphens.
      - Needed for V(opened) and V(reopened). With the other states no other journal is touched, and check mode predicts
        what happens to one that an earlier task only predicted.
    type: str
  zone_name:
    description: Name of the zone. Needed to open a journal.
    type: str
  method:
    description:
      - V(rolling) when servers are upgraded one by one, V(together) when all zones of the federation are.
      - Needed to open a journal.
    type: str
    choices: [rolling, together]
  from_release:
    description: Release that is installed. Needed to open a journal.
    type: str
  to_release:
    description: Release that is to be installed. Needed to open a journal.
    type: str
  part:
    description:
      - V(leader) for a server whose tables are migrated, V(follower) for one that gets a copy of them.
      - Needed to open a journal.
    type: str
    choices: [leader, follower]
  slave:
    description: Whether the shared tables of its zone come from a master.
    type: bool
    default: false
  step:
    description: The step that was reached, with O(state=updated). They are reached in this order.
    type: str
    choices:
      [opened, stopped, saved, installed, configured, migrating, migrated, started, proved, rolled_back, put_back]
  hypervisors:
    description: Ids of the hypervisors that the run disables, with O(state=updated).
    type: list
    elements: int
  federated_index:
    description: Index of the newest federated record when all zones were in sync, with O(state=updated).
    type: int
extends_documentation_fragment:
  - onefed.opennebula.change
  - onefed.opennebula.frontend
  - onefed.opennebula.login
attributes:
  diff_mode:
    description: Shows no difference.
    support: none
seealso:
  - module: onefed.opennebula.frontend_info
    description: Returns the open journal too.
  - module: onefed.opennebula.upgrade_info
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Open the journal
  onefed.opennebula.upgrade_journal:
    state: opened
    id: 20250401T120000Z-7.0.1-to-7.4.0
    zone_name: paris
    method: together
    from_release: 7.0.1
    to_release: 7.4.0
    part: leader
    slave: true

- name: Note which hypervisors are about to be disabled
  onefed.opennebula.upgrade_journal:
    state: updated
    id: 20250401T120000Z-7.0.1-to-7.4.0
    hypervisors: [0, 3]

- name: Close the journal
  onefed.opennebula.upgrade_journal:
    state: closed
    id: 20250401T120000Z-7.0.1-to-7.4.0
"""

RETURN = r"""
journal:
  description: The journal, V(null) when none is open.
  returned: success
  type: dict
  contains:
    id:
      description: Id of the upgrade, also the name of its folder.
      type: str
      sample: 20250401T120000Z-7.0.1-to-7.4.0
    directory:
      description: Folder of the archive and the backup.
      type: str
      sample: /var/lib/onefed/upgrades/20250401T120000Z-7.0.1-to-7.4.0
    zone_name:
      description: Name of the zone.
      type: str
      sample: paris
    method:
      description: V(rolling) or V(together).
      type: str
      sample: together
    from_release:
      description: Release that was installed.
      type: str
      sample: 7.0.1
    to_release:
      description: Release that is to be installed.
      type: str
      sample: 7.4.0
    part:
      description: V(leader) or V(follower).
      type: str
      sample: leader
    slave:
      description: Whether the shared tables come from a master.
      type: bool
    opened_at:
      description: When it was opened, in UTC.
      type: str
      sample: "2025-04-01T12:00:00Z"
    original:
      description: What the front-end was before.
      type: dict
      contains:
        running:
          description: Whether C(oned) ran.
          type: bool
        enabled:
          description: Whether C(oned) starts with the host, V(null) if that is unknown.
          type: bool
        companions:
          description: Companions of C(oned) that ran.
          type: list
          elements: str
          sample: [opennebula-hem, opennebula-flow]
        lockdown:
          description: Whether M(onefed.opennebula.zone_lockdown) had closed the zone.
          type: bool
    packages:
      description: Versions of OpenNebula's packages before, by name. Empty when OpenNebula is not from packages.
      type: dict
      sample: {"opennebula": "7.0.1-1"}
    step:
      description: The last step that was reached.
      type: str
      sample: migrated
    steps:
      description: All steps, each with its time.
      type: list
      elements: dict
      sample: [{"step": "opened", "at": "2025-04-01T12:00:00Z"}]
    hypervisors:
      description: Ids of the hypervisors that the run disables, V(null) as long as they are not noted.
      type: list
      elements: int
      sample: [0, 3]
    federated_index:
      description: Index of the newest federated record before, V(null) as long as it is not noted.
      type: int
    closed_at:
      description: When it was closed, in UTC, V(null) while it is open.
      type: str
    backups:
      description: What was saved in the folder, each V(null) as long as it is not there.
      type: dict
      contains:
        configuration:
          description: The archive of the configuration.
          type: str
          sample: /var/lib/onefed/upgrades/20250401T120000Z-7.0.1-to-7.4.0/configuration.tar
        database:
          description: The copy of the whole database.
          type: str
          sample: /var/lib/onefed/upgrades/20250401T120000Z-7.0.1-to-7.4.0/opennebula.sql
    resumed:
      description: Whether it was open before. Only with O(state=opened) and O(state=reopened).
      type: bool
services:
  description:
    - Services that O(state=closed) started.
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
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND, LOGIN
from ..module_utils._frontend.layout import Frontend
from ..module_utils._frontend.upgrade_journal import METHODS, PARTS, STEPS
from ..module_utils._module import run
from ..module_utils._service.companions import warnings
from ..module_utils._upgrade.journal import manage


def upgrade_journal(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    result = manage(frontend, module.params, module.check_mode)
    for text in warnings(result["services"]):
        module.warn(text)
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **FRONTEND,
            **LOGIN,
            "state": {"type": "str", "choices": ["opened", "updated", "closed", "reopened"], "required": True},
            "id": {"type": "str"},
            "zone_name": {"type": "str"},
            "method": {"type": "str", "choices": list(METHODS)},
            "from_release": {"type": "str"},
            "to_release": {"type": "str"},
            "part": {"type": "str", "choices": list(PARTS)},
            "slave": {"type": "bool", "default": False},
            "step": {"type": "str", "choices": list(STEPS)},
            "hypervisors": {"type": "list", "elements": "int"},
            "federated_index": {"type": "int"},
        },
        required_if=[
            ("state", "opened", ("id", "zone_name", "method", "from_release", "to_release", "part")),
            ("state", "reopened", ("id",)),
        ],
        supports_check_mode=True,
    )
    run(module, upgrade_journal)


if __name__ == "__main__":
    main()
