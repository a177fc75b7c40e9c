# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Where a server keeps its certificate and what belongs to it."""

from __future__ import annotations

FOLDER = "/etc/onefed/tls"
# Chain and private key; the authorities that the federation trusts; their lists of revoked certificates.
CHAIN, AUTHORITIES, REVOCATIONS = "server.pem", "ca.pem", "crl.pem"
# Of the TLS proxy; role secure_links writes it.
UNIT = "onefed-links.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
