# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Applies what module zone wants, with as few federated records as possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._api.client import Client
from .._api.documents import zone_from_xml, zones_from_xml
from .._api.raft import identity
from .._api.template import render
from .._errors import ApiUnreachable, OnefedError
from .lookup import find, refuse_other_name, refuse_own
from .name_rules import ZONE
from .writer import ObjectWriter, Record, object_options
from .writes import write_template
from .zone import (
    Wanted,
    check_same_endpoint,
    created,
    desired,
    predicted,
    record,
)

_ENDPOINTS = ("ENDPOINT", "ENDPOINT_GRPC")
_NOT_WITH_SWITCH = ("endpoint", "endpoint_grpc", "template")


@dataclass
class ZoneWriter(ObjectWriter[Wanted]):
    """One zone at one endpoint."""

    # In check mode, a zone at an oned that was never started yet is predicted instead of read.
    may_predict: bool = False
    warnings: list[str] = field(default_factory=list)
    # All zones that there are, and the one in question as it was read last.
    zones: Sequence[dict[str, Any]] = ()
    read_last: Mapping[str, Any] | None = None

    label = ZONE

    def reach(self, state: str) -> dict[str, Any]:
        return self.switch(state) if state in ("enabled", "disabled") else super().reach(state)

    def present(self) -> dict[str, Any]:
        try:
            return super().present()
        except ApiUnreachable as error:
            if not (error.refused and self.check_mode and self.may_predict):
                raise
        self.warnings.append(
            f"oned does not run at {self.client.url} yet, so its zones could not be read; "
            "the zone is predicted to be written as declared."
        )
        return self.result(None, predicted(self.wanted), True)

    def switch(self, state: str) -> dict[str, Any]:
        """Enable or disable the zone, through an endpoint of its own."""
        found = self.find()
        if found is None:
            raise OnefedError(f"The zone to be {state} does not exist at {self.client.url}. Correct name or id.")
        before = record(found)
        after = {**before, "state": state}
        if before != after:
            self._check_own_endpoint(found)
            if not self.check_mode:
                self.client.call("one.zone.enable", found["id"], state == "enabled")
                self._wait(after)
        return self.result(before, after, before != after)

    def check_wanted(self) -> None:
        self.wanted.check()

    def find(self) -> dict[str, Any] | None:
        self.zones = self.client.read(zones_from_xml, "one.zonepool.info")
        self.read_last = find(self.zones, self.wanted)
        return None if self.read_last is None else dict(self.read_last)

    def read(self, oid: int) -> dict[str, Any]:
        return self.client.read(zone_from_xml, "one.zone.info", oid, False)

    def record(self, found: Mapping[str, Any]) -> Record:
        return record(found)

    def created(self) -> Record:
        return created(self.wanted)

    def desired(self, start: Record) -> Record:
        return desired(start, self.zones, self.wanted)

    def write(self, start: Record, after: Record) -> Record:
        if start["id"] is None:
            zone_id = self.client.create("one.zone.allocate", render({"NAME": after["name"], **after["template"]}))
            return self._wait({**after, "id": zone_id})
        if start["name"] != after["name"]:
            self.client.call("one.zone.rename", after["id"], after["name"])
        write_template(self.client, "zone", after["id"], start["template"], after["template"])
        return self._wait(after)

    def _wait(self, after: Record) -> Record:
        self.read_last = self.wait(after["id"], lambda seen: record(seen) == after)
        return after

    def check_deletable(self, found: Mapping[str, Any]) -> None:
        refuse_other_name(ZONE, found, self.wanted)
        check_same_endpoint(found, self.wanted)
        refuse_own(ZONE, found)

    def _check_own_endpoint(self, zone: Mapping[str, Any]) -> None:
        own = identity(self.client).zone_id
        if own != zone["id"]:
            raise OnefedError(
                f'The state of zone "{zone["name"]}" can only be set through an endpoint of its own, such as '
                f"{zone['endpoint']}; {self.client.url} belongs to zone {own}. Set api_url, or run the module there."
            )

    def shown(self, record: Record) -> dict[str, Any]:
        return dict(record)

    def result(self, before: Record | None, after: Record | None, changed: bool) -> dict[str, Any]:
        result = super().result(before, after, changed)
        old, new = (before or {}).get("template", {}), (after or {}).get("template", {})
        if after is not None:
            endpoints = {name.lower(): new.get(name) or None for name in _ENDPOINTS}
            result["zone"] = {**after, **endpoints, "servers": self.read_last["servers"] if self.read_last else []}
        moved = bool(old and new) and any(old.get(name) != new.get(name) for name in _ENDPOINTS)
        return {**result, "endpoint_changed": moved}


def write_zone(client: Client, params: Mapping[str, Any], check_mode: bool) -> tuple[dict[str, Any], list[str]]:
    """Bring a zone to the state that the options of module zone declare; returns the module's result and warnings."""
    state = params["state"]
    if state in ("enabled", "disabled") and any(params[option] is not None for option in _NOT_WITH_SWITCH):
        raise OnefedError(f"state {state} changes nothing else: give {', '.join(_NOT_WITH_SWITCH)} in another task.")
    wanted = Wanted(
        **object_options(params),
        endpoint=params["endpoint"],
        endpoint_grpc=params["endpoint_grpc"],
        update_endpoint=params["update_endpoint"],
        allow_loopback=params["allow_loopback"],
    )
    writer = ZoneWriter(client, wanted, check_mode, params["wait_timeout"], may_predict=not params["api_url"])
    return writer.reach(state), writer.warnings
