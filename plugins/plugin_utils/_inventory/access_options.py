# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether items by which access policies are declared have the options of their modules as they must be. Pure.

The modules' own specs are the measure, applied more strictly: Ansible makes a list of a text and a text of a number.
No text here holds a value of an option, which may be a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.validation import count_terms

from ...module_utils._api.template import split, texts_only
from ...module_utils._argspec import REFERENCE, TEXT
from ...module_utils._errors import OnefedError
from ...module_utils._resources.options import ACL, GROUP, USER, VDC, Options, Spec
from .values import QUOTE_IT, read_as

Data = Mapping[str, Any]

# In the order in which the topology names what is wrong.
OPTIONS: dict[str, Options] = {
    "federation_groups": GROUP,
    "federation_users": USER,
    "federation_vdcs": VDC,
    "federation_acls": ACL,
}
ADMINISTRATOR = Options(
    {
        **{name: USER.spec[name] for name in ("name", "password", "auth_driver", "update_password")},
        "key": {"type": TEXT},
    }
)
VDC_RESOURCES: Spec = VDC.spec["resources"]["options"]
_EXPECTED = {
    "list": "a list",
    "dict": "a dictionary",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
}


def typed_items(variable: str, given: Sequence[Any], options: Options, problems: list[str]) -> list[Data]:
    """The items that are dictionaries; what is wrong with keys and values is added to `problems`."""
    items = []
    for number, item in enumerate(given, 1):
        where = f"Item {number} of {variable}"
        if not isinstance(item, Mapping):
            problems.append(f"{where} is no dictionary; it must be one with some of {', '.join(options.spec)}.")
            continue
        items.append(item)
        label = f"{where} ({item['name']})" if is_single(item.get("name")) else where
        if unknown := unknown_keys(item, options.spec):
            problems.append(f"{label} has {unknown}.")
        for key, spec in options.spec.items():
            if fault := option_fault(key, spec, item.get(key)):
                problems.append(f"{key} in {label} {fault}.")
    return items


def exclusive_problems(where: str, item: Data, options: Options) -> list[str]:
    """Options of an item of which the module takes one only."""
    return [
        f"{where} has more than one of {', '.join(names)}. Leave the others out."
        for names in options.mutually_exclusive
        if count_terms(names, item) > 1
    ]


def unknown_keys(item: Data, known: Iterable[str]) -> str:
    """What the item has besides, for a sentence; "" if there is nothing."""
    unknown = sorted(str(key) for key in item if key not in known)
    return f"unknown keys: {', '.join(unknown)}. There are {', '.join(known)}" if unknown else ""


def option_fault(key: str, spec: Mapping[str, Any], value: Any) -> str:
    """What is wrong with the value of an option as the end of a sentence, "" if nothing is."""
    if value is None:
        return ""
    kind = str(spec["type"])
    if not is_a(value, kind):
        return f"must be {_EXPECTED[kind] if kind in ('list', 'dict') else 'one value'}"
    if key in ("template", "template_secrets"):
        return _template_fault(value, secret=key == "template_secrets")
    if kind == "dict":
        return _inner_fault(spec["options"], value)
    wanted, singles = (spec.get("elements", "str"), value) if kind == "list" else (spec["type"], [value])
    found = next((read_as(each) for each in singles if not _allowed(wanted, each)), None)
    if found:
        return f"holds {found}; every item {QUOTE_IT}" if kind == "list" else f"is {found}; it {QUOTE_IT}"
    return "" if kind == "list" else _refused(key, spec, value)


def _refused(key: str, spec: Mapping[str, Any], value: Any) -> str:
    # One option by itself, and in words of our own: those of Ansible would show the value.
    if not ArgumentSpecValidator({key: spec}).validate({key: value}).error_messages:
        return ""
    return f"must be {' or '.join(spec['choices']) if 'choices' in spec else _EXPECTED[str(spec['type'])]}"


def _inner_fault(known: Spec, values: Data) -> str:
    """What is wrong with a dictionary of options."""
    if unknown := unknown_keys(values, known):
        return f"has {unknown}"
    wrong = (key for key, spec in known.items() if values.get(key) is not None and not is_a(values[key], spec["type"]))
    return next((f"must have {_EXPECTED[known[key]['type']]} as {key}" for key in wrong), "")


def _template_fault(attributes: Data, secret: bool) -> str:
    try:
        split(texts_only(attributes) if secret else attributes)
    except OnefedError as error:
        return f"cannot be: {str(error).rstrip('.')}"
    return ""


def _allowed(wanted: Any, value: Any) -> bool:
    """Whether a scalar is what YAML should have read; where objects are named a number is an id that is meant."""
    if wanted is REFERENCE:
        return read_as(value) is None or (isinstance(value, int) and not isinstance(value, bool))
    return wanted != "str" or read_as(value) is None


def is_a(value: Any, kind: str) -> bool:
    if kind in ("list", "dict"):
        return isinstance(value, list if kind == "list" else dict)
    return not isinstance(value, (list, dict))


def is_single(value: Any) -> bool:
    return value is not None and not isinstance(value, (list, Mapping))
