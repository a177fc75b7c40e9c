# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What one server tells of itself in Raft, and what its refusals mean for a call that may be made again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, TypeVar

from .._errors import AnswerError, ApiError, OnefedError
from .._host.deadline import Deadline
from .._oned_conf.document import integer
from .client import (
    AUTHENTICATION,
    AUTHORIZATION,
    INTERNAL,
    NO_EXISTS,
    Client,
    probe,
)
from .documents import federation_from_xml, raft_from_xml
from .transport import NoAnswer

Server = dict[str, Any]
Value = TypeVar("Value")

# A server of which nothing is known; `status` returns some of these keys.
UNKNOWN: Server = {
    "reachable": False,
    "state": "unknown",
    "refusal": None,
    "error": None,
    "server_id": None,
    "raft_state": None,
    "term": None,
    "voted_for": None,
    "commit": None,
    "log_index": None,
    "log_term": None,
    "first_log_index": None,
    "index": None,
    "first_index": None,
    "federated_log": None,
}
_REFUSALS = {AUTHENTICATION: "authentication", AUTHORIZATION: "authorization", NO_EXISTS: "no_zone"}

# Answers of servers between two leaders, and of one that cannot reach its leader or master (src/rm/xml-rpc/
# RequestXRPC.cc; the last one is libcurl's). A call that was answered so was not carried out.
_NOT_NOW = (
    "oned cluster in election mode",
    "no leader found",
    "oned cluster is replicating log",
    "Failed to connect to",
)
# A follower gives its leader ten seconds; the call goes on there.
_FORWARDED_TOO_LONG = "RPC call timed out and aborted"
# States of silence (see transport.classify) that pass, as a server stops, starts or is busy.
_PASSING = ("refused", "timeout", "no_route", "unreachable")
_NOT_CONNECTED = ("refused", "no_route")


def status(there: Client) -> Server:
    """What raftstatus, the only call that every server answers for itself, tells: keys of UNKNOWN."""
    try:
        raft = there.read(raft_from_xml, "one.zone.raftstatus")
    except NoAnswer as error:
        state = "hung" if error.state == "timeout" and _lives(there) else error.state
        return {"reachable": False, "state": state, "error": error.reason}
    except ApiError as error:
        return {"reachable": True, "state": "open", "refusal": _REFUSALS.get(error.code, "other"), "error": error.text}
    except AnswerError as error:
        return {"reachable": True, "state": "not_understood", "refusal": "not_understood", "error": str(error)}
    except OnefedError as error:
        return {"reachable": False, "state": "invalid", "error": str(error)}
    listed = raft["log_index"] >= 0
    return {
        "reachable": True,
        "state": "open",
        "server_id": raft["server_id"],
        "raft_state": raft["state_name"],
        "term": raft["term"],
        "voted_for": raft["votedfor"],
        "commit": raft["commit"] if listed else None,
        "log_index": raft["log_index"] if listed else None,
        "log_term": raft["log_term"] if listed else None,
        "first_log_index": raft["log_index"] if listed else None,
        "index": raft["fedlog_index"],
        "first_index": raft["fedlog_index"],
        "federated_log": raft["federated_log"],
    }


def _lives(there: Client) -> bool:
    """Whether oned answers a call that needs neither its log nor its users, after one that does was in vain."""
    return probe(there.url, there.timeout, there.validate_certs, there.ca_path)["state"] == "open"


@dataclass(frozen=True)
class Identity:
    """The zone that an oned belongs to; `master` is the endpoint of the federation's master for a slave, else None."""

    zone_id: int
    master: str | None


def identity(client: Client) -> Identity:
    """Whose oned answers at the client's endpoint. A follower tells its leader's. Raises OnefedError."""
    return identity_of(client.read(federation_from_xml, "one.system.config"))


def identity_of(federation: dict[str, str]) -> Identity:
    """The same from the vector FEDERATION of oned.conf. An oned that is in no federation is zone 0 whatever it says."""
    mode = federation.get("MODE", "STANDALONE").strip().upper()
    zone_id = federation.get("ZONE_ID", "").strip()
    master = federation.get("MASTER_ONED", "").strip() if mode == "SLAVE" else ""
    return Identity(integer(zone_id, 0) if mode != "STANDALONE" else 0, master or None)


def not_done(error: OnefedError) -> bool:
    """Whether a call surely was not carried out, and may well be when it is made again."""
    if isinstance(error, NoAnswer):
        return error.state in _NOT_CONNECTED
    return isinstance(error, ApiError) and any(text in error.text for text in _NOT_NOW)


def in_doubt(error: OnefedError) -> bool:
    """Whether a call may have been carried out, or may still be, although it was not answered."""
    if isinstance(error, NoAnswer):
        return error.state in _PASSING and error.state not in _NOT_CONNECTED
    return isinstance(error, ApiError) and error.code == INTERNAL and _FORWARDED_TOO_LONG in error.text


def patiently(call: Callable[[], Value], deadline: Deadline, seconds: float) -> Value:
    """The value of a call that may be repeated, made again every `seconds` while nobody leads or answers."""
    while True:
        try:
            return call()
        except OnefedError as error:
            if not (not_done(error) or in_doubt(error)) or not deadline.poll(seconds):
                raise
