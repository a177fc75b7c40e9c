#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: upgrade_info
short_description: What an upgrade of an OpenNebula front-end has to know
version_added: 1.0.0
description:
  - Tells which release is installed, runs and is available, which versions the database has and needs, what would be in
    the way of an upgrade, and how far one has come.
options:
  target:
    description: Release to look for among the packages that can be installed, such as V(7.4) or V(7.4.0).
    type: str
  timeout:
    description: How long one call of C(oned) may take, in seconds.
    type: float
    default: 10.0
extends_documentation_fragment:
  - onefed.opennebula.frontend
  - onefed.opennebula.info
  - onefed.opennebula.login
seealso:
  - module: onefed.opennebula.frontend_info
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Ask what an upgrade has to know
  onefed.opennebula.upgrade_info:
    target: "7.4"
  register: found
"""

RETURN = r"""
upgrade:
  description: What was found. A part that is not known is V(null).
  returned: success
  type: dict
  contains:
    release:
      description: The release that is installed.
      type: str
      sample: 7.0.1
    running:
      description: The release that runs, V(null) when C(oned) does not answer. A follower asks its leader.
      type: str
      sample: 7.0.1
    required:
      description: The versions that the installed release needs.
      type: dict
      contains:
        shared:
          description: That of the shared tables.
          type: str
          sample: 7.0.0
        local:
          description: That of the local tables.
          type: str
          sample: 7.0.0
    stored:
      description: The versions that the database has.
      type: dict
      contains:
        shared:
          description: That of the shared tables.
          type: str
          sample: 7.0.0
        local:
          description: That of the local tables.
          type: str
          sample: 7.0.0
        is_slave:
          description: Whether it is marked as the database of a federation slave.
          type: bool
    packages:
      description: Versions of OpenNebula's packages by name. Empty when OpenNebula is not from packages.
      type: dict
      sample: {"opennebula": "7.0.1-1"}
    candidates:
      description:
        - Versions for O(target) that can be installed, by name, of the packages that are installed and of
          C(opennebula-migration). Empty when OpenNebula is not from packages, or no repository has the release.
      type: dict
      sample: {"opennebula": "7.4.0-1"}
    machines:
      description:
        - Virtual machines that something is being done with. V(null) on a follower, and when C(oned) does not answer.
      type: list
      elements: dict
      contains:
        id:
          description: Id of the machine.
          type: int
          sample: 7
        name:
          description: Its name.
          type: str
          sample: web
        state:
          description: Its state, as OpenNebula calls it.
          type: str
          sample: PROLOG
    hypervisors:
      description: Ids of the hypervisors that are enabled. V(null) as for RV(upgrade.machines).
      type: list
      elements: int
      sample: [0, 3]
    distribution:
      description: The host's distribution, by its file C(os-release).
      type: dict
      contains:
        id:
          description: Its name.
          type: str
          sample: debian
        version_id:
          description: Its version.
          type: str
          sample: "12"
    onecfg:
      description: OpenNebula's tool for the configuration.
      type: dict
      contains:
        installed:
          description: Whether it is there, and keeps the version of the configuration.
          type: bool
        status:
          description: What C(onecfg status) says.
          type: str
        pending:
          description: Whether updates of the configuration are pending.
          type: bool
    disk:
      description: Room in the file system of the collection's own folder, in bytes.
      type: dict
      contains:
        free:
          description: What is free.
          type: int
        needed:
          description: What an upgrade needs, for the backup, the migration and the configuration.
          type: int
    database_size:
      description: Size of the database, in bytes.
      type: int
    login_passes:
      description:
        - Whether C(onedb) can log in to a database server with the password of C(oned), in which it turns a space into
          a plus sign. V(null) where C(oned.conf) cannot be read.
      type: bool
    journal:
      description: The open journal as M(onefed.opennebula.upgrade_journal) returns it, V(null) without one.
      type: dict
    closed:
      description: Id of the newest upgrade that has ended and was not taken back, V(null) without one.
      type: str
      sample: 20250401T120000Z-7.0.1-to-7.4.0
    closed_journal:
      description: The journal of the upgrade RV(upgrade.closed), as M(onefed.opennebula.upgrade_journal) returns it.
      type: dict
    written:
      description:
        - Whether the log, or the ids that are in use, moved since the upgrade RV(upgrade.closed) ended.
        - V(null) without one.
      type: bool
    errors:
      description: Why parts are not known.
      type: list
      elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND, LOGIN, TEXT
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._upgrade.info import examine


def upgrade_info(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params = module.params
    return {"changed": False, "upgrade": examine(frontend, params["target"], params["timeout"], params)}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **FRONTEND,
            **LOGIN,
            "target": {"type": TEXT},
            "timeout": {"type": "float", "default": 10.0},
        },
        supports_check_mode=True,
    )
    run(module, upgrade_info)


if __name__ == "__main__":
    main()
