#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: federation_backup
short_description: Keep backups of a federation on the controller
version_added: 1.0.0
description:
  - A backup is a folder with files of every zone and C(manifest.json), which has their digests. It is made under a name
    that ends in C(.part), and gets its own when all files were read once more. When parts of it are missing, its name
    ends in C(.incomplete).
  - Everything happens on the controller. Nothing is asked of any host.
options:
  state:
    description:
      - V(begun) makes the folder of a new backup, for its owner alone, and tries to encrypt for O(recipient).
      - V(stored) moves the file O(src) into it, as O(name), encrypted if there is a O(recipient).
      - V(completed) reads all files that O(manifest) names once more, writes the manifest and gives the folder its
        name. If the backup is complete, older ones than O(keep) go.
      - V(read) reads a whole backup and compares every file with its digests, before and after decryption.
      - V(opened) decrypts the file O(name) of the backup O(path) into Ansible's temporary folder, readable for this
        user only.
    type: str
    choices: [begun, stored, completed, read, opened]
    required: true
  folder:
    description: Folder that keeps the backups. Needed for V(begun) and V(read).
    type: path
  id:
    description: Name of the new backup. Needed for V(begun).
    type: str
  path:
    description: Folder of the backup. Needed for V(stored), V(completed) and V(opened).
    type: path
  name:
    description: Name of the file in the backup. Needed for V(stored) and V(opened).
    type: str
  src:
    description:
      - With V(stored), the file that is moved.
      - With V(read), the id of the backup in O(folder), or its path. By default the newest complete one of O(group).
    type: path
  recipient:
    description: A public key of age, or the id or name of a key of gpg on the controller.
    type: str
  identity:
    description: File with the secret key of age that reads the backup.
    type: path
  manifest:
    description: What filter P(onefed.opennebula.backup_manifest#filter) returned. Needed for V(completed).
    type: dict
  keep:
    description: How many complete backups stay; V(0) for all.
    type: int
    default: 0
  group:
    description: Group of the federation. Needed for V(read).
    type: str
attributes:
  check_mode:
    description: Tries the encryption, and reads. Writes nothing but files that are decrypted, which are removed again.
    support: full
  diff_mode:
    description: A backup has nothing to compare with.
    support: N/A
seealso:
  - module: onefed.opennebula.database_backup
  - module: onefed.opennebula.server_files
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: See whether the newest backup can be restored
  onefed.opennebula.federation_backup:
    state: read
    folder: /srv/backups
    group: federation
  register: found
  run_once: true
"""

RETURN = r"""
path:
  description: Folder of the backup.
  returned: success with V(begun), V(completed) and V(read)
  type: str
  sample: /srv/backups/20261130T040000Z-federation
file:
  description:
    - The file as the manifest has it, with C(name), C(size), C(sha256) and C(clear_sha256). V(null) in check mode.
  returned: success with V(stored)
  type: dict
removed:
  description: Names of older backups that are gone.
  returned: success with V(completed)
  type: list
  elements: str
manifest:
  description: The manifest. It holds no secret.
  returned: success with V(read)
  type: dict
faults:
  description: What of the files is not as it was written, in words.
  returned: success with V(read)
  type: list
  elements: str
controller_path:
  description: The file as it was before encryption.
  returned: success with V(opened)
  type: str
"""
