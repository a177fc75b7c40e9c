#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: zone_references
short_description: Remove what names zones that have left an OpenNebula federation
version_added: 1.0.0
description:
  - OpenNebula deletes the record of a zone without a look at what refers to it. Access rules that hold in it go along;
    its resources in VDCs stay, and so do its marketplaces with their apps, which no zone looks after any more.
  - This module removes what names zones without a record, at the federation master or through a slave. Users and
    groups stay.
  - Of an app only the record goes. What it consists of stays where its marketplace keeps it.
  - Playbook C(onefed.opennebula.remove_zone) runs it in its place among the other steps.
options:
  id:
    description:
      - A zone whose record is there yet, and which is treated as if it were not.
    type: int
extends_documentation_fragment:
  - onefed.opennebula.api
  - onefed.opennebula.frontend
attributes:
  check_mode:
    description: Can run in check mode and predict the change.
    support: full
  diff_mode:
    description: Returns what is different, before and after.
    support: full
seealso:
  - module: onefed.opennebula.zone
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: See what names zones
  onefed.opennebula.zone_references:
  check_mode: true
  register: named

- name: Remove what names zones that are no more
  onefed.opennebula.zone_references:
"""

RETURN = r"""
references:
  description: What named each zone, by rising id, before anything was removed.
  returned: success
  type: list
  elements: dict
  contains:
    zone_id:
      description: Id of the zone.
      type: int
    name:
      description: Name of the zone, V(null) where it has no record.
      type: str
    vdcs:
      description: VDCs with resources of the zone.
      type: list
      elements: dict
      contains:
        id:
          description: Id.
          type: int
        name:
          description: Name.
          type: str
        resources:
          description: Pairs of kind and id; the id -10 is all of a kind.
          type: list
          elements: list
          sample: [[cluster, -10]]
    rules:
      description: Pairs of id and text of access rules that hold in the zone, or are about it.
      type: list
      elements: list
      sample: [[27, "@101 NET/* USE #100"]]
    groups:
      description: Names of groups that have such rules.
      type: list
      elements: str
    marketplaces:
      description: Marketplaces of the zone, without OpenNebula's own.
      type: list
      elements: dict
      contains:
        id:
          description: Id.
          type: int
        name:
          description: Name.
          type: str
        apps:
          description: Names of its apps.
          type: list
          elements: str
removed:
  description: What was removed, in the shape of RV(references).
  returned: success
  type: list
  elements: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._api.client import client_for
from ..module_utils._argspec import API, FRONTEND
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._resources.zone_references import end_references


def zone_references(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    return end_references(client_for(module.params, frontend), module.params["id"], module.check_mode)


def main() -> None:
    module = AnsibleModule(argument_spec={**API, **FRONTEND, "id": {"type": "int"}}, supports_check_mode=True)
    run(module, zone_references)


if __name__ == "__main__":
    main()
