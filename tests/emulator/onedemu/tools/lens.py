# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``oned.conf`` as OpenNebula's Ruby tools read it: through an Augeas lens that is stricter than oned's own parser.

One construct that the lens does not know makes the whole file unreadable, and every look-up finds nothing.
"""

from __future__ import annotations

import re

_QUOTED = r'"(?:\\[\\"]|[^\\"])*"'
_NAME = r"[A-Za-z_0-9]+"
_SEPARATOR = r"[ \t]*=[ \t]*"
_ENTRY = rf'{_NAME}{_SEPARATOR}(?:{_QUOTED}|[^ \t\n"#,]+)'
_COMMENT = r"#[^\n]*\n"
_SECTION_BODY = (rf"(?:{_ENTRY}[ \t]*,[ \t\n]*|{_COMMENT}[ \t]*)*{_ENTRY}[ \t\n]*(?:{_COMMENT})*")
_ITEMS = tuple(re.compile(pattern) for pattern in (
    rf"[ \t]*(?P<name>{_NAME}){_SEPARATOR}\[[ \t\n]*(?P<section>{_SECTION_BODY})\][ \t]*\n",
    rf'[ \t]*{_NAME}{_SEPARATOR}(?:{_QUOTED}|[^ \t\n"\[#\\]+)[ \t]*(?:#[^\n]*)?\n',
    r"[ \t]*#[^\n]*\n",
    r"[ \t]*\n",
))
_PAIR = re.compile(rf'(?P<key>{_NAME}){_SEPARATOR}(?P<value>{_QUOTED}|[^ \t\n"#,]+)|{_COMMENT}')


def sections(text: str, name: str) -> list[list[tuple[str, str]]] | None:
    """The vectors of that name (names are case sensitive here); None if the lens cannot read the text.

    Values stand as they are written, with their quotes.
    """
    found = []
    at = 0
    if not text.endswith("\n"):
        text += "\n"  # as Augeas does
    while at < len(text):
        match = next(filter(None, (item.match(text, at) for item in _ITEMS)), None)
        if match is None:
            return None
        if match.groupdict().get("name") == name:
            found.append([(pair["key"], pair["value"]) for pair in _PAIR.finditer(match["section"]) if pair["key"]])
        at = match.end()
    return found


def clean(value: str) -> str:
    """A value as the tools use it: one quote off each end, all backslashes gone."""
    return value.removesuffix('"').removeprefix('"').replace("\\", "")
