# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""OpenNebula's XML-RPC API: calls, their answers and errors."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from ssl import SSLContext
from typing import Any, Callable, TypeVar

from .._errors import AnswerError, ApiError, OnefedError, quoted
from .._frontend.layout import Frontend
from .._host.deadline import Deadline
from .documents import DocumentError, NotUnderstood
from .local import local_url, read_one_auth
from .tls import tls_context
from .transport import (
    FAILURES,
    MOST_BYTES,
    NOT_XML,
    NoAnswer,
    classify,
    exchange,
    most_bytes,
    split_url,
)

Read = TypeVar("Read")

# Error codes (system interfaces guide, "XML-RPC API"). INTERNAL covers much: tell its cases by their text.
AUTHENTICATION = 0x0100
AUTHORIZATION = 0x0200
NO_EXISTS = 0x0400
RPC_API = 0x1000
INTERNAL = 0x2000

# What a last reading may take when the time is used up.
GRACE_SECONDS = 5.0
_MIB = 2**20
_OTHER = "see that an oned of a supported release listens there, and look into its log"
# A refusal is a line.
_PROBE_BYTES = 2**16


@dataclass(frozen=True)
class Client:
    """One endpoint, called with one user's credentials.

    `timeout` is in seconds, for a whole call; an answer with many objects may have `answer_limit` bytes.
    """

    url: str
    username: str = field(repr=False)
    password: str = field(repr=False)
    timeout: float = 10.0
    validate_certs: bool = True
    ca_path: str | None = None
    answer_limit: int = MOST_BYTES

    def at(self, url: str, timeout: float | None = None) -> Client:
        """The same credentials at another endpoint."""
        return replace(self, url=url, timeout=self.timeout if timeout is None else timeout)

    def within(self, deadline: Deadline, most: float | None = None) -> Client:
        """This client with no more time for a call than is left, but enough for one answer."""
        limit = self.timeout if most is None else most
        return self.at(self.url, min(limit, max(deadline.left, min(GRACE_SECONDS, self.timeout))))

    def call(self, method: str, *args: Any) -> Any:
        """The value of a successful reply: text, number or truth value.

        Raises ApiError when OpenNebula refuses (an XML-RPC fault counts as code RPC_API), ApiUnreachable when no
        answer came, AnswerError when one came that OpenNebula does not give. A write that timed out may still happen.
        No error holds the password.
        """
        for argument in args:
            if isinstance(argument, str) and NOT_XML.search(argument):
                raise OnefedError(f"{method} was not called: an argument holds a character that XML does not allow.")
        context = tls_context(self.validate_certs, self.ca_path) if split_url(self.url).scheme == "https" else None
        session, most = f"{self.username}:{self.password}", most_bytes(method, self.answer_limit)
        try:
            done, value, code = _reply(exchange(self.url, method, (session, *args), self.timeout, context, most))
        except xmlrpc.client.Fault as fault:
            raise ApiError(method, self.url, RPC_API, self._clean(f"{fault.faultString} ({fault.faultCode})")) from None
        except FAILURES as error:
            state, reason = classify(error, self.timeout)
            if state == "not_understood":
                raise AnswerError(method, self.url, self._clean(reason)) from None
            raise NoAnswer(method, self.url, state, self._clean(reason)) from None
        if not done:
            raise ApiError(method, self.url, code, self._clean(value))
        return value

    def read(self, reader: Callable[[str], Read], method: str, *args: Any) -> Read:
        """What `reader`, which raises DocumentError, makes of the text that a call answers with.

        Raises like `call`, and AnswerError when the document is not what OpenNebula makes of such an object.
        """
        answer = self.call(method, *args)
        try:
            if not isinstance(answer, str):
                raise DocumentError(f"it is {answer!r} rather than a document")
            return reader(answer)
        except DocumentError as error:
            raise AnswerError(method, self.url, self._clean(f"{error}; {_OTHER}")) from None

    def create(self, method: str, *args: Any) -> int:
        """The id of what a call makes. Raises like `read`."""
        answer = self.call(method, *args)
        if isinstance(answer, bool) or not isinstance(answer, int):
            raise AnswerError(method, self.url, self._clean(f"it is {answer!r} rather than an id; {_OTHER}"))
        return answer

    def _clean(self, text: str) -> str:
        return quoted(text.replace(self.password, "********") if self.password else text)


def _reply(reply: Any) -> tuple[bool, Any, int]:
    """What oned replies: [true, value, 0] or [false, text, code, object, index]. Raises NotUnderstood."""
    if not (isinstance(reply, list) and len(reply) >= 3 and isinstance(reply[0], bool) and isinstance(reply[2], int)):
        raise NotUnderstood("it is no list of success, value and code")
    done, value, code = reply[:3]
    if not isinstance(value, (str, int, bool) if done else str):
        raise NotUnderstood(f"its value is a {type(value).__name__}")
    return done, value, int(code)


def probe(url: str, timeout: float = 10.0, validate_certs: bool = True, ca_path: str | None = None) -> dict[str, str]:
    """Whether an oned answers at `url`: {"state", "detail"}; needs no credentials.

    State is "open" for any reply of oned, "invalid" for a `url` that is none, else as `classify` returns it.
    """
    return prober(url, timeout, validate_certs, ca_path)()


def prober(
    url: str, timeout: float, validate_certs: bool = True, ca_path: str | None = None
) -> Callable[[], dict[str, str]]:
    """What probe() does, for a thread that must not read files: the authorities' is read now."""
    try:
        context = tls_context(validate_certs, ca_path) if split_url(url).scheme == "https" else None
    except OnefedError as error:
        invalid = {"state": "invalid", "detail": str(error)}
        return lambda: invalid
    return partial(_probe, url, timeout, context)


def _probe(url: str, timeout: float, context: SSLContext | None) -> dict[str, str]:
    try:
        # An empty session is refused by every oned, with a reply that only oned gives.
        _reply(exchange(url, "one.system.version", ("",), timeout, context, _PROBE_BYTES))
    except FAILURES as error:
        state, detail = classify(error, timeout)
        return {"state": state, "detail": quoted(detail)}
    return {"state": "open", "detail": "oned answers"}


def client_for(params: Mapping[str, Any], frontend: Frontend) -> Client:
    """The client that the options of the `api` fragment describe; what they leave open comes from this host.

    Raises OnefedError when the options contradict each other or this host's files cannot be used.
    """
    username, password = params.get("api_username"), params.get("api_password")
    if (username is None) != (password is None):
        raise OnefedError("api_username and api_password belong together: set both, or none to use one_auth.")
    url = params.get("api_url") or local_url(frontend)
    split_url(url)
    if username is None or password is None:
        username, password = read_one_auth(frontend.one_auth)
    limit = params["api_answer_limit"]
    if limit < 1:
        raise OnefedError(f"api_answer_limit is {limit}; it must be one MiB at least.")
    client = Client(url, username, password, params["api_timeout"], params["validate_certs"], params.get("ca_path"))
    return replace(client, answer_limit=limit * _MIB)
