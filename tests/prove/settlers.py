# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Load in a zone that joins: its oneadmin makes users and groups there without pause, whatever the run does to it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable

from tests.hosts.federation import Zone
from tests.prove.caller import Caller, Refused, Unanswered
from tests.prove.equality import Watch
from tests.prove.ledger import Key, Ledger, read_objects

PAUSE = 0.2  # seconds between two calls
CALL_SECONDS = 4.0
READ_SECONDS = 60.0


class Settlers:
    """Everything made carries the zone's name. As soon as the zone has joined, its oneadmin's password is refused."""

    def __init__(self, watch: Watch, zone: Zone) -> None:
        self.zone = zone
        self.ledger = Ledger()
        self.calls: Counter[str] = Counter()
        self._watch = watch
        self._session = f"oneadmin:{zone.host.spec.password}"
        self._over = threading.Event()
        # Held for a call and its entry, so that nothing comes between what is read and what it is compared with.
        self._call = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Let the call end that was begun."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def lost_at_home(self) -> list[str]:
        """What was acknowledged and is missing in the zone itself, while it is on its own."""
        home = Caller(self.zone.host.url, self._session, self._watch.namespace, READ_SECONDS)
        with self._call:
            return self.ledger.compare(read_objects(home.call))

    def lost(self) -> list[str]:
        """What was acknowledged and is missing in the federation."""
        master = self._watch.federation.master
        found = read_objects(lambda method: self._watch.call(master, method, seconds=READ_SECONDS))
        return self.ledger.compare(found)

    def line(self) -> str:
        """Figures to print."""
        calls = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.calls.items()))
        return f"made in {self.zone.name} while it joined: {calls}; {self.ledger.summary()}"

    def _run(self) -> None:
        number = 0
        caller = Caller(self.zone.host.url, self._session, self._watch.namespace, CALL_SECONDS)
        while not self._over.wait(PAUSE):
            number += 1
            name = f"{self.zone.name}-settler-{number}"
            if number % 5:
                self._make(caller, ("user", name), "one.user.allocate", name, "a-password", "", [])
            else:
                self._make(caller, ("group", name), "one.group.allocate", name)

    def _make(self, caller: Caller, key: Key, method: str, *arguments: object) -> None:
        with self._call:
            outcome = _outcome(caller, method, *arguments)
            self.calls[outcome] += 1
            self.ledger.created(key, outcome == "acknowledged")


def _outcome(caller: Caller, method: str, *arguments: object) -> str:
    try:
        caller.call(method, *arguments)
    except Refused:
        return "refused"
    except Unanswered:
        return "unanswered"
    return "acknowledged"


def report(settlers: Iterable[Settlers]) -> list[str]:
    """Print figures of all of them; what is lost."""
    wrong = []
    for each in settlers:
        print(each.line())
        wrong += each.lost()
    return wrong
