# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Load on a federation: users, groups, VDCs and ACL rules are created, changed and deleted through all its zones."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.prove.caller import Caller, Refused, Unanswered
from tests.prove.ledger import ATTRIBUTE, Key, Ledger, rule_key

KEPT = 12  # users, and a quarter as many groups and VDCs, that each writer leaves alive
APPEND = 1  # of one.*.update: keep what else stands there
AFTER_TROUBLE = 0.2  # seconds
# The numbers that ACL rules are made of: include/AclRule.h
INDIVIDUAL, ALL, VMS, USE = 0x100000000, 0x400000000, 0x1000000000, 0x1


class Load:
    """Writers that run for the length of the block, `rate` calls a second in all, each call through any open door.

    A door is the endpoint of a zone. `limit` bounds the number of calls.
    """

    def __init__(self, session: str, namespace: Path, writers: int, rate: float, seed: int, limit: int) -> None:
        self.ledger = Ledger()
        self.seconds: list[float] = []
        self.calls: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self._session, self._namespace = session, namespace
        self._doors: list[str] = []
        self._limit = limit
        self._pause = writers / rate
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(_Writer(self, n, random.Random(f"{seed}-{n}")),), daemon=True)
            for n in range(writers)
        ]

    def open(self, url: str) -> None:
        """Let writers go through this door, too."""
        with self._lock:
            if url not in self._doors:
                self._doors.append(url)

    @property
    def doors(self) -> list[str]:
        with self._lock:
            return list(self._doors)

    def caller(self, url: str) -> Caller:
        return Caller(url, self._session, self._namespace)

    def note(self, url: str, outcome: str, seconds: float, text: str = "") -> None:
        """One call was "done", "refused" or "unanswered"."""
        with self._lock:
            self.calls[f"{outcome} through {url}"] += 1
            self.calls[outcome] += 1
            self.seconds.append(seconds)
            if text:
                self.failures[text] += 1

    def wait(self, pause: bool = True) -> bool:
        """Keep the pace; whether to go on."""
        if len(self.seconds) >= self._limit:
            return False
        return not self._over.wait(self._pause if pause else 0)

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Let every call end that was begun."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def lines(self) -> list[str]:
        """Figures to print."""
        calls = ", ".join(f"{count} {what}" for what, count in sorted(self.calls.items()))
        slowest = max(self.seconds, default=0.0)
        return [
            f"{len(self.seconds)} calls, the slowest took {slowest:.2f} s: {calls}",
            f"objects: {self.ledger.summary()}",
            *(f"  {count} times: {text}" for text, count in self.failures.most_common(6)),
        ]

    @staticmethod
    def _run(writer: _Writer) -> None:
        writer.run()


class _Stop(Exception):
    """The load is over."""


class _Writer:
    """One thread. Everything it makes carries its number, so that no other touches it."""

    def __init__(self, load: Load, number: int, dice: random.Random) -> None:
        self._load, self._number, self._dice = load, number, dice
        self._callers: dict[str, Caller] = {}
        self._users: list[tuple[str, int, int | None]] = []
        self._groups: list[tuple[str, int, int | None]] = []

    def run(self) -> None:
        count = 0
        try:
            while True:
                count += 1
                self._make_user(f"user{self._number}-{count}")
                if count % 4 == 0:
                    self._make_group(f"{self._number}-{count}")
                if len(self._users) > KEPT:
                    self._delete_user(*self._users.pop(0))
                if len(self._groups) > KEPT // 4:
                    self._delete_group(*self._groups.pop(0))
        except _Stop:
            pass

    def _make_user(self, name: str) -> None:
        key = ("user", name)
        user = self._create(key, "one.user.allocate", name, "a-password", "", [])
        if user is None:
            return
        number = str(self._dice.randrange(10**6))
        self._change(key, number, "one.user.update", user)
        who, what = f"{INDIVIDUAL | user:x}", f"{VMS | ALL:x}"
        rule = self._create(rule_key(who, what), "one.acl.addrule", who, what, f"{USE:x}", f"{ALL:x}")
        self._users.append((name, user, rule))

    def _make_group(self, stem: str) -> None:
        group = self._create(("group", f"group{stem}"), "one.group.allocate", f"group{stem}")
        if group is None:
            return
        vdc = self._create(("vdc", f"vdc{stem}"), "one.vdc.allocate", f'NAME="vdc{stem}"')
        if vdc is not None:
            self._call("one.vdc.addgroup", vdc, group)
            self._change(("vdc", f"vdc{stem}"), stem, "one.vdc.update", vdc)
        self._groups.append((stem, group, vdc))

    def _delete_user(self, name: str, user: int, rule: int | None) -> None:
        key = rule_key(f"{INDIVIDUAL | user:x}", f"{VMS | ALL:x}")
        if rule is not None and self._dice.random() < 0.5:
            self._delete(key, "one.acl.delrule", rule)
        gone = self._delete(("user", name), "one.user.delete", user)
        if self._load.ledger.is_there(key):  # rules of a user go with the user
            self._load.ledger.deleted(key, gone)

    def _delete_group(self, stem: str, group: int, vdc: int | None) -> None:
        if vdc is not None:
            self._delete(("vdc", f"vdc{stem}"), "one.vdc.delete", vdc)
        self._delete(("group", f"group{stem}"), "one.group.delete", group)

    def _create(self, key: Key, method: str, *arguments: Any) -> int | None:
        created = self._call(method, *arguments)
        self._load.ledger.created(key, created is not None)
        return created

    def _change(self, key: Key, value: str, method: str, oid: int) -> None:
        done = self._call(method, oid, f'{ATTRIBUTE}="{value}"', APPEND)
        self._load.ledger.changed(key, value, done is not None)

    def _delete(self, key: Key, method: str, oid: int) -> bool:
        done = self._call(method, oid) is not None
        self._load.ledger.deleted(key, done)
        return done

    def _call(self, method: str, *arguments: Any) -> int | None:
        """The id that is returned; None if it is not known what became of the call."""
        if not self._load.wait():
            raise _Stop
        url = self._dice.choice(self._load.doors)
        caller = self._callers.setdefault(url, self._load.caller(url))
        begun = time.monotonic()
        try:
            oid = int(caller.call(method, *arguments))
        except (Refused, Unanswered) as error:
            outcome = "refused" if isinstance(error, Refused) else "unanswered"
            self._load.note(url, outcome, time.monotonic() - begun, f"{method} through {url}: {error}")
            time.sleep(AFTER_TROUBLE)
            return None
        self._load.note(url, "done", time.monotonic() - begun)
        return oid
