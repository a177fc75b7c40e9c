# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second reader of oned.conf, for tests: character by character, and only of what oned and onedb read alike.

It shares no code and no method with the collection's, so that both are unlikely to be wrong in the same way.
"""

from __future__ import annotations

from typing import Union

Meaning = tuple[str, Union[str, list[tuple[str, str]]]]


class Unreadable(Exception):
    """Not in the form that every reader of oned.conf takes."""


class Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def next(self) -> str:
        self.at += 1
        return self.text[self.at - 1 : self.at]

    def skip(self, characters: str) -> None:
        while self.peek() and self.peek() in characters:
            self.at += 1

    def want(self, character: str) -> None:
        if self.next() != character:
            raise Unreadable(f"{character!r} wanted at {self.at}")

    def comment(self) -> None:
        while self.peek() not in ("", "\n"):
            self.at += 1

    def name(self) -> str:
        start = self.at
        while self.peek().isascii() and (self.peek().isalnum() or self.peek() == "_"):
            self.at += 1
        if start == self.at:
            raise Unreadable(f"name wanted at {self.at}")
        return self.text[start : self.at].upper()

    def value(self, stops: str) -> str:
        found = ""
        if self.peek() != '"':
            while self.peek() and self.peek() not in stops:
                found += self.next()
            if not found:
                raise Unreadable(f"value wanted at {self.at}")
            return found
        self.next()
        while self.peek() != '"':
            character = self.next()
            if character == "":
                raise Unreadable("open quotes")
            if character == "\\":
                if self.peek() not in ("\\", '"'):
                    raise Unreadable("single backslash")
                character = self.next() if self.peek() == '"' else character + self.next()
            found += character
        self.next()
        if found.endswith("\\"):
            raise Unreadable("backslash before the closing quote")
        return found

    def assign(self) -> None:
        self.skip(" \t")
        self.want("=")
        self.skip(" \t")

    def vector(self) -> list[tuple[str, str]]:
        self.want("[")
        pairs: list[tuple[str, str]] = []
        while True:
            self.skip(" \t\n")
            while self.peek() == "#":
                self.comment()
                self.want("\n")
                self.skip(" \t")
            if self.peek() == "]" and pairs:
                break
            key = self.name()
            self.assign()
            pairs.append((key, self.value(' \t\n"#,=[]')))
            self.skip(" \t")
            if self.peek() != ",":
                self.skip(" \t\n")
                while self.peek() == "#":
                    self.comment()
                    self.want("\n")
                self.want("]")
                self.at -= 1
                break
            self.next()
        self.want("]")
        self.skip(" \t")
        if self.peek() != "\n":
            raise Unreadable("text behind a vector")
        return pairs


def read(text: str) -> list[Meaning]:
    """Names with their values, or for vectors with their keys and values. Raises Unreadable."""
    reader = Reader(text)
    found: list[Meaning] = []
    while reader.peek():
        reader.skip(" \t")
        if reader.peek() == "#":
            reader.comment()
        elif reader.peek() != "\n":
            name = reader.name()
            reader.assign()
            if reader.peek() == "[":
                found.append((name, reader.vector()))
            else:
                found.append((name, reader.value(' \t\n"[#\\,=]')))
                reader.skip(" \t")
                if reader.peek() == "#":
                    reader.comment()
        reader.want("\n")
    return found
