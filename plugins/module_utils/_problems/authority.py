# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Rules about the replacement of the private authority whose certificates secure the links."""

from __future__ import annotations

from .problem import ERROR, Rule

AUTHORITY_WITHOUT_TLS = Rule(
    "authority_without_tls",
    ERROR,
    "Only with federation_tls servers have certificates of a private authority.",
    "federation_tls is not true, so there is no authority to replace.",
    "Set federation_tls: true and run playbook federate.",
)
AUTHORITY_MISSING = Rule(
    "authority_missing",
    ERROR,
    "Playbook federate makes the private authority in federation_tls_folder. Or that is another folder, or another "
    "controller.",
    "There is no private authority in federation_tls_folder.",
    "Correct federation_tls_folder, or run playbook federate, which makes it.",
)
AUTHORITY_OWN = Rule(
    "authority_own",
    ERROR,
    "With federation_tls_ca: own certificates are yours, and so is their authority.",
    "The servers have certificates of your own: their authority is not this collection's to replace.",
    "Run playbook federate three times: with the old and the new authority in federation_tls_ca_certificate; with the "
    "new certificates; with the new authority alone. All zones have to be reached each time.",
)
AUTHORITY_LIMITED = Rule(
    "authority_limited",
    ERROR,
    "All servers have to trust a new authority before one of them has a certificate of it.",
    "The limit leaves out {hosts}.",
    "Run without a limit. Servers that cannot be reached hold up nothing that works.",
)
AUTHORITY_LINK_MISSING = Rule(
    "authority_link_missing",
    ERROR,
    "The server was added to the inventory, and no run has made its TLS proxy since.",
    "It has no TLS proxy yet.",
    "Run playbook federate.",
)
