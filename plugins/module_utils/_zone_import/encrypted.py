# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Attributes of users that oned stores encrypted, as its oned.conf names them (USER_ENCRYPTED_ATTR). Pure.

Documents have them readable. Whoever recreates the users encrypts what its own oned.conf names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

_SETTING = "USER_ENCRYPTED_ATTR"


def encrypted_names(config: Mapping[str, Any]) -> list[str]:
    """The names in the configuration that oned tells: of attributes, or NAME/PART for a part of a vector."""
    found = config.get(_SETTING, [])
    return sorted({name.strip().upper() for name in ([found] if isinstance(found, str) else found)})


def left_readable(document: Mapping[str, Any], config: Mapping[str, Any], created: Collection[str]) -> Iterator[str]:
    """What users who are to be `created` had encrypted, and the master, with that configuration, stores as it is.

    One text for each attribute.
    """
    known = set(encrypted_names(config))
    for name in document["source"].get("encrypted", []):
        if {name, name.partition("/")[0]} & known:
            continue
        users = [user["name"] for user in document["users"] if user["name"] in created and _has(user["template"], name)]
        if users:
            yield (
                f"The zone's oned encrypts {name} of its users, the master's does not: {', '.join(users)} have it; it "
                f'would be stored readable. Add {_SETTING} = "{name}" to oned.conf of the master\'s servers and '
                "restart them, or remove the attribute before the export."
            )


def _has(template: Mapping[str, Any], name: str) -> bool:
    first, _slash, part = name.partition("/")
    values = template.get(first)
    return any(not part or (isinstance(value, Mapping) and part in value) for value in _listed(values))


def _listed(values: Any) -> list[Any]:
    if values is None:
        return []
    return values if isinstance(values, list) else [values]
