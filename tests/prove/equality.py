# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Whether all zones of a federation on hosts hold the same: their federated index, and their tables row by row."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.hosts.commands import HostsError
from tests.hosts.federation import FEDERATED, Federation, Zone
from tests.prove.caller import Caller, Refused, Unanswered

NONE = 2**64 - 1  # federated index of an empty federated log
PROBE_SECONDS = 4.0
POLL = 0.5


class Watch:
    """Looks at the zones as the master's oneadmin, which all members know, and never waits long for one."""

    def __init__(self, federation: Federation) -> None:
        self.federation = federation
        self.namespace = Path("/run/netns") / federation.lab.network.namespace()
        self.session = f"oneadmin:{federation.master.host.spec.password}"

    @property
    def slaves(self) -> list[Zone]:
        return [zone for zone in self.federation.zones.values() if zone is not self.federation.master]

    def call(self, zone: Zone, method: str, *arguments: Any, seconds: float = PROBE_SECONDS) -> Any:
        """Raises Refused or Unanswered."""
        return Caller(zone.host.url, self.session, self.namespace, seconds).call(method, *arguments)

    def index(self, zone: Zone) -> int | None:
        """The federated index that a zone's oned tells; None if it tells none, as one that is no member."""
        try:
            found = re.search(r"<FEDLOG_INDEX>(\d+)<", self.call(zone, "one.zone.raftstatus"))
        except (Refused, Unanswered):
            return None
        return int(found[1]) if found and int(found[1]) != NONE else None

    def await_same_index(self, seconds: float) -> dict[str, int | None]:
        """Wait until all zones tell the same index, `seconds` at most; what they told last, by zone."""
        end = time.monotonic() + seconds
        while True:
            told = {name: self.index(zone) for name, zone in self.federation.zones.items()}
            if len(set(told.values())) == 1 and None not in told.values() or time.monotonic() > end:
                return told
            time.sleep(POLL)

    def differences(self) -> dict[str, list[str]]:
        """How zones' federated tables differ from the master's, or why they cannot be read; nothing for equal ones."""
        found: dict[str, list[str]] = {}
        rows = {}
        for name, zone in self.federation.zones.items():
            try:
                rows[name] = _rows(zone)
            except HostsError as error:
                found[name] = [f"its tables cannot be read: {str(error).splitlines()[-1]}"]
        mine = rows.pop(self.federation.master.name, None)
        for name, theirs in rows.items():
            different = _differing(mine, theirs) if mine is not None else ["unknown, as the master's are"]
            if different:
                found[name] = different
        return found

    def row_count(self) -> int:
        """How many rows the master's federated tables have."""
        return sum(sum(rows.values()) for rows in _rows(self.federation.master).values())


def _rows(zone: Zone) -> dict[str, Counter[tuple[Any, ...]]]:
    return {table: Counter(map(tuple, rows)) for table, rows in zone.tables().items()}


def _differing(mine: dict[str, Counter[Any]], theirs: dict[str, Counter[Any]]) -> list[str]:
    found = []
    for table in FEDERATED:
        lacking, more = (mine[table] - theirs[table]).total(), (theirs[table] - mine[table]).total()
        if lacking or more:
            found.append(f"{table}: {lacking} of the master's rows missing, {more} other rows")
    return found
