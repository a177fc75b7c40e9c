# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The part of this server in its zone: alone, follower, candidate or leader.

The rules, with their traps, are OpenNebula's: followers learn the zone's servers at their start and when they stand for
election, so that they do not find a leader that was added since; whoever is asked for a vote in a newer term follows,
be it the leader or a server that is alone; a leader that is elected sends nothing but signs of life until there is
something to write.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from ..conf import to_int
from ..database import DatabaseError
from . import peers
from .election import Election
from .hook import Hook
from .leading import CANDIDATE, FOLLOWER, LEADER, SOLO, Leading
from .log import ReplicatedLog

if TYPE_CHECKING:
    from ..context import Context

# After its start a server waits that much longer for a leader, in seconds.
GRACE = 15.0
# The end of the daemon waits that long for a hook: OpenNebula's drivers need as much.
HOOK_SECONDS = 5.0


class Raft(Leading):
    """State and transitions."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._context = context
        self._changed = threading.Condition(self._lock)
        self.reconciling = False
        self._leader_id = -1
        self.learn(self.zone_servers())
        raft = context.conf.vector("RAFT")
        self.election_seconds = to_int(raft.get("ELECTION_TIMEOUT_MS", ""), 2500) / 1000
        self._broadcast_seconds = to_int(raft.get("BROADCAST_TIMEOUT_MS", ""), 500) / 1000
        hooks = context.layout.var.rstrip("/") + "/remotes/hooks"
        self._leader_hook = Hook.of("RAFT_LEADER_HOOK", context.conf.vector("RAFT_LEADER_HOOK"), hooks, self.log)
        self._follower_hook = Hook.of("RAFT_FOLLOWER_HOOK", context.conf.vector("RAFT_FOLLOWER_HOOK"), hooks, self.log)
        self._heard = time.monotonic() + GRACE
        self._watcher: threading.Thread | None = None

    def start(self) -> None:
        if self.state == SOLO:
            self.log.info("ONE", "oned started in solo mode.")
            return
        self.log.info("RCM", "oned started in follower mode")
        if isinstance(self.logdb, ReplicatedLog):
            self.logdb.leader = self
        if self._follower_hook is not None:
            self._follower_hook.execute()
        self._watcher = threading.Thread(target=self._watch, name="raft", daemon=True)
        self._watcher.start()

    def finish(self) -> None:
        """The end of the daemon: a leader steps down. A candidate goes on until there is a leader, or for ever."""
        with self._lock:
            self._changed.notify_all()
        if self._watcher is not None:
            self._watcher.join()
        if self.leads:
            self.follow(0)
            if self._follower_hook is not None:
                self._follower_hook.join(HOOK_SECONDS)

    # -- what others ask -----------------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Whether this server looks after the zone."""
        return self.state in (SOLO, LEADER)

    def leader_endpoint(self) -> str | None:
        """Where the leader is; None if it is not known, or not among the servers that this one knows."""
        with self._lock:
            server = self._servers.get(self._leader_id)
            return None if server is None else server.endpoint

    def status(self, fed_index: int) -> str:
        """The document of ``one.zone.raftstatus``."""
        index, term = self.logdb.last()
        with self._lock:
            if self.state == SOLO:
                index, term = -1, -1
            values = {
                "SERVER_ID": self.server_id, "STATE": self.state, "TERM": self.term,
                "VOTEDFOR": self._ballot.voted_for, "COMMIT": self._commit, "LOG_INDEX": index, "LOG_TERM": term,
                "FEDLOG_INDEX": fed_index}
        return "<RAFT>" + "".join(f"<{name}>{value}</{name}>" for name, value in values.items()) + "</RAFT>"

    def zone_servers(self) -> dict[int, peers.Server]:
        """The servers of the zone as its row has them now."""
        return peers.servers_of(self._context.zones.get(self._context.zone_id))

    # -- time ----------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while True:
            with self._lock:
                if self._context.stopping.is_set():
                    return
                left = self._heard - time.monotonic() + (
                    self._broadcast_seconds if self.leads else self.election_seconds)
                if left > 0:
                    self._changed.wait(left)
                    continue
                if self.leads:
                    self._followers.greet()
                    self._heard = time.monotonic()
                    continue
                self.log.error("RRM", "Failed to get heartbeat from leader. Starting election proccess")
                self.state = CANDIDATE
            Election(self).run()

    def hear(self, leader: int) -> None:
        """A leader gave a sign of life."""
        now = time.monotonic()
        with self._lock:
            self._leader_id = leader
            if now < self._heard:
                # Whoever waits for the end of the grace has to look again.
                self._changed.notify_all()
            self._heard = now

    def commit_until(self, leader_commit: int, index: int) -> int:
        """A follower's commit index, after the leader told its own and the follower has the records up to *index*."""
        with self._lock:
            if leader_commit > self._commit:
                self._commit = min(index, leader_commit)
            return self._commit

    # -- elections -----------------------------------------------------------------------------------------------

    def stand(self, servers: dict[int, peers.Server]) -> int | None:
        """Begin a term and vote for oneself. The number of votes that are needed, None if there is no candidacy."""
        with self._lock:
            if self.state != CANDIDATE:
                return None
            self.learn(servers)
            self._leader_id = -1
            self._ballot.term += 1
            self._ballot.voted_for = self.server_id
            needed = self._count // 2
        self._ballot.store()
        return needed

    def lose(self) -> bool:
        """Take one's vote back. Whether the candidacy goes on."""
        with self._lock:
            if self.state != CANDIDATE:
                return False
            self._ballot.voted_for = -1
        self._ballot.store()
        return True

    def vote(self, candidate: int) -> bool:
        """Give the vote of this term, if nobody else has it."""
        with self._lock:
            if self._ballot.voted_for not in (-1, candidate):
                return False
            self._ballot.voted_for = candidate
        self._ballot.store()
        return True

    def ask_vote(self, server: int, last: tuple[int, int]) -> peers.Answer:
        """:raises CallError: if there is no answer."""
        with self._lock:
            where = self._servers[server]
            term = self.term
        return peers.ask_vote(where, self._call_seconds, self.server_id, term, last)

    # -- transitions ---------------------------------------------------------------------------------------------

    def lead(self) -> None:
        """The election is won."""
        self.logdb.reload()
        last, applied = self.logdb.last_index, self.logdb.last_applied
        with self._lock:
            if self.state != CANDIDATE:
                return
            self.log.info("RCM", f"Becoming leader of the zone. Last log record: {last} last applied record: {applied}")
            self._requests.clear()
            if self._leader_hook is not None:
                self._leader_hook.execute()
            self.state = LEADER
            self._commit = applied
            self._leader_id = self.server_id
            self.reconciling = applied < last
            first = last if self.reconciling else last + 1
            self._next = {number: first for number in self._servers if number != self.server_id}
            for number in self._next:
                self._followers.add(number)
            self._followers.greet()
            self._heard = time.monotonic()
        self._context.update_zone_state()
        self._context.acl.load()
        self._context.start_replication()
        if self.reconciling:
            threading.Thread(target=self._reconcile, args=(last,), name="reconcile", daemon=True).start()
        self.log.info("RCM", "oned is now the leader of the zone")

    def _reconcile(self, index: int) -> None:
        """Have the records of former terms taken by a majority; nothing else is done meanwhile."""
        assert isinstance(self.logdb, ReplicatedLog)
        self.log.info("RCM", "Replicating log to followers")
        # An error has been logged.
        with contextlib.suppress(DatabaseError):
            self.logdb.replicate(self, index)
        self.log.info("RCM", "Leader log replicated")
        with self._lock:
            self.reconciling = False

    def follow(self, term: int) -> None:
        """Follow whoever leads, in that term if it is newer."""
        self.logdb.reload()
        with self._lock:
            if self.leads and self._follower_hook is not None:
                self._follower_hook.execute()
            self._followers.clear()
            self.state = FOLLOWER
            newer = term > self.term
            if newer:
                self._ballot.term = term
                self._ballot.voted_for = -1
            self._commit = self.logdb.last_applied
            self._leader_id = -1
            self.log.info("RCM", "oned is set to follower mode")
            self._next.clear()
            self._requests.clear()
            self._changed.notify_all()
        self._context.stop_replication()
        if newer:
            self._ballot.store()
