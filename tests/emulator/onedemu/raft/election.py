# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""One candidacy: terms in which votes are asked for, until there is a leader."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from ..client import CallError

if TYPE_CHECKING:
    from .manager import Raft


class Election:
    """Whose servers are asked is read once, however many terms it takes. Even the end of the daemon waits for it."""

    def __init__(self, raft: Raft) -> None:
        self._raft = raft
        self._servers = raft.zone_servers()

    def run(self) -> None:
        raft = self._raft
        while True:
            needed = raft.stand(self._servers)
            if needed is None:
                return
            won = self._count(needed)
            if won is None:
                return
            if won:
                raft.lead()
                return
            if not raft.lose():
                return
            pause = random.random() * raft.election_seconds
            raft.log.info("RCM", f"No leader found, starting new election in {pause * 1000:.0f}ms")
            time.sleep(pause)

    def _count(self, needed: int) -> bool | None:
        """Ask one server after the other. Whether they gave enough votes; None if a newer term was met."""
        raft = self._raft
        term, last, votes = raft.term, raft.logdb.last(), 0
        for number in sorted(self._servers):
            if number == raft.server_id:
                continue
            try:
                answer = raft.ask_vote(number, last)
            except CallError as error:
                raft.log.info("RCM", f"Error requesting vote from follower {number}:{error}")
            else:
                if answer.granted:
                    votes += 1
                    raft.log.info("RCM", f"Got vote from follower {number}. Total votes: {votes}")
                else:
                    raft.log.info("RCM", f"Vote not granted from follower {number}: {answer.text}")
                    if answer.term > term:
                        raft.log.info("RCM", f"Follower {number} is in term {answer.term} current term is {term}. "
                                             "Turning into follower")
                        raft.follow(answer.term)
                        return None
            if votes >= needed:
                raft.log.info("RCM", "Got majority of votes")
                break
        return votes >= needed
