# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``one.zone.*`` between daemons: what a server says of itself, records of the leader and of the master, votes."""

from __future__ import annotations

from ..gate import ACTION, AUTHORIZATION, INTERNAL, REPLICATION, Failure, Request, method
from ..logdb import NONE, Record
from ..raft.leading import CANDIDATE
from ..raft.log import ReplicatedLog
from ..xmlrpc import I8, signed, unsigned
from . import shared


@method("one.zone.raftstatus", "ZONE", disabled=True, unlocked=True, anywhere=True)
def raft_status(request: Request) -> str:
    context = request.context
    shared.authorized(request, context.zones, context.zone_id, "ADMIN")
    return context.raft.status(context.logdb.last_federated() if context.is_federated else -1)


@method("one.zone.fedreplicate", "ZONE", "88s", disabled=True, unlocked=True, logged=False)
def fed_replicate(request: Request, index: int, previous: int, sql: str) -> I8:
    context = request.context
    if not request.caller.is_oneadmin:
        raise Failure(AUTHORIZATION, index=NONE)
    if not sql:
        text = f"Received an empty SQL command at index{unsigned(index)}"
        context.log.error("ReM", text)
        raise Failure(REPLICATION, text, index=NONE)
    if not context.is_slave:
        text = "Cannot replicate federate log records on federation master"
        context.log.info("ReM", text)
        raise Failure(REPLICATION, text, index=NONE)
    result = context.applier.apply(unsigned(index), unsigned(previous), sql)
    if result == 0:
        return signed(index)
    if result == NONE:
        text, answered = f"Error replicating log entry {unsigned(index)} in zone", unsigned(index)
    else:
        text, answered = f"Zone log is outdated last log index is {result}", result
    context.log.info("ReM", text)
    raise Failure(REPLICATION, text, index=answered)


@method("one.zone.voterequest", "ZONE", "ii8i", disabled=True, unlocked=True, anywhere=True)
def vote_request(request: Request, term: int, candidate: int, log_index: int, log_term: int) -> int:
    """Even a server that is alone gives its vote, and is no good after that."""
    raft = request.context.raft
    last_index, last_term = raft.logdb.last()
    current = raft.term
    if candidate < 0:
        raise Failure(INTERNAL, oid=current)
    if not request.caller.is_oneadmin:
        raise Failure(AUTHORIZATION, oid=current)
    if term < current:
        raise Failure(ACTION, "Candidate's term is outdated", oid=current)
    if term > current:
        raft.log.info("ReM", f"New term ({term}) discovered from candidate {candidate}")
        raft.follow(term)
    if (last_term, last_index) > (log_term % 2**32, unsigned(log_index)):
        raise Failure(ACTION, "Candidate's log is outdated", oid=current)
    if not raft.vote(candidate):
        raise Failure(ACTION, "Already voted for another candidate", oid=current)
    return current


@method("one.zone.replicate", "ZONE", "i8i8i8i8s", disabled=True, unlocked=True, logged=False, anywhere=True)
def replicate(request: Request, leader: int, leader_commit: int, leader_term: int, index: int, term: int,
              previous: int, previous_term: int, fed_index: int, sql: str) -> int:
    """A record of the leader's, or without one its sign of life."""
    raft = request.context.raft
    current = raft.term
    if not request.caller.is_oneadmin:
        raise Failure(AUTHORIZATION, oid=current)
    if leader_term < current:
        text = f"Leader term ({leader_term}) is outdated ({current})"
        raft.log.info("ReM", text)
        raise Failure(ACTION, text, oid=current)
    if leader_term > current:
        raft.log.info("ReM", f"New term ({leader_term}) discovered from leader {leader}")
        raft.follow(leader_term)
    if raft.state == CANDIDATE:
        raft.follow(leader_term)
    raft.hear(leader)
    record = Record(unsigned(index), sql, term, previous_term, unsigned(fed_index))
    if (record.index, term, previous, previous_term, sql) == (0, 0, 0, 0, ""):
        _commit(request, leader_commit, raft.logdb.last()[0])
    elif _take(request, record, unsigned(previous), current):
        _commit(request, leader_commit, record.index)
    return current


def _take(request: Request, record: Record, previous: int, term: int) -> bool:
    """Store a record if it fits to the one before it. False if it is there already.

    :raises Failure: ACTION with this server's term if it does not fit.
    """
    logdb = request.context.logdb
    if not record.sql:
        raise Failure(ACTION, "Empty SQL command in log record", oid=term)
    if record.index > 0:
        before = logdb.record(previous, previous - 1)
        if before is None:
            raise Failure(ACTION, "Error loading previous log record", oid=term)
        if before.term != record.previous_term:
            raise Failure(ACTION, "Previous log record missmatch", oid=term)
    present = logdb.record(record.index, record.index - 1)
    if present is not None and present.term == record.term:
        return False
    if not isinstance(logdb, ReplicatedLog):
        # A server that is alone would store the record and never apply it.
        raise Failure(ACTION, "Error writing log record", oid=term)
    if present is not None:
        logdb.cut(record.index)
    if not logdb.accept(record):
        raise Failure(ACTION, "Error writing log record", oid=term)
    return True


def _commit(request: Request, leader_commit: int, index: int) -> None:
    commit = request.context.raft.commit_until(unsigned(leader_commit), index)
    logdb = request.context.logdb
    if isinstance(logdb, ReplicatedLog):
        logdb.apply(commit)
