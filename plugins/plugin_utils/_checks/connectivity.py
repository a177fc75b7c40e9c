# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a zone and the master reach each other. Pure."""

from __future__ import annotations

from ...module_utils._endpoints import is_tls
from ...module_utils._problems.problem import Problem
from .._model.declared import Federation, Server, Zone
from .._model.facts import Frontend
from . import frontend as checks


def connectivity_problems(
    federation: Federation, zone: Zone, frontend: Frontend, master: Frontend, linked: bool = False
) -> list[Problem]:
    """Whether zone and master reach each other; `linked` says that this run has made the TLS proxies as declared."""
    master_zone = federation.master_zone
    linked = linked or (frontend.has_links and master.has_links)
    there = _path(federation, zone, master_zone, master, linked)
    back = _path(federation, master_zone, zone, frontend, linked)
    return checks.path_problems(frontend.probes.get(there.endpoint), there) + checks.path_problems(
        master.probes.get(back.endpoint), back
    )


def _path(federation: Federation, start: Zone, end: Zone, target: Frontend, linked: bool) -> checks.Path:
    """The path from zone `start` to zone `end`, whose front-end is `target`."""
    source, host = start.host, end.host
    return checks.Path(
        source=source,
        source_address=federation.hosts[source].address,
        label=end.label,
        target=host,
        target_address=federation.hosts[host].address,
        endpoint=end.reached_at,
        # An API that is starting, or about to move to another port or address, is not expected to answer there yet.
        serves=target.serves and not _moves(target, federation.hosts[host]),
        firewall=target.firewall,
        linked=linked or not is_tls(federation.hosts[host].endpoint),
    )


def _moves(frontend: Frontend, host: Server) -> bool:
    conf = frontend.conf
    if frontend.has_links and not host.secured:
        # An API behind a TLS proxy, which is to be without one.
        return True
    listens = conf.listen_address if host.secured else host.listen_address or conf.listen_address
    return (host.port or conf.port) != conf.port or listens != conf.listen_address
