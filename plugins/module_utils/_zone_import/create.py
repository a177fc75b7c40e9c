# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Creates a document's identities at the master of a federation, or in a zone that stands alone.

Every step looks first at what is there, so that an interrupted import goes on where it stopped. A user is created with
a driver that no other user has, and gets the own driver as the last thing: until then the user cannot log in, and a
later run recognizes the user as unfinished.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._api.client import Client
from .._api.template_xml import attributes_xml
from .._errors import OnefedError
from .._resources.acl import GROUP, ONE, Rule
from .._resources.documents import rules_from_xml
from .._resources.user import FOREIGN_DRIVER, TOKEN
from .._resources.vdc_writer import write_resources
from .conflicts import Target, Targets
from .export import read_shared
from .id_map import (
    covered,
    known_ids,
    rules_of,
    vdc_resources,
)
from .import_rules import DEFAULT_VDC, brought_rules
from .markets import (
    app_name,
    app_xml,
    market_xml,
    owner_xml,
)


class IdentityWriter:
    """Makes what `targets` say of `document`. `zone_id` is the zone's id in the federation."""

    def __init__(
        self, client: Client, document: Mapping[str, Any], targets: Targets, zone_id: int, narrow: bool
    ) -> None:
        self.client, self.document, self.zone_id, self.narrow = client, document, zone_id, narrow
        self.targets = targets
        self.shared = read_shared(client)
        self.ids = known_ids(targets, self.shared)
        self.written = 0

    def write(self) -> int:
        """Create everything; returns how many calls changed something. Raises ApiError, OnefedError."""
        if self.shared["mode"] == "SLAVE":
            raise OnefedError(
                f"Identities are created at the master of a federation, and {self.client.url} is a slave. Run the step "
                "there."
            )
        if not any(zone["id"] == self.zone_id for zone in self.shared["zones"]):
            raise OnefedError(
                f"There is no zone {self.zone_id} at {self.client.url}, to which rules and VDCs would belong. Create "
                "the zone first."
            )
        self._groups()
        self._users()
        self._memberships()
        self._vdcs()
        self._markets()
        self._rules()
        return self.written

    def _write(self, method: str, *arguments: Any) -> Any:
        self.written += 1
        return self.client.call(method, *arguments)

    def _items(self, kind: str) -> list[tuple[Mapping[str, Any], Target]]:
        return [(item, self.targets[kind][item["name"]]) for item in self.document[kind]]

    def _id(self, kind: str, name: str) -> int:
        oid = self.ids[kind].get(name)
        if oid is None:
            raise OnefedError(
                f'The document names "{name}" of {kind}, but does not describe it. Export the zone again.'
            )
        return oid

    def _groups(self) -> None:
        known = {group["id"]: group for group in self.shared["groups"]}
        for item, target in self._items("groups"):
            if not target.ours:
                continue
            oid = target.id
            if oid is None:
                oid = self.ids["groups"][item["name"]] = self._write("one.group.allocate", target.new_name)
            if item["template"] and not known.get(oid, {}).get("template"):
                self._write("one.group.update", oid, attributes_xml(item["template"]), 0)

    def _users(self) -> None:
        known = {user["id"]: user for user in self.shared["users"]}
        for item, target in self._items("users"):
            if not target.ours:
                continue
            found = known.get(-1 if target.id is None else target.id)
            if found is None:
                groups = [self._id("groups", name) for name in dict.fromkeys([item["group"], *item["groups"]])]
                # What needs no password has none that could be given to another driver.
                driver = FOREIGN_DRIVER if item["password"] else item["driver"]
                oid = self._write("one.user.allocate", target.new_name, item["password"], driver, groups)
                self.ids["users"][item["name"]] = oid
                self._complete(item, oid, driver, {})
            else:
                self._complete(item, found["id"], found["driver"], found["template"])

    def _complete(self, item: Mapping[str, Any], oid: int, driver: str, template: Mapping[str, Any]) -> None:
        unfinished = driver == FOREIGN_DRIVER != item["driver"]
        if not unfinished and template.get(TOKEN) == item["template"].get(TOKEN):
            return
        if not item["enabled"]:
            self._write("one.user.enable", oid, False)
        self._write("one.user.update", oid, attributes_xml(item["template"]), 0)
        if unfinished:
            self._write("one.user.chauth", oid, item["driver"], "")

    def _memberships(self) -> None:
        members = {user["id"]: set(user["group_ids"]) for user in self.shared["users"]}
        admins = {group["id"]: set(group["admin_ids"]) for group in self.shared["groups"]}
        for item, target in self._items("users"):
            if target.ours:
                # New users came with their groups.
                continue
            for name in [item["group"], *item["groups"]]:
                uid, gid = self._id("users", item["name"]), self._id("groups", name)
                if gid not in members.get(uid, ()):
                    self._write("one.user.addgroup", uid, gid)
        for item, _target in self._items("groups"):
            for name in item["admins"]:
                gid, uid = self._id("groups", item["name"]), self._id("users", name)
                if uid not in admins.get(gid, ()):
                    self._write("one.group.addadmin", gid, uid)

    def _vdcs(self) -> None:
        known = {vdc["id"]: vdc for vdc in self.shared["vdcs"]}
        for item, target in self._items("vdcs"):
            oid, found = target.id, known.get(-1 if target.id is None else target.id)
            if oid is None or found is None:
                oid = self._write("one.vdc.allocate", attributes_xml({"NAME": target.new_name, **item["template"]}))
                self.ids["vdcs"][item["name"]] = oid
                found = {"group_ids": [], "resources": {}}
            held = set(found["group_ids"])
            for gid in sorted(self._vdc_groups(item, oid, held)):
                self._write("one.vdc.addgroup", oid, gid)
            self._leave_default(item, oid, held)
            # Nothing is taken away from a VDC that the federation had before.
            before = {kind: list(pairs) for kind, pairs in found["resources"].items()}
            wanted = vdc_resources(item, self.ids, self.zone_id)
            after = {kind: sorted({*before.get(kind, []), *pairs}) for kind, pairs in wanted.items()}
            if any(after[kind] != before.get(kind, []) for kind in after):
                self.written += 1
                write_resources(self.client, oid, before, after)

    def _vdc_groups(self, item: Mapping[str, Any], oid: int, held: set[int]) -> set[int]:
        # OpenNebula puts new groups into the default VDC itself, and others get rules instead (brought_rules).
        return set() if oid == DEFAULT_VDC else {self._id("groups", name) for name in item["groups"]} - held

    def _leave_default(self, item: Mapping[str, Any], oid: int, held: set[int]) -> None:
        """Take new groups out of the default VDC that were not in the zone's."""
        if oid != DEFAULT_VDC:
            return
        members = set(item["groups"])
        for group, target in self._items("groups"):
            gid = self._id("groups", group["name"])
            if target.ours and group["name"] not in members and (target.id is None or gid in held):
                self._write("one.vdc.delgroup", oid, gid)

    def _owner(self, item: Mapping[str, Any]) -> str:
        parts = []
        for kind, name in (("users", item["owner"]), ("groups", item["group"])):
            target = self.targets[kind].get(name)
            # Who is gone leaves it to oneadmin.
            parts.append((0, "oneadmin") if target is None else (self._id(kind, name), target.new_name))
        return owner_xml(parts[0], parts[1])

    def _markets(self) -> None:
        known = {market["id"]: market for market in self.shared["markets"]}
        apps: dict[int, dict[str, int]] = {}
        for app in self.shared["apps"]:
            apps.setdefault(app["market_id"], {})[f"{app['uid']} {app['name']}"] = app["id"]
        for item, target in self._items("marketplaces"):
            if not target.ours:
                continue
            market = {**item, "name": target.new_name}
            oid = target.id
            if oid is None:
                oid = self._allocate("one.market.allocatedb", market_xml(market, self._owner(item), self.zone_id))
                self.ids["marketplaces"][item["name"]] = oid
            found = apps.get(oid, {})
            for app in item["apps"]:
                owner = 0 if app["owner"] not in self.ids["users"] else self._id("users", app["owner"])
                key = f"{owner} {app['name']}"
                if key not in found:
                    xml = app_xml(app, self._owner(app), self.zone_id, oid, target.new_name)
                    found[key] = self._allocate("one.marketapp.allocatedb", xml)
                self.ids["apps"][app_name(item["name"], app["owner"] or "", app["name"])] = found[key]
            if set(known.get(oid, {}).get("app_ids", [])) != set(found.values()):
                xml = market_xml(market, self._owner(item), self.zone_id, oid, found.values())
                self._write("one.market.updatedb", oid, xml)

    def _allocate(self, method: str, xml: str) -> int:
        # Releases 7.2 to 7.4 read the document from the second parameter, others from the first.
        oid: int = self._write(method, xml, xml)
        return oid

    def _rules(self) -> None:
        existing = {Rule.of(row) for row in self.client.read(rules_from_xml, "one.acl.info")}
        for item in brought_rules(self.document, self.shared, self.targets):
            for rule in rules_of(item, self.ids, self.zone_id, self.narrow) or []:
                if not covered(rule, existing):
                    self._write("one.acl.addrule", *rule.words)
                    existing.add(rule)
        self._withdraw()

    def _withdraw(self) -> None:
        """Delete what new VDCs and administrators brought with them and the zone did not have."""
        ours = {
            sign | target_id
            for kind, sign in (("users", ONE), ("groups", GROUP))
            for item, target in self._items(kind)
            if target.ours and (target_id := self.ids[kind][item["name"]]) is not None
        }
        existing = {Rule.of(row): row["id"] for row in self.client.read(rules_from_xml, "one.acl.info")}
        new_zone = None if self.shared["mode"] == "STANDALONE" else self.zone_id
        for item in self.document["withdrawn"]:
            for rule in rules_of(item, self.ids, self.zone_id, False) or []:
                # Of others the federation may have had it before, but not in a zone that is new.
                if rule in existing and (rule.user in ours or (new_zone is not None and rule.zone_id == new_zone)):
                    self._write("one.acl.delrule", existing.pop(rule))
