# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""ProxyCommand of ssh: connect from inside a namespace and hand the connection to ssh, which then speaks for itself.

So whoever uses ssh, Ansible and testinfra among them, need not be in the controller's namespace.
"""

from __future__ import annotations

import socket
import sys

CONNECT_SECONDS = 10.0


def main(host: str, port: str) -> None:
    with socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS) as connection:
        connection.settimeout(None)
        with socket.socket(fileno=1) as ssh:  # ProxyUseFdpass: our standard output is a socket of ssh's
            socket.send_fds(ssh, [b"\0"], [connection.fileno()])


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"{' '.join(sys.argv[1:])}: {error}")
