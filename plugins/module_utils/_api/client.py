# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""OpenNebula's XML-RPC API: calls, their errors, and its XML documents as plain data."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree import ElementTree

from .._errors import ApiError, FrontendError, OnefedError
from .._frontend.layout import Frontend
from .._host.files import read_bytes
from .._oned_conf.document import Document
from .transport import (
    FAILURES,
    NOT_XML,
    NoAnswer,
    classify,
    exchange,
    split_url,
    tls_context,
)

# Error codes (system interfaces guide, "XML-RPC API"). INTERNAL covers much: tell its cases by their text.
AUTHENTICATION = 0x0100
AUTHORIZATION = 0x0200
NO_EXISTS = 0x0400
ACTION = 0x0800
RPC_API = 0x1000
INTERNAL = 0x2000

DEFAULT_PORT = "2633"
_MOST_BYTES = 1 << 16
RAFT_STATES = {0: "solo", 1: "candidate", 2: "follower", 3: "leader"}
# FEDLOG_INDEX of an oned that takes no part in a federation, and of one whose federated log has no record.
NOT_FEDERATED = -1
EMPTY_LOG = 2**64 - 1


@dataclass(frozen=True)
class Client:
    """One endpoint, called with one user's credentials. `timeout` is in seconds, per call."""

    url: str
    username: str = field(repr=False)
    password: str = field(repr=False)
    timeout: float = 10.0
    validate_certs: bool = True
    ca_path: str | None = None

    def at(self, url: str, timeout: float | None = None) -> Client:
        """The same credentials at another endpoint."""
        return replace(self, url=url, timeout=self.timeout if timeout is None else timeout)

    def call(self, method: str, *args: Any) -> Any:
        """The value of a successful reply.

        Raises ApiError when OpenNebula refuses (an XML-RPC fault counts as code RPC_API), ApiUnreachable when no
        usable answer came. A write that timed out may still happen. No error holds the password.
        """
        for argument in args:
            if isinstance(argument, str) and NOT_XML.search(argument):
                raise OnefedError(f"{method} was not called: an argument holds a character that XML does not allow.")
        context = tls_context(self.validate_certs, self.ca_path) if split_url(self.url).scheme == "https" else None
        try:
            reply = exchange(self.url, method, (f"{self.username}:{self.password}", *args), self.timeout, context)
            if not _is_reply(reply):
                raise ValueError
        except xmlrpc.client.Fault as fault:
            raise ApiError(method, self.url, RPC_API, self._clean(f"{fault.faultString} ({fault.faultCode})")) from None
        except FAILURES as error:
            state, reason = classify(error, self.timeout)
            raise NoAnswer(method, self.url, state, self._clean(reason)) from None
        if not reply[0]:
            raise ApiError(method, self.url, reply[2], self._clean(str(reply[1])))
        return reply[1]

    def _clean(self, text: str) -> str:
        return text.replace(self.password, "********") if self.password else text


def _is_reply(reply: Any) -> bool:
    """Whether it has the shape of oned's replies: [true, value, 0] or [false, text, code, object, index]."""
    return isinstance(reply, list) and len(reply) >= 3 and isinstance(reply[0], bool) and isinstance(reply[2], int)


def probe(url: str, timeout: float = 10.0, validate_certs: bool = True, ca_path: str | None = None) -> dict[str, str]:
    """Whether an oned answers at `url`: {"state", "detail"}; needs no credentials.

    State is "open" for any reply of oned, "invalid" for a `url` that is none, else as `classify` returns it.
    """
    try:
        context = tls_context(validate_certs, ca_path) if split_url(url).scheme == "https" else None
    except OnefedError as error:
        return {"state": "invalid", "detail": str(error)}
    try:
        # An empty session is refused by every oned, with a reply that only oned gives.
        if not _is_reply(exchange(url, "one.system.version", ("",), timeout, context)):
            raise ValueError
    except FAILURES as error:
        state, detail = classify(error, timeout)
        return {"state": state, "detail": detail}
    return {"state": "open", "detail": "oned answers"}


def read_one_auth(path: str) -> tuple[str, str]:
    """User name and password in an auth file; oned reads its first line only. Raises FrontendError."""
    try:
        # Through a link as oned goes, so that what only root may read is never sent to an oned.
        line = read_bytes(path, follow=True, limit=_MOST_BYTES).split(b"\n", 1)[0].decode("utf-8").rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FrontendError(
            f"Cannot read the credentials of oned in {path}: {reason}. "
            "Run the module as root or as oned's account, or set api_username and api_password."
        ) from None
    username, colon, password = line.partition(":")
    if not (username and colon and password):
        raise FrontendError(f"The first line of {path} is not <user>:<password>. Correct the file.")
    return username, password


def local_url(frontend: Frontend) -> str:
    """The endpoint of the oned on this host, as its oned.conf says. Raises ConfigError."""
    document = Document.load(frontend.conf)
    address = (document.get("LISTEN_ADDRESS") or "0.0.0.0").strip()
    port = (document.get("PORT") or DEFAULT_PORT).strip()
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    # oned takes a port that is no number for a missing one.
    return f"http://{f'[{address}]' if ':' in address else address}:{port if port.isdigit() else DEFAULT_PORT}/RPC2"


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
    return Client(url, username, password, params["api_timeout"], params["validate_certs"], params.get("ca_path"))


def parse_xml(xml: str, what: str) -> ElementTree.Element:
    """The root of a document of OpenNebula's; `what` says in an error whose it is. Raises OnefedError."""
    try:
        return ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise OnefedError(
            f"OpenNebula's description of {what} is not well-formed XML ({error}). "
            "An attribute of it holds a character that XML does not allow; correct it with OpenNebula's commands or in "
            "its database."
        ) from None


def _value(element: ElementTree.Element) -> Any:
    return attributes_of(element) if len(element) else (element.text or "")


def attributes_of(parent: ElementTree.Element) -> dict[str, Any]:
    """Children as a dict: text, dict for a vector, list where a name repeats."""
    values: dict[str, Any] = {}
    for child in parent:
        value = _value(child)
        if child.tag not in values:
            values[child.tag] = value
        elif isinstance(values[child.tag], list):
            values[child.tag].append(value)
        else:
            values[child.tag] = [values[child.tag], value]
    return values


def _single(values: Mapping[str, Any], name: str) -> str | None:
    """A text attribute as oned looks it up: the first of a repeated one, None when empty or missing."""
    value = values.get(name)
    texts = [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]
    return texts[0] if texts and texts[0] else None


def _zone(element: ElementTree.Element) -> dict[str, Any]:
    template_element = element.find("TEMPLATE")
    template = {} if template_element is None else attributes_of(template_element)
    return {
        "id": int(element.findtext("ID", "-1")),
        "name": element.findtext("NAME", ""),
        "state": "disabled" if element.findtext("STATE", "0").strip() == "1" else "enabled",
        "endpoint": _single(template, "ENDPOINT"),
        "endpoint_grpc": _single(template, "ENDPOINT_GRPC"),
        "template": template,
        "servers": [
            {
                "id": int(server.findtext("ID", "-1")),
                "name": server.findtext("NAME", ""),
                "endpoint": server.findtext("ENDPOINT") or None,
                "endpoint_grpc": server.findtext("ENDPOINT_GRPC") or None,
            }
            for server in element.iterfind("SERVER_POOL/SERVER")
        ],
    }


def zone_from_xml(xml: str) -> dict[str, Any]:
    """A ZONE document: id, name, state (enabled or disabled), endpoint, endpoint_grpc (or None), template, servers."""
    return _zone(parse_xml(xml, "a zone"))


def zones_from_xml(xml: str) -> list[dict[str, Any]]:
    """The zones of a ZONE_POOL document as `zone_from_xml` gives them, by rising id."""
    zones = [_zone(element) for element in parse_xml(xml, "the zones").iterfind("ZONE")]
    return sorted(zones, key=lambda zone: zone["id"])


def raft_from_xml(xml: str) -> dict[str, Any]:
    """A RAFT document with lower-case keys, and two more.

    `state_name` is solo, candidate, follower or leader. `fedlog_index` is None unless `federated_log` is "filled";
    the other two are "none" (takes no part in a federation) and "empty" (federated, but without any record).
    """
    raft: dict[str, Any] = {child.tag.lower(): int(child.text or "-1") for child in parse_xml(xml, "Raft's status")}
    index = raft.get("fedlog_index", NOT_FEDERATED)
    raft["federated_log"] = {NOT_FEDERATED: "none", EMPTY_LOG: "empty"}.get(index, "filled")
    raft["fedlog_index"] = index if raft["federated_log"] == "filled" else None
    raft["state_name"] = RAFT_STATES.get(raft["state"], "unknown")
    return raft


def config_from_xml(xml: str) -> dict[str, Any]:
    """The running configuration: text, dict for a vector, list where a name repeats."""
    return attributes_of(parse_xml(xml, "the configuration"))
