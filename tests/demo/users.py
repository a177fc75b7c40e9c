# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Create users on a front-end of this machine, as many as asked, skipping those that exist."""

from __future__ import annotations

import re
import secrets
import sys
import xmlrpc.client
from pathlib import Path
from typing import Any


def main(location: str, count: int) -> None:
    """Talk to the oned below `location` (a self-contained install) with its own credentials."""
    session = Path(location, "var/.one/one_auth").read_text().strip()
    conf = Path(location, "etc/oned.conf").read_text()
    port = re.search(r"^PORT\s*=\s*(\d+)", conf, re.MULTILINE)
    address = re.search(r'^LISTEN_ADDRESS\s*=\s*"([^"]+)"', conf, re.MULTILINE)
    if not port or not address:
        raise SystemExit(f"{location}/etc/oned.conf has no PORT or LISTEN_ADDRESS")
    one: Any = xmlrpc.client.ServerProxy(f"http://{address[1]}:{port[1]}/RPC2").one
    known = one.userpool.info(session)[1]
    for number in range(1, count + 1):
        if f"<NAME>user{number:03}</NAME>" not in known:
            reply = one.user.allocate(session, f"user{number:03}", secrets.token_hex(16), "", [])
            if not reply[0]:
                raise SystemExit(reply[1])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
