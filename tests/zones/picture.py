# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a zone that `crowd.py` has filled is like, told by names: who logs in, owns what, may do what.

Two pictures, of before and after the zone joined a federation, are to be equal. Nothing is concluded from rules or
groups: what somebody may do is asked of oned as that user, with his password, or where his driver has none, with a
login token for each of his groups.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from .crowd import OBJECTS, Crowd, Endpoint
from .pools import ids_of, owned_in, plain_of, quotas_of, uses

EVERYTHING = (-2, -1, -1)
# Kinds of objects: method, pool and what else its list takes. OpenNebula's own come along.
POOLS: dict[str, tuple[int, ...]] = {
    **{kind: EVERYTHING for kind in OBJECTS},
    "vm": (*EVERYTHING, -2),
    "document": (*EVERYTHING, 101),
    "datastore": (),
}
_AUTHENTICATION, _AUTHORIZATION = 0x100, 0x200
_TOKEN_SECONDS = 600
_KEEP = (-1,) * 9


@dataclass(frozen=True)
class Names:
    """How people, groups and VDCs are called now, by the names that they had; the zone's id."""

    zone_id: int = 0
    users: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    vdcs: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_plan(cls, plan: Mapping[str, Any], zone_id: int) -> Names:
        """What the plan of identity_import says of names."""
        identities = plan["identities"]
        renamed = {kind: {item["name"]: item["new_name"] for item in items} for kind, items in identities.items()}
        return cls(zone_id, renamed["users"], renamed["groups"], renamed["vdcs"])


class Picture:
    """One look at a zone.

    `keeper` is the oned that has encrypted attributes and can read them, of a federation the master's; by default the
    zone itself. `sample` is how many objects everybody tries to use and to manage.
    """

    def __init__(
        self,
        zone: Endpoint,
        crowd: Crowd,
        names: Names = Names(),
        keeper: Endpoint | None = None,
        sample: int = 12,
    ) -> None:
        self.zone, self.crowd, self.names, self.sample = zone, crowd, names, sample
        self.keeper = keeper or zone
        users, groups = self._pool("user"), self._pool("group")
        self.users = {each.findtext("ID", ""): each for each in users.iterfind("USER")}
        self.groups = {each.findtext("ID", ""): each for each in groups.iterfind("GROUP")}
        self._quotas = {
            "user": {each.findtext("ID"): each for each in users.iterfind("QUOTAS")},
            "group": {each.findtext("ID"): each for each in groups.iterfind("QUOTAS")},
        }
        self._old_user = {names.users.get(name, name): name for name in crowd.people}
        self._old_group = {names.groups.get(name, name): name for name in crowd.groups.values()}

    def _pool(self, kind: str, *arguments: int) -> ElementTree.Element:
        return ElementTree.fromstring(self.zone.call(f"one.{kind}pool.info", *arguments))

    def take(self) -> dict[str, Any]:
        """{users, groups, vdcs, objects, markets, defaults, may}: everything by the names that `crowd` gave."""
        pools = {kind: self._pool(kind, *arguments) for kind, arguments in POOLS.items()}
        return {
            "users": {old: self._user(new) for new, old in sorted(self._old_user.items())},
            "groups": {old: self._group(new) for new, old in sorted(self._old_group.items())},
            "vdcs": self._vdcs(),
            "objects": {kind: [self._object(each) for each in owned_in(pool)] for kind, pool in pools.items()},
            "markets": self._markets(),
            "defaults": [self.zone.call(f"one.{kind}quota.info") for kind in ("user", "group")],
            "may": self._everybody({kind: ids_of(pool) for kind, pool in pools.items()}),
        }

    def user_name(self, uid: str | None) -> str:
        """Whose id it is: the name that `crowd` gave; of somebody else, a name that nobody of the crowd has."""
        name = self.users[uid].findtext("NAME", "") if uid in self.users else f"nobody ({uid})"
        return self._old_user.get(name, _foreign(name))

    def group_name(self, gid: str | None) -> str:
        name = self.groups[gid].findtext("NAME", "") if gid in self.groups else f"nobody ({gid})"
        return self._old_group.get(name, _foreign(name))

    def _id(self, name: str) -> str:
        return next(oid for oid, each in self.users.items() if each.findtext("NAME") == name)

    def _user(self, name: str) -> dict[str, Any]:
        oid = self._id(name)
        user = ElementTree.fromstring(self.keeper.call("one.user.info", int(oid), True))
        plain = self.crowd.people[self._old_user[name]].plain
        return {
            "driver": user.findtext("AUTH_DRIVER"),
            "password": user.findtext("PASSWORD"),
            "enabled": user.findtext("ENABLED"),
            "group": self.group_name(user.findtext("GID")),
            "groups": sorted(self.group_name(each.text) for each in user.iterfind("GROUPS/ID")),
            # Of people who are in the federation as well it is what they have there.
            "template": "" if plain else plain_of(user.find("TEMPLATE")),
            "quotas": quotas_of(self._quotas["user"].get(oid)),
        }

    def _group(self, name: str) -> dict[str, Any]:
        oid, group = next((oid, each) for oid, each in self.groups.items() if each.findtext("NAME") == name)
        members = (self.user_name(each.text) for each in group.iterfind("USERS/ID"))
        return {
            # Groups that all zones have are full of others.
            "users": sorted(member for member in members if member in self.crowd.people),
            "admins": sorted(self.user_name(each.text) for each in group.iterfind("ADMINS/ID")),
            "template": plain_of(group.find("TEMPLATE")),
            "quotas": quotas_of(self._quotas["group"].get(oid)),
        }

    def _vdcs(self) -> dict[str, Any]:
        """The VDCs of the zone: what they have in it, and which groups of the crowd's are in them."""
        found = {}
        own, old = str(self.names.zone_id), {new: name for name, new in self.names.vdcs.items()}
        for vdc in self._pool("vdc").iterfind("VDC"):
            name = vdc.findtext("NAME", "")
            resources = [
                (kind, each.findtext(f"{kind}_ID"))
                for kind in ("CLUSTER", "HOST", "DATASTORE", "VNET")
                for each in vdc.iterfind(f"{kind}S/{kind}")
                if each.findtext("ZONE_ID") == own
            ]
            if resources:
                groups = {self.group_name(each.text) for each in vdc.iterfind("GROUPS/ID")}
                members = sorted(groups & set(self.crowd.groups.values()))
                found[old.get(name, name)] = {"groups": members, "resources": sorted(resources)}
        return found

    def _object(self, each: ElementTree.Element) -> dict[str, Any]:
        stored = self._old_user.get(each.findtext("UNAME", "")), self._old_group.get(each.findtext("GNAME", ""))
        return {
            "id": each.findtext("ID"),
            "name": each.findtext("NAME"),
            "owner": self.user_name(each.findtext("UID")),
            "group": self.group_name(each.findtext("GID")),
            "stored": [name or _foreign(each.findtext(tag, "")) for name, tag in zip(stored, ("UNAME", "GNAME"))],
            "lock": each.findtext("LOCK/LOCKED"),
            "permissions": "".join(each.text or "" for each in each.iterfind("PERMISSIONS/*")),
            "uses": uses(each, self.user_name, lambda name: self._old_user.get(name, _foreign(name)))
            if each.tag == "VMTEMPLATE"
            else [],
        }

    def _markets(self) -> list[dict[str, Any]]:
        own, found = str(self.names.zone_id), []
        apps = self._pool("marketapp", *EVERYTHING).findall("MARKETPLACEAPP")
        for market in self._pool("market", *EVERYTHING).iterfind("MARKETPLACE"):
            if market.findtext("ZONE_ID") == own and int(market.findtext("ID", "")) >= 100:
                oid = market.findtext("ID")
                inside = {each.text for each in market.iterfind("MARKETPLACEAPPS/ID")}
                found.append(
                    {
                        "name": market.findtext("NAME"),
                        "owner": self.user_name(market.findtext("UID")),
                        "template": plain_of(market.find("TEMPLATE")),
                        "apps": [
                            (app.findtext("NAME"), self.user_name(app.findtext("UID")), app.findtext("APPTEMPLATE64"))
                            for app in apps
                            if app.findtext("MARKETPLACE_ID") == oid
                            and app.findtext("ID") in inside
                            and app.findtext("ZONE_ID") == own
                        ],
                    }
                )
        return found

    def _everybody(self, ids: Mapping[str, list[int]]) -> dict[str, Any]:
        sessions = [
            (f"{old}{suffix}", session)
            for new, old in sorted(self._old_user.items())
            for suffix, session in self._sessions(new, old)
        ]
        for _what, session in sessions:
            self._await_session(session)
        with ThreadPoolExecutor(4) as executor:
            answers = list(executor.map(lambda item: self._may(item[0], item[1], ids), sessions))
            # Only now: what somebody creates for a moment others would find in their lists.
            creates = list(executor.map(lambda item: _creates(self.zone, item[1]), sessions))
        return {
            what: answer if answer == "refused" else {**answer, "creates": creating}
            for (what, _session), answer, creating in zip(sessions, answers, creates)
        }

    def _sessions(self, name: str, old: str) -> list[tuple[str, str]]:
        """What to call oned with as somebody, and what tells his sessions apart."""
        person = self.crowd.people[old]
        if person.driver == "core" or not person.enabled:
            return [("", f"{name}:{person.secret}")]
        user = self.users[self._id(name)]
        return [
            (
                f" in {self.group_name(gid.text)}",
                f"{name}:{self.zone.call('one.user.login', name, '', _TOKEN_SECONDS, int(gid.text or ''))}",
            )
            for gid in user.iterfind("GROUPS/ID")
        ]

    def _await_session(self, session: str) -> None:
        """A token made in a slave's zone comes back from the master."""
        name = session.split(":")[0]
        person = self.crowd.people[self._old_user[name]]
        deadline = time.monotonic() + 20
        while person.driver != "core" and person.enabled and not self.zone.ask(session, "one.user.info", -1)[0]:
            assert time.monotonic() < deadline, f"the token of {name} has not arrived"
            time.sleep(0.1)

    def _may(self, what: str, session: str, ids: Mapping[str, list[int]]) -> Any:
        """What oned answers to somebody: lists, and attempts to use and to manage objects; "refused" if he is."""
        login = self.zone.ask(session, "one.user.info", -1)
        if not login[0]:
            assert login[2] == _AUTHENTICATION, login
            return "refused"
        chance, tried = random.Random(what), {}  # noqa: S311 - it is to be the same each time
        sees = {kind: ids_of(_list(self.zone, session, kind)) for kind in POOLS}
        for number in range(self.sample):
            # Half of them of what he sees.
            among = sees if number % 2 and any(sees.values()) else ids
            kind = chance.choice([kind for kind in POOLS if among[kind]])
            oid = chance.choice(among[kind])
            used = self._allowed(session, f"one.{kind}.info", oid)
            # It changes nothing, but only who may manage the object may do so.
            tried[f"{kind} {oid}"] = (used, self._allowed(session, f"one.{kind}.chmod", oid, *_KEEP))
        people = ElementTree.fromstring(self.zone.ask(session, "one.userpool.info")[1])
        known = [self._old_user.get(each.findtext("NAME", "")) for each in people.iterfind("USER")]
        return {"lists": sees, "may": tried, "people": sorted(name for name in known if name)}

    def _allowed(self, session: str, method: str, *arguments: int) -> bool:
        answer = self.zone.ask(session, method, *arguments)
        assert answer[0] or answer[2] == _AUTHORIZATION, answer
        return bool(answer[0])


def reach(zone: Endpoint, sessions: Mapping[str, str]) -> dict[str, Any]:
    """What people see of another zone, such as the master's, and whether they may create there, by their names."""

    def sees(session: str) -> dict[str, Any]:
        return {kind: ids_of(_list(zone, session, kind)) for kind in POOLS}

    with ThreadPoolExecutor(4) as executor:
        lists = list(executor.map(sees, sessions.values()))
        creates = executor.map(lambda session: _creates(zone, session), sessions.values())
        return {name: {**seen, "creates": may} for name, seen, may in zip(sessions, lists, creates)}


def _creates(zone: Endpoint, session: str) -> bool:
    """Whether somebody may log in and create a template; he does, and it goes again."""
    answer = zone.ask(session, "one.template.allocate", f'NAME="made by {session.split(":")[0]}"')
    assert answer[0] or answer[2] in (_AUTHENTICATION, _AUTHORIZATION), answer
    if answer[0]:
        zone.call("one.template.delete", answer[1])
    return bool(answer[0])


def _list(zone: Endpoint, session: str, kind: str) -> ElementTree.Element:
    answer = zone.ask(session, f"one.{kind}pool.info", *POOLS[kind])
    assert answer[0], answer
    return ElementTree.fromstring(answer[1])


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """Where two pictures differ, a line for each place."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return [
            line
            for key in sorted({*before, *after}, key=str)
            for line in differences(before.get(key), after.get(key), f"{path}/{key}")
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            line
            for number, pair in enumerate(zip(before, after))
            for line in differences(*pair, path=f"{path}/{number}")
        ]
    return [] if before == after else [f"{path}: {before!r} became {after!r}"]


def _foreign(name: str) -> str:
    return name if name in ("oneadmin", "serveradmin", "users") else f"{name} (not of the zone)"
