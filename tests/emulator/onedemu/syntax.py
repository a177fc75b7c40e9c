# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The grammar of ``oned.conf`` and of all templates, as strict as OpenNebula's own.

A text is a list of attributes ``NAME = value`` or ``NAME = [ KEY = value, … ]``. The value must begin on the line of
its "="; comments are allowed where a name may stand; a quoted value may span lines and knows no escape but ``\\"``.
Errors carry the wording and the position that OpenNebula prints, which clients show to their users.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_BLANK = r"[ \t]"
_SPACE = r"[ \t\n]"

# The longest match wins, then the first of the list. The empty kind is skipped.
_NORMAL: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("", re.compile(rf"{_BLANK}*#[^\n]*\n")),
    ("", re.compile(rf"{_SPACE}+")),
    ("VARIABLE", re.compile(r"[A-Za-z0-9_]+")),
    ("EQUAL", re.compile(rf"{_BLANK}*={_BLANK}*")),
    ("EQUAL_EMPTY", re.compile(rf"{_BLANK}*={_BLANK}*\n")),
    ("COMMA", re.compile(rf"{_SPACE}*,{_SPACE}*")),
    ("CBRACKET", re.compile(rf"{_SPACE}*\]{_SPACE}*")),
)
_VALUE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("OBRACKET", re.compile(rf"{_BLANK}*\[{_SPACE}*")),
    ("CCDATA", re.compile(r"[^\n]*\]\]>[^\n]*")),
    # The escape stands first so that the match is the longest one possible.
    ("QUOTED", re.compile(r'"(?:\\"|[^"])*"')),
    ("STRING", re.compile(r"[^=# \t\n,\[\]]+")),
)
_RESERVED_NAME = re.compile(r"[0-9]|XML")


class SyntaxFailure(Exception):
    """A text that does not follow the grammar.

    The message is OpenNebula's, and empty where OpenNebula gives none: a value holding "]]>" ends the reading without
    a word. ``attributes`` are those read before.
    """

    def __init__(self, message: str, attributes: list[tuple[str, str | dict[str, str]]]) -> None:
        super().__init__(message)
        self.attributes = attributes


@dataclass(frozen=True)
class Token:
    kind: str
    text: str


class _Scanner:
    """Splits a text into tokens; after "=" the rules for values hold until one value was read."""

    def __init__(self, text: str, first_line: int) -> None:
        self._text = text
        self._at = 0
        self._value = False
        # Columns are counted over the whole text, from 1; the end of the text has the place of what came before it.
        self._columns = (1, 1)
        self._first_line = first_line

    @property
    def place(self) -> str:
        line = self._first_line + self._text.count("\n", 0, self._at)
        return f"at line {line}, columns {self._columns[0]}:{self._columns[1]}"

    def next(self) -> Token:
        while self._at < len(self._text):
            kind, end = self._longest()
            text = self._text[self._at:end]
            self._columns = (self._columns[1], self._columns[1] + len(text))
            self._at = end
            if kind:
                self._value = kind == "EQUAL"
                return Token(kind, text)
        return Token("$end", "")

    def _longest(self) -> tuple[str, int]:
        """The kind and the end of the best match; a character that no rule knows is passed over."""
        best = ("", self._at + 1)
        for kind, pattern in _VALUE if self._value else _NORMAL:
            match = pattern.match(self._text, self._at)
            if match and (match.end() > best[1] or (not best[0] and match.end() == best[1])):
                best = (kind, match.end())
        return best


class _Parser:
    def __init__(self, text: str, first_line: int) -> None:
        self._scanner = _Scanner(text, first_line)
        self._token = self._scanner.next()
        self._attributes: list[tuple[str, str | dict[str, str]]] = []

    def parse(self) -> list[tuple[str, str | dict[str, str]]]:
        while self._token.kind != "$end":
            name = attribute_name(self._take("VARIABLE", expecting="$end").text)
            self._attributes.append((name, self._attribute()))
        return self._attributes

    def _attribute(self) -> str | dict[str, str]:
        if self._token.kind == "EQUAL_EMPTY":
            self._advance()
            return ""
        self._take("EQUAL", expecting="EQUAL or EQUAL_EMPTY")
        if self._token.kind == "CCDATA":
            raise SyntaxFailure("", self._attributes)
        if self._token.kind == "OBRACKET":
            self._advance()
            return self._vector()
        return self._string("OBRACKET or CCDATA or STRING")

    def _vector(self) -> dict[str, str]:
        vector: dict[str, str] = {}
        if self._token.kind == "CBRACKET":
            self._advance()
            return vector
        expecting = "CBRACKET or VARIABLE"
        while True:
            key = self._take("VARIABLE", expecting=expecting).text.upper()
            self._take("EQUAL", expecting="EQUAL")
            # Of two equal keys the first one counts.
            vector.setdefault(key, self._string("STRING"))
            if self._token.kind == "CBRACKET":
                self._advance()
                return vector
            self._take("COMMA", expecting="COMMA or CBRACKET")
            expecting = "VARIABLE"

    def _string(self, expecting: str) -> str:
        if self._token.kind == "QUOTED":
            text = self._token.text[1:-1]
            self._advance()
        else:
            text = self._take("STRING", expecting=expecting).text
        return text.replace('\\"', '"')

    def _take(self, kind: str, expecting: str) -> Token:
        token = self._token
        if token.kind != kind:
            found = "STRING" if token.kind == "QUOTED" else token.kind
            raise SyntaxFailure(
                f"syntax error, unexpected {found}, expecting {expecting} {self._scanner.place}", self._attributes)
        self._advance()
        return token

    def _advance(self) -> None:
        self._token = self._scanner.next()


def attribute_name(name: str) -> str:
    """Upper case; names that XML would not allow or reserves get a prefix."""
    upper = name.upper()
    return f"ONE_{upper}" if _RESERVED_NAME.match(upper) else upper


def parse_text(text: str, first_line: int = -1) -> list[tuple[str, str | dict[str, str]]]:
    """Read a text into its attributes, in the order of the text, names in upper case.

    :param first_line: number of the first line in messages: 1 for files; OpenNebula says -1 for strings.
    :raises SyntaxFailure: with OpenNebula's message.
    """
    return _Parser(text, first_line).parse()
