# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Options of the modules by which access policies are declared, and whether items have them as they must be. Pure.

No text here holds a value of an option, which may be a secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._api.template import split, texts_only
from ...module_utils._errors import OnefedError
from .values import QUOTE_IT, read_as

Data = Mapping[str, Any]

# The options of the modules, each with its type as the module documents it.
_COMMON = {"name": "str", "id": "int", "state": "str", "wait_timeout": "float"}
_TEMPLATE = {"template": "dict", "template_mode": "str"}
_QUOTAS = {"quotas": "dict", "quotas_mode": "str"}
OPTIONS: dict[str, dict[str, str]] = {
    "federation_groups": {**_COMMON, **_TEMPLATE, **_QUOTAS, "admins": "list", "purge": "bool"},
    "federation_users": {
        **_COMMON,
        **_TEMPLATE,
        **_QUOTAS,
        **dict.fromkeys(("password", "password_hash", "update_password", "auth_driver", "group"), "str"),
        **dict.fromkeys(("generate_password", "enabled", "purge"), "bool"),
        **{"groups": "list", "template_secrets": "dict"},
    },
    "federation_vdcs": {
        **_COMMON,
        **_TEMPLATE,
        **dict.fromkeys(("groups", "groups_absent", "resources"), "list"),
        "purge": "bool",
    },
    "federation_acls": {
        **dict.fromkeys(("rule", "user", "group", "which", "zone", "state"), "str"),
        **{"wait_timeout": "float", "resources": "list", "rights": "list"},
    },
}
ADMINISTRATOR: dict[str, str] = dict.fromkeys(("name", "password", "key", "auth_driver", "update_password"), "str")
# Where an object is named by name or id, a number is one that is meant.
RESOURCES = ("clusters", "hosts", "datastores", "vnets")
_REFERENCES = ("user", "group", "which", "zone", "groups", "groups_absent", "admins", *RESOURCES)
_EXPECTED = {"list": "a list", "dict": "a dictionary"}


def typed_items(variable: str, given: Sequence[Any], options: Mapping[str, str], problems: list[str]) -> list[Data]:
    """The items that are dictionaries; what is wrong with keys and values is added to `problems`."""
    items = []
    for number, item in enumerate(given, 1):
        where = f"Item {number} of {variable}"
        if not isinstance(item, Mapping):
            problems.append(f"{where} is no dictionary; it must be one with some of {', '.join(options)}.")
            continue
        items.append(item)
        label = f"{where} ({item['name']})" if is_single(item.get("name")) else where
        unknown = sorted(str(key) for key in item if key not in options)
        if unknown:
            problems.append(f"{label} has unknown keys: {', '.join(unknown)}. There are {', '.join(options)}.")
        for key, kind in options.items():
            fault = option_fault(key, kind, item.get(key))
            if fault:
                problems.append(f"{key} in {label} {fault}.")
        if str(item.get("state", "present")) not in ("present", "absent"):
            problems.append(f"state in {label} must be present or absent.")
    return items


def option_fault(key: str, kind: str, value: Any) -> str:
    """What is wrong with the value of an option as the end of a sentence, "" if nothing is."""
    if value is None:
        return ""
    if not is_a(value, kind):
        return f"must be {_EXPECTED.get(kind, 'one value')}"
    if key in ("template", "template_secrets"):
        return _template_fault(value, secret=key == "template_secrets")
    single = [] if kind not in ("str", "list") else value if kind == "list" else [value]
    found = next((read_as(each) for each in single if not _allowed(key, each)), None)
    if not found:
        return ""
    return f"holds {found}; every item {QUOTE_IT}" if kind == "list" else f"is {found}; it {QUOTE_IT}"


def _template_fault(attributes: Data, secret: bool) -> str:
    try:
        split(texts_only(attributes) if secret else attributes)
    except OnefedError as error:
        return f"cannot be: {str(error).rstrip('.')}"
    return ""


def _allowed(key: str, value: Any) -> bool:
    """Whether a scalar is text, or the id of an object where one may stand."""
    return read_as(value) is None or (key in _REFERENCES and isinstance(value, int) and not isinstance(value, bool))


def is_a(value: Any, kind: str) -> bool:
    if kind in _EXPECTED:
        return isinstance(value, list if kind == "list" else dict)
    return not isinstance(value, (list, dict))


def is_single(value: Any) -> bool:
    return value is not None and not isinstance(value, (list, Mapping))
