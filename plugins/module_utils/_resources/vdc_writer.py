# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Applies what module vdc wants, with as few federated records as possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._api.client import Client
from .._api.documents import zones_from_xml
from .._api.raft import identity
from .._api.template import masked, render
from .._errors import OnefedError
from .documents import (
    RESOURCES,
    vdc_from_xml,
    vdcs_from_xml,
)
from .lookup import find, refuse_other_name, refuse_own
from .name_rules import VDC
from .names import Names, predicted
from .vdc import (
    ALL,
    ALL_WORD,
    DEFAULT,
    Resources,
    Wanted,
    created,
    desired,
    resource_changes,
)
from .writer import ObjectWriter, Record, object_options
from .writes import write_template

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
class VdcWriter(ObjectWriter[Wanted]):
    """One VDC at one endpoint."""

    names: Names
    # All VDCs that there are.
    vdcs: Sequence[Mapping[str, Any]] = ()

    label = VDC

    def check_wanted(self) -> None:
        self.wanted.check()

    def find(self) -> dict[str, Any] | None:
        vdcs = self.client.read(vdcs_from_xml, "one.vdcpool.info")
        new = [oid for kind, oid in self.names.foreseen if kind == "group"]
        self.vdcs = [
            {**vdc, "group_ids": sorted([*vdc["group_ids"], *new])} if vdc["id"] == DEFAULT else vdc for vdc in vdcs
        ]
        return find(self.vdcs, self.wanted)

    def read(self, oid: int) -> dict[str, Any]:
        return self.client.read(vdc_from_xml, "one.vdc.info", oid, False)

    def record(self, found: Mapping[str, Any]) -> Record:
        return dict(found)

    def created(self) -> Record:
        return created(self.wanted)

    def desired(self, start: Record) -> Record:
        return desired(start, self.wanted)

    def check(self, before: Record | None, after: Record) -> None:
        taken = [vdc["id"] for vdc in self.vdcs if vdc["name"] == after["name"] and vdc["id"] != after["id"]]
        if taken:
            raise OnefedError(f'The name "{after["name"]}" is taken by VDC {taken[0]}. Choose another name.')
        super().check(before, after)

    def write(self, start: Record, after: Record) -> Record:
        client, vdc_id, template = self.client, start["id"], start["template"]
        if vdc_id is None:
            vdc_id = client.create("one.vdc.allocate", render({**after["template"], "NAME": after["name"]}))
            template = after["template"]
        elif start["name"] != after["name"]:
            client.call("one.vdc.rename", vdc_id, after["name"])
        write_template(client, "vdc", vdc_id, template, after["template"])
        self._write_groups(vdc_id, start["group_ids"], after["group_ids"])
        write_resources(client, vdc_id, start["resources"], after["resources"])
        written = {**after, "id": vdc_id}
        return self.wait(vdc_id, lambda seen: seen == written)

    def _write_groups(self, vdc_id: int, old: Sequence[int], new: Sequence[int]) -> None:
        for group_id in sorted(set(new) - set(old)):
            self.client.call("one.vdc.addgroup", vdc_id, group_id)
        for group_id in sorted(set(old) - set(new)):
            self.client.call("one.vdc.delgroup", vdc_id, group_id)

    def check_deletable(self, found: Mapping[str, Any]) -> None:
        refuse_other_name(VDC, found, self.wanted)
        refuse_own(VDC, found, " Its groups and resources can be taken out with purge.")

    def shown(self, record: Record) -> dict[str, Any]:
        return {
            "id": record["id"],
            "name": record["name"],
            "groups": sorted(self.names.name("group", group_id) for group_id in record["group_ids"]),
            "resources": self._shown_resources(record["resources"]),
            "template": masked(record["template"]),
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
    return VdcWriter(client, wanted, check_mode, params["wait_timeout"], names).reach(params["state"])


def _wanted(client: Client, params: Mapping[str, Any], names: Names) -> Wanted:
    groups, resources = params["groups"], params["resources"]
    return Wanted(
        **object_options(params),
        group_ids=None if groups is None else [names.id("group", group) for group in groups],
        resources=None if resources is None else wanted_resources(client, resources, names),
        absent_group_ids=[names.id("group", group) for group in params["groups_absent"] or ()],
        purge=params["purge"],
    )
