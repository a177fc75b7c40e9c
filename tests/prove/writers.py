# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Load: threads that change users and groups through OpenNebula's API as fast as it lets them."""

from __future__ import annotations

import threading
import time
import xmlrpc.client
from types import TracebackType
from typing import Any

from tests.prove.master import Master

KEPT = 20  # users that each writer leaves alive


class Writers:
    """Writers that run for the length of the block. Each has users of its own, so that none fails another."""

    def __init__(self, master: Master, count: int) -> None:
        self._master = master
        self._over = threading.Event()
        self._seconds: list[float] = []
        self._threads = [threading.Thread(target=self._write, args=(n,), daemon=True) for n in range(count)]
        self._begun = time.monotonic()
        self.failures: list[str] = []

    def __enter__(self) -> Writers:
        self._begun = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def count(self) -> int:
        return len(self._seconds)

    def rate(self) -> float:
        return len(self._seconds) / (time.monotonic() - self._begun)

    def slowest(self) -> float:
        return max(self._seconds, default=0.0)

    def _write(self, writer: int) -> None:
        proxy: Any = xmlrpc.client.ServerProxy(self._master.url)
        users: list[int] = []
        number = 0
        while not self._over.is_set():
            number += 1
            name = f"writer{writer}-{number}"
            created = self._call(proxy.one.user.allocate, name, "a-password", "", [])
            if created is None:
                continue
            users.append(created)
            self._call(proxy.one.user.update, created, f'NUMBER="{number}"', 1)
            if number % 10 == 0:
                self._call(proxy.one.group.allocate, f"group-of-{name}")
            if len(users) > KEPT:
                self._call(proxy.one.user.delete, users.pop(0))

    def _call(self, method: Any, *arguments: Any) -> Any:
        """The value of a call that went well; a call that did not is kept in `failures`."""
        begun = time.monotonic()
        try:
            reply = method(self._master.session, *arguments)
        except (OSError, xmlrpc.client.Error) as error:
            self.failures.append(str(error))
            time.sleep(0.1)
            return None
        self._seconds.append(time.monotonic() - begun)
        if not reply[0]:
            self.failures.append(str(reply[1]))
            return None
        return reply[1]
