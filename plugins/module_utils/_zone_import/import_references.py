# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Owners in VM templates get their new names and ids.

As with owners of objects, nothing is concluded from the names and ids that are found: the export has written down
which users are meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._api.client import Client
from .._api.documents import parse_xml, template_of
from .._api.template_xml import attributes_xml
from .._errors import OnefedError
from .conflicts import Targets
from .id_map import Ids
from .template_references import Reference, rewritten

REFERRING = "templates"
_SHOWN = 10


def _referring(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [item for item in document["objects"].get(REFERRING, []) if item.get("references")]


def check_references(document: Mapping[str, Any]) -> list[str]:
    """What is to be known about references that stay as they are."""
    warnings = []
    lost = [item for item in _referring(document) if any(one["owner"] is None for one in item["references"])]
    if lost:
        warnings.append(
            f"{len(lost)} templates use images or networks of an owner who does not exist: {_listed(lost)}. They stay "
            "as they are, and may mean another user of the federation then."
        )
    mentioning = [item for items in document["objects"].values() for item in items if item.get("mentions")]
    if mentioning:
        warnings.append(
            f"{len(mentioning)} documents, such as service templates, seem to name owners of images or networks in "
            f"their text, which is not rewritten: {_listed(mentioning)}. Correct those that have other names or ids."
        )
    return warnings


def _listed(items: Sequence[Mapping[str, Any]]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(f"{item['id']} ({item['name']})" for item in items[:_SHOWN]) + more


def reference_changes(document: Mapping[str, Any], targets: Targets) -> dict[str, int]:
    """How many templates name owners, and in how many one of those gets another name or id."""
    users, old = targets["users"], document["source"]["ids"]["users"]

    def changes(one: Mapping[str, Any]) -> bool:
        target = users.get(one["owner"])
        if target is None:
            return False
        by_name = Reference(one["attribute"], "").by_name
        return bool(target.new_name != one["owner"] if by_name else target.id != old.get(one["owner"]))

    found = _referring(document)
    return {"all": len(found), "changing": sum(any(map(changes, item["references"])) for item in found)}


class ReferenceWriter:
    """The templates of one zone. `users` are names by id, as the zone has them now; `ids` those of the document."""

    def __init__(self, client: Client, document: Mapping[str, Any], ids: Ids, users: Mapping[int, str]) -> None:
        self.client = client
        known = ids["users"]

        def value(one: Mapping[str, Any]) -> str:
            uid = None if one["owner"] is None else known.get(one["owner"])
            if uid is None:
                return str(one["stored_owner"])
            return users[uid] if Reference(one["attribute"], "").by_name else str(uid)

        self.wanted = {
            item["id"]: [Reference(one["attribute"], value(one)) for one in item["references"]]
            for item in _referring(document)
        }

    def stale(self, current: Mapping[int, Mapping[str, Any]]) -> list[int]:
        """Templates with owners that are not the wanted ones; `current` is what read_objects gives.

        Raises OnefedError for a template that is another one than the document's.
        """
        found = []
        for oid, wanted in self.wanted.items():
            if oid not in current:
                continue
            present = current[oid]["references"]
            if [one.attribute for one in present] != [one.attribute for one in wanted]:
                raise OnefedError(
                    f"Template {oid} ({current[oid]['name']}) at {self.client.url} names owners elsewhere than when "
                    "the zone was exported. Export the zone again, while no user can write to it."
                )
            if present != wanted:
                found.append(oid)
        return found

    def rewrite(self, oid: int) -> None:
        """Write a template's owners. Raises ApiError for one that is locked."""
        attributes = self.client.read(lambda xml: template_of(parse_xml(xml, "a template")), "one.template.info", oid)
        values = iter(self.wanted[oid])
        changed = rewritten(attributes, lambda _reference: next(values).value)
        # Appended, all attributes of a name are replaced and all others stay, encrypted ones as they are.
        self.client.call("one.template.update", oid, attributes_xml(changed), 1)
