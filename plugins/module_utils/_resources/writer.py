# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The life of an object of a federation, whatever its kind: it is found, compared, written, waited for and shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable, ClassVar, Generic, TypeVar

from .._api.client import NO_EXISTS, Client
from .._errors import ApiError
from .names import Names
from .quotas import quota_text, wanted_limits
from .writes import UNKNOWN, check_new_name, wait_until_replicated

Record = dict[str, Any]
Wanted = TypeVar("Wanted")


@dataclass
class Writer(ABC, Generic[Wanted]):
    """Brings one object at one endpoint to what the options of its module say.

    present() and absent() return the module's result. What is compared are records: what the module manages of an
    object, with the id None as long as OpenNebula has not chosen one. In check mode nothing is written, and the result
    predicts what would be. A written change may take `timeout` seconds to be visible: a slave passes it on to its
    master, and sees it when it comes back.
    """

    client: Client
    wanted: Wanted
    check_mode: bool
    timeout: float

    # What texts call it, as in name_rules.
    label: ClassVar[str]

    @property
    def kind(self) -> str:
        """The object's word in the methods of the API, and in the module's result."""
        return self.label.lower()

    def reach(self, state: str) -> dict[str, Any]:
        """Bring the object to a state of its module."""
        return self.present() if state == "present" else self.absent()

    def present(self) -> dict[str, Any]:
        """Create the object, or change what differs."""
        self.check_wanted()
        found = self.find()
        before = None if found is None else self.record(found)
        start = self.created() if before is None else before
        after = self.desired(start)
        self.check(before, after)
        changed = self.differs(before, after)
        if changed:
            after = self.predicted(start, after) if self.check_mode else self.write(start, after)
        return self.result(before, after, changed)

    def absent(self) -> dict[str, Any]:
        """Delete the object."""
        found = self.find()
        if found is None:
            return self.result(None, None, False)
        self.check_deletable(found)
        if not self.check_mode:
            self.delete(found)
        return self.result(self.record(found), None, True)

    @abstractmethod
    def find(self) -> dict[str, Any] | None:
        """The object as OpenNebula shows it; None when there is none."""

    @abstractmethod
    def record(self, found: Mapping[str, Any]) -> Record:
        """What the module manages of it."""

    @abstractmethod
    def created(self) -> Record:
        """One that does not exist yet, as right after its creation. Raises OnefedError when it cannot be created."""

    @abstractmethod
    def desired(self, start: Record) -> Record:
        """What it is to become from `start`. Raises OnefedError."""

    @abstractmethod
    def write(self, start: Record, after: Record) -> Record:
        """Write what differs and wait for it; the record that came of it. Without an id in `start` it is created."""

    @abstractmethod
    def delete(self, found: Mapping[str, Any]) -> None:
        """Delete it and wait until it is gone."""

    @abstractmethod
    def shown(self, record: Record) -> dict[str, Any]:
        """It as the module returns it: names instead of ids, no secrets."""

    # What not every kind has.

    def check_wanted(self) -> None:
        """Refuse what OpenNebula would refuse whatever there is. Raises OnefedError."""

    def check(self, before: Record | None, after: Record) -> None:
        """Refuse a change that OpenNebula would refuse. Raises OnefedError."""

    def check_deletable(self, found: Mapping[str, Any]) -> None:
        """Refuse to delete what must stay. Raises OnefedError."""

    def differs(self, before: Record | None, after: Record) -> bool:
        """Whether there is something to write."""
        return before != after

    def predicted(self, _start: Record, after: Record) -> Record:
        """What a real run would show after the change, as far as that is known."""
        return after

    def result(self, before: Record | None, after: Record | None, changed: bool) -> dict[str, Any]:
        """What the module returns, with the difference."""
        old, new = ({} if record is None else self.shown(record) for record in (before, after))
        return {
            "changed": changed,
            "created": before is None and after is not None,
            self.kind: new or None,
            "diff": {"before": old, "after": {**new, "id": UNKNOWN} if new and new["id"] is None else new},
        }


class ObjectWriter(Writer[Wanted]):
    """A writer of what has a name and an id of its own, and the methods of the API that go with them."""

    @abstractmethod
    def read(self, oid: int) -> dict[str, Any]:
        """The object with this id."""

    def check(self, before: Record | None, after: Record) -> None:
        if before is None or before["name"] != after["name"]:
            check_new_name(self.client, self.label, after["name"])

    def delete(self, found: Mapping[str, Any]) -> None:
        oid, what = found["id"], f"that {self.kind} {found['id']} is deleted"
        self.client.call(f"one.{self.kind}.delete", oid)
        wait_until_replicated(self.client, self.timeout, lambda: self._read(oid) is None, what)

    def wait(self, oid: int, is_written: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The object once it reads as written."""
        seen: dict[str, Any] = {}

        def reads_as_written() -> bool:
            seen.update(self._read(oid) or {})
            return bool(seen) and is_written(seen)

        wait_until_replicated(self.client, self.timeout, reads_as_written, f"the change of {self.label} {oid}")
        return seen

    def write_quotas(self, seen: Mapping[str, Any], after: Record) -> None:
        """Write the quotas of an object that was `seen` as written: they are the zone's own, not its master's."""
        text = quota_text(seen["limits"], after["limits"])
        if text:
            self.client.call(f"one.{self.kind}.quota", seen["id"], text)

    def _read(self, oid: int) -> dict[str, Any] | None:
        """The object, None when there is none with this id."""
        try:
            return self.read(oid)
        except ApiError as error:
            if error.code == NO_EXISTS:
                return None
            raise


def object_options(params: Mapping[str, Any]) -> dict[str, Any]:
    """The options that all modules of objects with a template share, as their Wanted takes them."""
    return {
        "name": params["name"],
        "id": params["id"],
        "template": params["template"] or {},
        "replace": params["template_mode"] == "replace",
    }


def quota_options(params: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """The options of quotas as Wanted takes them."""
    quotas = params["quotas"]
    return {
        "limits": None if quotas is None else wanted_limits(quotas, names.id),
        "replace_limits": params["quotas_mode"] == "replace",
    }
