# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of the public variables as the inventory gives them: typed, or told what is wrong with them. Pure.

YAML reads NO as a boolean, 01234567 as an octal number, 1_0_0 as a hundred and 2026-01-02 as a date. What is meant as
text and was read as something else cannot be had back, so it is refused.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .variables import Variable

# What is asked of somebody whose text was read as something else.
QUOTE_IT = "must be a text: put it in quotes"
LONG = ("list", "dict")  # types whose values are not shown
_TEXTS = ("str", "path")
_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_KINDS = {"bool": "true or false", "int": "a whole number", "list": "a list", "dict": "a dictionary"}


def read_as(value: Any) -> str | None:
    """What YAML took a scalar for that is no text, such as "a number"; None for text, lists and dictionaries."""
    if isinstance(value, bool):
        return "a boolean (as NO, yes, on and off are without quotes)"
    if isinstance(value, (int, float)):
        return "a number"
    return "a date" if isinstance(value, datetime.date) else None


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def read_values(
    hosts: Iterable[str],
    given: Mapping[str, Mapping[str, Any]],
    variables: Iterable[Variable],
    problems: list[str],
) -> dict[str, dict[str, Any]]:
    """The `variables` of each host, typed, with defaults; what is wrong with the `given` ones goes to `problems`.

    The same fault on several hosts, as by a variable of their group, is one problem. Values of secrets, and of what is
    long, are in no text.
    """
    wrong: dict[tuple[str, str], list[str]] = {}
    values: dict[str, dict[str, Any]] = {}
    for host in hosts:
        values[host] = {}
        for variable in variables:
            raw = given.get(host, {}).get(variable.name)
            value, fault = (variable.default, "") if raw is None or raw == "" else _typed(variable, raw)
            values[host][variable.name] = variable.default if fault else value
            if fault:
                wrong.setdefault((variable.name, fault), []).append(host)
    problems += [f"{name} of {named_hosts(found)} {fault}." for (name, fault), found in wrong.items()]
    return values


def named_hosts(hosts: Sequence[str]) -> str:
    """The hosts in a sentence."""
    return f"host{'s' if len(hosts) > 1 else ''} {', '.join(map(repr, hosts))}"


def plain(value: Any) -> Any:
    """Variables of Ansible as data of Python's own types, whatever classes its templating gave them."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return value if value is None or isinstance(value, bool) else str(value)


def _typed(variable: Variable, raw: Any) -> tuple[Any, str]:
    """The value, and what is wrong with it as the end of a sentence."""
    value: Any
    fault = _not_text(variable, raw)
    if fault:
        return None, fault
    if variable.type == "bool":
        value = _BOOLEANS.get(str(raw).lower())
    elif variable.type == "int":
        value = int(str(raw)) if str(raw).isdigit() else None
    elif variable.type == "list":
        value = list(raw) if isinstance(raw, (list, tuple)) else None
    elif variable.type == "dict":
        value = plain(raw) if isinstance(raw, Mapping) else None
    else:
        value = str(raw) if is_text(raw) else None
    if value is None or (variable.choices and value not in variable.choices):
        expected = " or ".join(variable.choices) or _KINDS.get(variable.type, "a text")
        hidden = variable.secret or variable.type in LONG or isinstance(raw, (list, Mapping))
        shown = "something else" if hidden else repr(str(raw))
        return None, f"is {shown}; it must be {expected}"
    return value, ""


def _not_text(variable: Variable, raw: Any) -> str:
    """Where text is expected and YAML read something else, as the end of a sentence."""
    if variable.type in _TEXTS:
        found = read_as(raw)
        return f"is {found}; it {QUOTE_IT}" if found else ""
    if variable.elements == "str" and isinstance(raw, (list, tuple)):
        return next((f"holds {read_as(item)}; every item {QUOTE_IT}" for item in raw if read_as(item)), "")
    if variable.type == "dict" and isinstance(raw, Mapping):
        return next((f"holds {found}; all in it {QUOTE_IT}" for found in _scalars(raw)), "")
    return ""


def _scalars(value: Any) -> Iterable[str]:
    """What YAML did not read as text in a dictionary, its keys included."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from (*_scalars(key), *_scalars(item))
    elif found := read_as(value):
        yield found
