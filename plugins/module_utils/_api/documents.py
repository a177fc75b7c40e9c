# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""OpenNebula's XML documents as plain data. XML is parsed only here and by what is built upon this.

Whose answer a document is cannot be known here: `Client.read` calls a reader and names endpoint and method when it
raises DocumentError. The databases of front-ends hold such documents too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from .._errors import OnefedError, quoted

RAFT_STATES = {0: "solo", 1: "candidate", 2: "follower", 3: "leader"}
# FEDLOG_INDEX of an oned that takes no part in a federation, and of one whose federated log has no record.
NOT_FEDERATED = -1
EMPTY_LOG = 2**64 - 1

# OpenNebula's deepest are an attribute's in a vector in a machine's history.
_DEEPEST = 50
_NUMBER = re.compile(r"\s*(-?[0-9]{1,20})\s*\Z", re.ASCII)
_VERSION = re.compile(r"[0-9][0-9A-Za-z.~+-]{0,40}\Z")


class NotUnderstood(ValueError):
    """An answer that OpenNebula does not give; the text says what is odd about it."""


class DocumentError(OnefedError):
    """A document is not what OpenNebula makes of such an object; the text says what is odd about it."""


class _Started(Exception):
    """The first element has begun."""


def refuse_doctype(*_: Any) -> None:
    """Handler of expat: OpenNebula never declares a document's type, and entities declared there can grow for ever."""
    raise NotUnderstood("it declares a document type, which OpenNebula's documents never do")


def parse_xml(xml: str, what: str) -> ElementTree.Element:
    """The root of a document of OpenNebula's; `what` says in an error whose it is. Raises DocumentError."""
    try:
        _refuse_entities(xml)
        return ElementTree.fromstring(xml)
    except NotUnderstood as error:
        raise DocumentError(f"the description of {what} is none, {error}") from None
    except (ElementTree.ParseError, expat.ExpatError, LookupError, ValueError) as error:
        raise DocumentError(
            f"OpenNebula's description of {what} is not well-formed XML ({error}). "
            "An attribute of it holds a character that XML does not allow; correct it with OpenNebula's commands or in "
            "its database"
        ) from None


def _refuse_entities(xml: str) -> None:
    """A document's type stands before its first element, so nothing is read beyond that."""
    parser = expat.ParserCreate()

    def started(*_: Any) -> None:
        raise _Started

    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.StartElementHandler = started
    try:
        parser.Parse(xml, True)
    except _Started:
        return


def text(element: ElementTree.Element, path: str, default: str | None = None) -> str:
    """The text of the first element at `path`, `default` where there is none. Raises DocumentError without one."""
    found = element.findtext(path, default)
    if found is None:
        raise DocumentError(f"{element.tag} has no {path}")
    return found


def number(element: ElementTree.Element, path: str, default: int | None = None) -> int:
    """The whole number at `path`, `default` where nothing stands. Raises DocumentError for anything else."""
    found = element.findtext(path)
    if not found and default is not None:
        return default
    return _number(f"{path} of {element.tag}", "" if found is None else found)


def number_of(element: ElementTree.Element) -> int:
    """The whole number that is all of an element. Raises DocumentError."""
    return _number(element.tag, element.text or "")


def numbers(element: ElementTree.Element, path: str) -> list[int]:
    """The whole numbers at `path`, rising. Raises DocumentError."""
    return sorted(number_of(child) for child in element.iterfind(path))


def hexadecimal(element: ElementTree.Element, path: str) -> int:
    """The whole number at `path`, which OpenNebula writes with hexadecimal digits. Raises DocumentError."""
    found = text(element, path)
    if not re.fullmatch(r"(?:0x)?[0-9a-fA-F]{1,16}", found):
        raise DocumentError(f"{path} of {element.tag} is {quoted(found)!r} rather than a hexadecimal number")
    return int(found, 16)


def _number(what: str, found: str) -> int:
    match = _NUMBER.match(found)
    if not match:
        raise DocumentError(f"{what} is {quoted(found)!r} rather than a whole number")
    return int(match[1])


def attributes_of(parent: ElementTree.Element, depth: int = 0) -> dict[str, Any]:
    """Children as a dict: text, dict for a vector, list where a name repeats. Raises DocumentError."""
    if depth > _DEEPEST:
        raise DocumentError(f"its elements are nested more than {_DEEPEST} deep")
    values: dict[str, Any] = {}
    for child in parent:
        value = attributes_of(child, depth + 1) if len(child) else (child.text or "")
        if child.tag not in values:
            values[child.tag] = value
        elif isinstance(values[child.tag], list):
            values[child.tag].append(value)
        else:
            values[child.tag] = [values[child.tag], value]
    return values


def template_of(element: ElementTree.Element) -> dict[str, Any]:
    """The attributes in an object's TEMPLATE, as `attributes_of` gives them."""
    template = element.find("TEMPLATE")
    return {} if template is None else attributes_of(template)


def single(values: Mapping[str, Any], name: str) -> str | None:
    """A text attribute as oned looks it up: the first of a repeated one, None when empty or missing."""
    return next((item for item in _listed(values.get(name)) if isinstance(item, str)), None) or None


def vector(values: Mapping[str, Any], name: str) -> dict[str, str]:
    """A vector attribute as oned looks it up: the first of a repeated one, empty when missing, texts only."""
    found = next((item for item in _listed(values.get(name)) if isinstance(item, dict)), {})
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def version_of(answer: str) -> str:
    """The answer to one.system.version. Raises DocumentError."""
    if not _VERSION.match(answer):
        raise DocumentError(f"{quoted(answer)!r} is no version of OpenNebula")
    return answer


def zone_from_xml(xml: str) -> dict[str, Any]:
    """A ZONE document: id, name, state (enabled or disabled), endpoint, endpoint_grpc (or None), template, servers."""
    return _zone(_root(xml, "a zone", "ZONE"))


def zones_from_xml(xml: str) -> list[dict[str, Any]]:
    """The zones of a ZONE_POOL document as `zone_from_xml` gives them, by rising id."""
    zones = [_zone(element) for element in _root(xml, "the zones", "ZONE_POOL").iterfind("ZONE")]
    return sorted(zones, key=lambda zone: zone["id"])


def raft_from_xml(xml: str) -> dict[str, Any]:
    """A RAFT document with lower-case keys, and two more.

    `state_name` is solo, candidate, follower or leader. `fedlog_index` is None unless `federated_log` is "filled";
    the other two are "none" (takes no part in a federation) and "empty" (federated, but without any record).
    """
    root = _root(xml, "Raft's status", "RAFT")
    raft: dict[str, Any] = {name.lower(): number(root, name) for name in _RAFT}
    if raft["state"] not in RAFT_STATES:
        raise DocumentError(f"STATE of RAFT is {raft['state']}, which is no state of a server")
    index = raft["fedlog_index"]
    raft["federated_log"] = {NOT_FEDERATED: "none", EMPTY_LOG: "empty"}.get(index, "filled")
    raft["fedlog_index"] = index if raft["federated_log"] == "filled" else None
    raft["state_name"] = RAFT_STATES[raft["state"]]
    return raft


_RAFT = ("SERVER_ID", "STATE", "TERM", "VOTEDFOR", "COMMIT", "LOG_INDEX", "LOG_TERM", "FEDLOG_INDEX")


def config_from_xml(xml: str) -> dict[str, Any]:
    """The running configuration: text, dict for a vector, list where a name repeats."""
    return attributes_of(_root(xml, "the configuration", None))


def federation_from_xml(xml: str) -> dict[str, str]:
    """The vector FEDERATION of the running configuration, without which no oned starts."""
    found = vector(config_from_xml(xml), "FEDERATION")
    mode = found.get("MODE", "").strip().upper()
    if mode not in ("STANDALONE", "MASTER", "SLAVE"):
        raise DocumentError(f"MODE in FEDERATION of the configuration is {quoted(mode)!r}")
    if mode != "STANDALONE":
        _number("ZONE_ID in FEDERATION of the configuration", found.get("ZONE_ID", ""))
    return found


def _root(xml: str, what: str, tag: str | None) -> ElementTree.Element:
    root = parse_xml(xml, what)
    if tag is not None and root.tag != tag:
        raise DocumentError(f"the description of {what} is a {quoted(root.tag)} rather than a {tag}")
    return root


def _zone(element: ElementTree.Element) -> dict[str, Any]:
    template = template_of(element)
    return {
        "id": number(element, "ID"),
        "name": text(element, "NAME"),
        "state": "disabled" if text(element, "STATE", "0").strip() == "1" else "enabled",
        "endpoint": single(template, "ENDPOINT"),
        "endpoint_grpc": single(template, "ENDPOINT_GRPC"),
        "template": template,
        "servers": [
            {
                "id": number(server, "ID"),
                "name": text(server, "NAME"),
                "endpoint": text(server, "ENDPOINT", "") or None,
                "endpoint_grpc": text(server, "ENDPOINT_GRPC", "") or None,
            }
            for server in element.iterfind("SERVER_POOL/SERVER")
        ],
    }
