# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Applies what module acl wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._api.client import INTERNAL, Client
from .._errors import ApiError, OnefedError
from .acl import (
    ALL_SIGN,
    Rule,
    parse_rule,
    rule_of,
    same_rules,
)
from .documents import rules_from_xml
from .names import Names, NameUnknown, predicted
from .writes import UNKNOWN, wait_until_replicated

_PARTS = ("resources", "rights", "zone")
_SIGNS = {"user": "#", "group": "@", "zone": "#"}


def write_acl(client: Client, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring an access rule to the state that the options of module acl declare; returns the module's result."""
    present = params["state"] == "present"
    names = Names(client, predicted(params, check_mode and present))
    try:
        rule = _wanted(params, names)
    except NameUnknown as error:
        # OpenNebula deletes the rules of users and groups with them.
        if present or error.kind not in ("user", "group"):
            raise
        return {"changed": False, "created": False, "acl": None, "diff": {"before": {}, "after": {}}}
    found = same_rules(_rules(client), rule)
    changed = present != bool(found)
    ids = found
    if changed and not check_mode:
        changed = _add(client, rule) if present else _delete(client, found)
        ids = _await(client, rule, present, params["wait_timeout"])
    shown = {"text": rule.text(), "named": rule.text(names.name), **dict(zip(_WORDS, rule.words))}
    acl = {"id": ids[0] if ids else None, **shown} if present else None
    return {
        "changed": changed,
        "created": present and changed,
        "acl": acl,
        "diff": {
            "before": {"id": found[0], **shown} if found else {},
            "after": {} if acl is None else {**acl, "id": UNKNOWN if acl["id"] is None else acl["id"]},
        },
    }


_WORDS = ("user", "resource", "rights", "zone")


def _wanted(params: Mapping[str, Any], names: Names) -> Rule:
    def resolve(kind: str, given: str, number_is_id: bool = True) -> int:
        try:
            return names.id(kind, given, number_is_id)
        except NameUnknown:
            # Rules outlive the zone they name.
            if params["state"] == "absent" and given.isdigit():
                return int(given)
            raise

    def one(option: str) -> str:
        given = params[option]
        everybody = given == ALL_SIGN and option != "group"
        return ALL_SIGN if everybody else f"{_SIGNS[option]}{resolve(option, given, False)}"

    if params["rule"] is not None:
        return parse_rule(params["rule"], resolve)
    missing = [option for option in _PARTS if not params[option]]
    if missing:
        raise OnefedError(f"A rule in parts needs {', '.join(missing)}, too; or give all of it as rule.")
    who = one("user" if params["group"] is None else "group")
    return rule_of(who, params["resources"], params["which"], params["rights"], one("zone"), resolve)


def _rules(client: Client) -> list[dict[str, Any]]:
    return client.read(rules_from_xml, "one.acl.info")


def _add(client: Client, rule: Rule) -> bool:
    """Whether the rule was added: a slave's list of rules is some seconds old, its master knows better."""
    try:
        client.call("one.acl.addrule", *rule.words)
    except ApiError as error:
        if error.code == INTERNAL and "already exists" in error.text:
            return False
        raise
    return True


def _delete(client: Client, rule_ids: Sequence[int]) -> bool:
    for rule_id in rule_ids:
        client.call("one.acl.delrule", rule_id)
    return True


def _await(client: Client, rule: Rule, present: bool, timeout: float) -> list[int]:
    """The ids of the rule once it is there or gone."""
    seen: list[int] = []

    def reads_as_written() -> bool:
        seen[:] = same_rules(_rules(client), rule)
        return bool(seen) == present

    wait_until_replicated(
        client, timeout, reads_as_written, f'{"" if present else "the end of "}the rule "{rule.text()}"'
    )
    return seen
