# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a leader does with its log: which follower needs which record, and which record a majority has."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ..client import CallError
from ..conf import to_int
from ..logdb import Record
from . import peers
from .follow import Followers
from .requests import Requests, Waiting
from .state import Ballot

if TYPE_CHECKING:
    from ..context import Context

SOLO, CANDIDATE, FOLLOWER, LEADER = range(4)


class Leading:
    """Whoever takes this lock has none of the log's, and takes none while holding this one."""

    def __init__(self, context: Context) -> None:
        self.log = context.log
        self.logdb = context.logdb
        self.server_id = context.server_id
        self.state = SOLO if self.server_id < 0 else FOLLOWER
        self._lock = threading.RLock()
        self._ballot = Ballot(context.logdb)
        self._commit = 0
        self._servers: dict[int, peers.Server] = {}
        self._count = 0
        self._next: dict[int, int] = {}
        self._requests = Requests()
        self._followers = Followers(self)
        self._call_seconds = to_int(context.conf.vector("RAFT").get("XMLRPC_TIMEOUT_MS", ""), 500) / 1000

    @property
    def leads(self) -> bool:
        return self.state == LEADER

    @property
    def term(self) -> int:
        return self._ballot.term

    def follow(self, term: int) -> None:
        """A newer term was met."""
        raise NotImplementedError

    def learn(self, servers: dict[int, peers.Server]) -> None:
        self._servers = dict(servers)
        self._count = len(servers)

    # -- the leader's log ----------------------------------------------------------------------------------------

    def expect(self, index: int) -> None:
        self._requests.expect(index)

    def replicate(self, waiting: Waiting) -> None:
        with self._lock:
            if not self.leads:
                self._requests.drop(waiting.index)
                waiting.finish(False)
                return
            waiting.missing = self._count // 2
            for number, following in self._next.items():
                if waiting.index < following:
                    waiting.missing -= 1
                else:
                    self._followers.send(number)
            if waiting.missing <= 0:
                self._commit = waiting.index
                self._requests.drop(waiting.index)
                waiting.finish(True)
            else:
                self._requests.put(waiting)

    def next_index(self, number: int) -> int | None:
        with self._lock:
            return self._next.get(number)

    def send(self, number: int, record: Record) -> peers.Answer:
        """:raises CallError: if there is no answer."""
        with self._lock:
            where = self._servers.get(number)
            commit, term = self._commit, self.term
        if where is None:
            raise CallError("Cannot find follower end point")
        previous = record.index - 1 if record.index else 0
        return peers.send_record(where, self._call_seconds, self.server_id, term, commit, record, previous)

    def taken(self, number: int) -> None:
        """A follower has the record that was sent."""
        last, _term = self.logdb.last()
        with self._lock:
            if number not in self._next:
                return
            index = self._next[number]
            self._next[number] = index + 1
            if self._requests.replicated(index):
                self._commit = index
            if last > index and self.leads and self._requests.may_be_sent(index + 1):
                self._followers.send(number)

    def refused(self, number: int) -> None:
        """A follower lacks what comes before the record that was sent: it gets that."""
        with self._lock:
            if number in self._next:
                self._next[number] = max(self._next[number] - 1, 0)
            if self.leads:
                self._followers.send(number)

    # -- servers that come and go --------------------------------------------------------------------------------

    def add_server(self, number: int, server: peers.Server) -> None:
        last, _term = self.logdb.last()
        with self._lock:
            if not self.leads:
                return
            self._count += 1
            self._servers.setdefault(number, server)
            self._next.setdefault(number, last + 1)
            self.log.info("RCM", f"Starting replication and heartbeat threads for follower: {number}")
            self._followers.add(number)

    def remove_server(self, number: int) -> None:
        with self._lock:
            if not self.leads:
                return
            self._count -= 1
            self._servers.pop(number, None)
            self._next.pop(number, None)
            self.log.info("RCM", f"Stopping replication and heartbeat threads for follower: {number}")
            self._followers.remove(number)

    def reset_server(self, number: int) -> None:
        """Take it that a follower has everything."""
        last, _term = self.logdb.last()
        with self._lock:
            if number in self._next:
                self._next[number] = last + 1
