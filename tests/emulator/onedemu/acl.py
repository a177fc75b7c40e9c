# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Access control: the rules, kept in memory and in table ``acl``, and what they allow."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .database import Database, DatabaseError
from .log import Log

INDIVIDUAL = 0x100000000
GROUP = 0x200000000
ALL = 0x400000000
CLUSTER = 0x800000000
_SELECTORS = 0xF00000000
_LOW = 0xFFFFFFFF

# In the order in which rules are spelled out; hooks and ACLs exist as types but are not spelled.
TYPES: dict[str, int] = {
    "VM": 0x10 << 32, "HOST": 0x20 << 32, "NET": 0x40 << 32, "IMAGE": 0x80 << 32, "USER": 0x100 << 32,
    "TEMPLATE": 0x200 << 32, "GROUP": 0x400 << 32, "DATASTORE": 0x1000 << 32, "CLUSTER": 0x2000 << 32,
    "DOCUMENT": 0x4000 << 32, "ZONE": 0x8000 << 32, "SECGROUP": 0x10000 << 32, "VDC": 0x20000 << 32,
    "VROUTER": 0x40000 << 32, "MARKETPLACE": 0x80000 << 32, "MARKETPLACEAPP": 0x100000 << 32,
    "VMGROUP": 0x200000 << 32, "VNTEMPLATE": 0x400000 << 32, "BACKUPJOB": 0x1000000 << 32,
}
ACL_TYPE = 0x800 << 32
HOOK_TYPE = 0x800000 << 32
RIGHTS: dict[str, int] = {"USE": 1, "MANAGE": 2, "ADMIN": 4, "CREATE": 8}
_FEDERATED = TYPES["USER"] | TYPES["GROUP"] | TYPES["ZONE"] | TYPES["VDC"] | ACL_TYPE
_NO_GROUP = TYPES["HOST"] | TYPES["GROUP"] | TYPES["CLUSTER"] | TYPES["ZONE"] | TYPES["VDC"]
_CLUSTERED = TYPES["HOST"] | TYPES["NET"] | TYPES["DATASTORE"] | TYPES["BACKUPJOB"] | HOOK_TYPE


def kinds(*names: str) -> int:
    """The bits of several types of objects."""
    return sum(TYPES[name] for name in names)


class AclError(Exception):
    """A rule was refused; the text is the one clients get."""


@dataclass(frozen=True)
class Rule:
    oid: int
    user: int
    resource: int
    rights: int
    zone: int

    def same(self, other: Rule) -> bool:
        return (self.user, self.resource, self.rights, self.zone) == (
            other.user, other.resource, other.rights, other.zone)

    def __str__(self) -> str:
        return (f"{_selected(self.user)} {'+'.join(name for name, bit in TYPES.items() if self.resource & bit)}/"
                f"{_selected(self.resource)} {'+'.join(name for name, bit in RIGHTS.items() if self.rights & bit)} "
                f"{_selected(self.zone & ~GROUP)}")

    def to_xml(self) -> str:
        return (f"<ACL><ID>{self.oid}</ID><USER>{_hex(self.user)}</USER><RESOURCE>{_hex(self.resource)}</RESOURCE>"
                f"<RIGHTS>{_hex(self.rights)}</RIGHTS><ZONE>{_hex(self.zone)}</ZONE><STRING>{self}</STRING></ACL>")

    def faults(self) -> list[str]:
        """What is wrong with the rule, in OpenNebula's words and order."""
        return [*_user_faults(self.user), *_resource_faults(self.resource), *_rights_faults(self.rights),
                *_zone_faults(self)]


def _hex(number: int) -> str:
    return f"{number % 2**64:x}"


def _id(word: int) -> int:
    low = word & _LOW
    return low - 2**32 if low >= 2**31 else low


def _selected(word: int) -> str:
    if word & GROUP:
        return f"@{_id(word)}"
    if word & INDIVIDUAL:
        return f"#{_id(word)}"
    if word & CLUSTER:
        return f"%{_id(word)}"
    return "*" if word & ALL else "??"


def _exclusive(word: int) -> bool:
    return bin(word & _SELECTORS).count("1") > 1


def _user_faults(user: int) -> Iterable[str]:
    if user & INDIVIDUAL and user & GROUP:
        yield "[user] INDIVIDUAL (#) and GROUP (@) bits are exclusive"
    if user & INDIVIDUAL and user & ALL:
        yield "[user] INDIVIDUAL (#) and ALL (*) bits are exclusive"
    if user & GROUP and user & ALL:
        yield "[user] GROUP (@) and ALL (*) bits are exclusive"
    if not user & (INDIVIDUAL | GROUP | ALL):
        yield "[user] is missing one of the INDIVIDUAL, GROUP or ALL bits"
    if _id(user) < 0:
        yield "[user] ID cannot be negative"
    if user & ALL and _id(user):
        yield "when using the ALL bit, [user] ID must be 0"


def _resource_faults(resource: int) -> Iterable[str]:
    kind = resource & 0xFFFFFFF000000000
    if _exclusive(resource):
        yield "[resource] INDIVIDUAL (#), GROUP (@), CLUSTER (%) and ALL (*) bits are exclusive"
    if resource & CLUSTER and kind & ~_CLUSTERED:
        yield "[resource] CLUSTER(%) selector can be applied only to DATASTORE, HOST and NET types"
    if resource & GROUP and kind & _NO_GROUP:
        yield "[resource] GROUP(@) selector cannot be applied to HOST, GROUP, CLUSTER, ZONE or VDC types"
    if not resource & _SELECTORS:
        yield "[resource] is missing one of the INDIVIDUAL, GROUP, CLUSTER or ALL bits"
    if _id(resource) < 0:
        yield "[resource] ID cannot be negative"
    if resource & ALL and _id(resource):
        yield "when using the ALL bit, [resource] ID must be 0"
    if not kind:
        yield "[resource] type is missing"
    if resource & 0xFE80000000000000:
        yield "wrong [resource] type"


def _rights_faults(rights: int) -> Iterable[str]:
    if rights == 0:
        yield "wrong [rights], it cannot be 0"
    if rights > 0xF:
        yield "wrong [rights], it cannot be bigger than 0xF"


def _zone_faults(rule: Rule) -> Iterable[str]:
    zone = rule.zone
    if zone & GROUP:
        yield "[zone] GROUP (@) bit is not supported"
    if zone & INDIVIDUAL and zone & ALL:
        yield "[zone] INDIVIDUAL (#) and ALL (*) bits are exclusive"
    if not zone & (INDIVIDUAL | GROUP | ALL):
        yield "[zone] is missing one of the INDIVIDUAL or ALL bits"
    if _id(zone) < 0:
        yield "[zone] ID cannot be negative"
    if zone & ALL and _id(zone):
        yield "when using the ALL bit, [zone] ID must be 0"
    if zone & ALL and rule.resource & INDIVIDUAL and rule.resource & 0xFFFFFFF000000000 & ~_FEDERATED:
        yield "[resource] INDIVIDUAL(#) selector cannot be applied to ALL zones, except for USER, GROUP and ZONE types"


class AclManager:
    """All rules. A slave loads them anew from time to time, for its own copy changes by replication."""

    def __init__(self, database: Database, write: Callable[[str], int], log: Log, zone_id: int,
                 read_only: bool) -> None:
        self._database = database
        self._write = write
        self._log = log
        self._zone_id = zone_id
        self._read_only = read_only
        self._lock = threading.RLock()
        self._rules: dict[int, Rule] = {}

    def last_oid(self) -> int:
        try:
            rows = self._database.query("SELECT last_oid FROM pool_control WHERE tablename='acl'")
        except DatabaseError:
            return -1
        return int(rows[0][0]) if rows else -1

    def load(self) -> None:
        try:
            rows = self._database.query("SELECT oid, userset, resource, rights, zone FROM acl")
        except DatabaseError:
            return
        with self._lock:
            self._rules = {row[0]: Rule(*map(int, row)) for row in rows}

    def rules(self) -> list[Rule]:
        """Sorted by user, as they are listed."""
        with self._lock:
            return sorted(self._rules.values(), key=lambda rule: rule.user)

    def add(self, user: int, resource: int, rights: int, zone: int) -> int:
        """:raises AclError: if the rule exists or makes no sense."""
        if self._read_only:
            self._log.error("ONE", "AclManager::add_rule called, but this OpenNebula is a federation slave")
            raise AclError("")
        with self._lock:
            rule = Rule(self.last_oid() + 1, user, resource, rights, zone)
            if any(rule.same(other) for other in self._rules.values()):
                raise AclError(f"Rule {rule} already exists")
            if faults := rule.faults():
                raise AclError(f"Rule {rule} is malformed: {'; '.join(faults)}")
            try:
                self._write("INSERT INTO acl (oid, userset, resource, rights, zone) VALUES "
                            f"({rule.oid},{user},{resource},{rights},{zone})")
            except DatabaseError as error:
                raise AclError("Error inserting rule in DB") from error
            self._rules[rule.oid] = rule
            self._write(f"REPLACE INTO pool_control (tablename, last_oid) VALUES ('acl',{rule.oid})")
            return rule.oid

    def delete(self, oid: int) -> None:
        """:raises AclError: if there is no such rule."""
        if self._read_only:
            self._log.error("ONE", "AclManager::del_rule called, but this OpenNebula is a federation slave")
            raise AclError("")
        with self._lock:
            if oid not in self._rules:
                raise AclError(f"Rule {oid} does not exist")
            try:
                self._write(f"DELETE FROM acl WHERE oid={oid}")
            except DatabaseError as error:
                raise AclError("SQL DB error") from error
            del self._rules[oid]

    def delete_same(self, user: int, resource: int, rights: int, zone: int) -> None:
        """:raises AclError: if there is no such rule."""
        wanted = Rule(-1, user, resource, rights, zone)
        with self._lock:
            found = next((rule for rule in self._rules.values() if rule.same(wanted)), None)
        if found is None:
            raise AclError("Rule does not exist")
        self.delete(found.oid)

    def delete_about(self, kind: str, oid: int) -> None:
        """Delete the rules about just this object, which is gone. One that is about other types, too, stays."""
        self.delete_where(lambda rule: rule.resource == TYPES[kind] | INDIVIDUAL | oid)

    def delete_where(self, condition: Callable[[Rule], bool]) -> None:
        """Delete what belongs to an object that is gone."""
        for rule in [rule for rule in self.rules() if condition(rule)]:
            self.delete(rule.oid)

    def allows(self, uid: int, groups: Iterable[int], right: int, kind: str, oid: int, gid: int,
               clusters: Iterable[int] = ()) -> bool:
        """Whether a rule gives this right on an object (id and group -1 for one that is to be created)."""
        users = {INDIVIDUAL | uid, ALL, *(GROUP | group for group in groups)}
        bit = TYPES.get(kind, ACL_TYPE if kind == "ACL" else HOOK_TYPE)
        return any(rule.user in users and self._here(rule) and rule.rights & right == right
                   and _covers(rule.resource, bit, oid, gid, clusters) for rule in self.rules())

    def scope(self, uid: int, groups: Iterable[int], kind: str) -> tuple[bool, set[int], set[int], set[int]]:
        """What may be listed: everything, or these objects, objects of these groups, and those in these clusters."""
        users = {INDIVIDUAL | uid, ALL, *(GROUP | group for group in groups)}
        found = [rule.resource for rule in self.rules()
                 if rule.user in users and self._here(rule) and rule.rights & 1 and rule.resource & TYPES[kind]]
        return (any(word & ALL for word in found), {_id(word) for word in found if word & INDIVIDUAL},
                {_id(word) for word in found if word & GROUP}, {_id(word) for word in found if word & CLUSTER})

    def _here(self, rule: Rule) -> bool:
        return bool(rule.zone & ALL) or rule.zone == INDIVIDUAL | self._zone_id


def _covers(resource: int, bit: int, oid: int, gid: int, clusters: Iterable[int]) -> bool:
    if not resource & bit:
        return False
    if resource & ALL:
        return True
    return (bool(resource & INDIVIDUAL) and oid >= 0 and _id(resource) == oid) or (
        bool(resource & GROUP) and gid >= 0 and _id(resource) == gid) or (
        bool(resource & CLUSTER) and _id(resource) in clusters)
