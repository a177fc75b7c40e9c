# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Access rules: OpenNebula's four numbers, and the text that administrators write. Pure.

A rule is written as OpenNebula shows it: who, kinds of objects and which of them, rights, zone::

    #5 VM+IMAGE/@100 USE+MANAGE #101        @dev HOST/%default MANAGE #paris        * ZONE/* USE *

`#` is one user, object or zone, `@` a group, `%` a cluster, `*` all. Numbers are ids; users, groups, zones, VDCs and
clusters may be given by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from .._errors import OnefedError

# Selectors, kinds and rights as OpenNebula's ACL guide and XML-RPC API give them.
ONE, GROUP, ALL, CLUSTER = 1 << 32, 2 << 32, 4 << 32, 8 << 32
ALL_SIGN = "*"
_SIGNS = {"#": ONE, "@": GROUP, "%": CLUSTER}
_ID = (1 << 32) - 1
RIGHTS = {"USE": 1, "MANAGE": 2, "ADMIN": 4, "CREATE": 8}
# In the order of their bits, which is that of OpenNebula's texts too.
_ORDER = (
    *("VM", "HOST", "NET", "IMAGE", "USER", "TEMPLATE", "GROUP", "ACL", "DATASTORE", "CLUSTER", "DOCUMENT", "ZONE"),
    *("SECGROUP", "VDC", "VROUTER", "MARKETPLACE", "MARKETPLACEAPP", "VMGROUP", "VNTEMPLATE", "HOOK", "BACKUPJOB"),
)
KINDS = {name: 0x10 << (32 + position) for position, name in enumerate(_ORDER)}
# One object of any other kind has the same id in another zone by accident only.
_FEDERATED = ("USER", "GROUP", "ZONE", "ACL", "VDC")
_WITHOUT_GROUP = ("HOST", "GROUP", "CLUSTER", "ZONE", "VDC")
# Kinds of objects whose names a rule may hold instead of their ids, and what `Resolve` calls them.
_NAMED = {"USER": "user", "GROUP": "group", "ZONE": "zone", "VDC": "vdc"}

Resolve = Callable[[str, str], int]
Name = Callable[[str, int], str]


@dataclass(frozen=True)
class Rule:
    """One rule in OpenNebula's numbers. Equal rules are the same rule: OpenNebula keeps each once."""

    user: int
    resource: int
    rights: int
    zone: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Rule:
        """A rule as documents.rules_from_xml gives it."""
        return cls(row["user"], row["resource"], row["rights"], row["zone"])

    @property
    def words(self) -> tuple[str, str, str, str]:
        """What one.acl.addrule takes."""
        return (f"{self.user:x}", f"{self.resource:x}", f"{self.rights:x}", f"{self.zone:x}")

    @property
    def kinds(self) -> list[str]:
        return [name for name, bit in KINDS.items() if self.resource & bit]

    @property
    def zone_id(self) -> int | None:
        """The zone it holds in; None for all of them."""
        return None if self.zone & ALL else self.zone & _ID

    @property
    def group_id(self) -> int | None:
        """The group it is given to; None for users."""
        return self.user & _ID if self.user & GROUP else None

    def text(self, name: Name | None = None) -> str:
        """The rule in words: with ids as OpenNebula shows it, or with names where `name` (kind, id) knows them."""
        named = name or _as_id
        subject = "group" if self.user & GROUP else "user"
        kinds, rights = "+".join(self.kinds), "+".join(right for right, bit in RIGHTS.items() if self.rights & bit)
        what = _NAMED.get(kinds, "")
        return (
            f"{_spelled(self.user, subject, named)} {kinds}/{_spelled(self.resource, what, named)} {rights} "
            f"{_spelled(self.zone, 'zone', named)}"
        )

    def check(self) -> None:
        """Refuse what OpenNebula calls malformed. Raises OnefedError."""
        kinds, problem = self.kinds, ""
        if self.zone & ALL and self.resource & ONE and not set(kinds) <= set(_FEDERATED):
            problem = "names one object in all zones, where ids differ. Give the object's zone"
        elif self.resource & GROUP and set(kinds) & set(_WITHOUT_GROUP):
            problem = f"gives {', '.join(_WITHOUT_GROUP)} of a group, but they belong to none. Use # or *"
        elif self.resource & CLUSTER and not set(kinds) <= {"HOST", "NET", "DATASTORE"}:
            problem = "gives objects of a cluster (%) that are neither HOST, NET nor DATASTORE. Use #, @ or *"
        elif self.zone & (GROUP | CLUSTER) or self.user & CLUSTER:
            problem = "has a sign that its place does not allow: who is #, @ or *, and the zone # or *"
        if problem:
            raise OnefedError(f'The rule "{self.text()}" {problem}.')


def parse_rule(text: str, resolve: Resolve | None = None) -> Rule:
    """The rule in a text; `resolve` (kind, name or id) gives the ids of names, and without it there may be none.

    Kinds are user, group, zone, vdc and cluster. A cluster's name is looked up in the zone that `resolve` asks.
    Raises OnefedError that says what is wrong with the text.
    """
    parts = text.split()
    if len(parts) == 3:
        raise OnefedError(
            f'The rule "{text}" names no zone, and OpenNebula would take the master\'s. Add one: #<zone>, or * for all.'
        )
    if len(parts) != 4 or parts[1].count("/") != 1:
        raise OnefedError(
            f'"{text}" is not an access rule. Write who, what/which, rights and zone, as in '
            '"#5 VM+IMAGE/@100 USE+MANAGE #101"; a name with blanks needs the options user, group, resources and zone.'
        )
    kinds, which = parts[1].split("/")
    return rule_of(parts[0], kinds.split("+"), which, parts[2].split("+"), parts[3], resolve)


def rule_of(
    who: str,
    kinds: Sequence[str],
    which: str,
    rights: Sequence[str],
    zone: str,
    resolve: Resolve | None = None,
) -> Rule:
    """The rule from its parts, each written as in a rule's text. Raises OnefedError as `parse_rule` does."""
    names = [kind.upper() for kind in kinds]
    what = _NAMED.get(names[0], "") if len(names) == 1 else ""
    rule = Rule(
        _word(who, {"#": "user", "@": "group"}, resolve),
        _bits(names, KINDS, "kind of object") | _word(which, {"#": what, "@": "group", "%": "cluster"}, resolve),
        _bits([right.upper() for right in rights], RIGHTS, "right"),
        _word(zone, {"#": "zone"}, resolve),
    )
    rule.check()
    return rule


def same_rules(rules: Iterable[Mapping[str, Any]], wanted: Rule) -> list[int]:
    """The ids of the rules that are this one, of what documents.rules_from_xml gives."""
    return [row["id"] for row in rules if Rule.of(row) == wanted]


def _as_id(_kind: str, oid: int) -> str:
    return str(oid)


def _spelled(word: int, kind: str, name: Name) -> str:
    if word & ALL:
        return ALL_SIGN
    sign = next((sign for sign, bit in _SIGNS.items() if word & bit), "?")
    what = {"@": "group", "%": "cluster"}.get(sign, kind)
    # A name with blanks could not be read back.
    text = name(what, word & _ID) if what else str(word & _ID)
    return f"{sign}{word & _ID if re.search(r'[ /+]', text) else text}"


def _word(text: str, kinds: Mapping[str, str], resolve: Resolve | None) -> int:
    """The number of a selector; `kinds` says of which kind the names behind each sign are, "" for ids only."""
    if text == ALL_SIGN:
        return ALL
    sign, given = text[:1], text[1:]
    if sign not in kinds or not given:
        raise OnefedError(f'"{text}" is not one of {", ".join(f"{known}<id or name>" for known in kinds)} and *.')
    if re.fullmatch(r"[0-9]+", given):
        if resolve is None or not kinds[sign] or sign == "%":
            return _SIGNS[sign] | int(given)
    elif resolve is None or not kinds[sign]:
        raise OnefedError(f'"{text}" must be an id: names are known of users, groups, zones, VDCs and clusters only.')
    return _SIGNS[sign] | resolve(kinds[sign], given)


def _bits(names: Sequence[str], known: Mapping[str, int], what: str) -> int:
    unknown = sorted(set(names) - set(known))
    if unknown or not names:
        raise OnefedError(f'There is no {what} "{", ".join(unknown)}"; there are {", ".join(known)}.')
    bits = 0
    for name in names:
        bits |= known[name]
    return bits
