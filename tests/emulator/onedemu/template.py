# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""OpenNebula's templates: attributes sorted by name, single values or vectors of key and value."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from .syntax import SyntaxFailure, parse_text

# Stands for an empty CDATA, which ElementTree would not tell from nothing at all.
_EMPTY = "\ue000"
Vector = dict[str, str]
Value = str | Vector


class TemplateError(Exception):
    """A template that cannot be read; the text is the one clients get."""


def cdata(value: str) -> str:
    """A value as it stands in templates: always CDATA, even if empty."""
    return f"<![CDATA[{value}]]>"


class Template:
    """A multimap of attributes. Equal names keep their order; XML is sorted by name."""

    def __init__(self, attributes: list[tuple[str, Value]] | None = None) -> None:
        self._attributes: list[tuple[str, Value]] = list(attributes or [])

    def __iter__(self) -> Iterator[tuple[str, Value]]:
        return iter(sorted(self._attributes, key=lambda item: item[0]))

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _dummy in self._attributes)

    def single(self, name: str) -> str:
        """The first single value of that name, or an empty string."""
        return next((v for k, v in self._attributes if k == name and isinstance(v, str)), "")

    def vector(self, name: str) -> Vector | None:
        """The first vector of that name."""
        return next((v for k, v in self._attributes if k == name and isinstance(v, dict)), None)

    def vectors(self, name: str) -> list[Vector]:
        return [v for k, v in self._attributes if k == name and isinstance(v, dict)]

    def singles(self, name: str) -> list[str]:
        return [v for k, v in self._attributes if k == name and isinstance(v, str)]

    def add(self, name: str, value: Value) -> None:
        self._attributes.append((name, value))

    def remove(self, name: str) -> None:
        self._attributes = [item for item in self._attributes if item[0] != name]

    def replace(self, name: str, value: Value) -> None:
        self.remove(name)
        self.add(name, value)

    def take(self, name: str) -> str:
        """Remove an attribute and return its value."""
        value = self.single(name)
        self.remove(name)
        return value

    def merge(self, other: Template) -> None:
        """Attributes of the other template replace those of the same name; an empty vector only takes them out."""
        for name in {name for name, _dummy in other}:
            self.remove(name)
        self._attributes.extend((name, value) for name, value in other if value != {})

    def to_xml(self, root: str = "TEMPLATE") -> str:
        """Sorted by name, vectors sorted by key."""
        return f"<{root}>" + "".join(attribute_xml(name, value) for name, value in self) + f"</{root}>"


def attribute_xml(name: str, value: Value) -> str:
    inner = cdata(value) if isinstance(value, str) else "".join(
        f"<{key}>{cdata(value[key])}</{key}>" for key in sorted(value))
    return f"<{name}>{inner}</{name}>"


def from_element(element: ElementTree.Element) -> Template:
    """Read a TEMPLATE (or alike) element."""
    template = Template()
    for child in element:
        if len(child):
            template.add(child.tag, {leaf.tag: leaf.text or "" for leaf in child})
        else:
            template.add(child.tag, child.text or "")
    return template


def _given(element: ElementTree.Element) -> Template:
    """Read XML of a client's: of an element with nothing in it, not even an empty CDATA, becomes no attribute."""
    template = Template()
    for child in element:
        if len(child):
            template.add(child.tag, {leaf.tag: leaf.text.replace(_EMPTY, "") for leaf in child if leaf.text})
        elif child.text:
            template.add(child.tag, child.text.replace(_EMPTY, ""))
    return template


def parse(text: str) -> Template:
    """Read a template as the API accepts it: OpenNebula's own syntax, or XML.

    :raises TemplateError: with oned's words.
    """
    if text.startswith("<"):
        try:
            return _given(ElementTree.fromstring(text.replace(cdata(""), _EMPTY)))
        except ElementTree.ParseError as error:
            raise TemplateError("Parse error: XML Template malformed.") from error
    try:
        return Template(parse_text(text))
    except SyntaxFailure as error:
        raise TemplateError(f"Parse error: {error}" if str(error) else "Parse error.") from error
