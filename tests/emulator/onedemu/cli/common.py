# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the commands for people share: where to call, as whom, and how tables look."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from .. import client

FAILURE = 255
CALL_SECONDS = 60
_SYSTEM = "/var/lib/one/.one"


class CommandError(Exception):
    """The command ends with this text and status 255."""


def _first_line(name: str) -> str | None:
    """Of the first file of that name that there is: the user's, or the system's."""
    for path in (os.environ.get("HOME", "") + f"/.one/{name}", f"{_SYSTEM}/{name}"):
        if Path(path).exists():
            return Path(path).read_text(encoding="utf-8").split("\n", 1)[0].strip()
    return None


def endpoint() -> str:
    """$ONE_XMLRPC, a file one_endpoint, or this host."""
    return os.environ.get("ONE_XMLRPC") or _first_line("one_endpoint") or "http://localhost:2633/RPC2"


def credentials() -> str:
    """The first line of the file that $ONE_AUTH names, or of a file one_auth.

    :raises CommandError: if there is none.
    """
    named = os.environ.get("ONE_AUTH")
    if named:
        if not Path(named).exists():
            raise CommandError("ONE_AUTH file not present")
        return Path(named).read_text(encoding="utf-8").split("\n", 1)[0].strip()
    found = _first_line("one_auth")
    if found is None:
        raise CommandError("ONE_AUTH file not present")
    return found


def call(method: str, *params: Any, at: str | None = None, seconds: float = CALL_SECONDS) -> Any:
    """Call a method as the user of this shell and return its value.

    :raises CommandError: with the daemon's text, or with why it cannot be reached.
    """
    try:
        answer = client.call(at or endpoint(), method, [credentials(), *params], seconds)
    except client.CallError as error:
        raise CommandError(str(error)) from error
    if not answer[0]:
        raise CommandError(str(answer[1]))
    return answer[1]


def call_xml(method: str, *params: Any) -> ElementTree.Element:
    return ElementTree.fromstring(call(method, *params))


Column = tuple[str, int, bool]


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """Columns of name, width and whether they stand left; what is longer is cut off."""
    def cell(text: str, width: int, left: bool) -> str:
        return text[:width].ljust(width) if left else text[:width].rjust(width)

    header = " ".join(cell(name, width, left) for name, width, left in columns)
    shapes = [column[1:] for column in columns]
    lines = [" ".join(cell(text, *shape) for text, shape in zip(row, shapes, strict=True)).rstrip() for row in rows]
    return "\n".join([header, *lines])


def template_text(element: ElementTree.Element | None) -> str:
    """A template as people write it."""
    lines = []
    for child in element if element is not None else ():
        if len(child):
            inner = ",\n  ".join(f'{leaf.tag}="{leaf.text or ""}"' for leaf in child)
            lines.append(f"{child.tag}=[\n  {inner} ]")
        else:
            lines.append(f'{child.tag}="{child.text or ""}"')
    return "\n".join(lines)


def find_id(pool: ElementTree.Element, what: str, word: str) -> int:
    """The id that a word means: a number, or the name of an object.

    :raises CommandError: if there is no such name.
    """
    if word.isdigit():
        return int(word)
    for element in pool:
        if element.findtext("NAME") == word:
            return int(element.findtext("ID", "-1"))
    raise CommandError(f"{what} named {word} not found.")


def read_input(words: list[str]) -> str:
    """The file that is named, or standard input.

    :raises CommandError: if the file cannot be read.
    """
    if not words:
        return sys.stdin.read()
    try:
        return Path(words[0]).read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"Cannot read {words[0]}: {error.strerror}") from error


def dispatch(name: str, arguments: list[str], commands: dict[str, Callable[[list[str]], None]]) -> int:
    """Run one of the commands; an unknown one shows the list, and ends well."""
    words = [word for word in arguments if not word.startswith("-")]
    chosen = words[0] if words else ""
    if chosen not in commands:
        if chosen:
            sys.stderr.write(f"Command '{chosen}' not found\n")
        print(f"## USAGE\n{name} <command> [<args>] [<options>]\n\n## COMMANDS\n   * "
              + "\n   * ".join(sorted(commands)))
        return 0
    rest = list(arguments)
    rest.remove(chosen)
    try:
        commands[chosen](rest)
    except CommandError as error:
        sys.stdout.flush()
        sys.stderr.write(f"{error}\n")
        return FAILURE
    return 0


def options(arguments: list[str], valued: dict[str, str], flags: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Options by their names in the dictionaries, and the other words.

    :raises CommandError: for an option that is not known, or has no value.
    """
    found: dict[str, str] = {}
    words: list[str] = []
    rest = iter(arguments)
    for word in rest:
        name, equals, value = word.partition("=")
        if name in valued:
            found[valued[name]] = value if equals else next(rest, "")
        elif word in flags:
            found[flags[word]] = ""
        elif word.startswith("-"):
            raise CommandError(f"invalid option: {word}")
        else:
            words.append(word)
    return found, words
