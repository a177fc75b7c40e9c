# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The leader's threads: records and signs of life to each follower."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..client import CallError
from ..logdb import Record
from ..worker import Retry, Worker
from .peers import Answer

if TYPE_CHECKING:
    from .leading import Leading

_SIGN_OF_LIFE = Record(0, "")
# A follower that does not answer is told of after that many seconds and signs of life.
SILENT_SECONDS, SILENT_SIGNS = 60, 10


class Followers:
    """Two threads for each follower."""

    def __init__(self, raft: Leading) -> None:
        self._raft = raft
        self._records: dict[int, Worker] = {}
        self._signs: dict[int, Worker] = {}

    def add(self, number: int) -> None:
        if number == self._raft.server_id or number in self._records:
            return
        self._records[number] = Worker(
            f"records-{number}", lambda: send_next(self._raft, number), lambda text: None)
        silence = Silence()
        self._signs[number] = Worker(
            f"signs-{number}", lambda: send_sign(self._raft, number, silence), lambda text: None)

    def remove(self, number: int) -> None:
        for threads in (self._records, self._signs):
            thread = threads.pop(number, None)
            if thread is not None:
                thread.finish()

    def clear(self) -> None:
        for number in list(self._records):
            self.remove(number)

    def send(self, number: int) -> None:
        """There is a record for that follower."""
        if number in self._records:
            self._records[number].request()

    def greet(self) -> None:
        """Tell all that there is a leader."""
        for thread in list(self._signs.values()):
            thread.request()


class Silence:
    """How long a follower has not answered."""

    def __init__(self) -> None:
        self._since = 0.0
        self._count = 0

    def longer(self) -> bool:
        """One more sign without an answer. Whether it is time to say so."""
        self._count += 1
        now = time.monotonic()
        if not self._since:
            self._since, self._count = now, 1
        elif now > self._since + SILENT_SECONDS:
            self._since = 0.0
            return self._count > SILENT_SIGNS
        return False


def send_next(raft: Leading, number: int) -> None:
    """Send a follower the record that it needs next."""
    term = raft.term
    index = raft.next_index(number)
    if index is None:
        raft.log.error("RCM", f"Failed to get next replica index for follower: {number}")
        raise Retry
    record = raft.logdb.record(index, index - 1)
    if record is None:
        raft.log.error("RCM", f"Failed to load log record at index: {index}")
        raise Retry
    try:
        answer = raft.send(number, record)
    except CallError as error:
        raft.log.debug("RCM", f"Failed to replicate log record at index: {index} on follower: {number}, error: Error "
                              f"replicating log entry {index} on follower {number}: {error}")
        raise Retry from error
    if answer.granted:
        raft.taken(number)
    elif not _deposed(raft, number, term, answer):
        raft.refused(number)


def send_sign(raft: Leading, number: int, silence: Silence) -> None:
    term = raft.term
    try:
        answer = raft.send(number, _SIGN_OF_LIFE)
    except CallError as error:
        if silence.longer():
            raft.log.info("RCM", f"Detetected error condition on follower {number}. Last error was: Error replicating "
                                 f"log entry 0 on follower {number}: {error}")
        return
    if not answer.granted:
        _deposed(raft, number, term, answer)


def _deposed(raft: Leading, number: int, term: int, answer: Answer) -> bool:
    """Follow if the answer shows a newer term."""
    if answer.term <= term:
        return False
    raft.log.info("RCM", f"Follower {number} term ({answer.term}) is higher than current ({term})")
    raft.follow(answer.term)
    return True
