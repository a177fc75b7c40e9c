# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the users of a zone notice while something is done to it: how long its API is gone, how long a write takes.

Runs where the zone can be reached: watch.py URL METHOD, with the session ("user:password") as first line of standard
input, until that ends; then it prints what it saw as JSON. METHOD writes to the template of a pool's first object:
one.user.update is carried out by the master wherever it is called, one.cluster.update in the zone itself.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
import xmlrpc.client
from typing import Any

POLL = 0.1  # seconds between two questions
PATIENCE = 2.0  # seconds for an answer; oned's own longest pause is a snapshot's barrier, a tenth of that
LONGEST = 20.0  # seconds after which a write is given up
PAUSE = 0.1  # seconds between two writes; with none, the followers of a busy machine lag ever more


class _Transport(xmlrpc.client.Transport):
    def __init__(self, timeout: float) -> None:
        super().__init__()
        self._timeout = timeout

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(host, timeout=self._timeout)


class Watch:
    def __init__(self, url: str, session: str, method: str) -> None:
        self._url, self._session, self._method = url, session, method
        self._over = threading.Event()
        self._gone: list[tuple[float, float]] = []
        self._writes: list[tuple[float, float, bool]] = []
        self._threads = [threading.Thread(target=target) for target in (self._poll, self._write)]

    def __enter__(self) -> Watch:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def seen(self) -> dict[str, float]:
        """Seconds without API and in how many pieces; the longest of the writes that no outage is to blame for.

        The gap is the longest time from a write that was carried out to the next one.
        """
        writes = [write for write in self._writes if not any(a < write[1] and write[0] < b for a, b in self._gone)]
        ends = [end for _begin, end, done in self._writes if done]
        return {
            "outage": sum(end - begin for begin, end in self._gone),
            "outages": len(self._gone),
            "stall": max((end - begin for begin, end, _done in writes), default=0.0),
            "writes": sum(done for _begin, _end, done in writes),
            "gap": max((after - before for before, after in zip(ends, ends[1:])), default=0.0),
        }

    def _poll(self) -> None:
        """From the first question without answer to the first answer after it."""
        failed = 0.0
        while not self._over.is_set():
            asked = time.monotonic()
            answered = self._ask("one.zone.raftstatus", PATIENCE) is not None
            if answered and failed:
                self._gone.append((failed, time.monotonic()))
                failed = 0.0
            elif not answered:
                failed = failed or asked
            self._over.wait(max(0.0, asked + POLL - time.monotonic()))
        if failed:
            self._gone.append((failed, time.monotonic()))

    def _write(self) -> None:
        number = 0
        while not self._over.wait(PAUSE):
            number += 1
            begin = time.monotonic()
            done = self._ask(self._method, LONGEST, 0, f'BENCH="{number}"', 1) is not None
            self._writes.append((begin, time.monotonic(), done))

    def _ask(self, method: str, timeout: float, *arguments: Any) -> Any:
        """The value, or None without any."""
        server: Any = xmlrpc.client.ServerProxy(self._url, transport=_Transport(timeout))
        try:
            reply = getattr(server, method)(self._session, *arguments)
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return None
        return reply[1] if reply[0] else None


def main(url: str, method: str) -> None:
    with Watch(url, sys.stdin.readline().rstrip("\n"), method) as watch:
        print("watching", flush=True)
        sys.stdin.read()
    print(json.dumps(watch.seen()))


if __name__ == "__main__":
    main(*sys.argv[1:])
