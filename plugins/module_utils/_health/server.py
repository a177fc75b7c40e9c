# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What can be wrong with one server: its answers, its role in the federation, its replication."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .._endpoints import same_endpoint
from .._problems import answers, endpoints, replication, servers, zones
from .._problems.problem import Problem
from .federation import Federation
from .quorum import Server, Zone, lag_of

# Time to renew a certificate, also for those of 90 days, which are renewed when 30 are left.
_LAST_DAYS = 21


def server_problems(federation: Federation, zone: Zone, server: Server) -> Iterator[Problem]:
    """All that is wrong with one server of `zone`."""
    shown = server["certificate"]
    if shown and shown["days_left"] < _LAST_DAYS:
        where, ends, days = server["endpoint"], shown["not_after"], shown["days_left"]
        yield endpoints.CERTIFICATE_ENDS.problem(server["name"], endpoint=where, not_after=ends, days=days)
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
    yield from _version_problems(federation, server)
    if not federation.is_master(zone):
        yield from _slave_problems(federation, server)
        return
    if server["federated_log"] == "empty":
        yield replication.NOTHING_TO_REPLICATE.problem(server["name"])
    if zone["clustered"] and server["id"] in {one["id"] for one in federation.zones if one is not zone}:
        yield servers.SERVER_ID_OF_ZONE.problem(server["name"], server_id=server["id"])


def answer_problem(zone: Zone, server: Server) -> Problem | None:
    """What keeps a server of `zone` from telling its status."""
    name, endpoint, detail = server["name"], server["endpoint"], server["error"]
    if server["state"] == "hung":
        return (answers.HUNG_SERVER if zone["clustered"] else answers.HUNG).problem(name, endpoint=endpoint)
    if not server["reachable"]:
        remedy = answers.UNREACHABLE_REMEDIES.get(server["state"], answers.ANY_REMEDY)
        return answers.UNREACHABLE.problem(name, endpoint=endpoint, detail=detail, what_to_do=remedy)
    if server["refusal"] == "authentication":
        return answers.AUTHENTICATION_REFUSED.problem(name, endpoint=endpoint)
    if server["refusal"] == "authorization":
        return answers.NOT_AUTHORIZED.problem(name, endpoint=endpoint)
    if server["refusal"] == "no_zone":
        return answers.NO_ZONE_RECORD.problem(name, endpoint=endpoint, zone_id=_or_unknown(server["zone_id"]))
    if server["refusal"] == "not_understood":
        return answers.ANSWERS_NOT_UNDERSTOOD.problem(name, detail=detail)
    if server["refusal"]:
        return answers.STATUS_REFUSED.problem(name, endpoint=endpoint, detail=detail)
    return None


def _role_problem(federation: Federation, zone: Zone, server: Server) -> Problem | None:
    """A server that is not what its place in the federation demands. Its index then means nothing."""
    wanted = "MASTER" if federation.is_master(zone) else "SLAVE"
    name, mode, zone_id = server["name"], server["mode"], zone["id"]
    spin = "" if wanted == "MASTER" else " The master and it spin in a retry loop."
    if mode == "STANDALONE" or (mode in (None, wanted) and server["federated_log"] == "none"):
        found = _or_unknown(mode)
        return zones.NOT_FEDERATED.problem(name, mode=found, wanted=wanted, zone_id=zone_id, spin=spin)
    if mode not in (None, wanted):
        return zones.WRONG_MODE.problem(name, mode=mode, wanted=wanted, zone_id=zone_id, spin=spin)
    if server["zone_id"] not in (None, zone_id):
        where, found = server["endpoint"], server["zone_id"]
        return zones.WRONG_ZONE_ID.problem(name, endpoint=where, found=found, wanted=wanted, zone_id=zone_id)
    return None


def _version_problems(federation: Federation, server: Server) -> Iterator[Problem]:
    version, masters = server["version"], federation.version
    if masters is None or version in (None, masters):
        return
    series = version.split(".")[:2] == masters.split(".")[:2]
    rule = zones.PATCH_VERSION_DIFFERS if series else zones.VERSION_DIFFERS
    yield rule.problem(server["name"], version=version, masters=masters)


def _slave_problems(federation: Federation, server: Server) -> Iterator[Problem]:
    name, found, endpoint = server["name"], server["master_oned"], (federation.master or {})["endpoint"]
    if found and endpoint and not same_endpoint(found, endpoint):
        yield zones.MASTER_ONED_DIFFERS.problem(name, found=found, endpoint=endpoint)
    if server["federated_log"] == "empty":
        yield replication.EMPTY_FEDERATED_LOG.problem(name)
    index, newest = server["index"], federation.index
    if index is None or newest is None:
        return
    if index > newest:
        yield replication.AHEAD_OF_MASTER.problem(name, index=index, newest=newest)
    elif lag_of(server, federation.index_before) and server.get("in_master_log") is not False:
        rule = replication.LAGGING if index == server["first_index"] else replication.CATCHING_UP
        yield rule.problem(name, index=index, newest=newest)


def _or_unknown(value: Any) -> Any:
    return "unknown" if value is None else value
