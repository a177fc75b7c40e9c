# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The other servers of the zone, and calls to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import client, xmlrpc
from ..logdb import Record
from ..objects import Zone
from ..paths import read_one_auth


@dataclass(frozen=True)
class Server:
    endpoint: str
    endpoint_grpc: str


@dataclass(frozen=True)
class Answer:
    """``term`` is the one of the server that answers."""

    granted: bool
    term: int
    text: str


def servers_of(zone: Zone | None) -> dict[int, Server]:
    if zone is None:
        return {}
    return {int(each.get("ID", -1)): Server(each.get("ENDPOINT", ""), each.get("ENDPOINT_GRPC", ""))
            for each in zone.servers}


def send_record(server: Server, seconds: float, leader: int, term: int, commit: int, record: Record,
                previous: int) -> Answer:
    """``one.zone.replicate``: a record, or with an empty one a sign of life.

    :raises client.CallError: if there is no answer.
    """
    signed = xmlrpc.signed
    return _ask(server, seconds, "one.zone.replicate", leader, signed(commit), term, signed(record.index), record.term,
                signed(previous), record.previous_term, signed(record.fed_index), record.sql)


def ask_vote(server: Server, seconds: float, candidate: int, term: int, last: tuple[int, int]) -> Answer:
    """``one.zone.voterequest``; *last* is index and term of the candidate's newest record.

    :raises client.CallError: if there is no answer.
    """
    index, log_term = last
    return _ask(server, seconds, "one.zone.voterequest", term, candidate, xmlrpc.signed(index), log_term)


def _ask(server: Server, seconds: float, method: str, *params: Any) -> Answer:
    endpoint = client.grpc_carrier(server.endpoint_grpc) if server.endpoint_grpc else server.endpoint
    try:
        secret = read_one_auth()
    except OSError as error:
        raise client.CallError(str(error)) from error
    answer = client.call(endpoint, method, [secret, *params], seconds)
    if answer[0]:
        return Answer(True, int(answer[1]), "")
    return Answer(False, int(answer[3]), str(answer[1]))
