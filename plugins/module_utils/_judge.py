# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What stands in the way of federating one front-end: pure checks of what frontend_info found.

A finding is C({"frontend": …}) as frontend_info returns it, or C({"unreachable": text}) or C({"error": text}).
Every check returns problems, C({"text", "remedy"}); the caller adds zone and host.
"""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.onefed.opennebula.plugins.module_utils._endpoints import is_loopback, same_endpoint

Problem = dict
Data = Mapping[str, Any]

LOOPBACK_LISTENERS = ("127.", "::1", "localhost")


def problem(text: str, remedy: str) -> Problem:
    return {"text": text, "remedy": remedy}


def usable(finding: Data) -> list[Problem]:
    """Whether the front-end could be examined at all, and its files make sense."""
    if finding.get("unreachable"):
        return [
            problem(f"Ansible cannot reach it: {finding['unreachable']}", "Check the address, SSH and the account.")
        ]
    if finding.get("error"):
        return [problem(f"It could not be examined: {finding['error']}", "Correct this and run again.")]
    frontend = finding["frontend"]
    conf, database = frontend["conf"], frontend["database"]
    if not frontend["installed"]:
        return [problem(f"OpenNebula is not installed ({conf['path']}).", "Install it, or set oned_location.")]
    if conf["error"]:
        return [problem(conf["error"], f"Correct {conf['path']}.")]
    if (frontend["journal"] or {}).get("error"):
        return [problem(frontend["journal"]["error"], "")]
    if frontend["service"]["state"] == "unknown":
        return [problem(frontend["service"]["error"], "Set oned_service or oned_location.")]
    if database.get("error"):
        return [problem(database["error"], "Correct the DB section of oned.conf or start the database.")]
    return []


def state(frontend: Data) -> list[Problem]:
    """Service, credentials and room of a front-end that takes part."""
    found = []
    # A join that was interrupted may have left it so; the repetition of that join mends it.
    if frontend["service"]["state"] == "failed" and frontend["journal"] is None:
        found.append(
            problem("The service of oned has failed.", "See its journal and oned.log, mend it, and run again.")
        )
    if frontend["one_auth"] == "missing" and not frontend["database"]["bootstrapped"]:
        found.append(
            problem(
                "oned was never started and has no one_auth file to make its first user from.",
                "Write oneadmin:<password> to the file one_auth, owned by oned's account, with mode 0600.",
            )
        )
    disk = frontend["disk"]
    if disk["free"] < disk["needed"]:
        found.append(
            problem(
                f"Backups and the snapshot need {_megabytes(disk['needed'])}, {_megabytes(disk['free'])} are free.",
                "Make room in the file system of OpenNebula's var folder.",
            )
        )
    return found


def credentials(frontend: Data) -> list[Problem]:
    """The one_auth of a front-end that stays in charge of its own users."""
    if frontend["one_auth"] in ("rejected", "missing") and frontend["database"]["bootstrapped"]:
        return [
            problem(
                f"Its one_auth file is {frontend['one_auth']}"
                + (": oned refuses the name and password in it." if frontend["one_auth"] == "rejected" else "."),
                "Write oneadmin:<current password> to one_auth in the .one folder of oned's account.",
            )
        ]
    return []


def listener(frontend: Data, host: Data, endpoint: str) -> list[Problem]:
    """An API that listens only on loopback cannot serve an endpoint that other machines call."""
    listens = host["listen_address"] or frontend["conf"]["listen_address"]
    if listens.startswith(LOOPBACK_LISTENERS) and not is_loopback(endpoint) and endpoint == host["endpoint"]:
        return [
            problem(
                f"The API listens on {listens} only, the zone's endpoint is {endpoint}.",
                "Set oned_listen_address, for example to 0.0.0.0.",
            )
        ]
    return []


def unsupported(zone: Data, frontend: Data) -> list[Problem]:
    """What this release of the collection does not do yet."""
    found = []
    if len(zone["hosts"]) > 1 or int(frontend["conf"]["server_id"]) >= 0:
        found.append(
            problem(
                "Zones of several servers (Raft) cannot be federated by this release.",
                "Declare the first server only, with SERVER_ID -1.",
            )
        )
    if zone["import"]:
        found.append(
            problem(
                "zone_import: true asks to keep the zone's own users, which this release cannot do.",
                "Leave the zone out, or let its data go with zone_discard: true.",
            )
        )
    return found


def own_data(zone: Data, frontend: Data) -> list[Problem]:
    """Data of its own that a zone would lose by joining."""
    own = frontend["database"].get("own") or {}
    counted = [
        f"{what} {', '.join(own[what][:5])}{' …' if len(own[what]) > 5 else ''}"
        for what in ("users", "groups", "vdcs", "marketplaces")
        if own.get(what)
    ]
    if own.get("acls"):
        counted.append(f"{own['acls']} ACL rules")
    if own.get("marketplace_apps"):
        counted.append(f"{own['marketplace_apps']} marketplace apps")
    if not counted or zone["discard"]:
        return []
    return [
        problem(
            f"The zone has data of its own that the federation's would replace: {'; '.join(counted)}.",
            "Remove it, or let it go with zone_discard: true (a full backup is kept).",
        )
    ]


def alike(frontend: Data, master: Data) -> list[Problem]:
    """Versions, backend and charset must be those of the master."""
    mine, theirs = frontend["database"], master["database"]
    found = []
    for key, what in (("shared_version", "shared tables"), ("local_version", "local tables")):
        one, other = mine.get(key), theirs.get(key)
        if one and other and one != other:
            found.append(
                problem(
                    f"Its {what} have version {one}, the master's {other}.",
                    "Bring both to the same OpenNebula version first.",
                )
            )
    one, other = frontend["oned_version"], master["oned_version"]
    if not found and one and other and _minor(one) != _minor(other):
        found.append(
            problem(f"It runs OpenNebula {one}, the master {other}.", "Install the same minor version on both.")
        )
    for key, what in (("backend", "database backend"), ("charset", "database charset")):
        if mine.get(key) and theirs.get(key) and mine[key] != theirs[key]:
            found.append(
                problem(f"Its {what} is {mine[key]}, the master's {theirs[key]}.", "Zones of a federation share one.")
            )
    return found


def path(probe: Data | None, source: str, target: str, endpoint: str, target_serves: bool) -> list[Problem]:
    """Whether `source` reaches `endpoint`; a refused connection is an open path to an oned that does not serve."""
    if probe is None or probe["state"] == "open" or (probe["state"] == "refused" and not target_serves):
        return []
    if probe["state"] == "refused":
        return [
            problem(
                f"{source} is refused at {endpoint} although oned of {target} runs.",
                f"Let oned of {target} listen there (oned_listen_address, oned_port), or correct zone_endpoint.",
            )
        ]
    if probe["state"] == "timeout":
        return [
            problem(
                f"{source} gets no answer from {endpoint} ({target}): {probe['detail']}",
                "Open the port in the firewalls between them.",
            )
        ]
    return [problem(f"{source} cannot use {endpoint} ({target}): {probe['detail']}", "Correct zone_endpoint.")]


def same_federation(frontend: Data, master: Data, master_endpoints: list[str | None]) -> bool:
    """Whether a slave's configuration or tables show that it follows this very master."""
    if any(same_endpoint(frontend["conf"]["master_oned"], known) for known in master_endpoints if known):
        return True
    mine = {(zone["id"], zone["name"]) for zone in frontend["database"].get("zones") or []}
    theirs = {(zone["id"], zone["name"]) for zone in zones_of(master)}
    return len(mine) > 1 and mine == theirs


def zones_of(frontend: Data) -> list[dict[str, Any]]:
    """The zones a front-end knows, each with id, name and endpoint: from its API, or its database when stopped."""
    zones = frontend["api"].get("zones")
    if zones is None:
        return list(frontend["database"].get("zones") or [])
    return [
        {
            "id": zone["id"],
            "name": zone["name"],
            "endpoint": zone["template"].get("ENDPOINT"),
            "endpoint_grpc": zone["template"].get("ENDPOINT_GRPC"),
            "template": zone["template"],
        }
        for zone in zones
    ]


def runs(frontend: Data) -> bool:
    return frontend["service"]["state"] == "running"


def serves(frontend: Data) -> bool:
    """Whether its API answers on the host itself, so that it should at its endpoint."""
    return runs(frontend) and frontend["api"]["state"] == "open"


def _minor(version: str) -> tuple[str, ...]:
    return tuple(version.split(".")[:2])


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.0f} MB"
