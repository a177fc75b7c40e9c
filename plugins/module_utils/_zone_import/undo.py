# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Takes back what an import has created in a federation, by what its plan said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._api.client import Client
from .._resources.acl import Rule
from .._resources.documents import RESOURCES, rules_from_xml
from .._resources.vdc_writer import write_resources
from .conflicts import BEGUN, Targets
from .id_map import (
    known_ids,
    rules_of,
    vdc_resources,
)
from .rules import derived_rules


class Undo:
    """Removes what `plan` says was to be created, as far as it is there.

    `shared` is what export.read_shared gives of the master; `targets` are resolved with the plan as `begun`. What the
    federation had before stays, and loses only what the import added to it.
    """

    def __init__(
        self,
        client: Client,
        plan: Mapping[str, Any],
        shared: Mapping[str, Any],
        targets: Targets,
    ) -> None:
        self.client, self.plan, self.shared = client, plan, shared
        self.targets = targets
        self.ids = known_ids(targets, shared)
        self.written = 0

    def write(self) -> int:
        """Remove everything; returns how many calls changed something. Raises ApiError."""
        self._rules()
        self._vdc_groups()
        self._resources()
        self._markets()
        self._delete("vdcs", "vdc")
        self._memberships()
        self._delete("users", "user")
        self._delete("groups", "group")
        return self.written

    def _write(self, method: str, *arguments: Any) -> None:
        self.client.call(method, *arguments)
        self.written += 1

    def _delete(self, kind: str, word: str) -> None:
        for target in self.targets[kind].values():
            if target.action == BEGUN:
                self._write(f"one.{word}.delete", target.id)

    def _rules(self) -> None:
        existing = {Rule.of(row): row["id"] for row in self.client.read(rules_from_xml, "one.acl.info")}
        for item in self.plan["acls"]:
            for rule in rules_of(item, self.ids, self.plan["zone_id"], False) or []:
                if rule in existing:
                    self._write("one.acl.delrule", existing.pop(rule))

    def _vdc_groups(self) -> None:
        vdcs = {vdc["id"]: vdc for vdc in self.shared["vdcs"]}
        left: list[tuple[int, Mapping[str, Any]]] = []
        for item in self.plan["vdc_groups"]:
            oid, gid = self.ids["vdcs"].get(item["vdc"]), self.ids["groups"].get(item["group"])
            vdc = vdcs.get(-1 if oid is None else oid)
            if vdc is not None and gid is not None and gid in vdc["group_ids"]:
                self._write("one.vdc.delgroup", oid, gid)
                vdc["group_ids"].remove(gid)
                left.append((gid, vdc))
        if left:
            self._keep_of_others(left)

    def _keep_of_others(self, left: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
        """Give groups back what VDCs give them that they are still in.

        OpenNebula keeps one rule for all VDCs that give a group the same, and it goes when the group leaves one.
        """
        gone = derived_rules([{**vdc, "group_ids": [gid]} for gid, vdc in left], [], self.shared["config"])
        given = derived_rules(self.shared["vdcs"], [], self.shared["config"])
        before = {Rule.of(row) for row in self.shared["rules"]}
        now = {Rule.of(row) for row in self.client.read(rules_from_xml, "one.acl.info")}
        for rule in sorted((gone & given & before) - now, key=lambda rule: rule.words):
            self._write("one.acl.addrule", *rule.words)

    def _resources(self) -> None:
        known = {vdc["id"]: vdc for vdc in self.shared["vdcs"]}
        for item in self.plan["resources"]:
            target = self.targets["vdcs"].get(item["vdc"])
            vdc = None if target is None else known.get(-1 if target.id is None else target.id)
            if vdc is None:
                continue
            one = {**dict.fromkeys(RESOURCES, []), item["kind"]: [{"zone": item["zone"], "id": item["id"]}]}
            gained = vdc_resources(one, self.ids, self.plan["zone_id"])[item["kind"]]
            held = list(vdc["resources"][item["kind"]])
            kept = [pair for pair in held if pair not in gained]
            if kept != held:
                self.written += 1
                write_resources(self.client, vdc["id"], {item["kind"]: held}, {item["kind"]: kept})
                vdc["resources"][item["kind"]] = kept

    def _markets(self) -> None:
        for target in self.targets["marketplaces"].values():
            if target.action == BEGUN:
                # Disabling drops the records of apps; marketapp.delete would remove their content too.
                self._write("one.market.enable", target.id, False)
                self._write("one.market.delete", target.id)

    def _memberships(self) -> None:
        members = {user["id"]: user for user in self.shared["users"]}
        admins = {group["id"]: group["admin_ids"] for group in self.shared["groups"]}
        for item in self.plan["admins"]:
            uid, gid = self.ids["users"].get(item["user"]), self.ids["groups"].get(item["group"])
            if uid is not None and gid is not None and uid in admins.get(gid, ()):
                self._write("one.group.deladmin", gid, uid)
        for item in self.plan["memberships"]:
            uid, gid = self.ids["users"].get(item["user"]), self.ids["groups"].get(item["group"])
            user = members.get(-1 if uid is None else uid)
            if user is not None and gid in user["group_ids"] and gid != user["group_id"]:
                self._write("one.user.delgroup", uid, gid)
