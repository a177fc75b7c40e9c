# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Applies what module zone wants, with as few federated records as possible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._api.client import NO_EXISTS, Client
from .._api.documents import zone_from_xml, zones_from_xml
from .._api.raft import identity
from .._api.template import render
from .._errors import ApiError, ApiUnreachable, OnefedError
from .name_rules import ZONE
from .writes import (
    UNKNOWN,
    await_gone,
    check_new_name,
    wait_until_replicated,
    write_template,
)
from .zone import (
    FIRST_OWN_ID,
    Wanted,
    check_same_endpoint,
    desired,
    find_zone,
    predicted,
    record,
)

_ENDPOINTS = ("ENDPOINT", "ENDPOINT_GRPC")
_NOT_WITH_SWITCH = ("endpoint", "endpoint_grpc", "template")


@dataclass
class ZoneWriter:
    """One zone at one endpoint. `timeout` limits in seconds how long a written change may take to be visible."""

    client: Client
    wanted: Wanted
    check_mode: bool
    timeout: float
    # In check mode, a zone at an oned that was never started yet is predicted instead of read.
    may_predict: bool = False
    warnings: list[str] = field(default_factory=list)

    def present(self) -> dict[str, Any]:
        """Create the zone, or change what differs."""
        self.wanted.check()
        try:
            zones = self._zones()
        except ApiUnreachable as error:
            if not (error.refused and self.check_mode and self.may_predict):
                raise
            return self._predicted()
        before, after = desired(zones, self.wanted)
        if before is None or before["name"] != after["name"]:
            check_new_name(self.client, ZONE, self.wanted.name)
        read = find_zone(zones, self.wanted)
        if before != after and not self.check_mode:
            read = self._create(after) if before is None else self._update(before, after)
        return self._result(before, after, read)

    def absent(self) -> dict[str, Any]:
        """Delete the zone's record."""
        found = find_zone(self._zones(), self.wanted)
        if found is None:
            return self._result(None, None, None)
        if self.wanted.name is not None and found["name"] != self.wanted.name:
            raise OnefedError(
                f'Zone {found["id"]} is called "{found["name"]}", not "{self.wanted.name}", and was not deleted. '
                "Correct id or name."
            )
        check_same_endpoint(found, self.wanted)
        if found["id"] < FIRST_OWN_ID:
            raise OnefedError(
                f'Zone "{found["name"]}" has id {found["id"]} and cannot be deleted: ids below {FIRST_OWN_ID} are '
                "OpenNebula's own."
            )
        if not self.check_mode:
            self._delete(found["id"])
        return self._result(record(found), None, None)

    def switch(self, state: str) -> dict[str, Any]:
        """Enable or disable the zone, through an endpoint of its own."""
        found = find_zone(self._zones(), self.wanted)
        if found is None:
            raise OnefedError(f"The zone to be {state} does not exist at {self.client.url}. Correct name or id.")
        before = record(found)
        after = {**before, "state": state}
        if before == after:
            return self._result(before, after, found)
        self._check_own_endpoint(found)
        if not self.check_mode:
            self.client.call("one.zone.enable", found["id"], state == "enabled")
            found = self._visible(after)
        return self._result(before, after, found)

    def _zones(self) -> list[dict[str, Any]]:
        return self.client.read(zones_from_xml, "one.zonepool.info")

    def _check_own_endpoint(self, zone: Mapping[str, Any]) -> None:
        own = identity(self.client).zone_id
        if own != zone["id"]:
            raise OnefedError(
                f'The state of zone "{zone["name"]}" can only be set through an endpoint of its own, such as '
                f"{zone['endpoint']}; {self.client.url} belongs to zone {own}. Set api_url, or run the module there."
            )

    def _create(self, after: dict[str, Any]) -> dict[str, Any]:
        zone_id = self.client.create("one.zone.allocate", render({"NAME": after["name"], **after["template"]}))
        after["id"] = zone_id
        return self._visible(after)

    def _update(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
        if before["name"] != after["name"]:
            self.client.call("one.zone.rename", after["id"], after["name"])
        write_template(self.client, "zone", after["id"], before["template"], after["template"])
        return self._visible(after)

    def _delete(self, zone_id: int) -> None:
        self.client.call("one.zone.delete", zone_id)
        await_gone(self.client, self.timeout, "zone", zone_id)

    def _visible(self, after: Mapping[str, Any]) -> dict[str, Any]:
        """The zone once it reads as written: a slave passes writes on and sees them only after replication."""
        seen: dict[str, Any] = {}

        def reads_as_written() -> bool:
            try:
                seen.update(self.client.read(zone_from_xml, "one.zone.info", after["id"], False))
            except ApiError as error:
                if error.code == NO_EXISTS:
                    return False
                raise
            return record(seen) == after

        wait_until_replicated(self.client, self.timeout, reads_as_written, f"the change of zone {after['id']}")
        return seen

    def _predicted(self) -> dict[str, Any]:
        self.warnings.append(
            f"oned does not run at {self.client.url} yet, so its zones could not be read; "
            "the zone is predicted to be written as declared."
        )
        return self._result(None, predicted(self.wanted), None)

    def _result(
        self, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, read: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """The module's result; `read` is the zone as OpenNebula shows it, if it was read."""
        old, new = (before or {}).get("template", {}), (after or {}).get("template", {})
        zone = None
        if after is not None:
            endpoints = {name.lower(): new.get(name) or None for name in _ENDPOINTS}
            zone = {**after, **endpoints, "servers": read["servers"] if read else []}
        return {
            "changed": before != after,
            "created": before is None and after is not None,
            "endpoint_changed": bool(old and new) and any(old.get(name) != new.get(name) for name in _ENDPOINTS),
            "zone": zone,
            "diff": {"before": dict(before or {}), "after": _shown(after)},
        }


def _shown(after: Mapping[str, Any] | None) -> dict[str, Any]:
    if after is None:
        return {}
    return {**after, "id": UNKNOWN} if after["id"] is None else dict(after)


def write_zone(client: Client, params: Mapping[str, Any], check_mode: bool) -> tuple[dict[str, Any], list[str]]:
    """Bring a zone to the state that the options of module zone declare; returns the module's result and warnings."""
    state = params["state"]
    if state in ("enabled", "disabled") and any(params[option] is not None for option in _NOT_WITH_SWITCH):
        raise OnefedError(f"state {state} changes nothing else: give {', '.join(_NOT_WITH_SWITCH)} in another task.")
    wanted = Wanted(
        name=params["name"],
        id=params["id"],
        endpoint=params["endpoint"],
        endpoint_grpc=params["endpoint_grpc"],
        template=params["template"] or {},
        replace=params["template_mode"] == "replace",
        update_endpoint=params["update_endpoint"],
        allow_loopback=params["allow_loopback"],
    )
    writer = ZoneWriter(client, wanted, check_mode, params["wait_timeout"], may_predict=not params["api_url"])
    act = {"present": writer.present, "absent": writer.absent}.get(state, lambda: writer.switch(state))
    return act(), writer.warnings
