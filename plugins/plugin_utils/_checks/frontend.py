# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What stands in the way of federating one front-end: pure checks of what frontend_info found.

What concerns databases is in database.

Every check returns problems; the caller adds zone and host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...module_utils._endpoints import (
    host_of,
    is_loopback,
    is_public,
    literal,
    port_of,
)
from ...module_utils._host.firewall import opening
from .._model.declared import Server, Zone
from .._model.facts import NOT_EXAMINED, Frontend, HostFacts
from .._model.host import Probe
from .failure import module_failure

Data = Mapping[str, Any]

LOOPBACK_LISTENERS = ("127.", "::1", "localhost")


@dataclass(frozen=True)
class Problem:
    """What is wrong, and what to do about it; the caller adds the `host`."""

    text: str
    remedy: str
    host: str = ""

    def at(self, host: str) -> Problem:
        return replace(self, host=host)

    @property
    def told(self) -> str:
        return f"{self.text} {self.remedy}"


def problem(text: str, remedy: str) -> Problem:
    return Problem(text, remedy)


def host_facts(result: Data) -> HostFacts:
    """The facts of a host, from a registered result of frontend_info."""
    if result.get("unreachable"):
        return HostFacts(unreachable=str(result.get("msg") or "no answer"))
    if "frontend" not in result:
        text, remedy = module_failure(result)
        return HostFacts(error=text, remedy=remedy)
    return HostFacts(Frontend.from_plain(result["frontend"]))


def usable(host_facts: HostFacts) -> list[Problem]:
    """Whether the front-end could be examined at all, and its files make sense."""
    if host_facts.unreachable:
        return [
            problem(f"Ansible cannot reach it: {host_facts.unreachable}", "Check the address, SSH and the account.")
        ]
    if host_facts.error:
        return [problem(f"It could not be examined: {host_facts.error}", host_facts.remedy)]
    if host_facts.examined is None:
        return [problem("It was not examined.", "Take the whole zone.")]
    frontend = host_facts.frontend
    conf, database = frontend.conf, frontend.database
    if not frontend.installed:
        return [
            problem(
                f"OpenNebula is not installed, or not completely ({conf.path}).",
                "Install it, let federate do so with oned_install: true, or set oned_location.",
            )
        ]
    if conf.error:
        return [problem(conf.error, f"Correct {conf.path}.")]
    if "journal" in frontend.unread:
        return [problem(frontend.unread["journal"], "")]
    if frontend.service.state == "unknown":
        return [problem(str(frontend.service.error), "Set oned_service or oned_location.")]
    if database.driver_missing:
        return [problem(str(database.error), "Playbook federate installs it, unless it runs in check mode.")]
    if database.error:
        return [problem(str(database.error), "Correct the DB section of oned.conf or start the database.")]
    return []


def usable_frontend(facts: Mapping[str, HostFacts], host: str) -> Frontend | None:
    """The front-end of a host, None when it cannot be used."""
    host_facts = facts.get(host, NOT_EXAMINED)
    return None if usable(host_facts) else host_facts.frontend


def state(frontend: Frontend) -> list[Problem]:
    """Service, credentials and room of a front-end that takes part."""
    found = []
    # A join that was interrupted may have left it so; the repetition of that join mends it.
    if frontend.service.state == "failed" and frontend.journal is None:
        found.append(
            problem("The service of oned has failed.", "See its journal and oned.log, mend it, and run again.")
        )
    if frontend.one_auth == "missing" and not frontend.database.bootstrapped:
        found.append(
            problem(
                "oned was never started and has no one_auth file to make its first user from.",
                "Write oneadmin:<password> to the file one_auth, owned by oned's account, with mode 0600.",
            )
        )
    disk = frontend.disk
    if disk.free < disk.needed:
        found.append(
            problem(
                f"Backups and the snapshot need {_megabytes(disk.needed)}, {_megabytes(disk.free)} are free.",
                "Make room in the file system of /var/lib/onefed, or below oned_location, of its folder var.",
            )
        )
    return found


def credentials(frontend: Frontend) -> list[Problem]:
    """The one_auth of a front-end that stays in charge of its own users."""
    if frontend.one_auth in ("rejected", "missing") and frontend.database.bootstrapped:
        return [
            problem(
                f"Its one_auth file is {frontend.one_auth}"
                + (": oned refuses the name and password in it." if frontend.one_auth == "rejected" else "."),
                "Write oneadmin:<current password> to one_auth in the .one folder of oned's account; if that is the "
                "master's, playbook rotate_oneadmin with it as rotate_password does so in all zones.",
            )
        ]
    return []


def listener(frontend: Frontend, host: Server, endpoint: str) -> list[Problem]:
    """An API that listens only on loopback cannot serve an endpoint that other machines call."""
    listens = host.listen_address or frontend.conf.listen_address
    if listens.startswith(LOOPBACK_LISTENERS) and not is_loopback(endpoint) and endpoint == host.endpoint:
        return [
            problem(
                f"The API listens on {listens} only, the zone's endpoint is {endpoint}.",
                "Set oned_listen_address, for example to 0.0.0.0.",
            )
        ]
    return []


def describe_own(frontend: Frontend) -> str:
    """What a zone has of its own, in words; empty when it has nothing."""
    own = frontend.database.own
    kinds = {"users": own.users, "groups": own.groups, "vdcs": own.vdcs, "marketplaces": own.marketplaces}
    counted = [
        f"{what} {', '.join(names[:5])}{' …' if len(names) > 5 else ''}" for what, names in kinds.items() if names
    ]
    if own.acls:
        counted.append(f"{own.acls} ACL rules")
    if own.marketplace_apps:
        counted.append(f"{own.marketplace_apps} marketplace apps")
    return "; ".join(counted)


def own_data(zone: Zone, frontend: Frontend) -> list[Problem]:
    """Data of its own that a zone would lose by joining."""
    own = describe_own(frontend)
    if not own or zone.discard or zone.import_:
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
    firewall: Mapping[str, str] | None


# An open path to an oned that is stopped; a load balancer takes the connection and closes it, or answers itself.
_STOPPED = ("refused", "unreachable", "no_server")


def path_problems(probe: Probe | None, path: Path) -> list[Problem]:
    """Whether the path is open, from the probe of its source."""
    if probe is None or probe.state == "open" or (probe.state in _STOPPED and not path.serves):
        return []
    where = f"{path.endpoint} ({path.label})"
    if probe.state == "refused":
        listen = f"Let oned of {path.label} listen there (oned_listen_address, oned_port), or correct zone_endpoint."
        rejects = f" If it is a firewall that refuses: {_opening(path)}" if path.firewall else ""
        return [
            problem(f"{path.source} is refused at {where} although oned of {path.label} runs.", f"{listen}{rejects}")
        ]
    if probe.state == "timeout":
        return [problem(f"{path.source} gets no answer from {where}: {probe.detail}.", _opening(path))]
    if probe.state == "no_route":
        return [problem(f"{path.source} does not get through to {where}: {probe.detail}.", _opening(path))]
    return [problem(f"{path.source} cannot use {where}: {probe.detail}.", "Correct zone_endpoint.")]


def _opening(path: Path) -> str:
    # An endpoint that is another machine's address, a load balancer's say, is behind another firewall.
    elsewhere = literal(host_of(path.endpoint)) and host_of(path.endpoint) != path.target_address
    firewall, target = (None, host_of(path.endpoint)) if elsewhere else (path.firewall, path.target)
    return opening(firewall, path.source_address, target, port_of(path.endpoint))


def exposed(zone: Zone) -> list[Problem]:
    """Endpoints at which passwords cross the Internet in clear."""
    found = []
    if is_public(zone.endpoint) and zone.endpoint.lower().startswith("http:"):
        found.append(
            problem(
                f"Its endpoint {zone.endpoint} is a public address without TLS: every call carries a password in "
                "clear.",
                "Put a TLS proxy in front of oned and set zone_endpoint: https://…/RPC2.",
            )
        )
    if is_public(zone.endpoint_grpc):
        found.append(
            problem(
                f"Its gRPC endpoint {zone.endpoint_grpc} is a public address, and gRPC between zones is plain text.",
                "Leave zone_endpoint_grpc out; zones then use zone_endpoint.",
            )
        )
    return found


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.0f} MB"
