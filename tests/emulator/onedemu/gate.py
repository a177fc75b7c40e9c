# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The way of a request through the daemon: parse, authenticate, gates, execute, answer, log."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from . import client, xmlrpc
from .auth import Caller, Permissions, allowed, authenticate, refusal
from .context import Context
from .raft.leading import CANDIDATE

AUTHENTICATION = 0x0100
AUTHORIZATION = 0x0200
NO_EXISTS = 0x0400
ACTION = 0x0800
RPC_API = 0x1000
INTERNAL = 0x2000
ALLOCATE = 0x4000
REPLICATION = 0x10000

# A follower waits that long for its leader.
FORWARD_SECONDS = 10.0
RECONCILING = "Cannot process request, oned cluster is replicating log"

OBJECT_NAMES = {
    "VM": "virtual machine", "HOST": "host", "NET": "virtual network", "IMAGE": "image", "USER": "user",
    "TEMPLATE": "virtual machine template", "GROUP": "group", "ACL": "ACL", "DATASTORE": "datastore",
    "CLUSTER": "cluster", "DOCUMENT": "document", "ZONE": "zone", "SECGROUP": "security group", "VDC": "VDC",
    "VROUTER": "virtual router", "MARKETPLACE": "marketplace", "MARKETPLACEAPP": "marketplaceapp",
    "VMGROUP": "vm group", "VNTEMPLATE": "virtual network template", "HOOK": "hook", "BACKUPJOB": "backup job",
}
_PARAMETER_NAMES = {"i": "integer", "8": "64-bit integer", "s": "string", "b": "boolean", "a": "array"}


class Failure(Exception):
    """The request fails. ``oid`` and ``index`` are the last two items of the answer; ``kind`` changes the object
    that the text names."""

    def __init__(self, code: int, text: str = "", oid: int = -1, index: int = -1, kind: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.oid = oid
        self.index = index
        self.kind = kind


@dataclass(frozen=True)
class Method:
    """One method of the API.

    ``params`` has a letter a parameter: i 32 bit, 8 64 bit, s string, b boolean, a array; those after "?" may be
    missing. ``disabled`` is whether a disabled zone still answers it, ``proxied`` whether a slave passes it on,
    ``unlocked`` whether it takes locks by itself, ``on_slave`` whether slaves know it at all, ``anywhere`` whether
    each server of a zone answers for itself, rather than the leader for all.
    """

    name: str
    run: Callable[..., Any]
    kind: str
    params: str
    disabled: bool
    proxied: bool
    unlocked: bool
    on_slave: bool
    logged: bool
    anywhere: bool


METHODS: dict[str, Method] = {}


def method(name: str, kind: str, params: str = "", *, disabled: bool = False, proxied: bool = False,
           unlocked: bool = False, on_slave: bool = True,
           logged: bool = True,
           anywhere: bool | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a method of the API; see :class:`Method`. What only reads takes no lock, and is read anywhere."""
    def register(run: Callable[..., Any]) -> Callable[..., Any]:
        reads = name.endswith(".info")
        METHODS[name] = Method(name, run, kind, params, disabled, proxied, unlocked or reads, on_slave, logged,
                               reads if anywhere is None else anywhere)
        return run
    return register


class Request:
    """One call in progress, for the functions that execute it."""

    def __init__(self, context: Context, what: Method, caller: Caller) -> None:
        self.context = context
        self.method = what
        self.caller = caller

    def authorize(self, *wanted: tuple[str, Permissions]) -> None:
        """:raises Failure: AUTHORIZATION with all rights that are missing."""
        missing = [refusal(right, on) for right, on in wanted
                   if not allowed(self.context, self.caller, right, on)]
        if missing:
            raise Failure(AUTHORIZATION, "; ".join(missing))


def failure_text(name: str, kind: str, uid: int, failure: Failure) -> str:
    """The text of a failure as clients get it."""
    return f"[{name}] {_failure_body(OBJECT_NAMES.get(failure.kind or kind, '-'), uid, failure)}"


def _failure_body(thing: str, uid: int, failure: Failure) -> str:
    text = failure.text
    if failure.code == AUTHORIZATION:
        return f"User [{uid}] " + (f": {text}." if text else f"not authorized to perform action on {thing}.")
    if failure.code == AUTHENTICATION:
        return "User couldn't be authenticated, aborting call."
    if failure.code == NO_EXISTS:
        return f"Error getting {thing}" + (f" [{failure.oid}]." if failure.oid != -1 else " Pool.")
    if failure.code == ALLOCATE:
        return f"Error allocating a new {thing}." + (f" {text}" if text else "")
    if failure.code == REPLICATION:
        index = xmlrpc.unsigned(failure.index)
        return f"Error replicating log entry {index}" + (f": {text}." if text else ".")
    return text


def _answer(request: Request | None, what: Method, params: list[Any]) -> list[Any]:
    """Run a method.

    :raises Fault: for parameters of the wrong number or type.
    """
    if request is None:
        failure = Failure(AUTHENTICATION)
        return [False, failure_text(what.name, what.kind, -1, failure), failure.code, -1, xmlrpc.I8(-1)]
    context = request.context
    try:
        if context.raft.reconciling and not what.anywhere:
            raise Failure(INTERNAL, RECONCILING)
        if context.zone_disabled and not what.disabled:
            raise Failure(INTERNAL, "Cannot process request, zone disabled")
        arguments = _checked(what, params)
        with nullcontext() if what.unlocked else context.locked(what.kind):
            return [True, what.run(request, *arguments), 0]
    except Failure as failure:
        text = failure_text(what.name, what.kind, request.caller.uid, failure)
        return [False, text, failure.code, failure.oid, xmlrpc.signed(failure.index)]


def _internal(what: Method, caller: Caller, text: str) -> list[Any]:
    failure = Failure(INTERNAL, text)
    return [False, failure_text(what.name, what.kind, caller.uid, failure), failure.code, -1, xmlrpc.I8(-1)]


def _checked(what: Method, params: list[Any]) -> list[Any]:
    required, _dummy, optional = what.params.partition("?")
    arguments: list[Any] = []
    for position, letter in enumerate(required + optional):
        if position >= len(params):
            if position < len(required):
                raise xmlrpc.Fault(xmlrpc.FAULT_TYPE, "Not enough parameters")
            break
        value = params[position]
        if not _has_type(value, letter):
            raise xmlrpc.Fault(
                xmlrpc.FAULT_TYPE, f"Parameter that is supposed to be {_PARAMETER_NAMES[letter]} is not")
        arguments.append(value)
    return arguments


def _has_type(value: Any, letter: str) -> bool:
    if letter == "8":
        return isinstance(value, xmlrpc.I8)
    if letter == "i":
        return isinstance(value, int) and not isinstance(value, (bool, xmlrpc.I8))
    return isinstance(value, {"s": str, "b": bool, "a": list}[letter])


class Gate:
    """Answers the requests of one daemon."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known = {name: what for name, what in METHODS.items()
                       if what.on_slave or not context.is_slave}

    def handle(self, body: bytes, address: str) -> bytes:
        """The answer to one HTTP request."""
        try:
            name, params = xmlrpc.decode_call(body)
            what = self._known.get(name)
            if what is None:
                raise xmlrpc.Fault(xmlrpc.FAULT_NO_SUCH_METHOD, f"Method '{name}' not defined")
            if not params or not isinstance(params[0], str):
                text = "Parameter that is supposed to be string is not" if params else "Not enough parameters"
                raise xmlrpc.Fault(xmlrpc.FAULT_TYPE, text)
            return self._execute(what, params, body, address)
        except xmlrpc.Fault as fault:
            return xmlrpc.encode_fault(fault)

    def _execute(self, what: Method, params: list[Any], body: bytes, address: str) -> bytes:
        number = random.randrange(10000)
        caller = authenticate(self._context, params[0])
        uid = -1 if caller is None else caller.uid
        if what.logged:
            shown = _parameters(what.name, params, old=not self._context.release.rewritten)
            self._context.log.debug("ReM", f"Req:{number:04d} UID:{uid} IP:{address} {what.name} invoked {shown}")
        answer: bytes | list[Any]
        if caller is not None and not what.anywhere and not self._context.raft.active:
            answer = self._not_leading(what, caller, body)
        elif caller is not None and what.proxied and self._context.is_slave:
            answer = self._proxy(what, caller, body)
        else:
            answer = _answer(None if caller is None else Request(self._context, what, caller), what, params[1:])
        if isinstance(answer, bytes):
            return answer
        if what.logged or caller is None:
            self._log_result(number, uid, what, answer)
        return xmlrpc.encode_response(answer)

    def _not_leading(self, what: Method, caller: Caller, body: bytes) -> bytes | list[Any]:
        """Pass a call on to the zone's leader as it came."""
        raft = self._context.raft
        endpoint = raft.leader_endpoint()
        if raft.state == CANDIDATE:
            text = "Cannot process request, oned cluster in election mode"
        elif endpoint is None:
            text = "Cannot process request, no leader found"
        elif client.is_grpc(endpoint):
            text = "Forwarding xml-rpc message to gRPC leader is not supported"
        else:
            try:
                answer = client.post(endpoint, body, FORWARD_SECONDS)
                xmlrpc.decode_response(answer)
                return answer
            except client.CallError as error:
                text = str(error)
            except xmlrpc.Fault as fault:
                text = f"RPC failed at server.  {fault.text}"
        return _internal(what, caller, text)

    def _proxy(self, what: Method, caller: Caller, body: bytes) -> bytes | list[Any]:
        """Pass a call on to the master as it came; the answer goes back as it came too."""
        if self._context.raft.reconciling:
            text = RECONCILING
        elif self._context.zone_disabled and not what.disabled:
            text = "Cannot process request, zone disabled"
        elif not self._context.master_endpoint:
            text = "Conversion from XRPC call to GRPC proxy not implemented"
        else:
            try:
                answer = client.post(self._context.master_endpoint, body,
                                     timeout=self._context.conf.integer("TIMEOUT", 15))
                xmlrpc.decode_response(answer)
                return answer
            except (client.CallError, xmlrpc.Fault):
                text = "Could not connect to the federation master oned"
        return _internal(what, caller, text)

    def _log_result(self, number: int, uid: int, what: Method, answer: list[Any]) -> None:
        start = f"Req:{number:04d} UID:{uid if uid != -1 else '-'} {what.name} result "
        if answer[0]:
            self._context.log.debug("ReM", f"{start}SUCCESS, {_shown(answer[1])}")
        else:
            self._context.log.error("ReM", f"{start}FAILURE {answer[1]}")


# Places of passwords and tokens among the parameters, the session being at 0.
_SECRET = {"one.user.allocate": 2, "one.user.passwd": 2, "one.user.chauth": 3, "one.user.login": 2}
_SHOWN = 20


def _parameters(name: str, params: list[Any], old: bool) -> str:
    """The parameters of a call as the log shows them: releases before 7.2 cut each, newer ones the whole."""
    secret = _SECRET.get(name)
    if old:
        return "".join(", ****" if place == secret else f", {_shown(value)}"
                       for place, value in enumerate(params) if place)
    text = ", ".join("****" if place == secret else _plain(value) for place, value in enumerate(params) if place)
    return text if len(text) <= _SHOWN else text[:_SHOWN - 3] + "..."


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value[:_SHOWN]}{"..." if len(value) > _SHOWN else ""}"'
    return str(value)
