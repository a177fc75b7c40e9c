#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: upgrade_files
short_description: Save, bring up to date and put back OpenNebula's configuration around an upgrade
version_added: 1.0.0
description:
  - Works on OpenNebula's folder C(etc), on C(remotes/etc) and on the folder C(.one) of the account of C(oned), for the
    upgrade whose journal is open (M(onefed.opennebula.upgrade_journal)).
options:
  state:
    description:
      - V(saved) writes all of it into C(configuration.tar) in the folder of the upgrade. An archive that is there is
        never overwritten, but checked.
      - V(converged) comes after the new packages. Where C(onecfg) has updates it is run, with the rights of the account
        of C(oned) and on a copy, whose changes are taken over; else the files stay the operator's. C(MODE),
        C(ZONE_ID), C(MASTER_ONED) and the rest of C(FEDERATION), C(DB) and the hooks of Raft in C(oned.conf) stay as
        they were saved. Auth files that the new release needs and that are missing are made, with the content of one
        that is there.
      - V(restored) makes the files what V(saved) found, and removes those that were added since. C(oned) must be
        stopped. What is replaced is kept in C(configuration-upgraded.tar) in the folder of the upgrade.
    type: str
    choices: [saved, converged, restored]
    required: true
  timeout:
    description: How long C(onecfg) may take, in seconds.
    type: float
    default: 300.0
extends_documentation_fragment:
  - onefed.opennebula.change
  - onefed.opennebula.frontend
attributes:
  diff_mode:
    description: Shows which files differ, no content.
    support: full
seealso:
  - module: onefed.opennebula.upgrade_journal
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Save the configuration
  onefed.opennebula.upgrade_files:
    state: saved

- name: Bring it up to date
  onefed.opennebula.upgrade_files:
    state: converged
  register: configuration

- name: Put it back
  onefed.opennebula.upgrade_files:
    state: restored
"""

RETURN = r"""
archive:
  description: The archive of the configuration, V(null) when check mode only predicts the journal.
  returned: success
  type: str
  sample: /var/lib/onefed/upgrades/20250401T120000Z-7.0.1-to-7.4.0/configuration.tar
paths:
  description: What changed, by names of the folders C(etc), C(remotes) and C(one). Empty with O(state=saved).
  returned: success
  type: list
  elements: str
  sample: [etc/oned.conf, one/oneks_auth]
left_out:
  description: What could not be saved, and why.
  returned: success
  type: list
  elements: dict
  sample: [{"path": "etc/tls", "reason": "it is a link out of its folder, to /etc/ssl"}]
report:
  description:
    - How C(oned.conf) and the new release's own one differ. V(null) unless O(state=converged).
  returned: success
  type: dict
  contains:
    stock:
      description: The new release's own file. V(null), and nothing is compared, where none is known.
      type: str
      sample: /etc/one/oned.conf.dpkg-dist
    unknown:
      description: Attributes of C(oned.conf) that the new release's file no longer names.
      type: list
      elements: str
      sample: [SCRIPTS_REMOTE_DIR]
    new:
      description: Attributes that only the new release's file sets, with their values; secrets are masked.
      type: dict
      sample: {"GRPC_PORT": "2634"}
    refused:
      description: What C(oned) or OpenNebula's own tools do not read in C(oned.conf).
      type: list
      elements: str
onecfg:
  description: What C(onecfg upgrade) wrote last, V(null) when it was not run.
  returned: success
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._upgrade.files import manage


def upgrade_files(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params = module.params
    result = manage(frontend, params["state"], params["timeout"], module.check_mode)
    if not module._diff:
        del result["diff"]
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **FRONTEND,
            "state": {"type": "str", "choices": ["saved", "converged", "restored"], "required": True},
            "timeout": {"type": "float", "default": 300.0},
        },
        supports_check_mode=True,
    )
    run(module, upgrade_files)


if __name__ == "__main__":
    main()
