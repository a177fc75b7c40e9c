# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between plain data, as Ansible has it, and the dataclasses of this package: one reader, one writer.

A class is read by the types of its fields. A key that is missing, or null where its field takes no None, gets the
field's default; keys that no field has are left out. A field whose name is a word of Python's, C(import_), has the key
without the underscore. A class that is read otherwise has a class method C(from_plain).
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

from ...module_utils._problems.problem import Problem

Kind = TypeVar("Kind")

# Metadata of a field that is an option of a module: None means that it is not given.
OPTIONS: Mapping[str, Any] = types.MappingProxyType({"option": True})
# Metadata of a field whose problems are told as lines.
LINES: Mapping[str, Any] = types.MappingProxyType({"lines": True})


def parse(kind: type[Kind], data: Mapping[str, Any]) -> Kind:
    """An instance of the dataclass `kind`. Raises TypeError when a field without default is missing."""
    values = {}
    for name, key, hint, optional in _fields(typing.cast(Hashable, kind)):
        if key in data and (data[key] is not None or optional):
            values[name] = _value(hint, data[key])
    return kind(**values)


def plain(value: Any) -> Any:
    """The same as dictionaries, lists and scalars."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _shown(value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _shown(value: Any) -> dict[str, Any]:
    if isinstance(value, Problem):
        return value.shown("host")
    shown = {}
    for field in dataclasses.fields(value):
        item = getattr(value, field.name)
        if field.metadata.get("lines"):
            shown[field.name] = [problem.line for problem in item]
        elif item is not None or not field.metadata.get("option"):
            shown[field.name.rstrip("_")] = plain(item)
    return shown


@functools.cache
def _fields(kind: Any) -> tuple[tuple[str, str, Any, bool], ...]:
    """Name, key and type of each field, and whether it may be None; without lines, of which no problem can be made."""
    hints = typing.get_type_hints(kind)
    return tuple(
        (field.name, field.name.rstrip("_"), hints[field.name], type(None) in typing.get_args(hints[field.name]))
        for field in dataclasses.fields(kind)
        if not field.metadata.get("lines")
    )


def _value(hint: Any, data: Any) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        others = [one for one in inner if one is not types.NoneType]
        return None if data is None else _value(others[0], data) if len(others) == 1 else data
    if origin is tuple:
        kinds = [inner[0]] * len(data) if inner[-1] is Ellipsis else inner
        return tuple(_value(one, item) for one, item in zip(kinds, data))
    if origin is Mapping:
        return {key: _value(inner[1], item) for key, item in data.items()}
    if hint is Problem:
        return Problem(**{"where" if key == "host" else key: value for key, value in data.items()})
    if dataclasses.is_dataclass(hint):
        read = getattr(hint, "from_plain", None)
        return read(data) if read else parse(typing.cast(type, hint), data)
    return int(data) if hint is int else data
