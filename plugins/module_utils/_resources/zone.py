# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a zone's record is to become: pure checks and a pure comparison of wanted and found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._api.template import merged, split
from .._api.transport import split_url
from .._endpoints import is_loopback, same_endpoint
from .._errors import OnefedError
from .name_rules import ZONE, check_name

PROBE_ATTRIBUTE = "ONEFED_PROBE"
_ENDPOINTS = ("ENDPOINT", "ENDPOINT_GRPC")
# OpenNebula drops SERVER from a zone's template; the others have options of their own, or are this collection's.
_RESERVED = ("NAME", "SERVER", PROBE_ATTRIBUTE, *_ENDPOINTS)


@dataclass(frozen=True)
class Wanted:
    """The options of module zone. None means "as it is"; an empty `endpoint_grpc` means none."""

    name: str | None
    id: int | None = None
    endpoint: str | None = None
    endpoint_grpc: str | None = None
    template: Mapping[str, Any] = field(default_factory=dict)
    replace: bool = False
    update_endpoint: bool = False
    allow_loopback: bool = False

    def check(self) -> None:
        """Refuse what OpenNebula would refuse, misread or never recover from. Raises OnefedError."""
        if self.name is not None:
            check_name(ZONE, self.name)
        if self.endpoint is not None:
            check_endpoint(self.endpoint)
            self._check_loopback(self.endpoint)
        if self.endpoint_grpc:
            check_grpc(self.endpoint_grpc)
            self._check_loopback(self.endpoint_grpc)
        given, removed = self.attributes()
        for name in _RESERVED:
            if name in given or name in removed:
                raise OnefedError(f"template must not hold {name}: {_instead(name)}")

    def attributes(self) -> tuple[dict[str, Any], set[str]]:
        """What `template` sets, and the names that it removes with null."""
        return split(self.template)

    def _check_loopback(self, endpoint: str) -> None:
        if is_loopback(endpoint) and not self.allow_loopback:
            raise OnefedError(
                f"The endpoint {endpoint} is a loopback address: other zones that call it reach themselves, and a "
                "master replicates to itself for ever. Give an address that every zone reaches; "
                "allow_loopback is for federations on one machine."
            )


def check_endpoint(endpoint: str) -> None:
    """Refuse what is no XML-RPC endpoint to OpenNebula. Raises OnefedError."""
    parts = split_url(endpoint)
    if "RPC2" not in parts.path:
        raise OnefedError(
            f"The endpoint {endpoint} does not contain RPC2, so OpenNebula 7.2 and newer take it for gRPC. "
            "Write it as http://<address>:2633/RPC2."
        )


def check_grpc(endpoint: str) -> None:
    """Refuse what is no gRPC endpoint. Raises OnefedError."""
    if "RPC2" in endpoint or "@" in endpoint or re.search(r"\s", endpoint) or ":" not in endpoint:
        raise OnefedError(f"{endpoint!r} is not a gRPC endpoint. Write it as <address>:2634.")


def _instead(name: str) -> str:
    if name == "SERVER":
        return "OpenNebula ignores it there; servers are added with one.zone.addserver."
    if name == PROBE_ATTRIBUTE:
        return "it is the marker of module replication_probe."
    return f"use the option {name.lower()}."


def created(wanted: Wanted) -> dict[str, Any]:
    """The record of a zone that does not exist yet, with the id None. Raises OnefedError when it cannot be created."""
    if wanted.id is not None:
        raise OnefedError(f"There is no zone {wanted.id}. OpenNebula chooses the ids of new zones: leave id out.")
    if wanted.endpoint is None:
        raise OnefedError(f'There is no zone "{wanted.name}". Set endpoint to create it.')
    return predicted(wanted)


def desired(start: Mapping[str, Any], zones: Sequence[Mapping[str, Any]], wanted: Wanted) -> dict[str, Any]:
    """What a zone's record is to become from `start`, both {id, name, state, template}.

    Raises OnefedError when other `zones`, or an endpoint that is not to change, stand in the way.
    """
    after = {**start, "name": wanted.name or start["name"], "template": _merged(start["template"], wanted)}
    if wanted.id is None and not wanted.update_endpoint:
        for zone in zones:
            if zone["id"] == start["id"]:
                check_same_endpoint(zone, wanted)
    _check_others(zones, after, wanted)
    return after


def predicted(wanted: Wanted) -> dict[str, Any]:
    """The record of a zone of which nothing is known but what is wanted."""
    return {"id": wanted.id, "name": wanted.name, "state": "enabled", "template": _merged({}, wanted)}


def record(zone: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a zone that module zone manages."""
    return {key: zone[key] for key in ("id", "name", "state", "template")}


def check_same_endpoint(zone: Mapping[str, Any], wanted: Wanted) -> None:
    """Refuse to touch a zone that only happens to have the wanted name. Raises OnefedError."""
    if wanted.endpoint is not None and not same_endpoint(zone["endpoint"], wanted.endpoint):
        raise OnefedError(
            f'The zone "{zone["name"]}" (id {zone["id"]}) exists with another endpoint: {zone["endpoint"]} rather '
            f"than {wanted.endpoint}. If it is the same zone, set update_endpoint or id; if not, choose another name."
        )


def _merged(current: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    template = merged(current, wanted.template, wanted.replace, _ENDPOINTS)
    # An endpoint that differs only in the case of its host is the same: no write, no federated record.
    if wanted.endpoint is not None and not same_endpoint(template.get("ENDPOINT"), wanted.endpoint):
        template["ENDPOINT"] = wanted.endpoint
    if wanted.endpoint_grpc == "":
        template.pop("ENDPOINT_GRPC", None)
    elif wanted.endpoint_grpc is not None:
        template["ENDPOINT_GRPC"] = wanted.endpoint_grpc
    return dict(sorted(template.items()))


def _check_others(zones: Sequence[Mapping[str, Any]], after: Mapping[str, Any], wanted: Wanted) -> None:
    for other in zones:
        if other["id"] == after["id"]:
            continue
        if other["name"] == after["name"]:
            raise OnefedError(f'The name "{after["name"]}" is taken by zone {other["id"]}. Choose another name.')
        if wanted.endpoint is not None and same_endpoint(other["endpoint"], wanted.endpoint):
            raise OnefedError(
                f'The endpoint {other["endpoint"]} belongs to zone "{other["name"]}" (id {other["id"]}). '
                f"To rename that zone set id to {other['id']}; otherwise correct the endpoint."
            )
