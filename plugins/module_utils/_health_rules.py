# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What can be wrong with a federation as far as its API tells: each rule names one state, its text and its remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterator, Sequence

from ansible_collections.onefed.opennebula.plugins.module_utils._endpoints import is_loopback, same_endpoint
from ansible_collections.onefed.opennebula.plugins.module_utils._standing import (
    Server,
    Zone,
    find_master,
    follows_behind,
    lag_of,
    leader_of,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._zones import PROBE_ATTRIBUTE

Problem = Dict[str, Any]

RESYNC = "Give the zone a new copy of the master's tables: playbook resync."
_UNREACHABLE_REMEDIES = {
    "refused": "Start oned there; if it does not start, see its journal and oned.log.",
    "timeout": "Open the path from this host to that port, or start the host.",
    "unresolvable": "Correct the endpoint of the zone, or the name service of this host.",
    "tls": "Correct the server's certificate or trust its authority (ca_path; for oned, the system's trust store).",
    "not_opennebula": "Correct the endpoint of the zone.",
}


@dataclass(frozen=True)
class Federation:
    """What was observed. `index_before` and `index` are the master's, before and after the slaves told theirs."""

    zones: Sequence[Zone]
    index_before: int | None
    index: int | None
    allow_loopback: bool

    @property
    def master(self) -> Zone | None:
        return find_master(self.zones)

    def is_master(self, zone: Zone) -> bool:
        return self.master is not None and zone["id"] == self.master["id"]

    @property
    def federated(self) -> bool:
        """Whether this is more than one zone on its own."""
        return len(self.zones) > 1 or any(
            server["federated_log"] in ("empty", "filled") or server["mode"] in ("MASTER", "SLAVE")
            for zone in self.zones
            for server in zone["servers"]
        )

    @property
    def version(self) -> str | None:
        versions = [server["version"] for server in (self.master or {"servers": []})["servers"]]
        return next((version for version in versions if version), None)


def problem(code: str, severity: str, server: Server | None, text: str, remedy: str) -> Problem:
    """One finding; the zone is added by who collects them."""
    return {
        "code": code,
        "severity": severity,
        "server": server["name"] if server else None,
        "text": text,
        "remedy": remedy,
    }


def zone_problems(federation: Federation, zone: Zone) -> list[Problem]:
    """All that is wrong with one zone and its servers."""
    found = [*_record_problems(federation, zone)]
    for server in zone["servers"]:
        found += _server_problems(federation, zone, server)
    if zone["clustered"]:
        found += _raft_problems(zone)
        found += _own_endpoint_problems(zone)
    return found


def _record_problems(federation: Federation, zone: Zone) -> Iterator[Problem]:
    """The zone's record, which all zones share."""
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
                f"Its endpoint {endpoint} is a loopback address: whoever calls it from elsewhere reaches himself.",
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


def _server_problems(federation: Federation, zone: Zone, server: Server) -> Iterator[Problem]:
    role = _role_problem(federation, zone, server) if federation.federated else None
    # A wrong ZONE_ID is the cause of a missing record, which then is not worth telling.
    mute = _answer_problem(server) if not (role and server["refusal"] == "no_zone") else None
    if mute:
        yield mute
    if not server["reachable"] or server["refusal"] == "authentication" or not federation.federated:
        return
    if role:
        yield role
        return
    yield from _version_problems(federation, zone, server)
    if not federation.is_master(zone):
        yield from _slave_problems(federation, server)
    elif server["federated_log"] == "empty":
        yield problem(
            "empty_federated_log",
            "warning",
            server,
            "Its federated log has no record yet, so there is nothing to replicate.",
            "The first record after the change to MASTER is made when a zone is created.",
        )


def _answer_problem(server: Server) -> Problem | None:
    """What keeps a server from telling its status."""
    where = f"at {server['endpoint']}"
    if not server["reachable"]:
        remedy = _UNREACHABLE_REMEDIES.get(server["state"], "Check the host, its network and oned.")
        return problem("unreachable", "error", server, f"No answer {where}: {server['error']}.", remedy)
    if server["refusal"] == "authentication":
        return problem(
            "authentication_refused",
            "error",
            server,
            f"It refuses the user and password that the asked zone accepts, {where}. If it refuses the master's "
            "oneadmin as well, it gets no record, and master and slave spin.",
            "Its tables or auth files are not the master's. " + RESYNC,
        )
    if server["refusal"] == "authorization":
        return problem(
            "not_authorized",
            "error",
            server,
            f"It does not tell its status to this user, {where}.",
            "Ask as oneadmin, or as a user with ADMIN rights on the zone.",
        )
    if server["refusal"] == "no_zone":
        return problem(
            "no_zone_record",
            "error",
            server,
            f"Its own database has no zone with its ZONE_ID, {_or_unknown(server['zone_id'])}, {where}: it never got "
            "the master's tables.",
            RESYNC,
        )
    if server["refusal"]:
        return problem(
            "status_refused",
            "error",
            server,
            f"It does not tell its status {where}: {server['error']}.",
            "See oned.log there.",
        )
    return None


def _role_problem(federation: Federation, zone: Zone, server: Server) -> Problem | None:
    """A server that is not what its place in the federation demands. Its index then means nothing."""
    wanted = "MASTER" if federation.is_master(zone) else "SLAVE"
    mode = server["mode"]
    conf = f"Set MODE to {wanted} and ZONE_ID to {zone['id']} in FEDERATION in its oned.conf and restart it"
    if mode == "STANDALONE" or (mode in (None, wanted) and server["federated_log"] == "none"):
        spin = "" if wanted == "MASTER" else " The master and it spin in a retry loop."
        return problem(
            "not_federated",
            "error",
            server,
            f"It takes part in no federation (MODE {_or_unknown(mode)}, federated index -1).{spin}",
            f"{conf}.",
        )
    if mode not in (None, wanted):
        spin = "" if wanted == "MASTER" else "; the master and it spin in a retry loop"
        return problem("wrong_mode", "error", server, f"It runs as {mode} rather than {wanted}{spin}.", f"{conf}.")
    if server["zone_id"] not in (None, zone["id"]):
        return problem(
            "wrong_zone_id",
            "error",
            server,
            f"The oned at {server['endpoint']} has ZONE_ID {server['zone_id']}, but the endpoint is listed for zone "
            f"{zone['id']}.",
            f"{conf}; or correct the zone's endpoint, if it leads to another zone's oned.",
        )
    return None


def _version_problems(federation: Federation, zone: Zone, server: Server) -> Iterator[Problem]:
    master = federation.version
    if master is None or server["version"] in (None, master):
        return
    series = server["version"].split(".")[:2] == master.split(".")[:2]
    yield problem(
        "version_differs",
        "warning" if series else "error",
        server,
        f"It runs OpenNebula {server['version']}, the master {master}"
        + ("." if series else ": the shared tables of the two differ."),
        "Bring both to the same version: playbook upgrade.",
    )


def _slave_problems(federation: Federation, server: Server) -> Iterator[Problem]:
    master = (federation.master or {})["endpoint"]
    if server["master_oned"] and master and not same_endpoint(server["master_oned"], master):
        yield problem(
            "master_oned_differs",
            "warning",
            server,
            f"It passes writes on to {server['master_oned']}, the master's zone has the endpoint {master}.",
            "If that is not the same oned, correct MASTER_ONED in its oned.conf and restart it.",
        )
    if server["federated_log"] == "empty":
        yield problem(
            "empty_federated_log",
            "error",
            server,
            "Its federated log is empty: it drops records without any error, and the master believes it has them.",
            RESYNC,
        )
    index, lag = server["index"], lag_of(server, federation.index_before)
    if index is None or federation.index is None:
        return
    if index > federation.index:
        yield problem(
            "ahead_of_master",
            "error",
            server,
            f"Its federated index is {index}, the master's {federation.index}: it holds records that the master "
            "never had, and takes no more.",
            RESYNC,
        )
    elif lag and server.get("in_master_log") is not False:
        moved = index != server["first_index"]
        yield problem(
            "lagging",
            "warning" if moved else "error",
            server,
            f"Its federated index is {index}, the master's {federation.index}"
            + ("; it is catching up." if moved else ", and it does not move."),
            "After a restart of the master the next federated write moves it: run module replication_probe. If it "
            "stays, look for 'Error replicating log entry', 'Zone log is outdated' and 'SQL command was' in its "
            "oned.log and for 'Missing federation record' in the master's. " + RESYNC,
        )


def _raft_problems(zone: Zone) -> Iterator[Problem]:
    """The servers of a highly available zone among each other."""
    servers = zone["servers"]
    several = len(servers) > 1
    known = [server for server in servers if server["raft_state"]]
    voting = [server for server in known if server["raft_state"] != "solo"]
    leaders = [server for server in voting if server["raft_state"] == "leader"]
    for server in known:
        if server["raft_state"] == "solo":
            yield problem(
                "server_id_unset",
                "error" if several else "warning",
                server,
                f"It is listed as server {server['id']} of its zone, but runs without SERVER_ID.",
                f"Set SERVER_ID to {server['id']} in its oned.conf and restart it.",
            )
        elif server["server_id"] != server["id"]:
            yield problem(
                "wrong_server_id",
                "error",
                server,
                f"It is listed as server {server['id']} of its zone, but runs as server {server['server_id']}.",
                f"Set SERVER_ID to {server['id']} in its oned.conf and restart it.",
            )
        if follows_behind(server, leader_of(zone)):
            yield problem(
                "follower_behind",
                "warning",
                server,
                f"Its log ends at {server['log_index']}, its leader's at {leader_of(zone)['log_index']}.",
                "The next write in the zone should move it. If not, restore a new dump there and reset it: "
                "onezone server-reset.",
            )
    if voting and not leaders:
        yield problem(
            "no_leader",
            "error",
            None,
            "None of its servers is the leader, so the zone takes no writes.",
            "Start the servers that do not answer; compare SERVER_ID and the zone's list of servers; see oned.log.",
        )
    if len(leaders) > 1:
        yield problem(
            "split_brain",
            "error",
            None,
            f"Several of its servers are leader: {', '.join(server['name'] for server in leaders)}.",
            "Stop the one with the lower term at once, restore a new dump of the other there and start it.",
        )
    if leaders and len(voting) <= len(servers) // 2:
        yield problem(
            "no_quorum",
            "error",
            None,
            f"Only {len(voting)} of its {len(servers)} servers run, no majority: writes wait for ever.",
            "Start the servers that do not answer.",
        )


def _own_endpoint_problems(zone: Zone) -> Iterator[Problem]:
    """The floating address or load balancer of a highly available zone."""
    server = zone["endpoint_server"]
    if server is None:
        return
    if not server["reachable"]:
        yield problem(
            "endpoint_unreachable",
            "error",
            None,
            f"Nothing answers at the zone's endpoint {zone['endpoint']}: {server['error']}.",
            "Check the floating address on the leader (RAFT_LEADER_HOOK succeeds even when it could not set it), or "
            "the load balancer.",
        )
    elif server["zone_id"] not in (None, zone["id"]):
        yield problem(
            "wrong_zone_id",
            "error",
            None,
            f"At the zone's endpoint {zone['endpoint']} answers zone {server['zone_id']}.",
            "Correct the endpoint of the zone, then restart the master.",
        )


def _or_unknown(value: Any) -> Any:
    return "unknown" if value is None else value
