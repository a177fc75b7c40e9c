# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What is wrong with an oned.conf that the grammar allows: for oned at its start, and for onedb at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from .._errors import ConfigError
from . import augeas_lens as lens
from .grammar import Entry, Scalar, parse

MODES = ("STANDALONE", "MASTER", "SLAVE", "CACHE")
_INTEGER = re.compile(r"-?[0-9]+")
_WANTED_BY_ONEDB = ("BACKEND", "SERVER", "PORT", "USER", "PASSWD", "DB_NAME")
_COMMENT = re.compile(r"[ \t]*#")
_WINDOWS_ENDS = re.compile(r"\r+(?=\n|\Z)")


def check_federation(
    before: Mapping[str, str] | None,
    after: Mapping[str, str] | None,
    given: AbstractSet[str] = frozenset(),
    check_mode: bool = False,
) -> None:
    """Raise ConfigError when oned would refuse to start with the FEDERATION vector `after`, or would start as a
    slave with a ZONE_ID that nobody chose: `before` is the vector of old, `given` are the keys that the task names.
    """
    if after is None:
        return
    mode = after.get("MODE", "").upper()
    if mode not in MODES:
        raise ConfigError(f"FEDERATION/MODE is {mode or 'missing'}; it must be one of {', '.join(MODES)}.")
    for key in ("ZONE_ID", "SERVER_ID"):
        # A value that only a real run can know stands in parentheses.
        predicted = check_mode and after.get(key, "").startswith("(")
        if key in after and not predicted and not _INTEGER.fullmatch(after[key]):
            raise ConfigError(f"FEDERATION/{key} is {after[key]!r}; it must be a whole number.")
    if mode not in ("SLAVE", "CACHE"):
        return
    if (before or {}).get("MODE", "STANDALONE").upper() == "STANDALONE" and "ZONE_ID" not in given:
        # A standalone oned ignores its ZONE_ID: the stock 0 would make a slave that takes itself for the master's zone.
        raise ConfigError(f"FEDERATION/MODE {mode} needs a ZONE_ID: name that of this zone together with the mode.")
    if not (after.get("MASTER_ONED") or after.get("MASTER_ONED_GRPC")):
        raise ConfigError(f"FEDERATION/MODE {mode} needs MASTER_ONED, the endpoint of the master zone.")


def lens_problems(text: str, entries: list[Entry]) -> list[str]:
    """What keeps onedb (by its Augeas lens) from reading the file, each with its line.

    Windows line ends are one problem, however many lines have them.
    """
    lines = enumerate(text.split("\n"), 1)
    ends = [number for number, line in lines if line.endswith("\r") and not _COMMENT.match(line)]
    if ends:
        plain = _WINDOWS_ENDS.sub("", text)
        return [_windows(ends), *lens_problems(plain, parse(plain))]
    return [*_unreadable(text, entries), *_misread(text, entries)]


def _windows(lines: list[int]) -> str:
    others = {1: "has", 2: "and one other line have"}.get(len(lines), f"and {len(lines) - 1} other lines have")
    return (
        f"line {lines[0]}: it {others} Windows line ends, which oned takes for part of a value without quotes; remove "
        "them all with sed -i 's/\\r$//' and the path of the file"
    )


def _unreadable(text: str, entries: list[Entry]) -> list[str]:
    problems = []
    position = lens.readable_to(text)
    while position < len(text):
        entry = next((each for each in entries if each.end > position), None)
        line_end = text.find("\n", position)
        if entry and (line_end < 0 or entry.start <= line_end):
            problems.append(f"line {_line(text, entry.start)}: {entry.name} {_reason(text, entry)}")
            line_end = text.find("\n", entry.end)
        else:
            problems.append(f"line {_line(text, position)}: text that is neither an attribute nor a comment")
        if line_end < 0:
            break
        position = lens.readable_to(text, line_end + 1)
    return problems


def _reason(text: str, entry: Entry) -> str:
    line_end = text.find("\n", entry.end)
    rest = text[entry.end : line_end if line_end >= 0 else len(text)]
    if entry.scalar and entry.scalar.start == entry.scalar.end:
        return "has no value; write an empty pair of quotes"
    if entry.is_vector and not entry.pairs:
        return "is an empty vector"
    if entry.is_vector and rest.strip():
        return "has a comment or another attribute behind its ']'"
    return "has a comment, a line break, a backslash or a '[' where onedb's lens cannot read it"


def _misread(text: str, entries: list[Entry]) -> list[str]:
    """What the lens reads, and onedb then takes for something else than oned does."""
    problems = []
    databases = [entry for entry in entries if entry.name == "DB" and entry.is_vector]
    if len(databases) > 1:
        problems.append(f"line {_line(text, databases[1].start)}: a second DB; oned reads the first, onedb mixes them")
    for entry in databases[:1]:
        if text[entry.start : entry.start + 2] != "DB":
            problems.append(f"line {_line(text, entry.start)}: DB in lower case is invisible to onedb")
        problems += [
            f"line {_line(text, pair.name_start)}: DB/{pair.name.upper()}{fault}"
            for pair in entry.pairs
            for fault in _faults(pair, entry)
            if pair.name.upper() in _WANTED_BY_ONEDB
        ]
    return problems


def _faults(pair: Scalar, entry: Entry) -> list[str]:
    before = [other for other in entry.pairs if other.name_start < pair.name_start]
    found = {
        " in lower case is invisible to onedb": pair.name != pair.name.upper(),
        " is there twice, and onedb ends with an error": any(other.name == pair.name for other in before),
        ": onedb drops its backslashes": "\\" in pair.value,
    }
    return [fault for fault, holds in found.items() if holds]


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
