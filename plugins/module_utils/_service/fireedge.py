# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""C(default_zone) in fireedge-server.conf: the zone that a FireEdge belongs to (OpenNebula 6.10 and newer).

The file is YAML, which front-ends need not be able to read. The block is edited line by line; every other byte stays.
What cannot be understood for certain is refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._errors import ConfigError, OnefedError
from .._frontend.journal import Journal, host_lock
from .._frontend.layout import Frontend
from .._host.files import backup_name, read_bytes
from .._oned_conf.document import write_atomically
from . import companions

UNIT = "opennebula-fireedge"
BLOCK = "default_zone"
KEYS = ("id", "name", "endpoint")
KNOWN_AFTER_APPLY = "(known after apply)"
_ENCODING = ("utf-8", "surrogateescape")
_INDENT = "  "  # of the stock file
_HEADER = re.compile(r"""(?P<quote>["']?)default_zone(?P=quote)[ ]*:(?P<rest>.*)""")
_PAIR = re.compile(
    r"""(?P<head>(?P<indent>[ ]+)(?P<quote>["']?)(?P<key>\w+)(?P=quote)[ ]*:)(?P<gap>[ ]*)(?P<rest>.*)"""
)
_COMMENT = re.compile(r"[ ]*(#.*)?")
# A value on one line: quoted in one of two ways, or plain; then perhaps a comment.
_VALUE = re.compile(
    r"""(?P<value>
        '(?:[^']|'')*'
        | "(?:[^"\\]|\\.)*"
        | (?![\[\]{}&*!|>@`%"',\#?]|-[ ])\S(?:[^\#]|(?<!\s)\#)*?
    )?(?P<tail>[ ]*|[ ]+\#.*)""",
    re.VERBOSE,
)


@dataclass
class Block:
    """The lines of the block: where its header is, None without one, and its keys with their lines and values."""

    header: int | None
    end: int
    indent: str
    lines: dict[str, int]
    values: dict[str, str]


def facts(frontend: Frontend) -> dict[str, Any] | None:
    """{"path", "default_zone", "error"}, None where FireEdge is not installed. The values of default_zone are text."""
    path = frontend.fireedge_conf
    if not os.path.exists(path):
        return None
    try:
        values = _block(_load(path), path).values
    except OnefedError as error:
        return {"path": path, BLOCK: None, "error": str(error)}
    return {"path": path, BLOCK: {key: values.get(key) for key in KEYS}, "error": None}


def configure(frontend: Frontend, wanted: Mapping[str, Any], backup: bool, check_mode: bool) -> dict[str, Any]:
    """Make default_zone as `wanted`, {"id", "name", "endpoint"}; FireEdge is restarted if it runs.

    An id of None is one that check mode cannot know. Returns {"changed", "path", "backup_file", "services", "diff"}.
    """
    path = frontend.fireedge_conf
    if wanted["id"] is None and not check_mode:
        raise ConfigError(f"Cannot write {BLOCK} of {path} without the id of the zone. Set zone_id.")
    wanted = {**wanted, "id": KNOWN_AFTER_APPLY if wanted["id"] is None else wanted["id"]}
    saved, services = None, []
    with host_lock(frontend, check_mode=check_mode):
        before = _load(path)
        after = edit(before, wanted, path)
        changed = after != before
        if changed and not check_mode:
            saved = backup_name(path) if backup else None
            write_atomically(path, after, saved)
            Journal.note(frontend, "fireedge")
            services = companions.restart(frontend, [UNIT])
    shown = [_shown(text, path) for text in (before, after)]
    return {
        "changed": changed,
        "path": path,
        "backup_file": saved,
        "services": services,
        "diff": {"before_header": path, "before": shown[0], "after_header": path, "after": shown[1]},
    }


def edit(text: str, wanted: Mapping[str, Any], path: str) -> str:
    """`text` with default_zone as `wanted`; values that are so already keep their spelling. Raises ConfigError."""
    block = _block(text, path)
    lines = _lines(text)
    ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    if block.header is None:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += ending
        lines += [f"{BLOCK}:{ending}", *(f"{_INDENT}{key}: {_written(wanted[key])}{ending}" for key in KEYS)]
        return "".join(lines)
    for key, number in block.lines.items():
        if key in KEYS and block.values.get(key) != str(wanted[key]):
            lines[number] = _replaced(lines[number], _written(wanted[key]))
    missing = [key for key in KEYS if key not in block.lines]
    if missing and not lines[block.end - 1].endswith("\n"):
        lines[block.end - 1] += ending
    lines[block.end : block.end] = [f"{block.indent}{key}: {_written(wanted[key])}{ending}" for key in missing]
    return "".join(lines)


def _load(path: str) -> str:
    try:
        return read_bytes(path, follow=True).decode(*_ENCODING)
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror or error}. Is FireEdge installed?") from error


def _lines(text: str) -> list[str]:
    # Not str.splitlines, which knows more ends of a line than YAML.
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _block(text: str, path: str) -> Block:
    lines = [line.rstrip("\r\n") for line in _lines(text)]
    headers = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    if len(headers) > 1:
        raise _refusal(path, headers[1], f"{BLOCK} stands there a second time")
    more = [number for number, line in enumerate(lines) if number and line.rstrip() in ("---", "...")]
    if more:
        raise _refusal(path, more[0], "a second document begins, or the first one ends")
    if not headers:
        return Block(None, len(lines), _INDENT, {}, {})
    header = headers[0]
    found = _HEADER.match(lines[header])
    if found and not _COMMENT.fullmatch(found["rest"]):
        raise _refusal(path, header, f"{BLOCK} is not written as a block, one indented line for each of its keys")
    block = Block(header, header + 1, "", {}, {})
    for number in range(header + 1, len(lines)):
        line = lines[number]
        if _COMMENT.fullmatch(line):
            continue
        if not line[0].isspace():
            break
        _read_pair(block, number, line, path)
    block.indent = block.indent or _INDENT
    return block


def _read_pair(block: Block, number: int, line: str, path: str) -> None:
    pair = _PAIR.fullmatch(line)
    value = _VALUE.fullmatch(pair["rest"]) if pair else None
    if not pair or not value or (pair["rest"] and not pair["gap"]):
        raise _refusal(path, number, "this is more than a key with a value on one line")
    block.indent = block.indent or pair["indent"]
    if pair["indent"] != block.indent:
        raise _refusal(path, number, f"it is indented otherwise than the lines of {BLOCK} above it")
    if pair["key"] in block.lines:
        raise _refusal(path, number, f"{pair['key']} stands there a second time")
    block.lines[pair["key"]] = number
    block.end = number + 1
    if value["value"] is not None:
        block.values[pair["key"]] = _plain(value["value"])


def _refusal(path: str, number: int, what: str) -> ConfigError:
    return ConfigError(f"Cannot edit {path}: line {number + 1}: {what}. Write {BLOCK} as in OpenNebula's own file.")


def _plain(value: str) -> str:
    if value[0] == "'":
        return value[1:-1].replace("''", "'")
    if value[0] == '"':
        # An escape sequence is left as it is: the value then differs from every wanted one, and is written anew.
        return value[1:-1]
    return value


def _written(value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def _replaced(line: str, value: str) -> str:
    ending = line[len(line.rstrip("\r\n")) :]
    pair = _PAIR.fullmatch(line[: len(line) - len(ending)])
    found = _VALUE.fullmatch(pair["rest"]) if pair else None
    if not pair or not found:
        raise ConfigError(f"Cannot edit the line {line.strip()!r}.")
    return f"{pair['head']}{pair['gap'] or ' '}{value}{found['tail']}{ending}"


def _shown(text: str, path: str) -> str:
    """The block alone: the rest does not change, and does not belong into a log."""
    block = _block(text, path)
    if block.header is None:
        return ""
    return "".join(_lines(text)[block.header : block.end])
