# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access policies and administrators as the inventory declares them: what is wrong with them. Pure.

No text here and nothing that leaves this file for the topology or the plan holds a value of an option, which may be a
secret: only names of options, users, groups, VDCs and zones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...module_utils._errors import OnefedError
from ...module_utils._resources.acl import ALL_SIGN, parse_rule, rule_of
from ...module_utils._resources.name_rules import GROUP, USER, VDC, check_name, differs
from .access_options import (
    ADMINISTRATOR,
    OPTIONS,
    VDC_RESOURCES,
    exclusive_problems,
    is_a,
    is_single,
    option_fault,
    typed_items,
    unknown_keys,
)
from .values import QUOTE_IT, read_as

Data = Mapping[str, Any]

# The group whose members may do everything in all zones.
ONEADMIN = "oneadmin"
_OWN_USERS = ("oneadmin", "serveradmin")
_OWN_GROUP = "users"
SECRETS = ("password", "password_hash", "template_secrets")
_KINDS = {"federation_groups": GROUP, "federation_users": USER, "federation_vdcs": VDC}


@dataclass(frozen=True)
class ZoneAdministrators:
    """Who administers a zone: names of users, or accounts, which may come with passwords and are never shown."""

    label: str
    name: str | None
    is_master: bool
    admin_group: str
    administrators: Sequence[Any] = field(repr=False)

    @property
    def is_declared(self) -> bool:
        """Whether a zone has administrators of its own, or a group for them."""
        return bool(self.administrators) or self.admin_group != ONEADMIN


def check_access(federation: Data, zones: Mapping[str, ZoneAdministrators]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return (problems, references) of what is declared.

    `federation` holds the four lists by variable, `zones` are by group.
    References are pairs of where a zone is named and its name or id, which only the master knows to exist.
    """
    problems: list[str] = []
    references: list[tuple[str, str]] = []
    for variable, options in OPTIONS.items():
        items = typed_items(variable, federation[variable], options, problems)
        if variable in _KINDS:
            problems += _names(variable, items)
        else:
            problems += _rules(items, references)
    vdcs = [item for item in federation["federation_vdcs"] if isinstance(item, Mapping)]
    problems += [problem for item in vdcs for problem in _resources(item, references)]
    problems += _administrators(federation, zones)
    return problems, references


def disputed_names(federation: Data, zones: Mapping[str, ZoneAdministrators]) -> list[tuple[str, str, str]]:
    """Names that some releases of OpenNebula refuse to new objects, as kind, name, and where it is declared."""
    found = [
        (kind, str(item.get("name")), variable)
        for variable, kind in _KINDS.items()
        for item in federation[variable]
        if not absent(item)
    ]
    found += [(GROUP, zone.admin_group, f"zone_admin_group of zone {group!r}") for group, zone in zones.items()]
    return [each for each in found if differs(each[0], each[1])]


def declares_access(federation: Data, zones: Mapping[str, ZoneAdministrators]) -> bool:
    """Whether there is anything to apply."""
    return any(federation[name] for name in OPTIONS) or any(zone.is_declared for zone in zones.values())


def absent(item: Data) -> bool:
    return str(item.get("state", "present")) == "absent"


def _names(variable: str, items: Iterable[Data]) -> list[str]:
    kind, problems = _KINDS[variable], []
    seen: set[tuple[str, str]] = set()
    for item in items:
        keys = [(key, str(item[key])) for key in ("name", "id") if is_single(item.get(key))]
        if not keys:
            problems.append(f"A {kind} in {variable} has neither name nor id.")
        problems += [
            f"{variable} declares the {kind} with {key} {value!r} twice." for key, value in keys if (key, value) in seen
        ]
        seen.update(keys)
        problems += _name_problem(kind, item.get("name"))
        where = f"The {kind} {keys[0][1]!r} in {variable}" if keys else f"A {kind} in {variable}"
        problems += exclusive_problems(where, item, OPTIONS[variable])
    return problems


def _name_problem(kind: str, name: Any) -> list[str]:
    if not is_single(name):
        return []
    try:
        check_name(kind, str(name))
    except OnefedError as error:
        return [str(error)]
    return []


def _rules(items: Sequence[Data], references: list[tuple[str, str]]) -> list[str]:
    problems: list[str] = []
    seen: dict[Any, int] = {}
    for number, item in enumerate(items, 1):
        if any(option_fault(key, spec, item.get(key)) for key, spec in OPTIONS["federation_acls"].spec.items()):
            continue
        where = f"Item {number} of federation_acls"
        zones: list[str] = []
        try:
            key = spelled(item, zones)
        except OnefedError as error:
            problems.append(f"{where}: {error}")
            continue
        references += [(where, zone) for zone in zones]
        if seen.setdefault(key, number) != number:
            problems.append(f"{where} is the same rule as item {seen[key]}.")
    return problems


def spelled(item: Data, zones: list[str]) -> tuple[Any, ...]:
    """What makes a rule the one it is, as it is written; the zones that it names are added to `zones`.

    Raises OnefedError for what is no rule.
    """
    ids: dict[tuple[str, str], int] = {}

    def resolve(kind: str, given: str) -> int:
        if kind == "zone":
            zones.append(given)
        return ids.setdefault((kind, given), len(ids))

    if item.get("rule") is not None:
        wrong = sorted({"user", "group", "resources", "rights", "zone", "which"} & set(item))
        if wrong:
            raise OnefedError(f"rule is the whole rule; leave {', '.join(wrong)} out.")
        parse_rule(str(item["rule"]), resolve)
        who, what, allowed, zone = str(item["rule"]).split()
        named, _slash, which = what.partition("/")
        return (who, frozenset(named.upper().split("+")), which, frozenset(allowed.upper().split("+")), zone)
    missing = [key for key in ("resources", "rights", "zone") if not item.get(key)]
    if missing or (item.get("user") is None) == (item.get("group") is None):
        raise OnefedError("a rule is given as rule, or as one of user and group, with resources, rights and zone.")
    who = f"@{item['group']}" if item.get("user") is None else _signed(item["user"])
    kinds, rights = [str(each) for each in item["resources"]], [str(each) for each in item["rights"]]
    which, zone = str(item.get("which", ALL_SIGN)), _signed(item["zone"])
    rule_of(who, kinds, which, rights, zone, resolve)
    return (who, frozenset(each.upper() for each in kinds), which, frozenset(each.upper() for each in rights), zone)


def _signed(given: Any) -> str:
    return ALL_SIGN if given == ALL_SIGN else f"#{given}"


def _resources(vdc: Data, references: list[tuple[str, str]]) -> list[str]:
    where, problems = f"federation_vdcs ({vdc.get('name', vdc.get('id'))})", []
    for item in vdc.get("resources") or () if is_a(vdc.get("resources"), "list") else ():
        if not isinstance(item, Mapping) or not is_single(item.get("zone")):
            problems.append(f"Every item of resources in {where} must be a dictionary with a zone.")
            continue
        if unknown := unknown_keys(item, VDC_RESOURCES):
            problems.append(f"resources in {where} have {unknown}.")
        faults = {key: option_fault(key, spec, item.get(key)) for key, spec in VDC_RESOURCES.items()}
        problems += [f"{key} in resources of {where} {fault}." for key, fault in faults.items() if fault]
        references.append((where, str(item["zone"])))
    return problems


def _administrators(federation: Data, zones: Mapping[str, ZoneAdministrators]) -> list[str]:
    problems: list[str] = []
    users = {str(item.get("name")): item for item in federation["federation_users"] if isinstance(item, Mapping)}
    gone = {
        str(item.get("name")) for item in federation["federation_groups"] if isinstance(item, Mapping) and absent(item)
    }
    accounts: dict[str, str] = {}
    for group, zone in zones.items():
        where = f"zone_administrators of zone {group!r}"
        named = [item for item in zone.administrators if not isinstance(item, (list, Mapping))]
        declared = [item for item in zone.administrators if isinstance(item, (list, Mapping))]
        items = typed_items(where, declared, ADMINISTRATOR, problems)
        names = [str(name) for name in named]
        problems += [f"{where} holds {read_as(name)}; every name {QUOTE_IT}." for name in named if read_as(name)]
        for item in items:
            name = str(item.get("name") or "")
            names.append(name)
            problems += _credentials(where, name, item)
            if name and accounts.setdefault(name, group) != group:
                problems.append(
                    f"{where} gives {name!r} an account, as zone {accounts[name]!r} does. Give the name alone in one "
                    "of them."
                )
            if name in users:
                problems.append(
                    f"{where} gives {name!r} an account, as federation_users does. Give the name alone here."
                )
        for name in sorted({name for name in names if names.count(name) > 1}):
            problems.append(f"{where} names {name!r} twice.")
        problems += [f"{where} names {name!r}, which is OpenNebula's own." for name in names if name in _OWN_USERS]
        problems += [
            f"{where} names {name!r}, a user that federation_users deletes."
            for name in names
            if absent(users.get(name, {}))
        ]
        problems += _admin_group(group, zone.admin_group, gone)
    return problems


def _credentials(where: str, name: str, item: Data) -> list[str]:
    if not name:
        return [f"An account in {where} has no name."]
    problems = _name_problem(USER, name)
    if item.get("key") is not None and (item.get("password") is not None or item.get("auth_driver") is not None):
        problems.append(f"{name} in {where} has a key, for driver ssh, and also password or auth_driver.")
    if item.get("key") is not None and not key_body(str(item["key"])):
        problems.append(f"key of {name} in {where} is empty.")
    if item.get("password") is None and str(item.get("auth_driver", "core")) != "core":
        problems.append(f"{name} in {where} needs password: what driver {item['auth_driver']} compares.")
    return problems


def _admin_group(group: str, name: str, gone: Iterable[str]) -> list[str]:
    problems = [f"zone_admin_group of zone {group!r}: {text}" for text in _name_problem(GROUP, name)]
    if name == _OWN_GROUP:
        problems.append(f"zone_admin_group of zone {group!r} is {name!r}: all users would administer the zone.")
    if name in gone:
        problems.append(f"zone_admin_group of zone {group!r} is {name!r}, which federation_groups deletes.")
    return problems


def key_body(key: str) -> str:
    """What driver ssh compares: a public key in PEM without its first and last line, in one line."""
    return "".join(line.strip() for line in key.splitlines() if "-----" not in line)
