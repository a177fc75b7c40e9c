# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Measure calls to two zones: `calls.py <master's URL> <slave's URL>`, with "oneadmin:password" on standard input.

Prints a JSON object of what is in `measured`, in seconds and calls per second. Every call has a connection of its own,
as those of OpenNebula's clients and of oned have.
"""

from __future__ import annotations

import json
import ssl
import statistics
import sys
import threading
import time
import xmlrpc.client
from typing import Any

ROUNDS = 40
CLIENTS, SECONDS = 4, 10.0
VISIBLE_SECONDS = 20.0
ONEADMIN = 0


class Zone:
    """A zone's API. The chain of its certificate is not judged here; the playbooks' own checks do."""

    def __init__(self, url: str, session: str) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._url, self._session = url, session
        self._more: dict[str, Any] = {"context": context} if url.startswith("https:") else {}

    def call(self, method: str, *arguments: Any) -> Any:
        with xmlrpc.client.ServerProxy(self._url, **self._more) as server:
            done, value, *_codes = getattr(server, method)(self._session, *arguments)
        if not done:
            raise RuntimeError(f"{method}: {value}")
        return value

    def write(self, value: str) -> None:
        self.call("one.user.update", ONEADMIN, f'BENCH="{value}"', 1)

    def has(self, value: str) -> bool:
        return f"<BENCH><![CDATA[{value}]]></BENCH>" in self.call("one.user.info", ONEADMIN, False)


def replicated(writer: Zone, reader: Zone) -> float:
    """Seconds from the answer to a write at one zone until another one shows it."""
    value = f"v{time.monotonic_ns()}"
    writer.write(value)
    began = time.monotonic()
    while not reader.has(value):
        if time.monotonic() - began > VISIBLE_SECONDS:
            raise RuntimeError(f"a write did not arrive within {VISIBLE_SECONDS:.0f} s")
    return time.monotonic() - began


def written(zone: Zone) -> float:
    """Seconds that a write takes."""
    began = time.monotonic()
    zone.write(f"w{time.monotonic_ns()}")
    return time.monotonic() - began


def rate(zone: Zone) -> float:
    """Calls per second that all clients together had answered."""
    end, counts = time.monotonic() + SECONDS, [0] * CLIENTS

    def ask(client: int) -> None:
        while time.monotonic() < end:
            zone.call("one.user.info", ONEADMIN, False)
            counts[client] += 1

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def measured(master: Zone, slave: Zone) -> dict[str, float]:
    return {
        "replication": statistics.median(replicated(master, slave) for _round in range(ROUNDS)),
        "write at the slave": statistics.median(written(slave) for _round in range(ROUNDS)),
        "calls": rate(slave),
    }


if __name__ == "__main__":
    SESSION = sys.stdin.readline().strip()
    print(json.dumps(measured(Zone(sys.argv[1], SESSION), Zone(sys.argv[2], SESSION))))
