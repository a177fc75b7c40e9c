# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Access policies and administrators as the inventory declares them: what is wrong with them. Pure.

No text here and nothing that leaves this file for the topology or the plan holds a value of an option, which may be a
secret: only names of options, users, groups, VDCs and zones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...module_utils._errors import OnefedError
from ...module_utils._resources.acl import ALL_SIGN, parse_rule, rule_of
from ...module_utils._resources.zone import check_name

Data = Mapping[str, Any]

# The group whose members may do everything in all zones.
ONEADMIN = "oneadmin"
_OWN_USERS = ("oneadmin", "serveradmin")
_OWN_GROUP = "users"
SECRETS = ("password", "password_hash", "template_secrets")
_COMMON = {"name": str, "id": str, "state": str, "wait_timeout": str}
_TEMPLATE = {"template": dict, "template_mode": str}
_QUOTAS = {"quotas": dict, "quotas_mode": str}
# The options of the modules, with what they have to be; `str` is anything that is no list or dictionary.
OPTIONS: dict[str, dict[str, type]] = {
    "federation_groups": {**_COMMON, **_TEMPLATE, **_QUOTAS, "admins": list, "purge": str},
    "federation_users": {
        **_COMMON,
        **_TEMPLATE,
        **_QUOTAS,
        **dict.fromkeys(("password", "password_hash", "generate_password", "update_password"), str),
        **dict.fromkeys(("auth_driver", "enabled", "group", "purge"), str),
        **{"groups": list, "template_secrets": dict},
    },
    "federation_vdcs": {**_COMMON, **_TEMPLATE, "groups": list, "groups_absent": list, "resources": list, "purge": str},
    "federation_acls": {
        **dict.fromkeys(("rule", "user", "group", "which", "zone", "state", "wait_timeout"), str),
        **{"resources": list, "rights": list},
    },
}
ADMINISTRATOR: dict[str, type] = dict.fromkeys(("name", "password", "key", "auth_driver", "update_password"), str)
_KINDS = {"federation_groups": "group", "federation_users": "user", "federation_vdcs": "VDC"}


def check_access(federation: Data, zones: Mapping[str, Data]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return (problems, references) of what is declared.

    `federation` holds the four lists by variable, `zones` by group C(label), C(administrators) and C(admin_group).
    References are pairs of where a zone is named and its name or id, which only the master knows to exist.
    """
    problems: list[str] = []
    references: list[tuple[str, str]] = []
    for variable, options in OPTIONS.items():
        items = _typed(variable, federation[variable], options, problems)
        if variable in _KINDS:
            problems += _names(variable, items)
        else:
            problems += _rules(items, references)
    vdcs = [item for item in federation["federation_vdcs"] if isinstance(item, Mapping)]
    problems += [problem for item in vdcs for problem in _resources(item, references)]
    problems += _administrators(federation, zones)
    return problems, references


def declares_access(federation: Data, zones: Mapping[str, Data]) -> bool:
    """Whether there is anything to apply."""
    return any(federation[name] for name in OPTIONS) or any(map(has_administrators, zones.values()))


def has_administrators(zone: Data) -> bool:
    """Whether a zone has administrators of its own, or a group for them."""
    return bool(zone["administrators"]) or zone["admin_group"] != ONEADMIN


def absent(item: Data) -> bool:
    return str(item.get("state", "present")) == "absent"


def _typed(variable: str, given: Sequence[Any], options: Mapping[str, type], problems: list[str]) -> list[Data]:
    """The items that are dictionaries; what is wrong with keys and values is added to `problems`."""
    items = []
    for number, item in enumerate(given, 1):
        where = f"Item {number} of {variable}"
        if not isinstance(item, Mapping):
            problems.append(f"{where} is no dictionary; it must be one with some of {', '.join(options)}.")
            continue
        items.append(item)
        label = f"{where} ({item['name']})" if _is_text(item.get("name")) else where
        unknown = sorted(str(key) for key in item if key not in options)
        if unknown:
            problems.append(f"{label} has unknown keys: {', '.join(unknown)}. There are {', '.join(options)}.")
        for key, kind in options.items():
            if item.get(key) is not None and not _is(item[key], kind):
                expected = "a list" if kind is list else "a dictionary" if kind is dict else "one value"
                problems.append(f"{key} in {label} must be {expected}.")
        if str(item.get("state", "present")) not in ("present", "absent"):
            problems.append(f"state in {label} must be present or absent.")
    return items


def _is(value: Any, kind: type) -> bool:
    return isinstance(value, (list, dict)) == (kind is not str) and (kind is str or isinstance(value, kind))


def _is_text(value: Any) -> bool:
    return value is not None and not isinstance(value, (list, Mapping))


def _names(variable: str, items: Iterable[Data]) -> list[str]:
    kind, problems = _KINDS[variable], []
    seen: set[tuple[str, str]] = set()
    for item in items:
        keys = [(key, str(item[key])) for key in ("name", "id") if _is_text(item.get(key))]
        if not keys:
            problems.append(f"A {kind} in {variable} has neither name nor id.")
        problems += [
            f"{variable} declares the {kind} with {key} {value!r} twice." for key, value in keys if (key, value) in seen
        ]
        seen.update(keys)
        problems += _name_problem(kind, item.get("name"))
    return problems


def _name_problem(kind: str, name: Any) -> list[str]:
    if not _is_text(name):
        return []
    try:
        check_name(str(name), kind, " " if kind == "user" else "")
    except OnefedError as error:
        return [str(error)]
    return []


def _rules(items: Sequence[Data], references: list[tuple[str, str]]) -> list[str]:
    problems: list[str] = []
    seen: dict[Any, int] = {}
    for number, item in enumerate(items, 1):
        if any(key in item and not _is(item[key], kind) for key, kind in OPTIONS["federation_acls"].items()):
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
    known = ("zone", "clusters", "hosts", "datastores", "vnets")
    for item in vdc.get("resources") or () if _is(vdc.get("resources"), list) else ():
        if not isinstance(item, Mapping) or not _is_text(item.get("zone")):
            problems.append(f"Every item of resources in {where} must be a dictionary with a zone.")
            continue
        unknown = sorted(str(key) for key in item if key not in known)
        if unknown:
            problems.append(
                f"resources in {where} have unknown keys: {', '.join(unknown)}. There are {', '.join(known)}."
            )
        problems += [
            f"{key} in resources of {where} must be a list." for key in known[1:] if not _is(item.get(key, []), list)
        ]
        references.append((where, str(item["zone"])))
    return problems


def _administrators(federation: Data, zones: Mapping[str, Data]) -> list[str]:
    problems: list[str] = []
    users = {str(item.get("name")): item for item in federation["federation_users"] if isinstance(item, Mapping)}
    gone = {
        str(item.get("name")) for item in federation["federation_groups"] if isinstance(item, Mapping) and absent(item)
    }
    accounts: dict[str, str] = {}
    for group, zone in zones.items():
        where = f"zone_administrators of zone {group!r}"
        named = [item for item in zone["administrators"] if not isinstance(item, (list, Mapping))]
        declared = [item for item in zone["administrators"] if isinstance(item, (list, Mapping))]
        items = _typed(where, declared, ADMINISTRATOR, problems)
        names = [str(name) for name in named]
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
            f"{where} names {name!r}, whom federation_users deletes." for name in names if absent(users.get(name, {}))
        ]
        problems += _admin_group(group, zone["admin_group"], gone)
    return problems


def _credentials(where: str, name: str, item: Data) -> list[str]:
    if not name:
        return [f"An account in {where} has no name."]
    problems = _name_problem("user", name)
    if item.get("key") is not None and (item.get("password") is not None or item.get("auth_driver") is not None):
        problems.append(f"{name} in {where} has a key, for driver ssh, and also password or auth_driver.")
    if item.get("key") is not None and not key_body(str(item["key"])):
        problems.append(f"key of {name} in {where} is empty.")
    if item.get("password") is None and str(item.get("auth_driver", "core")) != "core":
        problems.append(f"{name} in {where} needs password: what driver {item['auth_driver']} compares.")
    return problems


def _admin_group(group: str, name: str, gone: Iterable[str]) -> list[str]:
    problems = [f"zone_admin_group of zone {group!r}: {text}" for text in _name_problem("group", name)]
    if name == _OWN_GROUP:
        problems.append(f"zone_admin_group of zone {group!r} is {name!r}: all users would administer the zone.")
    if name in gone:
        problems.append(f"zone_admin_group of zone {group!r} is {name!r}, which federation_groups deletes.")
    return problems


def key_body(key: str) -> str:
    """What driver ssh compares: a public key in PEM without its first and last line, in one line."""
    return "".join(line.strip() for line in key.splitlines() if "-----" not in line)
