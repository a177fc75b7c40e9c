# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Replication of the federated log: the master's threads, and what a slave does with a record.

The rules, with their traps, are OpenNebula's: a zone's endpoint is read once; nothing moves without a new federated
record; a slave that answers "outdated" names its index, from which the master goes on if it still has it; an answer
that carries no index makes the master try again at once.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from . import client, xmlrpc
from .database import DatabaseError
from .log import Log
from .logdb import NONE, LogDB
from .objects import Zone
from .paths import read_one_auth
from .worker import Retry, Worker

RPC_TIMEOUT = 10.0
# OpenNebula's loop on a refused record has no pause at all. This one keeps the emulator from eating the machine.
LOOP_PAUSE = 0.01
_UNREAD = 0x64AE_D0F0_0B70


@dataclass
class Destination:
    """A zone as the master knows it: ``next`` is the index to send, ``last`` the newest one it is known to have."""

    zone_id: int
    endpoint: str
    next: int
    last: int = NONE


@dataclass(frozen=True)
class Outgoing:
    endpoint: str
    index: int
    previous: int
    sql: str


def zone_endpoint(zone: Zone, grpc: bool) -> str:
    """Where the master reaches a zone: releases with gRPC prefer the endpoint for that, if there is one."""
    return (grpc and zone.template.single("ENDPOINT_GRPC")) or zone.template.single("ENDPOINT")


class FedReplicaManager:
    """The zones that the master sends its records to, one thread each."""

    def __init__(self, logdb: LogDB, log: Log, server_id: int, grpc: bool) -> None:
        self._logdb = logdb
        self._grpc = grpc
        self._log = log
        self._server_id = server_id
        self._lock = threading.RLock()
        self._zones: dict[int, Destination] = {}
        self._threads: dict[int, Worker] = {}

    def start(self, zones: list[Zone]) -> None:
        """Begin with the zones of the federation; our own is not among them."""
        with self._lock:
            self._zones.clear()
            for zone in zones:
                self._add(zone)

    def add_zone(self, zone: Zone) -> None:
        self._log.info("FRM", f"Starting federation replication thread for slave: {zone.oid}")
        self._add(zone)

    def _add(self, zone: Zone) -> None:
        with self._lock:
            self._zones[zone.oid] = Destination(zone.oid, zone_endpoint(zone, self._grpc), self._logdb.last_federated())
            # OpenNebula compares the zone's id with the id of this server: a zone of that number gets no thread.
            if zone.oid != self._server_id and zone.oid not in self._threads:
                self._threads[zone.oid] = Worker(
                    f"zone-{zone.oid}", lambda: self._step(zone.oid), lambda text: self._log.error("FRM", text))

    def delete_zone(self, zone_id: int) -> None:
        with self._lock:
            if self._zones.pop(zone_id, None) is None:
                return
            self._log.info("FRM", f"Stopping replication thread for slave: {zone_id}")
            thread = self._threads.pop(zone_id, None)
        if thread is not None:
            thread.finish()

    def stop(self) -> None:
        with self._lock:
            threads = list(self._threads.values())
            self._threads.clear()
        for thread in threads:
            thread.finish()

    def trigger(self) -> None:
        """There is a new federated record."""
        with self._lock:
            for thread in self._threads.values():
                thread.request()

    def _trigger_one(self, zone_id: int) -> None:
        thread = self._threads.get(zone_id)
        if thread is not None:
            thread.request()

    # -- one step, in the zone's thread --------------------------------------------------------------------------

    def _step(self, zone_id: int) -> None:
        if not self._replicate(zone_id):
            thread = self._threads.get(zone_id)
            if thread is not None:
                thread.rest(LOOP_PAUSE)

    def _replicate(self, zone_id: int) -> bool:
        """Send one record. Returns whether the zone took it (or there was none to send).

        :raises Retry: if it could not be sent.
        """
        outgoing = self._next_record(zone_id)
        if outgoing is None:
            return True
        try:
            secret = read_one_auth()
            if self._grpc and client.calls_itself(outgoing.endpoint):
                # Observed: a daemon that calls itself makes no progress, and says no word of it in its log.
                self._failed(zone_id, NONE)
                return False
            endpoint = outgoing.endpoint
            if self._grpc and client.is_grpc(endpoint):
                endpoint = client.grpc_carrier(endpoint)
            answer = client.call(
                endpoint, "one.zone.fedreplicate",
                [secret, xmlrpc.signed(outgoing.index), xmlrpc.signed(outgoing.previous), outgoing.sql], RPC_TIMEOUT)
        except (client.CallError, OSError) as error:
            text = (f"Error replicating log entry {outgoing.index} on zone {zone_id} ({outgoing.endpoint}): {error}")
            self._log.error("FRM", text)
            raise Retry(text) from error
        if answer[0]:
            self._succeeded(zone_id)
            return True
        self._failed(zone_id, xmlrpc.unsigned(answer[4]) if len(answer) > 4 else NONE)
        return False

    def _next_record(self, zone_id: int) -> Outgoing | None:
        """The record that the zone needs next; None if there is none.

        :raises Retry: if the log does not hold what is needed.
        """
        with self._lock:
            zone = self._zones.get(zone_id)
            if zone is None:
                raise Retry("")
            if zone.next == NONE:
                zone.next = self._logdb.last_federated()
            if zone.last == zone.next:
                zone.next = self._logdb.next_federated(zone.next)
            if zone.next == NONE:
                return None
            previous = self._logdb.previous_federated(zone.next)
            if previous == NONE:
                raise Retry(f"Missing federation record previous to: {zone.next}")
            record = self._logdb.record(zone.next, previous)
            if record is None and self._logdb.database.tells_of_no_rows:
                raise Retry(f"Failed to load federation log record {zone.next} for zone {zone_id}")
            if record is None:
                # What it never read is sent: no SQL, and whatever stood in the memory of the index.
                return Outgoing(zone.endpoint, _UNREAD, previous, "")
            return Outgoing(zone.endpoint, record.index, previous, record.sql)

    def _succeeded(self, zone_id: int) -> None:
        with self._lock:
            zone = self._zones.get(zone_id)
            if zone is None:
                return
            zone.last = zone.next
            zone.next = self._logdb.next_federated(zone.next)
            if zone.next != NONE:
                self._trigger_one(zone_id)

    def _failed(self, zone_id: int, last: int) -> None:
        """The zone refused the record and named its own last index, or none."""
        with self._lock:
            zone = self._zones.get(zone_id)
            if zone is None:
                return
            if last != NONE:
                zone.last = last
                zone.next = self._logdb.next_federated(last)
            if zone.next != NONE:
                self._trigger_one(zone_id)


class Applier:
    """The slave's side: applies a record if it follows the newest one it has."""

    def __init__(self, logdb: LogDB) -> None:
        self._logdb = logdb
        self._lock = threading.Lock()

    def apply(self, index: int, previous: int, sql: str) -> int:
        """0 if the record was applied; else the index that it should have followed; NONE if the SQL failed.

        An empty log answers NONE too, which the master takes for a delivered record: it is lost.
        """
        with self._lock:
            last = self._logdb.last_federated()
            if previous != last:
                return last
            try:
                self._logdb.execute_federated(sql, index)
            except DatabaseError:
                return NONE
            return 0
