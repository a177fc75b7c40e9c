# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What can be wrong with the record of a zone, which all zones share."""

from __future__ import annotations

from collections.abc import Iterator

from .._endpoints import is_loopback, same_endpoint
from .._resources.zone import PROBE_ATTRIBUTE
from .problem import Federation, Problem, problem
from .quorum import Zone


def record_problems(federation: Federation, zone: Zone) -> Iterator[Problem]:
    """All that is wrong with the record of `zone`."""
    master = federation.is_master(zone)
    if zone["state"] == "disabled":
        blocked = ", and slaves' writes with it" if master and federation.federated else ""
        yield problem(
            "zone_disabled",
            "warning",
            None,
            f"The zone is disabled: its oned refuses nearly every write{blocked}.",
            "Enable it when its maintenance is over: onezone enable, at an endpoint of its own.",
        )
    if PROBE_ATTRIBUTE in zone["template"]:
        yield problem(
            "leftover_probe",
            "warning",
            None,
            f"Its record carries {PROBE_ATTRIBUTE}, which a replication_probe that was killed left behind.",
            f"Harmless. Run module replication_probe with zone_id {zone['id']}, which removes it.",
        )
    if master and federation.bridged:
        yield problem(
            "leftover_login_token",
            "warning",
            None,
            "A change of oneadmin's password goes on or was interrupted: the login token that bridges it is accepted "
            "in all zones and does not expire. Whoever has read it is oneadmin.",
            "Unless it goes on right now, playbook rotate_oneadmin completes it and takes the token away.",
        )
    if not federation.federated:
        return
    if zone["endpoint"] is None or "RPC2" not in zone["endpoint"]:
        yield problem(
            "endpoint_not_xmlrpc",
            "error",
            None,
            f"Its endpoint is {zone['endpoint'] or 'missing'}; OpenNebula 7.2 and newer take it for gRPC.",
            "Set it to http://<address>:2633/RPC2 with module zone, then restart the master.",
        )
    if not federation.allow_loopback:
        yield from _loopback_problems(zone, master)
    for other in federation.zones:
        if other["id"] < zone["id"] and zone["endpoint"] and same_endpoint(other["endpoint"], zone["endpoint"]):
            yield problem(
                "duplicate_endpoint",
                "error",
                None,
                f'It has the endpoint of zone "{other["name"]}" (id {other["id"]}): {zone["endpoint"]}.',
                "Delete the record that no oned belongs to, or correct its endpoint.",
            )


def _loopback_problems(zone: Zone, master: bool) -> Iterator[Problem]:
    for server in [None, *(zone["servers"] if zone["clustered"] else [])]:
        endpoint = (server or zone)["endpoint"]
        if is_loopback(endpoint):
            yield problem(
                "loopback_endpoint",
                "error",
                server,
                f"Its endpoint {endpoint} is a loopback address: a caller on another host reaches its own host.",
                "Set it to an address that every zone reaches, with module zone, then restart the master.",
            )
    if is_loopback(zone["endpoint_grpc"]):
        yield problem(
            "loopback_grpc_endpoint",
            "warning" if master else "error",
            None,
            f"Its gRPC endpoint {zone['endpoint_grpc']} is a loopback address"
            + (", as installed." if master else ": the master replicates to itself for ever, at full load."),
            'Remove it: module zone with endpoint_grpc: ""'
            + ("." if master else ". Then restart the master and run replication_probe."),
        )
