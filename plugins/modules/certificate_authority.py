#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_authority
short_description: A private certificate authority for a federation's links
version_added: 1.0.0
description:
  - Makes a certificate authority in a folder of the controller, where its private key is encrypted, revokes what it
    issued, and replaces it step by step. Nothing is asked of any host.
  - M(onefed.opennebula.certificate) has it issue certificates.
options:
  folder:
    description: Folder on the controller. It is made, for its owner alone. Keep a backup of it.
    type: path
    required: true
  passphrase:
    description: What encrypts the private key of the authority, 12 characters or more. Keep it in a vault.
    type: str
    required: true
  name:
    description: Name of the federation, as the authority's certificate has it.
    type: str
    default: federation
  days:
    description: How long a new authority is good for, in days.
    type: int
    default: 3650
  state:
    description:
      - V(present) makes the authority if there is none.
      - The other three replace it. V(new_trusted) makes another one, which RV(authorities) has beside the old one. Let
        all servers trust it before you go on.
      - With V(new_issues) the new one issues all certificates. Let all servers have one before you go on.
      - With V(old_removed) the old one is not trusted any more. Its file stays in O(folder).
      - A step that was taken already changes nothing, so that an interrupted replacement goes on.
    type: str
    choices: [present, new_trusted, new_issues, old_removed]
    default: present
  revoked:
    description:
      - Certificates that are not good any more, by serial number (hexadecimal) or by the name of the host that they
        were issued to.
      - A host that is named gets no certificate any more. One whose certificate is revoked by its serial number gets
        another.
      - What is left out is not revoked any more.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Predicts whether it would change anything.
    support: full
  diff_mode:
    description: What changes is secret, or random.
    support: none
requirements:
  - cryptography (Python library) 42 or newer, on the controller
notes:
  - It gives all hosts of a play the same; use C(run_once).
seealso:
  - module: onefed.opennebula.certificate
  - module: onefed.opennebula.trusted_ca
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Make the private authority of the federation
  onefed.opennebula.certificate_authority:
    folder: "{{ inventory_dir }}/tls"
    passphrase: "{{ authority_passphrase }}"
  run_once: true
  register: authority
"""

RETURN = r"""
step:
  description: How far a replacement is, V(present) when there is none. V(null) in check mode before there is one.
  returned: success
  type: str
  sample: present
authorities:
  description: Certificates of all authorities that are trusted, from the oldest on, in PEM.
  returned: success
  type: str
revocations:
  description: Their lists of revoked certificates in PEM.
  returned: success
  type: str
issuing:
  description: The authority that issues, with the keys that M(onefed.opennebula.certificate) returns.
  returned: success
  type: dict
  sample: {"serial": "2F5A", "not_after": "2035-04-01T12:00:00Z", "days_left": 3649}
"""
