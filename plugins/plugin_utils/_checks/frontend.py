# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of federating one front-end: pure checks of what frontend_info found.

What concerns databases is in database.

Every check returns problems without a place; the caller adds zone and host.
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
    port_of,
)
from ...module_utils._host.firewall import opening
from ...module_utils._problems import endpoints
from ...module_utils._problems import frontend as rules
from ...module_utils._problems.backup import RESTORE_OPEN
from ...module_utils._problems.database import DATABASE_UNREADABLE, DRIVER_MISSING
from ...module_utils._problems.own_data import OWN_DATA
from ...module_utils._problems.problem import Problem
from ...module_utils._problems.upgrade import UPGRADE_OPEN
from .._model.declared import Server, Zone
from .._model.facts import NOT_EXAMINED, Frontend, HostFacts
from .._model.host import Probe
from .failure import module_failure

Data = Mapping[str, Any]

LOOPBACK_LISTENERS = ("127.", "::1", "localhost")


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
        return [rules.HOST_UNREACHABLE.problem(detail=host_facts.unreachable)]
    if host_facts.error:
        return [rules.NOT_EXAMINED.problem(detail=host_facts.error, what_to_do=host_facts.remedy)]
    if host_facts.examined is None:
        return [rules.NOT_IN_RUN.problem()]
    frontend = host_facts.frontend
    conf, database = frontend.conf, frontend.database
    if not frontend.installed:
        return [rules.NOT_INSTALLED.problem(path=conf.path)]
    if conf.error:
        return [rules.CONF_UNREADABLE.problem(detail=conf.error, path=conf.path)]
    for journal in ("journal", "upgrade", "restore"):
        if journal in frontend.unread:
            return [rules.JOURNAL_UNREADABLE.problem(detail=frontend.unread[journal])]
    if frontend.upgrade:
        opened = frontend.upgrade
        return [UPGRADE_OPEN.problem(release=opened.to_release, opened_at=opened.opened_at)]
    if frontend.restore and frontend.restore.is_open:
        return [RESTORE_OPEN.problem(backup=frontend.restore.id, opened_at=frontend.restore.opened_at)]
    if frontend.service.state == "unknown":
        return [rules.SERVICE_UNKNOWN.problem(detail=frontend.service.error)]
    if database.driver_missing:
        return [DRIVER_MISSING.problem(detail=database.error)]
    return [DATABASE_UNREADABLE.problem(detail=database.error)] if database.error else []


def usable_frontend(facts: Mapping[str, HostFacts], host: str) -> Frontend | None:
    """The front-end of a host, None when it cannot be used."""
    host_facts = facts.get(host, NOT_EXAMINED)
    return None if usable(host_facts) else host_facts.frontend


def state(frontend: Frontend) -> list[Problem]:
    """Service, credentials and room of a front-end that takes part."""
    found = []
    # A join that was interrupted may have left it so; the repetition of that join repairs it.
    if frontend.service.state == "failed" and frontend.journal is None:
        found.append(rules.SERVICE_FAILED.problem())
    if frontend.one_auth == "missing" and not frontend.database.bootstrapped:
        found.append(rules.ONE_AUTH_NEEDED.problem())
    disk = frontend.disk
    if disk.free < disk.needed:
        found.append(rules.DISK_SPACE.problem(needed=_megabytes(disk.needed), free=_megabytes(disk.free)))
    return found


def credentials(frontend: Frontend) -> list[Problem]:
    """The one_auth of a front-end that stays in charge of its own users."""
    if not frontend.database.bootstrapped:
        return []
    if frontend.one_auth == "missing":
        return [rules.ONE_AUTH_MISSING.problem()]
    return [rules.ONE_AUTH_REJECTED.problem()] if frontend.one_auth == "rejected" else []


def listener(frontend: Frontend, host: Server, endpoint: str) -> list[Problem]:
    """An API that listens only on loopback cannot serve an endpoint that other machines call, but by a TLS proxy."""
    if host.secured or (frontend.has_links and host.listen_address is None):
        return []
    listens = host.listen_address or frontend.conf.listen_address
    if listens.startswith(LOOPBACK_LISTENERS) and not is_loopback(endpoint) and endpoint == host.endpoint:
        return [endpoints.LOOPBACK_LISTENER.problem(address=listens, endpoint=endpoint)]
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
    return [OWN_DATA.problem(own=own)]


@dataclass(frozen=True)
class Path:
    """Calls in one direction: from host `source` to `endpoint` of zone `label`, which is served on host `target`.

    `serves` tells whether an oned is known to answer there, `linked` whether the TLS proxies stand that are to lead
    there; `firewall` is the one that guards the target, as frontend_info found it; the addresses are those of the
    inventory.
    """

    source: str
    source_address: str
    label: str
    target: str
    target_address: str
    endpoint: str
    serves: bool
    firewall: Mapping[str, str] | None
    linked: bool = True


# An open path to an oned that is stopped; a load balancer takes the connection and closes it, or answers itself.
_STOPPED = ("refused", "unreachable", "no_server")
# Whoever answers there, and with whatever certificate: no firewall is in the way.
PACKETS_ARRIVE = (*_STOPPED, "tls", "not_opennebula", "not_understood")


def path_problems(probe: Probe | None, path: Path) -> list[Problem]:
    """Whether the path is open, from the probe of its source."""
    if probe is None or probe.state == "open" or (probe.state in _STOPPED and not path.serves):
        return []
    if probe.state in PACKETS_ARRIVE and not path.linked:
        return []
    source, endpoint, zone, detail = path.source, path.endpoint, path.label, probe.detail
    if probe.state == "refused":
        rejects = f" If it is a firewall that refuses: {_opening(path)}" if path.firewall else ""
        return [endpoints.PATH_REFUSED.problem(source=source, endpoint=endpoint, zone=zone, firewall=rejects)]
    if probe.state not in ("timeout", "no_route"):
        return [endpoints.PATH_UNUSABLE.problem(source=source, endpoint=endpoint, zone=zone, detail=detail)]
    rule = endpoints.PATH_TIMEOUT if probe.state == "timeout" else endpoints.PATH_NO_ROUTE
    remedy = _opening(path)
    return [rule.problem(source=source, endpoint=endpoint, zone=zone, detail=detail, how_to_open_the_port=remedy)]


def _opening(path: Path) -> str:
    # An endpoint that is another machine's address, a load balancer's say, is behind another firewall.
    elsewhere = literal(host_of(path.endpoint)) and host_of(path.endpoint) != path.target_address
    firewall, target = (None, host_of(path.endpoint)) if elsewhere else (path.firewall, path.target)
    return opening(firewall, path.source_address, target, port_of(path.endpoint))


def exposed(zone: Zone) -> list[Problem]:
    """Endpoints at which passwords cross the Internet in clear."""
    found = []
    if is_public(zone.endpoint) and zone.endpoint.lower().startswith("http:"):
        found.append(endpoints.PUBLIC_WITHOUT_TLS.problem(endpoint=zone.endpoint))
    if is_public(zone.endpoint_grpc):
        found.append(endpoints.PUBLIC_GRPC.problem(endpoint=zone.endpoint_grpc))
    return found


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.0f} MB"
