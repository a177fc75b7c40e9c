# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What can be wrong with the record of a zone, which all zones share."""

from __future__ import annotations

from collections.abc import Iterator

from .._endpoints import is_loopback, same_endpoint
from .._problems import endpoints, zones
from .._problems.problem import Problem
from .._resources.zone import PROBE_ATTRIBUTE
from .federation import Federation
from .quorum import Zone


def record_problems(federation: Federation, zone: Zone) -> Iterator[Problem]:
    """All that is wrong with the record of `zone`."""
    master = federation.is_master(zone)
    if zone["state"] == "disabled":
        yield zones.ZONE_DISABLED.problem(
            more=", and slaves' writes with it" if master and federation.federated else ""
        )
    if PROBE_ATTRIBUTE in zone["template"]:
        yield zones.LEFTOVER_PROBE.problem(attribute=PROBE_ATTRIBUTE, zone_id=zone["id"])
    if master and federation.bridged:
        yield zones.LEFTOVER_LOGIN_TOKEN.problem()
    if not federation.federated:
        return
    if zone["endpoint"] is None or "RPC2" not in zone["endpoint"]:
        yield endpoints.ENDPOINT_NOT_XMLRPC.problem(endpoint=zone["endpoint"] or "missing")
    elif zone["endpoint"].startswith("http:") and any(map(_has_tls, federation.zones)):
        yield endpoints.PLAIN_ENDPOINT_LEFT.problem(endpoint=zone["endpoint"])
    if not federation.allow_loopback:
        yield from _loopback_problems(zone, master)
    for other in federation.zones:
        if other["id"] < zone["id"] and zone["endpoint"] and same_endpoint(other["endpoint"], zone["endpoint"]):
            name, number = other["name"], other["id"]
            yield endpoints.DUPLICATE_ENDPOINT.problem(endpoint=zone["endpoint"], zone=name, zone_id=number)


def _has_tls(zone: Zone) -> bool:
    return (zone["endpoint"] or "").startswith("https:")


def _loopback_problems(zone: Zone, master: bool) -> Iterator[Problem]:
    for server in [None, *(zone["servers"] if zone["clustered"] else [])]:
        endpoint = (server or zone)["endpoint"]
        if is_loopback(endpoint):
            yield endpoints.LOOPBACK_ENDPOINT.problem(server["name"] if server else None, endpoint=endpoint)
    if is_loopback(zone["endpoint_grpc"]):
        rule = endpoints.STOCK_GRPC_ENDPOINT if master else endpoints.LOOPBACK_GRPC_ENDPOINT
        yield rule.problem(endpoint=zone["endpoint_grpc"], zone_id=zone["id"])
