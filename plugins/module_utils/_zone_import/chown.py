# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Gives a zone's objects to the owners that a document names, through the zone's own oned, and their limits.

The zone has taken over the federation's identities, so its objects' owner ids mean other users, or none. No user
may reach the zone meanwhile. In this order: limits are lifted, for a chown counts against the new owner's; objects
change hands, and what they use is counted along; VM templates name the new owners; limits are set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._api.client import Client
from .._api.parallel import in_parallel
from .._errors import ApiError, OnefedError
from .conflicts import Targets
from .export import BUILTIN
from .id_map import known_ids
from .import_objects import (
    Step,
    Wanted,
    chains,
    owner_of,
    steps,
    temporary_name,
)
from .import_quotas import QuotaWriter
from .import_references import REFERRING, ReferenceWriter
from .objects import (
    BY_NAME,
    KINDS,
    Kind,
    read_objects,
)

_SHOWN = 10
# Calls side by side. On OpenNebula 7.4.0 with MariaDB a chown takes 5.3 ms alone, and 1.8 ms with eight of them.
CONNECTIONS = 8
Objects = dict[int, dict[str, Any]]


class OwnershipWriter:
    """One zone's objects and limits. `shared` is what export.read_shared gives of the zone itself."""

    def __init__(
        self, client: Client, document: Mapping[str, Any], shared: Mapping[str, Any], targets: Targets
    ) -> None:
        self.client, self.document, self.shared = client, document, shared
        ids = known_ids(targets, shared)
        self.ids = {kind: {name: oid for name, oid in ids[kind].items() if oid is not None} for kind in ids}
        self.users = {user["id"]: user["name"] for user in shared["users"]}
        self.groups = {group["id"]: group["name"] for group in shared["groups"]}
        self.references = ReferenceWriter(client, document, self.ids, self.users)
        self.moved: dict[str, int] = {}
        self.rewritten = 0
        self._failures: list[str] = []

    def pending(self) -> dict[str, list[Step]]:
        """The steps that are left, by kind. Raises OnefedError for objects that the document does not know."""
        found = {}
        strangers: list[str] = []
        for kind in KINDS:
            current = read_objects(self.client, kind)
            wanted = self._wanted(kind)
            strangers += [
                f"{kind.name} {item['id']} ({item['name']})"
                for oid, item in current.items()
                if oid not in wanted
                and not item["done"]
                and not (item["uid"] in BUILTIN["users"] and item["gid"] in BUILTIN["groups"])
            ]
            found[kind.name] = steps(kind, current, wanted)
        if strangers:
            more = f" and {len(strangers) - _SHOWN} more" if len(strangers) > _SHOWN else ""
            raise OnefedError(
                f"At {self.client.url} there are objects whose owners the document does not name: "
                f"{', '.join(strangers[:_SHOWN])}{more}. They were made after the export. Export the zone again, while "
                "no user can write to it."
            )
        return {name: left for name, left in found.items() if left}

    def misnaming(self) -> list[int]:
        """VM templates that name owners by what they were called, or numbered, before."""
        return self.references.stale(read_objects(self.client, BY_NAME[REFERRING]))

    def _wanted(self, kind: Kind) -> dict[int, Wanted]:
        wanted = {}
        for item in self.document["objects"].get(kind.name, []):
            uid, gid = owner_of(item, self.ids)
            if uid is None or gid is None:
                raise OnefedError(
                    f"The document names {item['owner']} and {item['group']} as owners of {kind.name} {item['id']}, "
                    "but does not describe them. Export the zone again."
                )
            if not item.get("done"):
                wanted[item["id"]] = Wanted(uid, gid, self.users.get(uid, ""), self.groups.get(gid, ""))
        return wanted

    def write(self) -> int:
        """Do everything; returns how many calls changed something.

        Raises OnefedError, with all that failed, when objects could not be given to their owners.
        """
        pending = self.pending()
        quotas = QuotaWriter(self.client, self.document, self.shared, self.ids)
        if pending:
            quotas.lift()
        for kind in KINDS:
            self._kind(kind, pending)
        quotas.sweep()
        quotas.set()
        if self._failures:
            raise OnefedError(
                f"{len(self._failures)} objects at {self.client.url} could not be given to their owners, or name them: "
                f"{'; '.join(self._failures[:_SHOWN])}. Repair that and repeat the import; meanwhile keep users away "
                "from the zone."
            )
        left = self.pending() if pending else {}
        if left:
            raise OnefedError(
                f"Another client changes owners of {', '.join(left)} at {self.client.url}. Repeat the import while "
                "no user can write to the zone."
            )
        return sum(self.moved.values()) + self.rewritten + quotas.written

    def _kind(self, kind: Kind, pending: Mapping[str, list[Step]]) -> None:
        items = self.document["objects"].get(kind.name, [])
        locks = {item["id"]: item["lock"] for item in items if item.get("lock")}
        if kind.name not in pending and not locks and not kind.repeats and not kind.refers:
            return
        current = read_objects(self.client, kind)
        # Machines have changed hands with their virtual routers.
        self._chown(kind, steps(kind, current, self._wanted(kind)), current)
        if kind.refers:
            self._rewrite(kind, [current[oid] for oid in self.references.stale(current)])
        if kind.repeats:
            self._rename_back(kind, items)
            current = read_objects(self.client, kind)
        for oid, level in locks.items():
            if oid in current and current[oid]["lock"] != level:
                self.client.call(f"{kind.method}.lock", oid, level)

    def _chown(self, kind: Kind, ordered: Sequence[Step], current: Objects) -> None:
        def give(chain: Sequence[Step]) -> list[str]:
            failed = []
            for step in chain:
                item = current[step.id]
                try:
                    self._unlock(kind, item)
                    if step.rename:
                        self.client.call(f"{kind.method}.rename", step.id, step.rename)
                    self.client.call(f"{kind.method}.chown", step.id, step.uid, step.gid)
                except ApiError as error:
                    failed.append(f"{kind.name} {step.id} ({item['name']}): {error.text}")
            return failed

        failed = [text for texts in in_parallel(give, chains(kind, ordered, current), CONNECTIONS) for text in texts]
        self._failures += failed
        if len(ordered) > len(failed):
            self.moved[kind.name] = len(ordered) - len(failed)

    def _rewrite(self, kind: Kind, items: Sequence[dict[str, Any]]) -> None:
        def name_owners(item: dict[str, Any]) -> str:
            try:
                self._unlock(kind, item)
                self.references.rewrite(item["id"])
            except ApiError as error:
                return f"{kind.name} {item['id']} ({item['name']}), owners in it: {error.text}"
            return ""

        failed = [text for text in in_parallel(name_owners, items, CONNECTIONS) if text]
        self._failures += failed
        self.rewritten += len(items) - len(failed)

    def _unlock(self, kind: Kind, item: dict[str, Any]) -> None:
        if item["lock"] is not None:
            self.client.call(f"{kind.method}.unlock", item["id"])
            item["lock"] = None

    def _rename_back(self, kind: Kind, items: list[Mapping[str, Any]]) -> None:
        current = read_objects(self.client, kind)
        for item in items:
            if current.get(item["id"], {}).get("name") == temporary_name(item["id"]):
                self._unlock(kind, current[item["id"]])
                self.client.call(f"{kind.method}.rename", item["id"], item["name"])
