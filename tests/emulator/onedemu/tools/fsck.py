# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``onedb fsck``: counters of ids, groups of users, owners of objects. The real one checks much more."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from ..objects import Group, User
from ..schema import FEDERATED_TABLES
from .backend import Connection

_TABLES = (
    "group_pool", "user_pool", "acl", "image_pool", "host_pool", "network_pool", "template_pool", "vm_pool",
    "cluster_pool", "datastore_pool", "document_pool", "zone_pool", "secgroup_pool", "vdc_pool", "vrouter_pool",
    "marketplace_pool", "marketplaceapp_pool")
# Tables whose objects are asked for their owner, in the order of the checks.
_OWNED = ("datastore_pool", "vm_pool", "vrouter_pool", "marketplaceapp_pool", "marketplace_pool", "image_pool",
          "network_pool", "template_pool")
USERS_GID = 1


class Fsck:
    def __init__(self, connection: Connection, is_slave: bool, dry: bool, log: Path) -> None:
        self._db = connection
        self._is_slave = is_slave
        self._dry = dry
        self._log = log
        self._lines: list[str] = []
        self._repaired = 0
        self._unrepaired = 0

    def run(self) -> int:
        """The number of errors found, whether they were repaired or not."""
        print()
        self._check_pool_control()
        self._check_users()
        self._check_groups()
        self._check_owners()
        found = self._repaired + self._unrepaired
        print()
        self._say(f"Total errors found: {found}")
        words = ("Total repairable errors", "Total unrepairable errors") if self._dry else (
            "Total errors repaired", "Total errors unrepaired")
        self._say(f"{words[0]}: {self._repaired}")
        self._say(f"{words[1]}: {self._unrepaired}")
        if self._dry:
            self._say("Dry run, no changes have been written to the DB")
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._log.write_text("".join(line + "\n" for line in self._lines), encoding="utf-8")
        print(f"A copy of this output was stored in {self._log}")
        return found

    def _say(self, line: str) -> None:
        print(line)
        self._lines.append(line)

    def _error(self, text: str, repairable: bool = True) -> bool:
        """Count and show an error. Returns whether it is to be repaired now."""
        if repairable:
            self._repaired += 1
        else:
            self._unrepaired += 1
        self._say(text if repairable else f"[UNREPAIRED] {text}")
        return repairable and not self._dry

    def _check_pool_control(self) -> None:
        for table in _TABLES:
            row = self._db.execute(f"SELECT MAX(oid) FROM {table}").fetchone()
            newest = -1 if row[0] is None else int(row[0])
            row = self._db.execute("SELECT last_oid FROM pool_control WHERE tablename = ?", (table,)).fetchone()
            known = -1 if row is None else int(row[0])
            if newest <= known:
                continue
            if known == -1:
                # A missing row is added without being counted as an error.
                if not self._dry:
                    self._db.execute("INSERT INTO pool_control VALUES (?, ?)", (table, newest))
                continue
            at_master = self._is_slave and table in FEDERATED_TABLES
            text = f"pool_control for table {table} has last_oid {known}, but it is {newest}"
            if self._error(text, not at_master):
                self._db.execute("UPDATE pool_control SET last_oid = ? WHERE tablename = ?", (newest, table))
            if at_master:
                self._say("^ Needs to be fixed in the master OpenNebula")

    def _check_users(self) -> None:
        groups = {row[0]: row[1] for row in self._db.execute("SELECT oid, name FROM group_pool")}
        for oid, body, column in self._db.execute("SELECT oid, body, gid FROM user_pool").fetchall():
            user = User.from_xml(body)
            fix = False
            if user.gid not in groups:
                fix |= self._error(
                    f"User {oid} has primary group {user.gid}, but it does not exist", not self._is_slave)
                user.groups.discard(user.gid)
                user.gid, user.gname = USERS_GID, groups.get(USERS_GID, "users")
                user.groups.add(USERS_GID)
            if user.gid != column:
                fix |= self._error(f"User {oid} is in group {user.gid}, but the DB table has GID column {column}",
                                   not self._is_slave)
            for gid in sorted(user.groups):
                if gid not in groups:
                    fix |= self._error(f"User {oid} has secondary group {gid}, but it does not exist",
                                       not self._is_slave)
                    user.groups.discard(gid)
            if fix:
                self._db.execute("UPDATE user_pool SET body = ?, gid = ? WHERE oid = ?",
                                 (user.to_xml(), user.gid, oid))

    def _check_groups(self) -> None:
        members: dict[int, set[int]] = {}
        for (body,) in self._db.execute("SELECT body FROM user_pool"):
            user = User.from_xml(body)
            for gid in user.groups:
                members.setdefault(gid, set()).add(user.oid)
        for oid, body in self._db.execute("SELECT oid, body FROM group_pool").fetchall():
            group = Group.from_xml(body)
            wanted = members.get(oid, set())
            fix = False
            for uid in sorted(wanted - group.users):
                # No blank between the number and the word: that is how it reads.
                fix |= self._error(f"User {uid} is missing from Group {oid}users id list", not self._is_slave)
            for uid in sorted(group.users - wanted):
                fix |= self._error(f"User {uid} is in Group {oid} users id list, but it should not",
                                   not self._is_slave)
            if fix:
                group.users = wanted
                self._db.execute("UPDATE group_pool SET body = ? WHERE oid = ?", (group.to_xml(), oid))

    def _check_owners(self) -> None:
        users = {row[0] for row in self._db.execute("SELECT oid FROM user_pool")}
        groups = {row[0] for row in self._db.execute("SELECT oid FROM group_pool")}
        for table in _OWNED:
            for (body,) in self._db.execute(f"SELECT body FROM {table}").fetchall():
                root = ElementTree.fromstring(body)
                oid, uid, gid = (int(root.findtext(name) or -1) for name in ("ID", "UID", "GID"))
                if uid not in users:
                    self._error(f"{root.tag} ID={oid}, UID={uid} doesn't exist", False)
                if gid not in groups:
                    # The number shown is the user's; so it is in the real tool.
                    self._error(f"{root.tag} ID={oid}, GID={uid} doesn't exist", False)
