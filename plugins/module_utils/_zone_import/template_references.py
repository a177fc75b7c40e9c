# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What VM templates use of others by its name and its owner, such as DISK=[IMAGE="base",IMAGE_UNAME="ana"]. Pure.

OpenNebula looks for the owner whenever the template is used, so the new name or id has to be written into it. Machines
and virtual routers hold the ids of images and networks besides, which count there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Callable

# Of any vector: DISK, NIC, NIC_ALIAS, NIC_DEFAULT, PCI, VMGROUP.
_KEYS = ("IMAGE_UNAME", "IMAGE_UID", "NETWORK_UNAME", "NETWORK_UID", "VMGROUP_UID")
# $FILE[IMAGE="kernel", IMAGE_UNAME="ana"] in OS/KERNEL_DS, OS/INITRD_DS and CONTEXT/FILES_DS.
_IN_TEXT = re.compile(
    r"""\b(?P<key>IMAGE_UNAME|IMAGE_UID)(?P<sign>\s*=\s*)(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s",\]]+))"""
)
_MENTIONED = re.compile("|".join(_KEYS))


@dataclass(frozen=True)
class Reference:
    """One owner in a template: `attribute` is where, such as DISK/IMAGE_UNAME, `value` the owner's name or id."""

    attribute: str
    value: str

    @property
    def by_name(self) -> bool:
        return self.attribute.endswith("UNAME")

    def owner(self, users: Mapping[int, str], names: Collection[str]) -> str | None:
        """The owner's name, None if no user has that name or id; `names` are those of `users`, for many look-ups."""
        if self.by_name:
            return self.value if self.value in names else None
        return users.get(int(self.value)) if self.value.isdecimal() else None


def references(template: Mapping[str, Any]) -> list[Reference]:
    """All of a template (in the shape of _api.attributes_of), in an order that lasts."""
    found: list[Reference] = []

    def note(reference: Reference) -> str:
        found.append(reference)
        return reference.value

    rewritten(template, note)
    return found


def rewritten(template: Mapping[str, Any], value: Callable[[Reference], str]) -> dict[str, Any]:
    """The attributes that differ once every reference, in their order, has the value that `value` gives."""
    changed = {}
    for name, found in template.items():
        items = found if isinstance(found, list) else [found]
        after = [_vector(name, item, value) if isinstance(item, Mapping) else item for item in items]
        if after != items:
            changed[name] = after
    return changed


def mentioned(text: str) -> bool:
    """Whether a text of another kind, such as a service template, seems to have such references."""
    return _MENTIONED.search(text) is not None


def _vector(name: str, vector: Mapping[str, str], value: Callable[[Reference], str]) -> dict[str, str]:
    return {key: _text(f"{name}/{key}", key, text, value) for key, text in vector.items()}


def _text(attribute: str, key: str, text: str, value: Callable[[Reference], str]) -> str:
    if key in _KEYS:
        return value(Reference(attribute, text)) if text else text

    def replace(match: re.Match[str]) -> str:
        bare = match["bare"]
        after = value(Reference(f"{attribute}/{match['key']}", match["quoted"] if bare is None else bare))
        # A name may need quotes that another one did not.
        return match[0] if after == bare else f'{match["key"]}{match["sign"]}"{after}"'

    return _IN_TEXT.sub(replace, text)
