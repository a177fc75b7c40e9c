# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What OpenNebula's Augeas lens reads (share/augeas/oned.aug 1.5, the same in 6.4 to 7.4).

onedb, onezone serversync and fsck read oned.conf through it. It understands less than oned does, and one construct
that it does not know makes the whole file unreadable to those tools, which then ask for a sqlite or mysql backend.
"""

from __future__ import annotations

import re

_NAME = r"[A-Za-z_0-9]+"
_ASSIGN = r"[ \t]*=[ \t]*"
_QUOTED = r'"(?:\\[\\"]|[^\\"])*"'
# The lens writes \[ inside brackets, which excludes the backslash too.
_PLAIN = r'[^ \t\n"\[#\\]+'
_PLAIN_IN_VECTOR = r'[^ \t\n"#,]+'
_COMMENT = r"#[^\n]*"
_ENTRY = rf"{_NAME}{_ASSIGN}(?:{_QUOTED}|{_PLAIN_IN_VECTOR})"

_SINGLE = rf"[ \t]*{_NAME}{_ASSIGN}(?:{_QUOTED}|{_PLAIN})[ \t]*(?:{_COMMENT})?\n"
_VECTOR = (
    rf"[ \t]*{_NAME}{_ASSIGN}\[[ \t\n]*"
    rf"(?:{_ENTRY}[ \t]*,[ \t\n]*|{_COMMENT}\n[ \t]*)*"
    rf"{_ENTRY}[ \t\n]*(?:{_COMMENT}\n)*\][ \t]*\n"
)

_ITEM = re.compile(rf"{_VECTOR}|{_SINGLE}|[ \t]*(?:{_COMMENT})?\n")
_VALUE = re.compile(rf"{_QUOTED}|{_PLAIN}")
_VALUE_IN_VECTOR = re.compile(rf"{_QUOTED}|{_PLAIN_IN_VECTOR}")


def readable_to(text: str, start: int = 0) -> int:
    """The offset of the first item at or after `start` that the lens cannot read; len(text) when it reads all."""
    if not text.endswith("\n"):
        # Augeas itself adds the last newline.
        return min(readable_to(text + "\n", start), len(text))
    position = start
    while position < len(text):
        item = _ITEM.match(text, position)
        if not item:
            break
        position = item.end()
    return position


def reads_value(written: str, in_vector: bool) -> bool:
    """Whether the lens takes `written` as one value."""
    return bool((_VALUE_IN_VECTOR if in_vector else _VALUE).fullmatch(written))


def reads_entry(text: str, start: int, end: int) -> bool:
    """Whether the lens reads the attribute at text[start:end] as an item that ends with the attribute's last line."""
    item = _ITEM.match(text, text.rfind("\n", 0, start) + 1)
    return item is not None and item.end() == text.find("\n", end) + 1
