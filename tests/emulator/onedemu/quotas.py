# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Quotas: local to every zone, one row a user or group in a table of their own."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

from .database import Database, DatabaseError
from .template import Template, Vector, attribute_xml, cdata, from_element
from .versions import Release

_SECTIONS = ("DATASTORE_QUOTA", "NETWORK_QUOTA", "VM_QUOTA", "IMAGE_QUOTA")
_METRICS: dict[str, tuple[str, ...]] = {
    "DATASTORE": ("IMAGES", "SIZE"),
    "NETWORK": ("LEASES",),
    "IMAGE": ("RVMS",),
}
_VM = ("CPU", "MEMORY", "RUNNING_CPU", "RUNNING_MEMORY", "RUNNING_VMS", "SYSTEM_DISK_SIZE", "VMS")
_VM_PCI = ("PCI_DEV", "PCI_NIC", "RUNNING_PCI_DEV", "RUNNING_PCI_NIC")
# A limit that is not given in a VM quota is "take the default"; elsewhere a missing limit is none.
DEFAULT_LIMIT = "-1"

EMPTY = "".join(f"<{section}></{section}>" for section in _SECTIONS)


class QuotaError(Exception):
    """A quota template that makes no sense; the text is the one clients get."""


class Quotas:
    """The quota rows of users or of groups.

    :param table: ``user_quotas`` or ``group_quotas``.
    :param write: runs a change of this zone alone.
    """

    def __init__(self, table: str, database: Database, write: Callable[[str], int], release: Release) -> None:
        self._table = table
        self._column = table.replace("quotas", "oid")
        self._database = database
        self._write = write
        self._release = release

    def row(self, oid: int) -> str | None:
        """The stored document, None for an object without one (as on a slave that never set a quota)."""
        try:
            rows = self._database.query(f"SELECT body FROM {self._table} WHERE {self._column} = {oid}")
        except DatabaseError:
            return None
        return str(rows[0][0]) if rows else None

    def rows(self) -> dict[int, str]:
        return {int(oid): body for oid, body in self._database.query(
            f"SELECT {self._column}, body FROM {self._table}")}

    def sections(self, oid: int) -> str:
        """The four sections, as they stand in the document of a user or group."""
        return _inner(self.row(oid))

    def insert(self, oid: int) -> None:
        """:raises DatabaseError: if a row of that id was left behind."""
        self._write(f"INSERT INTO {self._table} ({self._column}, body) VALUES ({oid},'{_document(oid, EMPTY)}')")

    def drop(self, oid: int) -> None:
        try:
            self._write(f"DELETE FROM {self._table} WHERE {self._column} = {oid}")
        except DatabaseError:
            return

    def set(self, oid: int, template: Template) -> None:
        """Set limits; what is used stays.

        :raises QuotaError: for a section without an ID.
        """
        body = _document(oid, merge(_inner(self.row(oid)), template, self._release))
        self._write(f"REPLACE INTO {self._table} ({self._column}, body) VALUES "
                    f"({oid},'{self._database.escape(body)}')")

    def add_machines(self, oid: int, number: int) -> int | None:
        """Count virtual machines in or out. Returns the limit if it forbids more of them, and counts nothing then.

        Only rows that have a limit count; one of -1 (default) or -2 (none) forbids nothing.
        """
        row = self.row(oid)
        if row is None:
            return None
        root = ElementTree.fromstring(row)
        quota = root.find("VM_QUOTA/VM")
        if quota is None:
            return None
        limit, used = (int(quota.findtext(name) or -1) for name in ("VMS", "VMS_USED"))
        if number > 0 and limit >= 0 and used + number > limit:
            return limit
        text = row.replace(f"<VMS_USED>{cdata(str(used))}</VMS_USED>",
                           f"<VMS_USED>{cdata(str(max(used + number, 0)))}</VMS_USED>")
        self._write(f"REPLACE INTO {self._table} ({self._column}, body) VALUES "
                    f"({oid},'{self._database.escape(text)}')")
        return None


def _document(oid: int, inner: str) -> str:
    return f"<QUOTAS><ID>{oid}</ID>{inner}</QUOTAS>"


def _inner(document: str | None) -> str:
    if document is None:
        return EMPTY
    start = document.find("</ID>") + len("</ID>")
    return document[start:-len("</QUOTAS>")]


def merge(inner: str, template: Template, release: Release) -> str:
    """The four sections with the limits of a template put in."""
    root = ElementTree.fromstring(f"<QUOTAS>{inner}</QUOTAS>")
    result = ""
    for section in _SECTIONS:
        name = section.removesuffix("_QUOTA")
        element = root.find(section)
        entries = [] if element is None else from_element(element).vectors(name)
        for wanted in template.vectors(name):
            _set_limits(entries, name, wanted, release)
        result += f"<{section}>" + "".join(attribute_xml(name, entry) for entry in entries) + f"</{section}>"
    return result


def _set_limits(entries: list[Vector], name: str, wanted: Vector, release: Release) -> None:
    if name == "VM":
        metrics = _VM + (_VM_PCI if not release.is_6 else ())
        entry = next((e for e in entries if e.get("CLUSTER_IDS") == wanted.get("CLUSTER_IDS")), None)
        default = DEFAULT_LIMIT
    else:
        metrics, default = _METRICS[name], "0"
        if not wanted.get("ID"):
            raise QuotaError(f"Missing ID in {name} quota.")
        entry = next((e for e in entries if e.get("ID") == wanted["ID"]), None)
    if entry is None:
        entry = {key: wanted[key] for key in ("ID", "CLUSTER_IDS") if key in wanted}
        for metric in metrics:
            entry[metric], entry[f"{metric}_USED"] = default, "0"
        entries.append(entry)
    entry.update({metric: wanted[metric] for metric in metrics if metric in wanted})
