# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What stands in the way of federating one front-end: pure checks of what frontend_info found.

What concerns databases is in database.

The facts of a host are C({"frontend": …}) as frontend_info returns it, or C({"unreachable": text}) or
C({"error": text, "remedy": text}).
Every check returns problems, C({"text", "remedy"}); the caller adds zone and host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._endpoints import (
    host_of,
    is_loopback,
    is_public,
    literal,
    normal,
    port_of,
    same_endpoint,
)
from ...module_utils._host.firewall import opening
from .failure import module_failure

Problem = dict
Data = Mapping[str, Any]

LOOPBACK_LISTENERS = ("127.", "::1", "localhost")


def problem(text: str, remedy: str) -> Problem:
    return {"text": text, "remedy": remedy}


def host_facts(result: Data) -> dict[str, Any]:
    """The facts of a host, from a registered result of frontend_info."""
    if result.get("unreachable"):
        return {"unreachable": str(result.get("msg", "no answer"))}
    if "frontend" not in result:
        text, remedy = module_failure(result)
        return {"error": text, "remedy": remedy}
    return {"frontend": result["frontend"]}


def usable(host_facts: Data) -> list[Problem]:
    """Whether the front-end could be examined at all, and its files make sense."""
    if host_facts.get("unreachable"):
        return [
            problem(f"Ansible cannot reach it: {host_facts['unreachable']}", "Check the address, SSH and the account.")
        ]
    if host_facts.get("error"):
        return [problem(f"It could not be examined: {host_facts['error']}", host_facts["remedy"])]
    frontend = host_facts["frontend"]
    conf, database = frontend["conf"], frontend["database"]
    if not frontend["installed"]:
        return [
            problem(
                f"OpenNebula is not installed, or not completely ({conf['path']}).",
                "Install it, let federate do so with oned_install: true, or set oned_location.",
            )
        ]
    if conf["error"]:
        return [problem(conf["error"], f"Correct {conf['path']}.")]
    if (frontend["journal"] or {}).get("error"):
        return [problem(frontend["journal"]["error"], "")]
    if frontend["service"]["state"] == "unknown":
        return [problem(frontend["service"]["error"], "Set oned_service or oned_location.")]
    if database.get("driver_missing"):
        return [problem(database["error"], "Playbook federate installs it, unless it runs in check mode.")]
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
                "Make room in the file system of /var/lib/onefed, or below oned_location, of its folder var.",
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
                "Write oneadmin:<current password> to one_auth in the .one folder of oned's account; if that is the "
                "master's, playbook rotate_oneadmin with it as rotate_password does so in all zones.",
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


def describe_own(frontend: Data) -> str:
    """What a zone has of its own, in words; empty when it has nothing."""
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
    return "; ".join(counted)


def own_data(zone: Data, frontend: Data) -> list[Problem]:
    """Data of its own that a zone would lose by joining."""
    own = describe_own(frontend)
    if not own or zone["discard"] or zone["import"]:
        return []
    return [
        problem(
            f"The zone has data of its own that the federation's would replace: {own}.",
            "Keep it with zone_import: true, or let it go with zone_discard: true (a full backup is kept).",
        )
    ]


@dataclass(frozen=True)
class Path:
    """Calls in one direction: from host `source` to `endpoint` of zone `label`, which is served on host `target`.

    `serves` tells whether an oned is known to answer there, `firewall` is the one that guards the target, as
    frontend_info found it; the addresses are those of the inventory.
    """

    source: str
    source_address: str
    label: str
    target: str
    target_address: str
    endpoint: str
    serves: bool
    firewall: Data | None


# An open path to an oned that is stopped; a load balancer takes the connection and closes it, or answers itself.
_STOPPED = ("refused", "unreachable", "no_server")


def path_problems(probe: Data | None, path: Path) -> list[Problem]:
    """Whether the path is open, from the probe of its source."""
    if probe is None or probe["state"] == "open" or (probe["state"] in _STOPPED and not path.serves):
        return []
    where = f"{path.endpoint} ({path.label})"
    if probe["state"] == "refused":
        listen = f"Let oned of {path.label} listen there (oned_listen_address, oned_port), or correct zone_endpoint."
        rejects = f" If it is a firewall that refuses: {_opening(path)}" if path.firewall else ""
        return [
            problem(f"{path.source} is refused at {where} although oned of {path.label} runs.", f"{listen}{rejects}")
        ]
    if probe["state"] == "timeout":
        return [problem(f"{path.source} gets no answer from {where}: {probe['detail']}.", _opening(path))]
    if probe["state"] == "no_route":
        return [problem(f"{path.source} does not get through to {where}: {probe['detail']}.", _opening(path))]
    return [problem(f"{path.source} cannot use {where}: {probe['detail']}.", "Correct zone_endpoint.")]


def _opening(path: Path) -> str:
    # An endpoint that is another machine's address, a load balancer's say, is behind another firewall.
    elsewhere = literal(host_of(path.endpoint)) and host_of(path.endpoint) != path.target_address
    firewall, target = (None, host_of(path.endpoint)) if elsewhere else (path.firewall, path.target)
    return opening(firewall, path.source_address, target, port_of(path.endpoint))


def exposed(zone: Data) -> list[Problem]:
    """Endpoints at which passwords cross the Internet in clear."""
    found = []
    if is_public(zone["endpoint"]) and zone["endpoint"].lower().startswith("http:"):
        found.append(
            problem(
                f"Its endpoint {zone['endpoint']} is a public address without TLS: every call carries a password in "
                "clear.",
                "Put a TLS proxy in front of oned and set zone_endpoint: https://…/RPC2.",
            )
        )
    if is_public(zone["endpoint_grpc"]):
        found.append(
            problem(
                f"Its gRPC endpoint {zone['endpoint_grpc']} is a public address, and gRPC between zones is plain text.",
                "Leave zone_endpoint_grpc out; zones then use zone_endpoint.",
            )
        )
    return found


def same_federation(frontend: Data, master: Data, master_endpoints: list[str | None]) -> bool:
    """Whether a slave's configuration or tables show that it follows this very master."""
    if any(same_endpoint(frontend["conf"]["master_oned"], known) for known in master_endpoints if known):
        return True
    mine, theirs = ({_identity(zone) for zone in zones_of(side)} for side in (frontend, master))
    own = next((zone for zone in mine if zone[0] == int(frontend["conf"]["zone_id"])), None)
    # One that lags may lack the newest zones. Its own record, endpoint included, is in one federation only.
    return len(mine) > 1 and (mine == theirs or own in theirs)


def same_zone(frontend: Data, other: Data) -> bool:
    """Whether two front-ends are servers of one zone, by their oned.conf and their own zone's record."""
    mine, theirs = (
        (side["conf"]["mode"], own["id"], own["name"])
        for side in (frontend, other)
        for own in [next((zone for zone in zones_of(side) if zone["id"] == int(side["conf"]["zone_id"])), _NO_ZONE)]
    )
    return mine == theirs and mine[1] is not None


_NO_ZONE: Data = {"id": None, "name": None}


def _identity(zone: Data) -> tuple[Any, ...]:
    return zone["id"], zone["name"], normal(zone["endpoint"])


def has_copy(frontend: Data) -> bool:
    """Whether a slave was ever given the federation's tables: without them it does not know its own zone."""
    database = frontend["database"]
    return bool(database["bootstrapped"]) and int(frontend["conf"]["zone_id"]) in {
        zone["id"] for zone in database["zones"]
    }


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
            "servers": zone.get("servers", []),
        }
        for zone in zones
    ]


def in_raft(frontend: Data) -> bool:
    """Whether by its oned.conf a front-end is one of several servers of its zone."""
    return int(frontend["conf"]["server_id"]) >= 0


def raft_state(frontend: Data) -> str | None:
    """Its Raft state in words, None when it does not tell."""
    return (frontend["api"].get("raft") or {}).get("state_name")


def runs(frontend: Data) -> bool:
    return frontend["service"]["state"] == "running"


def serves(frontend: Data) -> bool:
    """Whether its API answers on the host itself, so that it should at its endpoint."""
    return runs(frontend) and frontend["api"]["state"] == "open"


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.0f} MB"
