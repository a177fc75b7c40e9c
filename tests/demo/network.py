# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The loopback addresses of the demo. Nobody else may listen there: the demo would talk to another one's oned.

python tests/demo/network.py HOST=NUMBER…: check the addresses of these hosts, keep the network in .demo/network, where
inventories/demo finds it, and print it. DEMO_NETWORK chooses another one, its first three numbers.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path

DEFAULT, PORT = "127.0.41", 2633
_BYTE = r"(25[0-5]|2[0-4]\d|1?\d?\d)"
_LOOPBACK = re.compile(rf"127\.{_BYTE}\.{_BYTE}")


class DemoError(Exception):
    """Why there can be no demo, and what to do."""


def network(demo: Path, asked: str) -> str:
    """The first three numbers of the demo's addresses: those it has, else those asked for. Raises DemoError."""
    kept = demo / "network"
    known = kept.read_text(encoding="ascii").strip() if kept.exists() else ""
    if asked and not _LOOPBACK.fullmatch(asked):
        raise DemoError(f"DEMO_NETWORK is {asked!r}; it must be three numbers of a loopback address, such as 127.0.42.")
    if known and asked not in ("", known):
        raise DemoError(f"The demo here has the addresses {known}.*; unset DEMO_NETWORK, or `make demo-down` before.")
    return known or asked or DEFAULT


def check(demo: Path, chosen: str, hosts: dict[str, int]) -> None:
    """Raises DemoError when something else than the demo's own oned listens at the address of one of the hosts."""
    taken = [
        f"{chosen}.{number}:{PORT}"
        for host, number in hosts.items()
        if not _runs(demo / host) and _is_open(f"{chosen}.{number}")
    ]
    if taken:
        raise DemoError(
            f"Another program listens at {', '.join(taken)}, perhaps another demo on this machine. Stop it (`make "
            "demo-down` in its folder), or choose other addresses: DEMO_NETWORK=127.0.42 make demo"
        )


def _runs(location: Path) -> bool:
    """Whether the oned of this very folder runs."""
    try:
        pid = int((location / "var/oned.pid").read_text(encoding="ascii"))
        return os.fsencode(location) in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return False


def _is_open(address: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((address, PORT)) == 0


def main(demo: Path, words: list[str]) -> int:
    hosts = {host: int(number) for host, _dummy, number in (word.partition("=") for word in words)}
    try:
        chosen = network(demo, os.environ.get("DEMO_NETWORK", ""))
        check(demo, chosen, hosts)
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    demo.mkdir(exist_ok=True)
    (demo / "network").write_text(f"{chosen}\n", encoding="ascii")
    print(chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[2] / ".demo", sys.argv[1:]))
