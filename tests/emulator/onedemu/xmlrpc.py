# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""XML-RPC on the wire. Unlike the standard library's module it tells 32 from 64 bit integers, as oned does."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

FAULT_TYPE = -501
FAULT_PARSE = -503
FAULT_NO_SUCH_METHOD = -506
_HEADER = '<?xml version="1.0" encoding="UTF-8"?>\r\n'


class I8(int):
    """A 64 bit integer."""


class Fault(Exception):
    """An answer that is no result but an XML-RPC fault."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def signed(value: int) -> I8:
    """An unsigned 64 bit number as it travels."""
    return I8(value - 2**64 if value >= 2**63 else value)


def unsigned(value: int) -> int:
    return value % 2**64


def _escape(text: str) -> str:
    return (text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#x0d;"))


def _encode(value: Any) -> str:
    if isinstance(value, bool):
        return f"<value><boolean>{int(value)}</boolean></value>"
    if isinstance(value, I8):
        return f"<value><i8>{int(value)}</i8></value>"
    if isinstance(value, int):
        return f"<value><i4>{value}</i4></value>"
    if isinstance(value, str):
        return f"<value><string>{_escape(value)}</string></value>"
    if isinstance(value, (list, tuple)):
        items = "\r\n".join(map(_encode, value))
        return f"<value><array><data>\r\n{items}\r\n</data></array></value>"
    raise TypeError(f"no XML-RPC type for {type(value).__name__}")


def encode_call(method: str, params: Sequence[Any]) -> bytes:
    inner = "".join(f"<param>{_encode(value)}</param>\r\n" for value in params)
    return (f"{_HEADER}<methodCall>\r\n<methodName>{_escape(method)}</methodName>\r\n<params>\r\n{inner}</params>"
            "\r\n</methodCall>\r\n").encode()


def encode_response(value: Any) -> bytes:
    return (f"{_HEADER}<methodResponse>\r\n<params>\r\n<param>{_encode(value)}</param>\r\n</params>\r\n"
            "</methodResponse>\r\n").encode()


def encode_fault(fault: Fault) -> bytes:
    members = "".join(f"<member><name>{name}</name>\r\n{_encode(value)}</member>\r\n" for name, value in (
        ("faultCode", fault.code), ("faultString", fault.text)))
    return (f"{_HEADER}<methodResponse>\r\n<fault>\r\n<value><struct>\r\n{members}</struct></value>\r\n</fault>\r\n"
            "</methodResponse>\r\n").encode()


def _decode(value: ElementTree.Element) -> Any:
    if not len(value):
        return value.text or ""
    child = value[0]
    kind, text = child.tag, child.text or ""
    if kind in ("i4", "int"):
        return int(text)
    if kind in ("i8", "ex:i8"):
        return I8(text)
    if kind == "boolean":
        return text.strip() == "1"
    if kind == "string":
        return text
    if kind == "double":
        return float(text)
    if kind == "base64":
        return base64.b64decode(text)
    if kind == "array":
        return [_decode(item) for item in child.iterfind("data/value")]
    if kind == "struct":
        return {member.findtext("name", ""): _decode(_required(member, "value")) for member in child}
    raise Fault(FAULT_PARSE, f"Unknown value type -- XML element is named <{kind}>")


def _required(element: ElementTree.Element, name: str) -> ElementTree.Element:
    child = element.find(name)
    if child is None:
        raise Fault(FAULT_PARSE, f"Expected <{element.tag}> to have child <{name}>")
    return child


def _parse(body: bytes) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise Fault(FAULT_PARSE, f"Call is not valid XML. {error}") from error


def decode_call(body: bytes) -> tuple[str, list[Any]]:
    """Method and parameters of a call.

    :raises Fault: if the body is no XML-RPC call.
    """
    root = _parse(body)
    try:
        params = [_decode(_required(param, "value")) for param in root.iterfind("params/param")]
    except ValueError as error:
        raise Fault(FAULT_PARSE, str(error)) from error
    return _required(root, "methodName").text or "", params


def decode_response(body: bytes) -> Any:
    """The value of an answer.

    :raises Fault: if the answer is one, or is no XML-RPC answer.
    """
    root = _parse(body)
    fault = root.find("fault/value")
    if fault is not None:
        members = _decode(fault)
        raise Fault(members.get("faultCode", 0), members.get("faultString", ""))
    return _decode(_required(_required(_required(root, "params"), "param"), "value"))
