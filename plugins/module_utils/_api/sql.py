# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The little that OpenNebula's API gives no method for, as SQL that oned itself runs (one.system.sql, oneadmin only).

So it goes through oned's log and reaches every server of a zone.
"""

from __future__ import annotations

from .._errors import ApiError
from .client import Client
from .documents import number, parse_xml

# What a zone keeps of users and groups by id: table, its key, the pool of that key. Before 7.4 there are no VLANs.
_LOCAL_ROWS = (
    ("user_quotas", "user_oid", "user_pool"),
    ("group_quotas", "group_oid", "group_pool"),
    ("group_vlans", "group_oid", "group_pool"),
)


def document_types(client: Client) -> list[int]:
    """The types of documents that a zone has; its pool shows those of one type only. Raises ApiError."""

    def types(xml: str) -> list[int]:
        rows = parse_xml(xml, "the types of documents").iterfind("RESULT/ROW")
        return sorted({number(row, "type") for row in rows})

    return client.read(types, "one.system.sqlquery", "SELECT DISTINCT type FROM document_pool")


def remove_nobodys_limits(client: Client) -> int:
    """Remove limits of ids that no user or group has, which no call reaches; in how many tables there were any.

    OpenNebula gives such an id to a later user, who would silently have the limits. Raises ApiError.
    """
    changed = 0
    for table, key, pool in _LOCAL_ROWS:
        condition = f"{key} NOT IN (SELECT oid FROM {pool})"
        try:
            query = f"SELECT COUNT(*) AS orphans FROM {table} WHERE {condition}"
            orphans = client.read(_orphans, "one.system.sqlquery", query)
        except ApiError:
            if table == "group_vlans":
                continue
            raise
        if orphans:
            client.call("one.system.sql", f"DELETE FROM {table} WHERE {condition}", False)
            changed += 1
    return changed


def _orphans(xml: str) -> int:
    return number(parse_xml(xml, "a count"), "RESULT/ROW/orphans", 0)


def replace_password(client: Client, user_id: int, old: str, new: str) -> None:
    """Store another hash for a user in all zones, for one.user.passwd drops the user's login tokens. Raises ApiError.

    Both are hexadecimal digits. Nothing happens when the user no longer has the old one.
    """
    before, after = (f"<PASSWORD><![CDATA[{text}]]></PASSWORD>" for text in (old, new))
    command = f"UPDATE user_pool SET body = REPLACE(body, '{before}', '{after}') WHERE oid = {user_id}"
    client.call("one.system.sql", command, True)
