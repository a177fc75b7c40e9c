# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What can be wrong with one server: its answers, its role in the federation, its replication."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .._endpoints import same_endpoint
from .problem import RESYNC, UPGRADE, Federation, Problem, problem
from .quorum import Server, Zone, lag_of

_UNREACHABLE_REMEDIES = {
    "refused": "Start oned there; if it does not start, see its journal and oned.log.",
    "timeout": "Open the path from this host to that port, or start the host.",
    "unresolvable": "Correct the endpoint of the zone, or the name service of this host.",
    "tls": "Correct the server's certificate or what this host trusts; oned trusts the authorities of its system only.",
    "no_server": "Start oned of a server of the zone, or let the load balancer know its servers.",
    "not_opennebula": "Correct the endpoint of the zone.",
}


def server_problems(federation: Federation, zone: Zone, server: Server) -> Iterator[Problem]:
    """All that is wrong with one server of `zone`."""
    role = _role_problem(federation, zone, server) if federation.federated else None
    # A wrong ZONE_ID is the cause of a missing record, which then is not worth telling.
    mute = answer_problem(zone, server) if not (role and server["refusal"] == "no_zone") else None
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


def answer_problem(zone: Zone, server: Server) -> Problem | None:
    """What keeps a server of `zone` from telling its status."""
    where = f"at {server['endpoint']}"
    if server["state"] == "hung" and zone["clustered"]:
        return problem(
            "hung",
            "error",
            server,
            f"It answers, but nothing that touches its log, {where}: no write is possible. A leader hangs so for this "
            "user while fewer than a majority of its zone's servers run, and any oned when its database fails.",
            "Start the zone's other servers. If it goes on, see that its database runs, kill oned and start it.",
        )
    if server["state"] == "hung":
        return problem(
            "hung",
            "error",
            server,
            f"It answers, but nothing that touches its log, {where}: no write is possible, nothing replicates. oned "
            "hangs so for good when its database fails while it writes.",
            "See that its database runs, kill oned (stopping it in good order takes 90 s in vain) and start it. Then "
            "run playbook federate: a change that was stored but not logged shows as tables that differ.",
        )
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
            "oned refuses every user while its database is down: start the database. Otherwise its tables or auth "
            "files are not the master's. " + RESYNC,
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
    if server["refusal"] == "not_understood":
        return problem(
            "answers_not_understood",
            "error",
            server,
            f"Its answers are not understood: {server['error']}",
            "See what listens there: an oned of a release that this collection supports, unaltered, or something else. "
            "Correct the endpoint of the zone, or repair that oned.",
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
        UPGRADE,
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


def _or_unknown(value: Any) -> Any:
    return "unknown" if value is None else value
