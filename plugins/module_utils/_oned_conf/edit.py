# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Edits of oned.conf as text: the smallest one that both oned and OpenNebula's Augeas lens read, else a fresh layout.

Every function takes the whole text and returns the whole new text. What is not edited stays byte for byte.
"""

from __future__ import annotations

import re

from .._errors import ConfigError
from . import augeas_lens as lens
from .grammar import Entry, Scalar, is_plain

INDENT = "    "
_INTEGER = re.compile(r"-?[0-9]+")
_COMMENT = re.compile(r"#[^\n]*")
_REST_OF_VECTOR_LINE = re.compile(r"[ \t]*\n")
_REST_OF_SINGLE_LINE = re.compile(r"[ \t]*(?:#[^\n]*)?\n")
_LINE_END = re.compile(r"[ \t]*\r?(?:\n|\Z)")


def encode(name: str, value: str, in_vector: bool, quoted: bool | None = None) -> str:
    """`value` as it is written for `name`, in quotes or not as asked where both are possible.

    Raises ConfigError, without the value, when there is no way that oned and the lens read alike.
    """
    if "\0" in value or "]]>" in value:
        raise ConfigError(f"{name} cannot be written: a value may hold neither a zero byte nor ']]>'.")
    choices = []
    if is_plain(value) and lens.reads_value(value, in_vector):
        choices.append(value)
    # A backslash before the closing quote would make oned read on to the next quote of the file.
    in_quotes = '"' + value.replace('"', '\\"') + '"'
    if not value.endswith("\\") and lens.reads_value(in_quotes, in_vector):
        choices.append(in_quotes)
    if not choices:
        raise ConfigError(
            f"{name} cannot be written so that both oned and onedb read the same value: it ends with a backslash or "
            "holds a single one. Choose a value without backslashes."
        )
    if quoted is None:
        quoted = not _INTEGER.fullmatch(value)
    return choices[-1] if quoted else choices[0]


def set_value(text: str, entry: Entry, scalar: Scalar, value: str) -> str:
    """Give the single attribute `entry`, whose value is `scalar`, another one."""
    had_quotes = text[scalar.start : scalar.start + 1] == '"' if scalar.value or scalar.end > scalar.start else None
    written = encode(entry.name, value, False, had_quotes)
    gap = "" if scalar.end > scalar.start else " "
    smallest = f"{entry.name}{text[scalar.name_start + len(scalar.name) : scalar.start]}{gap}{written}"
    return _choose(text, entry, smallest, f"{entry.name} = {written}")


def set_pairs(text: str, entry: Entry, pairs: dict[str, str]) -> str:
    """Make the vector hold exactly `pairs`, keys in upper case: old ones keep their place, new ones follow."""
    old = entry.as_dict()
    smallest = _smallest(text, entry, pairs) if old.keys() <= pairs.keys() and old else ""
    return _choose(text, entry, smallest, _fresh_layout(text, entry, pairs))


def append_value(text: str, name: str, value: str) -> str:
    """Add a single attribute at the end of the file."""
    return f"{_whole_lines(text)}{name} = {encode(name, value, False)}\n"


def append_vector(text: str, name: str, pairs: dict[str, str]) -> str:
    """Add a vector at the end of the file."""
    return f"{_whole_lines(text)}{_fresh_layout('', Entry(name, 0, 0), pairs)}\n"


def remove(text: str, entry: Entry) -> str:
    """Take an attribute out, and its line with it unless something else stands there."""
    start = text.rfind("\n", 0, entry.start) + 1
    rest = _LINE_END.match(text, entry.end)
    if rest and not text[start : entry.start].strip(" \t"):
        return text[:start] + text[rest.end() :]
    return text[: entry.start] + "\n" + text[entry.end :]


def _whole_lines(text: str) -> str:
    return text if text.endswith("\n") or not text else text + "\n"


def _choose(text: str, entry: Entry, smallest: str, fresh: str) -> str:
    for written in (smallest, fresh):
        if written:
            before, after = _own_lines(text, entry)
            result = before + written + after
            if lens.reads_entry(result, len(before), len(before) + len(written)):
                return result
    raise ConfigError(f"{entry.name} cannot be written so that both oned and onedb read it.")


def _own_lines(text: str, entry: Entry) -> tuple[str, str]:
    """What stands before and after an attribute, parted from it by line breaks where the lens needs that."""
    before, after = text[: entry.start], text[entry.end :]
    if before[before.rfind("\n") + 1 :].strip(" \t"):
        before += "\n"
    if (_REST_OF_VECTOR_LINE if entry.is_vector else _REST_OF_SINGLE_LINE).match(after):
        return before, after
    rest = _LINE_END.match(after)
    return before, "\n" + (after[rest.end() :] if rest else after)


def _smallest(text: str, entry: Entry, pairs: dict[str, str]) -> str:
    """The vector with values replaced in place and new keys added in the layout of the last one."""
    edits = [(entry.start, entry.start + len(entry.name), entry.name)] if _spelled(text, entry) else []
    seen = set()
    for pair in entry.pairs:
        key = pair.name.upper()
        if key not in seen and pairs[key] != pair.value:
            written = encode(f"{entry.name}/{key}", pairs[key], True, text[pair.start] == '"')
            edits.append((pair.name_start, pair.name_start + len(key), key))
            edits.append((pair.start, pair.end, written))
        seen.add(key)
    new = [key for key in pairs if key not in seen]
    if new:
        edits.append(_addition(text, entry, [(key, encode(f"{entry.name}/{key}", pairs[key], True)) for key in new]))
    result = text[: entry.end]
    for start, end, written in sorted(edits, reverse=True):
        result = result[:start] + written + result[end:]
    return result[entry.start :]


def _spelled(text: str, entry: Entry) -> bool:
    """Whether the name stands in the file as oned keeps it, but for the case."""
    return text[entry.start : entry.start + len(entry.name)].upper() == entry.name


def _addition(text: str, entry: Entry, new: list[tuple[str, str]]) -> tuple[int, int, str]:
    last = entry.pairs[-1]
    close = entry.end - 1
    tail = text[last.end : close]
    line = text.rfind("\n", 0, last.name_start) + 1
    alone = not text[line : last.name_start].strip(" \t")
    width = text.index("=", last.name_start) - last.name_start - 1
    pairs = [f"{key.ljust(width)} = {written}" for key, written in new]
    several = "\n" in text[entry.start : last.name_start]
    indent = "\n" + (text[line : last.name_start] if alone else INDENT)
    separator = indent if several else " "
    if "#" not in tail:
        return last.end, last.end, "".join(f",{separator}{pair}" for pair in pairs)
    # The comment behind the last value stays with it.
    body = ("," + indent).join(pairs)
    comments = tail.rstrip(" \t\n")
    return last.end, close, f",{comments}{indent}{body}\n"


def _fresh_layout(text: str, entry: Entry, pairs: dict[str, str]) -> str:
    """The vector with one key to a line; its comments stay with their keys as far as the lens allows."""
    width = max(len(key) for key in pairs)
    rows: list[tuple[list[str], str, str]] = []
    above: list[str] = []
    position = entry.body
    done = set()
    for pair in entry.pairs:
        beside, comments = _comments(text[position : pair.name_start])
        if rows and beside and position != entry.body:
            rows[-1] = (rows[-1][0], rows[-1][1], beside)
        else:
            comments = [beside, *comments] if beside else comments
        above += comments
        position = pair.end
        key = pair.name.upper()
        if key in pairs and key not in done:
            rows.append((above, f"{key.ljust(width)} = {_kept(text, entry, pair, pairs[key])}", ""))
            above = []
        done.add(key)
    if entry.pairs:
        beside, comments = _comments(text[position : entry.end - 1])
        above += [beside, *comments] if beside else comments
    for key in pairs:
        if key not in done:
            rows.append((above, f"{key.ljust(width)} = {encode(f'{entry.name}/{key}', pairs[key], True)}", ""))
            above = []
    lines = []
    for number, (comments, pair_text, beside) in enumerate(rows):
        last = number == len(rows) - 1
        # The lens wants no comment between the last value and the bracket, so those go before it.
        lines += comments + (above if last else [])
        lines.append(pair_text if last else f"{pair_text}, {beside}".rstrip())
    return "\n".join([f"{entry.name} = [", *(INDENT + line for line in lines), "]"])


def _kept(text: str, entry: Entry, pair: Scalar, value: str) -> str:
    written = text[pair.start : pair.end]
    if value == pair.value and lens.reads_value(written, True):
        return written
    return encode(f"{entry.name}/{pair.name.upper()}", value, True, written.startswith('"'))


def _comments(gap: str) -> tuple[str, list[str]]:
    """The comment that ends the gap's first line, and those on lines of their own."""
    beside, others = "", []
    for comment in _COMMENT.finditer(gap):
        found = comment.group().rstrip("\r")
        if "\n" in gap[: comment.start()]:
            others.append(found)
        else:
            beside = found
    return beside, others
