# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Two ways to call oned: pyone, as users do, and raw XML-RPC where the reply itself is the subject."""

from __future__ import annotations

import http.client
import xmlrpc.client
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import pyone

# Error codes of the XML-RPC API (system interfaces guide, "XML-RPC API").
AUTHENTICATION = 0x0100
AUTHORIZATION = 0x0200
NO_EXISTS = 0x0400
ACTION = 0x0800
INTERNAL = 0x2000
ALLOCATE = 0x4000
REPLICATION = 0x10000

# What raftstatus and logdb show where there is no federated index.
NO_INDEX = 2**64 - 1


class Refused(Exception):
    """A reply that begins with false."""

    def __init__(self, reply: list[Any]) -> None:
        super().__init__(f"{reply[2]}: {reply[1]}")
        self.text: str = reply[1]
        self.code: int = reply[2]


class Int64(int):
    """An argument to be sent as <i8>, which some methods insist on."""


class _Marshaller(xmlrpc.client.Marshaller):
    dispatch: dict[Any, Any] = dict(xmlrpc.client.Marshaller.dispatch)

    def dump_int64(self, value: int, write: Any) -> None:
        write(f"<value><i8>{int(value)}</i8></value>\n")

    dispatch[Int64] = dump_int64


class _Transport(xmlrpc.client.Transport):
    def __init__(self, timeout: float) -> None:
        super().__init__()
        self.timeout = timeout

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = self.timeout
        return connection


@dataclass(frozen=True)
class Api:
    """One endpoint seen with one user's credentials."""

    url: str
    username: str
    password: str
    timeout: float = 30.0

    @property
    def session(self) -> str:
        return f"{self.username}:{self.password}"

    @property
    def pyone(self) -> Any:
        return pyone.OneServer(self.url, session=self.session)

    def raw(self, method: str, *args: Any) -> list[Any]:
        """The reply as it came: ``[True, value, 0]`` or ``[False, text, code, object, index]``."""
        return self.post(method, self.session, *args)

    def post(self, method: str, *args: Any) -> list[Any]:
        """Like raw(), but nothing is put before the arguments."""
        marshaller = _Marshaller("utf-8")
        call = f"<methodName>{method}</methodName>{marshaller.dumps(args)}"
        body = f"<?xml version='1.0'?><methodCall>{call}</methodCall>"
        scheme, rest = self.url.split("://", 1)
        host, _dummy, path = rest.partition("/")
        transport: xmlrpc.client.Transport
        transport = _Transport(self.timeout) if scheme == "http" else xmlrpc.client.SafeTransport()
        try:
            return transport.request(host, "/" + path, body.encode())[0]  # type: ignore[return-value]
        finally:
            transport.close()

    def call(self, method: str, *args: Any) -> Any:
        """The value of a successful reply; raises Refused otherwise."""
        reply = self.raw(method, *args)
        if not reply[0]:
            raise Refused(reply)
        return reply[1]

    def xml(self, method: str, *args: Any) -> ElementTree.Element:
        return ElementTree.fromstring(self.call(method, *args))

    def answers(self) -> bool:
        """Whether a daemon replies at all, be it with a refusal."""
        try:
            self.raw("one.system.version")
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return False
        return True

    def as_user(self, username: str, password: str) -> Api:
        return Api(self.url, username, password, self.timeout)

    def raft(self) -> dict[str, int]:
        """one.zone.raftstatus as numbers."""
        return {child.tag: int(child.text or "") for child in self.xml("one.zone.raftstatus")}

    def fedlog_index(self) -> int:
        return self.raft()["FEDLOG_INDEX"]

    def mode(self) -> str:
        """STANDALONE, MASTER or SLAVE."""
        return (self.xml("one.system.config").findtext("FEDERATION/MODE") or "").strip()

    def zone_id(self) -> int:
        return int(self.xml("one.system.config").findtext("FEDERATION/ZONE_ID") or -1)


def outline(document: str, opaque: tuple[str, ...] = ()) -> str:
    """The elements of a document, ``ZONE(ID NAME SERVER_POOL(SERVER(ID)))``: siblings in order of first appearance,
    equal ones merged, nothing below an *opaque* tag."""

    def shown(elements: list[ElementTree.Element]) -> str:
        tag = elements[0].tag
        below: dict[str, list[ElementTree.Element]] = {}
        for element in elements:
            for child in [] if tag in opaque else element:
                below.setdefault(child.tag, []).append(child)
        return f"{tag}({' '.join(map(shown, below.values()))})" if below else tag

    return shown([ElementTree.fromstring(document)])
