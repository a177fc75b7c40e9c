# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""OpenNebula's template syntax: attributes as plain data, and as the text that its parser reads back the same."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .._errors import OnefedError
from .transport import NOT_XML

# OpenNebula would put ONE_ before a name that starts with a digit or with XML, and then not find it again.
_NAME = re.compile(r"(?!XML)[A-Z_][A-Z0-9_]*\Z")
# Attributes that hold secrets, as OpenNebula's own and those of its drivers are called.
_SECRET = re.compile("PASSWORD|PASSPHRASE|PASSWD|PRIVATE_KEY|SECRET|TOKEN")
MASK = "********"


def normalise(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as OpenNebula stores and shows them: names upper-case, values trimmed text.

    A value is a scalar, a mapping of scalars (a vector attribute) or a list of both (a repeated attribute).
    Raises OnefedError, naming the attribute, for what its template syntax cannot express.
    """
    stored: dict[str, Any] = {}
    for given, value in attributes.items():
        name = _name(given, stored)
        if isinstance(value, (list, tuple)):
            if not value:
                raise OnefedError(f"The attribute {name} has an empty list; give null to remove it.")
            items = [_attribute(name, item) for item in value]
            stored[name] = items if len(items) > 1 else items[0]
        else:
            stored[name] = _attribute(name, value)
    return stored


def render(attributes: Mapping[str, Any]) -> str:
    """The template text of `attributes`; they are normalised first. Raises OnefedError like `normalise`."""
    lines = []
    for name, value in normalise(attributes).items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                lines.append(f"{name}=[{','.join(f'{key}={_quote(text)}' for key, text in item.items())}]")
            else:
                lines.append(f"{name}={_quote(item)}")
    return "\n".join(lines)


def texts_only(secrets: Mapping[str, Any]) -> Mapping[str, Any]:
    """`secrets` as they are, if their values are texts: YAML makes 342391 of 01234567. Raises OnefedError."""
    for name, value in secrets.items():
        if isinstance(value, Mapping):
            texts_only(value)
        elif not all(item is None or isinstance(item, (str, Mapping)) for item in _each(value)):
            raise OnefedError(f"The attribute {name} holds a secret and must be a text: put it in quotes.")
    return secrets


def _each(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else (value,)


def split(template: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """What a module's option `template` sets, normalised, and the names that it removes with null."""
    removed = {str(name).upper() for name, value in template.items() if value is None}
    return normalise({name: value for name, value in template.items() if value is not None}), removed


def merged(
    current: Mapping[str, Any], template: Mapping[str, Any], replace: bool, kept: Sequence[str] = ()
) -> dict[str, Any]:
    """The attributes `current` after the option `template` was applied, by rising name.

    With `replace`, what `template` does not name goes, except for `kept`.
    """
    given, removed = split(template)
    base = {name: current[name] for name in kept if name in current} if replace else current
    return {name: value for name, value in sorted({**base, **given}.items()) if name not in removed}


def masked(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as they may be shown: values whose names speak of secrets are replaced by asterisks."""
    return {name: _masked(str(name), value) for name, value in attributes.items()}


def is_secret(name: Any) -> bool:
    """Whether the name of an attribute, in whatever case, speaks of a secret."""
    return bool(_SECRET.search(str(name).upper()))


def secret_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the attributes that hold a secret, whole."""
    shown = masked(attributes)
    return {name: value for name, value in attributes.items() if value is not None and shown[name] != value}


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _masked(f"{name}/{key}", item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(name, item) for item in value]
    return MASK if is_secret(name) else value


def _quote(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def _name(given: Any, taken: Mapping[str, Any]) -> str:
    name = str(given).upper()
    if not _NAME.match(name):
        raise OnefedError(
            f'"{given}" cannot be the name of an attribute: use letters, digits and _, and begin neither with a digit '
            "nor with XML."
        )
    if name in taken:
        raise OnefedError(f"The attribute {name} is given twice; upper and lower case are the same to OpenNebula.")
    return name


def _attribute(name: str, value: Any) -> Any:
    if not isinstance(value, Mapping):
        return _text(name, value)
    if not value:
        raise OnefedError(f"The attribute {name} has an empty vector, which OpenNebula would show as an empty text.")
    vector: dict[str, str] = {}
    for key, item in value.items():
        checked = _name(key, vector)
        vector[checked] = _text(f"{name}/{checked}", item)
    return vector


def _text(name: str, value: Any) -> str:
    if is_secret(name) and value is not None:
        texts_only({name: value})
    if isinstance(value, bool):
        return "YES" if value else "NO"
    if not isinstance(value, (str, int, float)):
        raise OnefedError(f"The attribute {name} is a {type(value).__name__}; OpenNebula stores texts only.")
    text = str(value).strip()
    if NOT_XML.search(text) or "\r" in text:
        raise OnefedError(f"The attribute {name} holds a control character, which OpenNebula's XML does not keep.")
    if text.endswith("\\"):
        raise OnefedError(f"The attribute {name} ends with a backslash, which would escape its closing quote.")
    if "]]>" in text:
        raise OnefedError(f"The attribute {name} holds ]]>, which OpenNebula's parser refuses.")
    return text
