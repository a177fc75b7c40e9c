# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The grammar of oned.conf exactly as oned reads it (src/parsers/template_parser.l and template_syntax.y, 6.4 to 7.4).

Positions are offsets into the text, so that an edit can leave every other byte alone. Like OpenNebula's scanner, this
one takes the longest match, the first rule among equals, and skips a character that no rule matches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from re import Pattern

from .._errors import ConfigError

Rules = tuple[tuple[int, Pattern[str]], ...]

_COMMENT, _BLANK, _NAME, _EQUAL, _EQUAL_EMPTY, _COMMA, _CLOSE = range(7)
_OPEN, _CDATA, _QUOTED, _PLAIN = range(10, 14)
_END = 99

# The values' rules apply after an equals sign, the others everywhere else.
_RULES = (
    (_COMMENT, re.compile(r"[ \t]*#[^\n]*\n")),
    (_BLANK, re.compile(r"[ \t\n]+")),
    (_NAME, re.compile(r"[A-Za-z0-9_]+")),
    (_EQUAL, re.compile(r"[ \t]*=[ \t]*")),
    (_EQUAL_EMPTY, re.compile(r"[ \t]*=[ \t]*\n")),
    (_COMMA, re.compile(r"[ \t\n]*,[ \t\n]*")),
    (_CLOSE, re.compile(r"[ \t\n]*\][ \t\n]*")),
)
_VALUE_RULES = (
    (_OPEN, re.compile(r"[ \t]*\[[ \t\n]*")),
    (_CDATA, re.compile(r"[^\n]*\]\]>[^\n]*")),
    # Greedy with the escaped quote first is the longest match: it ends at the last quote that it can end at.
    (_QUOTED, re.compile(r'"(?:\\"|[^"])*"')),
    (_PLAIN, re.compile(r"[^=# \t\n,\[\]]+")),
)
_WORDS = {
    _NAME: "a name",
    _EQUAL: "'='",
    _EQUAL_EMPTY: "'=' without a value",
    _COMMA: "','",
    _CLOSE: "']'",
    _OPEN: "'['",
    _QUOTED: "a value",
    _PLAIN: "a value",
    _END: "the end of the file",
}


@dataclass(frozen=True)
class Scalar:
    """One `name = value`; the value lies at text[start:end], for an empty one right after the equals sign."""

    name: str
    name_start: int
    start: int
    end: int
    value: str


@dataclass(frozen=True)
class Entry:
    """One top-level attribute at text[start:end]: `scalar` holds its value, or `pairs` those of a vector.

    `body` is where a vector's content begins, after its bracket.
    """

    name: str
    start: int
    end: int
    scalar: Scalar | None = None
    pairs: list[Scalar] = field(default_factory=list)
    body: int = 0

    @property
    def is_vector(self) -> bool:
        return self.scalar is None

    def as_dict(self) -> dict[str, str]:
        """A vector's keys in upper case; of a repeated key the first counts, as for oned."""
        result: dict[str, str] = {}
        for pair in self.pairs:
            result.setdefault(pair.name.upper(), pair.value)
        return result


def attribute_name(name: str) -> str:
    """The name under which oned keeps a top-level attribute."""
    upper = name.upper()
    return f"ONE_{upper}" if name[0].isdigit() or name.startswith("XML") else upper


def parse(text: str) -> list[Entry]:
    """All attributes in order. Raises ConfigError with the line where oned would refuse the file."""
    zero = text.find("\0")
    if zero >= 0:
        raise ConfigError(f"line {_line(text, zero)}: a zero byte")
    parser = _Parser(text)
    entries = []
    while parser.kind != _END:
        entries.append(parser.attribute())
    return entries


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def is_plain(value: str) -> bool:
    """Whether oned takes `value`, written without quotes, as one value."""
    return bool(_VALUE_RULES[3][1].fullmatch(value)) and "]]>" not in value


class _Parser:
    """A scanner with one token of lookahead: `kind` at text[start:end], `end` being where the next one begins."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.kind, self.start, self.end = _END, 0, 0
        self.advance()

    def advance(self, rules: Rules = _RULES) -> None:
        position = self.end
        while position < len(self.text):
            kind, end = _longest(rules, self.text, position)
            if kind is None:
                position += 1
            elif kind in (_COMMENT, _BLANK):
                position = end
            else:
                self.kind, self.start, self.end = kind, position, end
                return
        end = len(self.text.rstrip(" \t\n"))
        self.kind, self.start, self.end = _END, end, end

    def fail(self, expected: str) -> ConfigError:
        if self.kind == _CDATA:
            # oned says nothing and drops the rest of the file.
            return ConfigError(f"line {_line(self.text, self.start)}: ']]>' may not stand after a '='")
        # A comma or bracket takes the line breaks before it along: name the line of the sign itself.
        sign = self.end - len(self.text[self.start : self.end].lstrip())
        # Never the words of the file: they may be a piece of a password.
        return ConfigError(f"line {_line(self.text, sign)}: expected {expected}, found {_WORDS[self.kind]}")

    def take(self, kind: int) -> tuple[int, int]:
        if self.kind != kind:
            raise self.fail(_WORDS[kind])
        found = self.start, self.end
        self.advance()
        return found

    def attribute(self) -> Entry:
        start, name_end = self.take(_NAME)
        name = self.text[start:name_end]
        if self.kind == _EQUAL_EMPTY:
            at = self.text.index("=", self.start) + 1
            self.advance()
            return Entry(attribute_name(name), start, at, Scalar(name, start, at, at, ""))
        self.value_follows("'=' and a value")
        if self.kind != _OPEN:
            scalar = self.scalar(name, start)
            return Entry(attribute_name(name), start, scalar.end, scalar)
        body = self.text.index("[", self.start) + 1
        self.advance()
        pairs: list[Scalar] = []
        while self.kind != _CLOSE:
            if pairs:
                if self.kind != _COMMA:
                    raise self.fail("',' or ']'")
                self.advance()
            key_start, key_end = self.take(_NAME)
            self.value_follows("'=' and a value")
            pairs.append(self.scalar(self.text[key_start:key_end], key_start))
        close = self.text.index("]", self.start) + 1
        self.advance()
        return Entry(attribute_name(name), start, close, None, pairs, body)

    def value_follows(self, expected: str) -> None:
        if self.kind != _EQUAL:
            raise self.fail(expected)
        self.advance(_VALUE_RULES)

    def scalar(self, name: str, name_start: int) -> Scalar:
        if self.kind not in (_QUOTED, _PLAIN):
            raise self.fail("a value")
        start, end = self.start, self.end
        written = self.text[start:end]
        value = (written[1:-1] if self.kind == _QUOTED else written).replace('\\"', '"')
        self.advance()
        return Scalar(name, name_start, start, end, value)


def _longest(rules: Rules, text: str, position: int) -> tuple[int | None, int]:
    best, best_end = None, position
    for kind, pattern in rules:
        match = pattern.match(text, position)
        if match and match.end() > best_end:
            best, best_end = kind, match.end()
    return best, best_end
