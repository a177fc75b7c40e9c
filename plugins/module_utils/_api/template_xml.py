# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Attributes as XML, which OpenNebula takes wherever it takes a template.

Unlike its template syntax, XML carries every value that OpenNebula ever showed: quotes, backslashes, empty vectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape


def text_xml(value: Any) -> str:
    """A value between two tags."""
    return escape(str(value))


def attributes_xml(attributes: Mapping[str, Any], root: str = "TEMPLATE") -> str:
    """The document of attributes in the shape of _api.attributes_of: text, dict for a vector, list of both."""
    return f"<{root}>{''.join(_attribute(name, value) for name, value in attributes.items())}</{root}>"


def _attribute(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_attribute(name, item) for item in value)
    if isinstance(value, Mapping):
        return attributes_xml(value, name)
    # Of an element without any content OpenNebula makes no attribute.
    return f"<{name}>{text_xml(value) or '<![CDATA[]]>'}</{name}>"
