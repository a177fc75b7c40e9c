# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A master and a slave, made as OpenNebula's federation guide says."""

from __future__ import annotations

import secrets
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .api import NO_INDEX
from .frontend import Frontend, Spoilable, Zone, wait_for
from .targets import Target

# Long enough for a daemon to do what it is not expected to do: a working one needs some 10 ms.
STANDSTILL = 0.5


@dataclass(frozen=True)
class Federation:
    master: Frontend
    slave: Frontend

    def stop(self) -> None:
        for each in (self.slave, self.master):
            if isinstance(each, Zone):
                each.stop()

    def caught_up(self, limit: float = 10) -> None:
        """Wait until the slave's federated index is the master's."""

        def equal() -> bool:
            index = self.master.api.fedlog_index()
            return index not in (-1, NO_INDEX) and self.slave.api.fedlog_index() == index

        wait_for(equal, "the slave to catch up", limit)

    def arrives(self, method: str, *args: Any, limit: float = 10) -> Any:
        """The slave's answer, once it has one: replication is asynchronous."""
        reply: list[Any] = []

        def answered() -> bool:
            reply[:] = self.slave.api.raw(method, *args)
            return bool(reply[0])

        wait_for(answered, f"{method}{args} at the slave", limit)
        return reply[1]

    def write(self) -> str:
        """One federated write: an attribute of zone 0 with a new value, which is returned."""
        marker = secrets.token_hex(4)
        self.master.api.call("one.zone.update", 0, f'CONFORMANCE="{marker}"', 1)
        return marker

    def unmark(self) -> None:
        """Take the marker out again."""
        attributes = self.master.api.xml("one.zone.info", 0, False).find("TEMPLATE")
        assert attributes is not None
        kept = [f'{each.tag}="{each.text or ""}"' for each in attributes if each.tag != "CONFORMANCE"]
        self.master.api.call("one.zone.update", 0, "\n".join(kept), 0)

    def marker_at_slave(self) -> str | None:
        return self.slave.api.xml("one.zone.info", 0, False).findtext("TEMPLATE/CONFORMANCE")

    def replicates(self, limit: float = 10) -> None:
        marker = self.write()
        wait_for(lambda: self.marker_at_slave() == marker, "a federated write to arrive", limit)


@dataclass(frozen=True)
class OwnFederation(Federation):
    """Of zones that may be stopped and broken."""

    master: Zone
    slave: Zone


class Saved:
    """A federation that can be had back as it was, at the price of two restarts."""

    def __init__(self, pair: OwnFederation) -> None:
        self.pair = pair
        pair.stop()
        self._zones = [Spoilable(pair.master), Spoilable(pair.slave)]
        self.mend()

    def mend(self) -> None:
        self.pair.stop()
        for each in self._zones:
            each.fresh().start()
        self.pair.replicates()


def stands_still(pair: OwnFederation, index: int) -> bool:
    """True if the slave's index stays what it is for a while."""
    end = time.monotonic() + STANDSTILL
    while time.monotonic() < end:
        if pair.slave.api.fedlog_index() != index:
            return False
        time.sleep(0.05)
    return True


def dump(master: Zone, file: str) -> None:
    result = master.onedb(f"backup --federated {master.database_option} {shlex.quote(file)}")
    assert result.exit == 0, result


def join(master: Zone, slave: Zone, zone_id: int, file: str) -> None:
    """Steps of the guide at the slave, stopped and bootstrapped: tables, auth files, configuration."""
    slave.shell.write(f"{slave.location}/federated.sql", master.shell.read(file))
    result = slave.onedb(f"restore --federated {slave.database_option} {slave.location}/federated.sql")
    assert result.exit == 0, result
    slave.take_auth_files_from(master)
    slave.federate("SLAVE", zone_id, master.endpoint)


def federate(target: Target, directory: Path) -> OwnFederation:
    master = target.new_zone(directory, "master").start()
    master.api.call("one.zone.update", 0, f'ENDPOINT="{master.endpoint}"', 1)
    master.stop()
    master.federate("MASTER")
    slave = target.new_zone(directory, "slave").start()
    slave.stop()
    master.start()
    zone_id = master.api.call("one.zone.allocate", f'NAME="slave"\nENDPOINT="{slave.endpoint}"')
    # SQLite: the guide wants the master stopped while it is dumped.
    master.stop()
    file = f"{master.location}/federated.sql"
    dump(master, file)
    join(master, slave, zone_id, file)
    master.start()
    slave.start()
    made = OwnFederation(master, slave)
    made.replicates()
    return made
