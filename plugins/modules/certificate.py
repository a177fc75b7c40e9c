#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate
short_description: Give a server a certificate, its private key and what it trusts
version_added: 1.0.0
description:
  - Takes the certificate of a host from the private authority in O(folder), or checks one of your own, and brings it to
    the host with its private key, with the authorities that the federation trusts, and with their lists of revoked
    certificates.
  - The private authority issues another certificate when the host has none, when names or addresses changed, when less
    than a third of its time is left, when it was revoked, and when another authority issues now. Each has a new
    private key, which is made in the memory of the controller and kept on the host alone.
  - Your own certificate is refused when the private key is not its own, when it is not valid now, when it lacks a name
    or address, and when its chain does not lead to an authority that is trusted.
options:
  names:
    description: Names that the certificate has to be for.
    type: list
    elements: str
    default: []
  addresses:
    description: Addresses that the certificate has to be for.
    type: list
    elements: str
    default: []
  dest:
    description:
      - Folder of the files on the host. They are C(server.pem), chain and private key, readable for root only;
        C(ca.pem), the authorities; and C(crl.pem), the revoked certificates.
    type: path
    default: /etc/onefed/tls
  folder:
    description:
      - Folder of the private authority on the controller, see M(onefed.opennebula.certificate_authority).
      - With a certificate of your own too, the host trusts this authority beside O(ca_certificate).
    type: path
  passphrase:
    description: What encrypts the private key of the private authority. Required with O(folder).
    type: str
  days:
    description: How long a new certificate is good for, in days.
    type: int
    default: 397
  certificate:
    description:
      - Your own certificate, a file of the controller in PEM that has the whole chain, the server's certificate first.
    type: path
  key:
    description: File of its private key, which is not encrypted. Defaults to O(certificate), which has both then.
    type: path
  command:
    description:
      - Command to run on the controller that prints your own certificate, chain and private key in PEM.
    type: str
  ca_certificate:
    description:
      - File of the controller with the authority that your own certificates lead to, in PEM.
      - Without it they have to lead to one that the distribution trusts.
    type: path
extends_documentation_fragment:
  - onefed.opennebula.change
  - onefed.opennebula.frontend
attributes:
  diff_mode:
    description: Names the files that are written.
    support: partial
    details:
      - Neither private key nor certificates are shown.
requirements:
  - cryptography (Python library) 42 or newer, on the controller
seealso:
  - module: onefed.opennebula.certificate_authority
  - module: onefed.opennebula.certificate_files
  - module: onefed.opennebula.trusted_ca
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Give the server a certificate of the private authority
  onefed.opennebula.certificate:
    names: ["{{ inventory_hostname }}"]
    addresses: [192.0.2.11, 192.0.2.10]
    folder: "{{ inventory_dir }}/tls"
    passphrase: "{{ authority_passphrase }}"
  register: certificate

- name: Give the server a certificate of our own
  onefed.opennebula.certificate:
    names: [one.example.org]
    certificate: /etc/pki/one.example.org.pem
    key: /etc/pki/one.example.org.key
    ca_certificate: /etc/pki/example.org.pem
"""

RETURN = r"""
path:
  description: File on the host that has chain and private key.
  returned: success
  type: str
  sample: /etc/onefed/tls/server.pem
changed_files:
  description: Names of the files that were written or removed.
  returned: success
  type: list
  elements: str
  sample: [ca.pem, server.pem]
renewed:
  description: Whether the host got another certificate.
  returned: success
  type: bool
reasons:
  description: Why it did.
  returned: success
  type: list
  elements: str
  sample: ["less than a third of its time is left"]
serial:
  description: Serial number of the certificate, hexadecimal. V(null) in check mode when it would be a new one.
  returned: success
  type: str
  sample: 4E1C33A0
issuer:
  description: Name of its authority. V(null) as RV(serial).
  returned: success
  type: str
  sample: CN=federation 20250401T120000Z,O=onefed
names:
  description: Names that it is for.
  returned: success
  type: list
  elements: str
  sample: [paris-1]
addresses:
  description: Addresses that it is for.
  returned: success
  type: list
  elements: str
  sample: [192.0.2.11]
not_before:
  description: From when on it is valid. V(null) as RV(serial).
  returned: success
  type: str
  sample: "2025-04-01T11:00:00Z"
not_after:
  description: Until when it is valid. V(null) as RV(serial).
  returned: success
  type: str
  sample: "2026-05-03T12:00:00Z"
days_left:
  description: How many days are left, rounded down. V(null) as RV(serial).
  returned: success
  type: int
  sample: 397
fingerprint:
  description: SHA-256 of the certificate. V(null) as RV(serial).
  returned: success
  type: str
authorities:
  description: The authorities that the host is to trust, in PEM, for M(onefed.opennebula.trusted_ca).
  returned: success
  type: str
"""
