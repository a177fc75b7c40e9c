#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: identity_import
short_description: Bring the identities of an OpenNebula zone into a federation and give its objects to their owners
version_added: 1.0.0
description:
  - Reads a document of M(onefed.opennebula.identity_export), and creates its users, groups, VDCs, access rules and
    marketplaces at the master of a federation. Passwords and drivers stay as they were.
  - Then, in the zone that has joined, gives every object and every quota to the new id of its old owner. VM
    templates that use images, networks or VM groups by name and owner get that owner's new name or id.
  - Everything is planned first. What stands in the way is reported all at once, and nothing is changed then.
  - Names that are in the federation already are collisions unless O(conflicts) or O(overrides) say what is meant.
options:
  src:
    description: Path of the document on the controller.
    type: path
    required: true
  remote_src:
    description: Whether O(src) is on the host, as the action plugin of this module puts it there.
    type: bool
    default: false
  plan:
    description:
      - Path on the controller where the plan is kept, with mode V(0600), before anything is created.
      - An interrupted import goes on when it is repeated with the same file, and does nothing when it was complete.
        What O(conflicts), O(overrides) and O(suffix) say is of no effect then.
      - Needed for the steps V(ownership) and V(undo), which go by it.
    type: path
  step:
    description:
      - With V(plan), nothing is changed, and collisions do not fail.
      - With V(identities), everything is created at the federation's master, where the zone must have its record
        already.
      - With V(ownership), objects and quotas are given to their owners, at the zone's own C(oned) after it has joined.
        No other user may reach the zone before, because an old owner's id may belong to another user of the federation.
      - With V(all), both are done at one endpoint, such as that of an empty zone that stands alone.
      - With V(undo), everything that V(identities) has created is removed from the master again.
    type: str
    choices: [plan, identities, ownership, all, undo]
    default: all
  zone_id:
    description:
      - Id of the zone in the federation, which takes the place of V(0) in access rules and VDCs.
      - Required for V(identities) at the master of a federation.
    type: int
  joins:
    description:
      - Whether the zone is going to join a federation. Tells V(plan) so when its master, which the task asks, stands
        alone yet. Otherwise the plan is that of V(all), for a zone that stands alone.
    type: bool
    default: false
  conflicts:
    description:
      - What to do when the federation has a user, group, VDC or marketplace of the same name.
      - With V(fail), it is reported and nothing is done.
      - With V(same_person), both are the same; what the federation has stays as it is, and gains groups,
        resources and objects of the zone's.
      - With V(rename), the zone's gets another name, with O(suffix).
    type: str
    choices: [fail, same_person, rename]
    default: fail
  overrides:
    description:
      - What to do about single names, by V(users), V(groups), V(vdcs) and V(marketplaces).
      - A value is one of those of O(conflicts), or a dictionary C(rename) with the new name.
    type: dict
    default: {}
  suffix:
    description:
      - What V(rename) appends to a name.
      - By default V(_) and the name of the document's zone.
    type: str
  acl_zones:
    description:
      - What becomes of access rules that hold in all zones. The zone was the only one, so by default they hold in
        V(own) only from now on, except for what all zones share.
      - With V(all), they hold in the whole federation.
    type: str
    choices: [own, all]
    default: own
  allow_administrators:
    description:
      - Whether users of the zone's group C(oneadmin) become administrators of the whole federation, and
        administrators of the group C(users) those of the federation's.
      - Also whether access rules are imported that let users manage, administer or create users, groups, VDCs,
        zones or access rules in all zones, beyond those that the zone brings along.
    type: bool
    default: false
  orphans:
    description: Whose the objects become whose owner or group does not exist any more. With V(fail), they are reported.
    type: str
    choices: [fail, oneadmin]
    default: fail
  leave_unmovable:
    description:
      - Whether to go on although there are objects whose owner OpenNebula does not change, which are machines that
        are done. Their records will show the user who has the old owner's id in the federation.
    type: bool
    default: false
  wait_timeout:
    description: How long users and groups may take to arrive in the zone, in seconds.
    type: float
    default: 60.0
extends_documentation_fragment:
  - onefed.opennebula.api
  - onefed.opennebula.frontend
attributes:
  check_mode:
    description: Plans, fails on what stands in the way, and writes nothing.
    support: full
  diff_mode:
    description: Returns what will be created, and how many objects change hands.
    support: full
notes:
  - A user cannot log in before the import has completed the user, because users are created with a driver that does
    not exist.
  - Waits for other modules of the collection that work on the front-end, such as those of a run that was interrupted.
    With O(api_url) nothing is waited for.
  - Quotas are lifted while objects change hands, and set afterwards. What is used is counted along.
  - An app of a marketplace is recreated as a record. Its content stays where the marketplace keeps it.
  - Locked objects stay locked, but the lock becomes oneadmin's.
  - The federation's default VDC has the clusters of all zones. A group that the federation has and keeps out of it
    stays out, and gets access rules for what the zone's default VDC gave it.
  - OpenNebula makes access rules of VDCs and of administrators itself. Those that the zone did not have, because
    a user deleted them or another VDC took them along, are deleted again.
seealso:
  - module: onefed.opennebula.identity_export
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: See what the import of Lyon would do
  onefed.opennebula.identity_import:
    src: backup/lyon.yml
    step: plan
    conflicts: rename
  delegate_to: madrid-1

- name: Create the identities of Lyon at the master
  onefed.opennebula.identity_import:
    src: backup/lyon.yml
    plan: backup/lyon.plan.yml
    step: identities
    zone_id: 101
    overrides:
      users:
        ada: same_person
        bob: {rename: bob_of_lyon}
  delegate_to: madrid-1

- name: Give the objects of Lyon to their owners
  onefed.opennebula.identity_import:
    src: backup/lyon.yml
    plan: backup/lyon.plan.yml
    step: ownership
  delegate_to: lyon-1
"""

RETURN = r"""
plan:
  description: What is to be done; of an import that was begun before, what its first run said.
  returned: success
  type: dict
  contains:
    zone:
      description: Name of the document's zone.
      type: str
      sample: lyon
    zone_id:
      description: Id of the zone in the federation, V(null) if it was not given.
      type: int
      sample: 101
    acl_zones:
      description: As the option of that name.
      type: str
      sample: own
    identities:
      description:
        - What becomes of each name, by C(users), C(groups), C(vdcs) and C(marketplaces).
        - C(action) is C(create), C(same_person), C(builtin) for what every OpenNebula has, or C(begun) for what an
          interrupted run has created. C(id) is V(null) for what is still to be created.
      type: dict
      sample: {"users": [{"name": "bob", "action": "create", "new_name": "bob_of_lyon", "old_id": 3, "id": null}]}
    memberships:
      description: Groups that existing users join.
      type: list
      elements: dict
      sample: [{"user": "ada", "group": "dev"}]
    admins:
      description: Administrators that existing groups gain.
      type: list
      elements: dict
      sample: []
    vdc_groups:
      description: Groups that existing VDCs gain. OpenNebula itself puts new ones into the default VDC.
      type: list
      elements: dict
      sample: [{"vdc": "lab", "group": "dev"}]
    resources:
      description: What existing VDCs gain. C(zone) is C(own) for the document's zone.
      type: list
      elements: dict
      sample: [{"vdc": "default", "kind": "clusters", "zone": "own", "id": "all"}]
    acls:
      description:
        - Access rules to be created, by the document's names.
        - Of a rule that holds in all zones, what all zones share and what belongs to one zone are two rules.
      type: list
      elements: dict
      sample: [{"who": "@dev", "kinds": ["NET"], "which": "#3", "rights": ["USE"], "zone": "own"}]
    objects:
      description: How many objects of each kind there are, and how many change the id of owner or group.
      type: dict
      sample: {"templates": {"all": 500, "changing": 480}}
    references:
      description:
        - How many VM templates use images, networks or VM groups by their name and owner, such as with C(IMAGE_UNAME),
          and in how many one of those owners gets another name or id, which is written into them.
      type: dict
      sample: {"all": 12, "changing": 9}
    unmovable:
      description: Ids of objects whose owner cannot be changed, by kind.
      type: dict
      sample: {"vms": [7]}
    collisions:
      description: Names that the federation has already.
      type: list
      elements: str
      sample: []
    problems:
      description: What else stands in the way.
      type: list
      elements: str
      sample: []
    warnings:
      description: What is to be known.
      type: list
      elements: str
      sample: []
    done:
      description: Steps that are complete.
      type: list
      elements: str
      sample: [identities]
moved:
  description: How many objects of each kind were given to their owners, or in check mode are to be.
  returned: success
  type: dict
  sample: {"templates": 480, "vms": 50}
"""

import contextlib
import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._api.client import client_for
from ..module_utils._argspec import API, FRONTEND, TEXT
from ..module_utils._errors import OnefedError
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._zone_import.steps import (
    STEPS,
    alone,
    options_of,
    run_import,
    summary,
)
from ..module_utils._zone_import.transport import unpack


def identity_import(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params = module.params
    if not params["remote_src"]:
        raise OnefedError("The document is brought by the action plugin of identity_import, which did not run.")
    content = unpack(params["src"])
    document, begun = content["document"], content["begun"]
    options = options_of(document, params)
    client = client_for(params, frontend)
    step, check_mode = params["step"], module.check_mode
    # The lock of another machine is there.
    others = contextlib.nullcontext() if params["api_url"] else alone(frontend, step, check_mode)
    with others:
        result = run_import(client, document, step, options, begun, check_mode, params["wait_timeout"])
    if any(secret in json.dumps(result["plan"]) for secret in module.no_log_values):
        # Ansible would blank it out, and the plan that is kept would be worth nothing.
        raise OnefedError(
            "The value of api_password occurs in the plan of the import. Run the module on a front-end without "
            "api_username and api_password."
        )
    for warning in result["plan"].get("warnings", []):
        module.warn(warning)
    return {**result, "diff": {"before": {}, "after": summary(result)}}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **API,
            **FRONTEND,
            "src": {"type": "path", "required": True},
            "remote_src": {"type": "bool", "default": False},
            "plan": {"type": "path"},
            "step": {"type": "str", "choices": list(STEPS), "default": "all"},
            "zone_id": {"type": "int"},
            "joins": {"type": "bool", "default": False},
            "conflicts": {"type": "str", "choices": ["fail", "same_person", "rename"], "default": "fail"},
            "overrides": {"type": "dict", "default": {}},
            "suffix": {"type": TEXT},
            "acl_zones": {"type": "str", "choices": ["own", "all"], "default": "own"},
            "allow_administrators": {"type": "bool", "default": False},
            "orphans": {"type": "str", "choices": ["fail", "oneadmin"], "default": "fail"},
            "leave_unmovable": {"type": "bool", "default": False},
            "wait_timeout": {"type": "float", "default": 60.0},
        },
        supports_check_mode=True,
    )
    run(module, identity_import)


if __name__ == "__main__":
    main()
