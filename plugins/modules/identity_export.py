#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: identity_export
short_description: Export the identities of an OpenNebula zone and the owners of its objects
version_added: 1.0.0
description:
  - Writes a readable YAML document on the controller, with the users of a zone, their stored password hashes, drivers
    and attributes, groups with their administrators, VDCs with their resources, access rules, quotas, the zone's own
    marketplaces with their apps, and the owner and group of every object by name.
  - Of VM templates it tells whose images, networks and VM groups they use by name and owner (C(IMAGE_UNAME),
    C(NETWORK_UID) and the like).
  - The document is the backup that OpenNebula's documentation asks for before a zone joins a federation, and what
    M(onefed.opennebula.identity_import) reads.
  - Objects of users, groups, VDCs, zones and marketplaces are named, because their ids change when the zone joins.
    Everything but the part C(source) is the same for two zones with the same identities.
options:
  dest:
    description:
      - Path of the document on the controller. A relative one is relative to the playbook. Folders are made for their
        owner alone.
      - It is written with mode V(0600), because it holds password hashes and decrypted attributes.
      - Either this or O(fetch) has to be given.
    type: path
  fetch:
    description:
      - Whether the document is only for later tasks of this run, such as one that plans an import. It is compressed.
      - It lies in Ansible's temporary folder on the controller and vanishes at the end of the run.
    type: bool
    default: false
extends_documentation_fragment:
  - onefed.opennebula.api
  - onefed.opennebula.frontend
attributes:
  check_mode:
    description: Tells whether the document would change, and writes nothing.
    support: full
  diff_mode:
    description: There is no diff, because the document holds secrets.
    support: none
notes:
  - The user must be C(oneadmin); no other user sees everything.
  - Login tokens are not in the document, since OpenNebula takes none from outside; users make new ones.
  - Objects created after the export are missing from the document. Export while no user can write to the zone.
seealso:
  - module: onefed.opennebula.identity_import
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Write down who is who in the zone of Lyon
  onefed.opennebula.identity_export:
    dest: "{{ playbook_dir }}/backup/lyon.yml"
  delegate_to: lyon-1
"""

RETURN = r"""
dest:
  description: Path of the document.
  returned: success and not fetched
  type: str
  sample: /srv/playbooks/backup/lyon.yml
controller_path:
  description: Path of the document, for O(onefed.opennebula.identity_import#module:src). In check mode it is made up.
  returned: success and fetched
  type: str
zone:
  description: The zone's name.
  returned: success
  type: str
  sample: lyon
counts:
  description: How many users, groups, VDCs, access rules, marketplaces and objects of each kind the document has.
  returned: success
  type: dict
  sample: {"users": 202, "groups": 22, "vdcs": 6, "acls": 63, "marketplaces": 1, "templates": 500, "vms": 50}
notes:
  description: What is to be known about the export, such as rules that name a user or group that no longer exists.
  returned: success
  type: list
  elements: str
  sample: []
sha256:
  description: Digest of the content, the same for the same content.
  returned: success
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
"""

import os
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._api.client import client_for
from ..module_utils._argspec import API, FRONTEND
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._zone_import.export import counts, export
from ..module_utils._zone_import.transport import digest, pack


def identity_export(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    document = export(client_for(module.params, frontend))
    dest = module.params["dest"]
    if not module.check_mode:
        if dest is None:
            descriptor, dest = tempfile.mkstemp(prefix="onefed-", suffix=".json.gz")
            os.close(descriptor)
        pack(dest, document)
    return {
        "changed": not module.check_mode,
        "dest": dest,
        "zone": document["source"]["zone"]["name"],
        "counts": counts(document),
        "notes": document["source"]["notes"],
        "sha256": digest(document),
    }


def main() -> None:
    # The action plugin of the same name acts on dest and fetch, and gives the module a path on the host, or none.
    options = {"dest": {"type": "path"}, "fetch": {"type": "bool", "default": False}}
    run(AnsibleModule(argument_spec={**API, **FRONTEND, **options}, supports_check_mode=True), identity_export)


if __name__ == "__main__":
    main()
