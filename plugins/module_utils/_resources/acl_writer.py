# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Applies what module acl wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from .writer import Record, Writer
from .writes import wait_until_replicated

_PARTS = ("resources", "rights", "zone")
_SIGNS = {"user": "#", "group": "@", "zone": "#"}
_WORDS = ("user", "resource", "rights", "zone")


@dataclass
class AclWriter(Writer[Rule]):
    """One access rule at one endpoint. OpenNebula changes no rule: it is there or not."""

    names: Names
    # Of the rule, as it was found last.
    ids: Sequence[int] = ()
    # A slave's list of rules is some seconds old; its master knows better.
    was_there: bool = False

    label = "ACL"

    def find(self) -> dict[str, Any] | None:
        self.ids = same_rules(self.client.read(rules_from_xml, "one.acl.info"), self.wanted)
        return self._record() if self.ids else None

    def record(self, found: Mapping[str, Any]) -> Record:
        return dict(found)

    def created(self) -> Record:
        return self._record()

    def desired(self, start: Record) -> Record:
        return start

    def write(self, _start: Record, _after: Record) -> Record:
        try:
            self.client.call("one.acl.addrule", *self.wanted.words)
        except ApiError as error:
            if error.code != INTERNAL or "already exists" not in error.text:
                raise
            self.was_there = True
        self._wait(present=True)
        return self._record()

    def delete(self, _found: Mapping[str, Any]) -> None:
        for rule_id in self.ids:
            self.client.call("one.acl.delrule", rule_id)
        self._wait(present=False)

    def _wait(self, present: bool) -> None:
        what = f'{"" if present else "the end of "}the rule "{self.wanted.text()}"'
        wait_until_replicated(self.client, self.timeout, lambda: (self.find() is not None) == present, what)

    def _record(self) -> Record:
        rule = self.wanted
        named = {"text": rule.text(), "named": rule.text(self.names.name)}
        return {"id": self.ids[0] if self.ids else None, **named, **dict(zip(_WORDS, rule.words))}

    def shown(self, record: Record) -> dict[str, Any]:
        return dict(record)

    def result(self, before: Record | None, after: Record | None, changed: bool) -> dict[str, Any]:
        if self.was_there:
            before, changed = after, False
        return super().result(before, after, changed)


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
    return AclWriter(client, rule, check_mode, params["wait_timeout"], names).reach(params["state"])


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
