# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What OpenNebula said it did, object by object, to be held against what is there in the end."""

from __future__ import annotations

import threading
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from typing import Any, Callable

# Kind of object and what it is known by: a name, or of an ACL rule user and resource.
Key = tuple[str, str]
ATTRIBUTE = "NUMBER"


@dataclass
class Entry:
    """`there` is None when nobody can tell: the call that decided it got no answer, or an error.

    `value` is the acknowledged value of the attribute that writers change, None for none.
    """

    there: bool | None
    value: str | None = None
    value_known: bool = True


class Ledger:
    """All objects that writers ever asked for. Each belongs to one writer, who asks one thing after the other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[Key, Entry] = {}

    def created(self, key: Key, acknowledged: bool) -> None:
        with self._lock:
            self._entries[key] = Entry(True if acknowledged else None)

    def changed(self, key: Key, value: str, acknowledged: bool) -> None:
        with self._lock:
            entry = self._entries[key]
            entry.value, entry.value_known = value, acknowledged

    def deleted(self, key: Key, acknowledged: bool) -> None:
        """What is unknown stays unknown: a creation that was not answered may happen after a deletion."""
        with self._lock:
            entry = self._entries[key]
            entry.there = False if acknowledged and entry.there else None

    def is_there(self, key: Key) -> bool:
        """Whether it was created for certain, and not deleted."""
        with self._lock:
            return bool(self._entries[key].there)

    def compare(self, found: dict[Key, str | None]) -> list[str]:
        """How objects that are there, with their attribute, contradict what was acknowledged."""
        wrong = []
        with self._lock:
            for key, entry in self._entries.items():
                kind, name = key
                if entry.there and key not in found:
                    wrong.append(f"{kind} {name}: its creation was acknowledged, but it is missing")
                elif entry.there is False and key in found:
                    wrong.append(f"{kind} {name}: its deletion was acknowledged, but it is there")
                elif entry.there and entry.value_known and found[key] != entry.value:
                    wrong.append(f"{kind} {name}: {ATTRIBUTE} {entry.value} was acknowledged, but it is {found[key]}")
        return wrong

    def summary(self) -> str:
        """How many objects of which kind and fate."""
        fates = {True: "there", False: "deleted", None: "unknown"}
        with self._lock:
            counted = Counter((key[0], fates[entry.there]) for key, entry in self._entries.items())
        return "; ".join(
            f"{kind}: {', '.join(f'{counted[kind, fate]} {fate}' for fate in fates.values())}"
            for kind in sorted({kind for kind, _fate in counted})
        )


def read_objects(call: Callable[..., Any]) -> dict[Key, str | None]:
    """The users, groups, VDCs and ACL rules that a zone knows, each with its attribute."""
    found: dict[Key, str | None] = {}
    for kind in ("user", "group", "vdc"):
        for element in ET.fromstring(call(f"one.{kind}pool.info")):
            if element.tag == kind.upper():
                found[kind, element.findtext("NAME", "")] = element.findtext(f"TEMPLATE/{ATTRIBUTE}")
    for rule in ET.fromstring(call("one.acl.info")):
        found[rule_key(rule.findtext("USER", ""), rule.findtext("RESOURCE", ""))] = None
    return found


def rule_key(user: str, resource: str) -> Key:
    """Of an ACL rule, from the hexadecimal numbers it is made of."""
    return "acl", f"{int(user, 16):x} {int(resource, 16):x}"
