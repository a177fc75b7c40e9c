# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What XML of OpenNebula's says of objects, in shapes that can be compared."""

from __future__ import annotations

import re
from typing import Any, Callable
from xml.etree import ElementTree


def owned_in(pool: ElementTree.Element) -> list[ElementTree.Element]:
    return [each for each in pool if each.find("UID") is not None]


def ids_of(pool: ElementTree.Element) -> list[int]:
    return sorted(int(each.findtext("ID", "")) for each in owned_in(pool))


def plain_of(element: ElementTree.Element | None) -> Any:
    """An element's children as text, for equality; their order does not count."""
    if element is None or not len(element):
        return "" if element is None else element.text or ""
    return sorted((child.tag, plain_of(child)) for child in element)


def quotas_of(element: ElementTree.Element | None) -> list[Any]:
    """Limits and what is used; an entry that says and counts nothing is none."""
    if element is None:
        return []
    found = []
    for entry in element.findall("*/*"):
        values = {child.tag: float(child.text or 0) for child in entry if child.tag != "CLUSTER_IDS"}
        said = [value for tag, value in values.items() if tag != "ID" and value not in (0, -1)]
        if said:
            found.append((entry.tag, sorted(values.items())))
    return sorted(found)


def uses(
    template: ElementTree.Element, by_id: Callable[[str], str], by_name: Callable[[str], str]
) -> list[tuple[str, str]]:
    """Whom a VM template names as the owner of what it uses, and all else in the same attributes."""
    found = []
    for leaf in template.iterfind("TEMPLATE/*/*"):
        text = leaf.text or ""
        if leaf.tag.endswith("_UID"):
            text = by_id(text)
        elif leaf.tag.endswith("_UNAME"):
            text = by_name(text)
        elif leaf.tag == "FILES_DS":
            text = re.sub('(?<=IMAGE_UNAME=")[^"]*', lambda match: by_name(match[0]), text)
        found.append((leaf.tag, text))
    return found
