# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the migrators of the tables do, with what is lost on the way.

Tables are renamed, made anew and filled from their old selves, none of which is one transaction with the rest: who is
killed in between leaves half of it, and the next run drops the old table first, with what was only there. Documents
that are neither services nor their templates do not survive the way to 7.0.

The shared tables stay as they are between these releases; what is shared and changes (labels) the local one changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from xml.etree import ElementTree

from ..paths import Layout
from ..schema import local_tables
from ..versions import RELEASES, Release
from .backend import Connection

Row = dict[str, object]
# Whether there is a table.
Exists = Callable[[str], bool]
_SERVICES = ("100", "101")
_PCI = ("PCI_DEV", "PCI_NIC", "RUNNING_PCI_DEV", "RUNNING_PCI_NIC")
# Of a system datastore by its transfer driver; others get YES, NO, NO.
_MIGRATES = {
    **dict.fromkeys(("dummy", "shared", "qcow2", "ssh", "local"), ("YES", "YES", "YES")),
    **dict.fromkeys(("lvm", "fs_lvm"), ("YES", "NO", "NO")), "fs_lvm_ssh": ("YES", "YES", "NO"),
    **dict.fromkeys(("ceph", "iscsi_libvirt", "dev", "netapp", "purefa"), ("NO", "NO", "NO")),
}


class MigratorError(Exception):
    """A migrator gave up in the middle; the text is what is shown."""


def _release(version: str) -> Release:
    return next(release for release in RELEASES.values() if release.local == version)


def _create(db: Connection, version: str, table: str) -> None:
    wanted = next(text for text in local_tables(_release(version)) if text.startswith(f"{table} "))
    db.execute(f"CREATE TABLE IF NOT EXISTS {wanted}")


def _remake(db: Connection, version: str, table: str, change: Callable[[Row], Row], drop_old: bool = True,
            where: str = "") -> None:
    """Make a table of the new release from the old one's rows.

    :param drop_old: whether a table that an earlier, interrupted run left is dropped; else it is in the way.
    """
    if drop_old:
        db.execute(f"DROP TABLE IF EXISTS old_{table}")
    db.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    _create(db, version, table)
    db.execute("BEGIN")
    names = _columns(db, f"old_{table}", version, table)
    for values in db.execute(f"SELECT {', '.join(names)} FROM old_{table}{where}").fetchall():
        row = change(dict(zip(names, values, strict=True)))
        marks = ", ".join("?" * len(row))
        db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
    db.execute("COMMIT")
    db.execute(f"DROP TABLE old_{table}")


def _columns(db: Connection, old: str, version: str, table: str) -> list[str]:
    """The new table's columns that the old one has too."""
    text = next(text for text in local_tables(_release(version)) if text.startswith(f"{table} "))
    names = [name for name in re.findall(r"[(,]\s*(\w+) [A-Z]", text) if name not in ("PRIMARY", "UNIQUE")]
    if table == "vm_pool" and version == "7.0.0":
        names.remove("resched")
    return names


def _before_end(body: object, element: str, more: str) -> str:
    text = str(body)
    at = text.rindex(f"</{element}>")
    return text[:at] + more + text[at:]


# -- 6.10 to 7.0 ---------------------------------------------------------------------------------------------------


def _labels(db: Connection) -> None:
    """Labels of users become a map to what bears them, as JSON within JSON. These are shared tables."""
    for oid, body in db.execute("SELECT oid, body FROM user_pool").fetchall():
        found = re.search(r"<LABELS><!\[CDATA\[(.*?)\]\]></LABELS>", str(body), re.DOTALL)
        if found and found[1].strip():
            index = json.dumps(json.dumps({}))
            after = str(body).replace(found[0], "")
            after = _before_end(after, "TEMPLATE", f"<LABELS>{index.replace('&', '&amp;')}</LABELS>")
            db.execute("UPDATE user_pool SET body = ? WHERE oid = ?", (after, oid))


def _imported(db: Connection, exists: Exists) -> None:
    """Machines that were imported are given up. Without any, the table that lists them stays."""
    if not exists("vm_import"):
        print("VM import table doesn't exist, exiting...")
        return
    found = [str(row[0]) for row in db.execute("SELECT vmid FROM vm_import").fetchall()]
    if not found:
        return
    db.execute("DROP TABLE IF EXISTS vm_import")
    db.execute(f"UPDATE vm_pool SET state = 6, lcm_state = 0 WHERE oid IN ({', '.join(found)})")
    print(f"\033[1mWarning\033[0m: Found {len(found)} imported wild VMs.")


def _service(row: Row) -> Row:
    """:raises MigratorError: for a document without the body of a service."""
    text = ElementTree.fromstring(str(row["body"])).findtext("TEMPLATE/BODY")
    try:
        body = json.loads(text or "")
        for role in body["roles"]:
            role.update(template_id=role.pop("vm_template"), type="vm")
    except (ValueError, KeyError, TypeError) as error:
        raise MigratorError(f"unexpected token at '{text or ''}'") from error
    old = re.search(r"<BODY>.*?</BODY>", str(row["body"]), re.DOTALL)
    new = f"<BODY><![CDATA[{json.dumps(body, separators=(',', ':'))}]]></BODY>"
    return {**row, "body": str(row["body"]).replace(old[0], new)} if old else row


def _modtime(row: Row) -> Row:
    body = str(row["body"])
    registered = ElementTree.fromstring(body).findtext("REGTIME") or ""
    return {**row, "body": _before_end(body, "IMAGE", f"<MODTIME>{registered}</MODTIME>")}


def _resched(row: Row) -> Row:
    wanted = ElementTree.fromstring(str(row["body"])).findtext("RESCHED")
    return {**row, "resched": 1 if wanted == "1" else 0}


def _plans(db: Connection) -> None:
    db.execute("CREATE TABLE IF NOT EXISTS plan_pool (cid INTEGER PRIMARY KEY, state INTEGER, body MEDIUMTEXT)")
    for cid in (-1, *(row[0] for row in db.execute("SELECT oid FROM cluster_pool").fetchall())):
        db.execute("INSERT INTO plan_pool (cid, state, body) VALUES (?, -1, ?)",
                   (cid, f"<PLAN><ID>{cid}</ID><STATE>-1</STATE></PLAN>"))


def _history(row: Row) -> Row:
    more = "<PLAN_ID>-2</PLAN_ID><ACTION_ID>-1</ACTION_ID>"
    return {**row, "body": _before_end(row["body"], "HISTORY", more)}


def _to_7_0(db: Connection, layout: Layout, exists: Exists) -> None:
    _labels(db)
    _imported(db, exists)
    _remake(db, "7.0.0", "document_pool", _service, where=f" WHERE type IN ({', '.join(_SERVICES)})")
    _remake(db, "7.0.0", "image_pool", _modtime, drop_old=False)
    _remake(db, "7.0.0", "vm_pool", _resched, drop_old=False)
    _plans(db)
    _remake(db, "7.0.0", "history", _history, drop_old=False)


# -- 7.0 to 7.2 ----------------------------------------------------------------------------------------------------


def _with_pci(body: object, limit: str) -> str:
    more = "".join(f"<{name}>{limit}</{name}>" for name in _PCI)
    more += "".join(f"<{name}_USED>0</{name}_USED>" for name in _PCI)
    start, end, text = "<VM_QUOTA>", "</VM_QUOTA>", str(body)
    before, _start, rest = text.partition(start)
    quota, _end, after = rest.partition(end)
    return before + start + quota.replace("</VM>", more + "</VM>") + end + after if _start else text


def _pci(row: Row) -> Row:
    return {**row, "body": _with_pci(row["body"], "-1")}


def _migrations(db: Connection) -> None:
    """What a system datastore says of migrations, where it says nothing."""
    for oid, body in db.execute("SELECT oid, body FROM datastore_pool").fetchall():
        root = ElementTree.fromstring(str(body))
        template = root.find("TEMPLATE")
        if root.findtext("TYPE") != "1" or template is None:
            continue
        values = _MIGRATES.get((root.findtext("TM_MAD") or "").lower(), ("YES", "NO", "NO"))
        more = "".join(f"<{name}>{value}</{name}>" for name, value in zip(
            ("DS_MIGRATE", "DS_LIVE_MIGRATE", "DS_MIGRATE_SNAP"), values, strict=True) if template.find(name) is None)
        if more:
            db.execute("UPDATE datastore_pool SET body = ? WHERE oid = ?", (_before_end(body, "TEMPLATE", more), oid))


def _to_7_2(db: Connection, layout: Layout, exists: Exists) -> None:
    for table in ("user_quotas", "group_quotas"):
        _remake(db, "7.2.0", table, _pci)
    for name, body in db.execute("SELECT name, body FROM system_attributes").fetchall():
        if name in ("DEFAULT_USER_QUOTAS", "DEFAULT_GROUP_QUOTAS"):
            db.execute("UPDATE system_attributes SET body = ? WHERE name = ?", (_with_pci(body, "-2"), name))
    _migrations(db)


# -- 7.2 to 7.4 ----------------------------------------------------------------------------------------------------


def _to_7_4(db: Connection, layout: Layout, exists: Exists) -> None:
    _create(db, "7.4.0", "group_vlans")
    names = ("sunstone_auth", "onegate_auth", "oneflow_auth")
    source = next((path for name in names if (path := layout.auth_directory / name).exists()), None)
    if source is None:
        print(f"Could not find an existing server auth file in {layout.auth_directory}, skipping.")
        return
    for name in ("oneform_auth", "oneks_auth"):
        target = layout.auth_directory / name
        if not target.exists():
            target.touch(mode=0o600)
            target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")


LOCAL: dict[str, Callable[[Connection, Layout, Exists], None]] = {"7.0.0": _to_7_0, "7.2.0": _to_7_2, "7.4.0": _to_7_4}
