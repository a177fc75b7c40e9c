# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Quotas: local to every zone, one row a user or group in a table of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from .database import Database, DatabaseError
from .template import Template, Vector, attribute_xml, from_element
from .versions import Release

_SECTIONS = ("DATASTORE_QUOTA", "NETWORK_QUOTA", "VM_QUOTA", "IMAGE_QUOTA")
_METRICS: dict[str, tuple[str, ...]] = {
    "DATASTORE": ("IMAGES", "SIZE"),
    "NETWORK": ("LEASES",),
    "IMAGE": ("RVMS",),
}
_VM = ("CPU", "MEMORY", "RUNNING_CPU", "RUNNING_MEMORY", "RUNNING_VMS", "SYSTEM_DISK_SIZE", "VMS")
_VM_PCI = ("PCI_DEV", "PCI_NIC", "RUNNING_PCI_DEV", "RUNNING_PCI_NIC")
# "As the zone's defaults say", and "none at all". The defaults themselves and quotas of clusters have none to refer to.
DEFAULT_LIMIT = "-1"
UNLIMITED = "-2"

EMPTY = "".join(f"<{section}></{section}>" for section in _SECTIONS)


class QuotaError(Exception):
    """A quota template that makes no sense; the text is the one clients get."""


@dataclass(frozen=True)
class Use:
    """What an object uses of a quota: VM, or a DATASTORE, NETWORK or IMAGE by its id."""

    name: str
    amounts: dict[str, float]
    id: str = ""

    def entry(self, root: ElementTree.Element) -> ElementTree.Element | None:
        """The quota it counts against, in a document of quotas."""
        return next((entry for entry in root.findall(f"{self.name}_QUOTA/{self.name}")
                     if entry.find("CLUSTER_IDS") is None and (entry.findtext("ID") or "") == self.id), None)

    def refusal(self, entry: ElementTree.Element | None, default: ElementTree.Element | None) -> str:
        """Why it is too much, in OpenNebula's words; empty if it is not."""
        for metric, amount in sorted(self.amounts.items()):
            limit = DEFAULT_LIMIT if entry is None else entry.findtext(metric) or DEFAULT_LIMIT
            if limit == DEFAULT_LIMIT:
                limit = UNLIMITED if default is None else default.findtext(metric) or UNLIMITED
            used = 0.0 if entry is None else float(entry.findtext(f"{metric}_USED") or 0)
            if limit != UNLIMITED and used + amount > float(limit):
                which = f" with ID: {self.id}" if self.id else ""
                return f"limit of {limit} reached for {metric} quota in {self.name}{which}"
        return ""


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

        :raises QuotaError: for a quota without an id, or with a limit that is none.
        """
        for wanted in template.vectors("VM"):
            wanted["UID" if self._table == "user_quotas" else "GID"] = str(oid)
        self._put(oid, _document(oid, merge(_inner(self.row(oid)), template, self._release)))

    def charge(self, oid: int, uses: Sequence[Use], defaults: str) -> str:
        """Count what is used. Returns which limit forbids it, and counts nothing then.

        :param defaults: the document of the zone's default quotas.
        """
        row = self.row(oid)
        root = ElementTree.fromstring(row if row is not None else _document(oid, EMPTY))
        for use in uses:
            limits = use.entry(ElementTree.fromstring(defaults)) if defaults else None
            refusal = use.refusal(use.entry(root), limits)
            if refusal:
                return refusal
        self._count(oid, root, uses, 1)
        return ""

    def refund(self, oid: int, uses: Sequence[Use]) -> None:
        """Count out again what is used no more."""
        row = self.row(oid)
        if row is not None:
            self._count(oid, ElementTree.fromstring(row), uses, -1)

    def _count(self, oid: int, root: ElementTree.Element, uses: Sequence[Use], sign: int) -> None:
        inner = ""
        for section in _SECTIONS:
            name = section.removesuffix("_QUOTA")
            element = root.find(section)
            entries = [] if element is None else from_element(element).vectors(name)
            for use in (use for use in uses if use.name == name):
                _add_use(entries, use, sign, _METRICS.get(name) or _vm_metrics(self._release))
            inner += f"<{section}>" + "".join(attribute_xml(name, entry) for entry in entries) + f"</{section}>"
        self._put(oid, _document(oid, inner))

    def _put(self, oid: int, body: str) -> None:
        self._write(f"REPLACE INTO {self._table} ({self._column}, body) VALUES "
                    f"({oid},'{self._database.escape(body)}')")


def _document(oid: int, inner: str) -> str:
    return f"<QUOTAS><ID>{oid}</ID>{inner}</QUOTAS>"


def _inner(document: str | None) -> str:
    if document is None:
        return EMPTY
    start = document.find("</ID>") + len("</ID>")
    return document[start:-len("</QUOTAS>")]


def merge(inner: str, template: Template, release: Release, unset: str = DEFAULT_LIMIT) -> str:
    """The four sections with the limits of a template put in; ``unset`` is what a limit is that it does not name."""
    root = ElementTree.fromstring(f"<QUOTAS>{inner}</QUOTAS>")
    result = ""
    for section in _SECTIONS:
        name = section.removesuffix("_QUOTA")
        element = root.find(section)
        entries = [] if element is None else from_element(element).vectors(name)
        for wanted in template.vectors(name):
            _set_limits(entries, name, wanted, release, unset)
        result += f"<{section}>" + "".join(attribute_xml(name, entry) for entry in entries) + f"</{section}>"
    return result


def _vm_metrics(release: Release) -> tuple[str, ...]:
    return _VM + (_VM_PCI if release.since("7.2") else ())


def _new_entry(metrics: tuple[str, ...], unset: str) -> Vector:
    return {metric: unset for metric in metrics} | {f"{metric}_USED": "0" for metric in metrics}


def _add_use(entries: list[Vector], use: Use, sign: int, metrics: tuple[str, ...]) -> None:
    """Count one use; an entry that says and counts nothing goes."""
    entry = next((e for e in entries if "CLUSTER_IDS" not in e and e.get("ID", "") == use.id), None)
    if entry is None:
        if sign < 0:
            return
        entry = _new_entry(metrics, DEFAULT_LIMIT) | ({"ID": use.id} if use.id else {})
        entries.append(entry)
    for metric, amount in use.amounts.items():
        entry[f"{metric}_USED"] = _limit(str(float(entry[f"{metric}_USED"]) + sign * amount), "0")
    if all(entry[metric] == DEFAULT_LIMIT and entry[f"{metric}_USED"] == "0" for metric in metrics):
        entries.remove(entry)


def _set_limits(entries: list[Vector], name: str, wanted: Vector, release: Release, unset: str) -> None:
    """Set all limits of one entry, those that are not named too. An entry that says and counts nothing goes."""
    key = "CLUSTER_IDS" if name == "VM" else "ID"
    metrics = _METRICS.get(name) or _vm_metrics(release)
    if name != "VM" and not wanted.get("ID", "").isdigit():
        raise QuotaError(_bad(name, wanted))
    clusters = name == "VM" and bool(wanted.get(key)) and not release.is_6
    if clusters and unset == UNLIMITED:
        raise QuotaError("CLUSTER_IDS attribute is not allowed for default VM quota")
    identity = wanted.get(key) if clusters or name != "VM" else None
    entry = next((e for e in entries if e.get(key) == identity), None)
    limits = {metric: _limit(wanted.get(metric, ""), unset) for metric in metrics}
    if any(float(limit) < 0 and limit not in (unset, UNLIMITED) for limit in limits.values()):
        raise QuotaError(_bad(name, wanted))
    if clusters:
        # They have no default to refer to.
        limits = {metric: UNLIMITED if limit == DEFAULT_LIMIT else limit for metric, limit in limits.items()}
        unset = UNLIMITED
    if entry is None:
        entry = _new_entry(metrics, unset) | ({key: identity} if identity is not None else {})
        entries.append(entry)
    entry.update(limits)
    used = any(entry[f"{metric}_USED"] != "0" for metric in metrics)
    if set(limits.values()) == {unset} and (clusters or not used):
        entries.remove(entry)


def _limit(text: str, unset: str) -> str:
    """A limit as it is stored: in its shortest form, or with two digits. What is no number counts as not given."""
    try:
        number = float(text)
    except ValueError:
        return unset
    return str(int(number)) if number == int(number) else f"{number:.2f}"


def _bad(name: str, wanted: Vector) -> str:
    values = ",".join(f"{key}={value}" for key, value in sorted(wanted.items()))
    return f"Negative limits or bad format in quota {name} = [ {values} ]"
