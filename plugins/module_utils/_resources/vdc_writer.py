# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Applies what module vdc wants, with as few federated records as possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._api.client import NO_EXISTS, Client
from .._api.documents import zones_from_xml
from .._api.raft import identity
from .._api.template import masked, render
from .._errors import ApiError, OnefedError
from .documents import (
    RESOURCES,
    vdc_from_xml,
    vdcs_from_xml,
)
from .name_rules import VDC
from .names import Names, predicted
from .vdc import (
    ALL,
    ALL_WORD,
    DEFAULT,
    Resources,
    Wanted,
    check_deletable,
    created,
    desired,
    find_vdc,
    resource_changes,
)
from .writes import (
    UNKNOWN,
    await_gone,
    check_new_name,
    wait_until_replicated,
    write_template,
)

_KIND_OF_NAMES = {"clusters": "cluster", "hosts": "host", "datastores": "datastore", "vnets": "network"}


@dataclass
class ZoneNames:
    """Names of the resources of every zone, asked at the endpoint of each zone with the same credentials."""

    client: Client
    names: Names
    zones: dict[int, Names] = field(default_factory=dict)

    def resource(self, zone_id: int, kind: str, given: Any) -> int:
        """The id of a resource by name or id, or ALL. An id of another zone is taken as it is. Raises OnefedError."""
        text = str(given).strip()
        if text == ALL_WORD:
            return ALL
        if ("zone", zone_id) in self.names.foreseen:
            # Any number that nothing there has: nobody can be asked yet.
            return int(text) if text.isdigit() else zone_id
        if text.isdigit() and zone_id not in self.zones and zone_id != self._own():
            return int(text)
        return self._of(zone_id).id(_KIND_OF_NAMES[kind], text)

    def _own(self) -> int:
        return identity(self.client).zone_id

    def _of(self, zone_id: int) -> Names:
        if zone_id not in self.zones:
            self.zones[zone_id] = self.names if zone_id == self._own() else self._remote(zone_id)
        return self.zones[zone_id]

    def _remote(self, zone_id: int) -> Names:
        zones = self.client.read(zones_from_xml, "one.zonepool.info")
        zone = next((zone for zone in zones if zone["id"] == zone_id), None)
        if zone is None:
            raise OnefedError(f"The oned at {self.client.url} lists no zone {zone_id}. Correct the zone's id or name.")
        names = Names(self.client.at(zone["endpoint"] or ""))
        try:
            for kind in _KIND_OF_NAMES.values():
                names.pool(kind)
        except OnefedError as error:
            raise OnefedError(
                f'The names of the resources of zone "{zone["name"]}" cannot be looked up: {error} Give ids instead of '
                "names, or run the module where that endpoint is reached."
            ) from None
        return names


def write_resources(client: Client, vdc_id: int, before: Resources, after: Resources) -> None:
    """Give a VDC the resources `after`."""
    for method, zone_id, resource in resource_changes(before, after):
        client.call(method, vdc_id, zone_id, resource)


@dataclass
class VdcWriter:
    """One VDC at one endpoint. `timeout` limits in seconds how long a written change may take to be visible."""

    client: Client
    wanted: Wanted
    check_mode: bool
    timeout: float
    names: Names

    def present(self) -> dict[str, Any]:
        """Create the VDC, or change what differs."""
        self.wanted.check()
        vdcs = self._vdcs()
        before = find_vdc(vdcs, self.wanted)
        start = before or created(self.wanted)
        after = desired(start, self.wanted)
        taken = next((vdc["id"] for vdc in vdcs if vdc["name"] == after["name"] and vdc["id"] != after["id"]), None)
        if taken is not None:
            raise OnefedError(f'The name "{after["name"]}" is taken by VDC {taken}. Choose another name.')
        if start["id"] is None or start["name"] != after["name"]:
            check_new_name(self.client, VDC, after["name"])
        if before != after and not self.check_mode:
            self._write(start, after)
        return self._result(before, after)

    def absent(self) -> dict[str, Any]:
        """Delete the VDC."""
        found = find_vdc(self._vdcs(), self.wanted)
        if found is None:
            return self._result(None, None)
        if self.wanted.name is not None and found["name"] != self.wanted.name:
            raise OnefedError(
                f'VDC {found["id"]} is called "{found["name"]}", not "{self.wanted.name}", and was not deleted. '
                "Correct id or name."
            )
        check_deletable(found)
        if not self.check_mode:
            self.client.call("one.vdc.delete", found["id"])
            await_gone(self.client, self.timeout, "vdc", found["id"])
        return self._result(found, None)

    def _vdcs(self) -> list[dict[str, Any]]:
        vdcs = self.client.read(vdcs_from_xml, "one.vdcpool.info")
        new = [oid for kind, oid in self.names.foreseen if kind == "group"]
        return [
            {**vdc, "group_ids": sorted([*vdc["group_ids"], *new])} if vdc["id"] == DEFAULT else vdc for vdc in vdcs
        ]

    def _write(self, start: Mapping[str, Any], after: dict[str, Any]) -> None:
        client, vdc_id, template = self.client, start["id"], start["template"]
        if vdc_id is None:
            vdc_id = after["id"] = client.create(
                "one.vdc.allocate", render({**after["template"], "NAME": after["name"]})
            )
            template = after["template"]
        elif start["name"] != after["name"]:
            client.call("one.vdc.rename", vdc_id, after["name"])
        write_template(client, "vdc", vdc_id, template, after["template"])
        self._write_groups(vdc_id, start["group_ids"], after["group_ids"])
        write_resources(client, vdc_id, start["resources"], after["resources"])
        self._await(after)

    def _write_groups(self, vdc_id: int, old: Sequence[int], new: Sequence[int]) -> None:
        for group_id in sorted(set(new) - set(old)):
            self.client.call("one.vdc.addgroup", vdc_id, group_id)
        for group_id in sorted(set(old) - set(new)):
            self.client.call("one.vdc.delgroup", vdc_id, group_id)

    def _await(self, after: Mapping[str, Any]) -> None:
        def reads_as_written() -> bool:
            try:
                return self.client.read(vdc_from_xml, "one.vdc.info", after["id"], False) == after
            except ApiError as error:
                if error.code == NO_EXISTS:
                    return False
                raise

        wait_until_replicated(self.client, self.timeout, reads_as_written, f"the change of VDC {after['id']}")

    def _result(self, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
        old, new = self._shown(before), self._shown(after)
        return {
            "changed": before != after,
            "created": before is None and after is not None,
            "vdc": new or None,
            "diff": {"before": old, "after": {**new, "id": UNKNOWN} if new and new["id"] is None else new},
        }

    def _shown(self, vdc: Mapping[str, Any] | None) -> dict[str, Any]:
        """A VDC as the module returns it: groups and zones by name, resources as ids."""
        if vdc is None:
            return {}
        return {
            "id": vdc["id"],
            "name": vdc["name"],
            "groups": sorted(self.names.name("group", group_id) for group_id in vdc["group_ids"]),
            "resources": self._shown_resources(vdc["resources"]),
            "template": masked(vdc["template"]),
        }

    def _shown_resources(self, resources: Resources) -> list[dict[str, Any]]:
        zones = sorted({zone_id for pairs in resources.values() for zone_id, _resource in pairs})
        return [
            {
                "zone": self.names.name("zone", zone_id),
                **{
                    kind: [
                        ALL_WORD if resource == ALL else str(resource)
                        for zone, resource in resources[kind]
                        if zone == zone_id
                    ]
                    for kind in RESOURCES
                },
            }
            for zone_id in zones
        ]


def wanted_resources(client: Client, given: Sequence[Mapping[str, Any]], names: Names) -> Resources:
    """The option `resources` of module vdc as ids. Raises OnefedError for what does not exist."""
    lookup = ZoneNames(client, names)
    resources: Resources = {kind: [] for kind in RESOURCES}
    for item in given:
        zone_id = names.id("zone", item["zone"])
        for kind in RESOURCES:
            resources[kind] += [(zone_id, lookup.resource(zone_id, kind, each)) for each in item.get(kind) or ()]
    return resources


def write_vdc(client: Client, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring a VDC to the state that the options of module vdc declare; returns the module's result."""
    names = Names(client, predicted(params, check_mode))
    wanted = _wanted(client, params, names) if params["state"] == "present" else Wanted(params["name"], params["id"])
    writer = VdcWriter(client, wanted, check_mode, params["wait_timeout"], names)
    return writer.present() if params["state"] == "present" else writer.absent()


def _wanted(client: Client, params: Mapping[str, Any], names: Names) -> Wanted:
    groups, resources = params["groups"], params["resources"]
    return Wanted(
        name=params["name"],
        id=params["id"],
        group_ids=None if groups is None else [names.id("group", group) for group in groups],
        resources=None if resources is None else wanted_resources(client, resources, names),
        absent_group_ids=[names.id("group", group) for group in params["groups_absent"] or ()],
        purge=params["purge"],
        template=params["template"] or {},
        replace=params["template_mode"] == "replace",
    )
