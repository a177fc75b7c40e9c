# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What contradicts federation_tls in the inventory, as texts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils._endpoints import ONED_PORT, is_loopback, is_tls
from .._certificates.private import SHORTEST_PASSPHRASE
from .._model.declared import Server
from .values import named_hosts


def link_problems(
    zones: Mapping[str, Mapping[str, Any]], hosts: Mapping[str, Server], links: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """What keeps the federation from TLS.

    `zones` are values of zones without prefix by group, `links` those of LINK_VARIABLES by host.
    """
    wanted = {host: links[host] for host, server in hosts.items() if server.state == "present"}
    zone_problems = [problem for group, declared in zones.items() for problem in _of_zone(group, declared)]
    host_problems = [problem for host in wanted for problem in _of_host(host, hosts[host])]
    return [*zone_problems, *host_problems, *_certificates(wanted)]


def _of_zone(group: str, declared: Mapping[str, Any]) -> list[str]:
    found = []
    if declared["endpoint"] and not is_tls(declared["endpoint"]):
        found.append(
            f"federation_tls is true, and zone_endpoint of zone {group!r} is {declared['endpoint']}, without TLS. "
            "Remove it, for an endpoint with oned_tls_port, or write it with https."
        )
    if declared["endpoint_grpc"]:
        found.append(
            f"federation_tls is true, and zone {group!r} has zone_endpoint_grpc, which OpenNebula does not encrypt. "
            "Remove it; zones then use zone_endpoint."
        )
    return found


def _of_host(host: str, server: Server) -> list[str]:
    found = []
    if not server.become:
        found.append(
            f"federation_tls is true, and host {host!r} is worked on without root (oned_become: false, or "
            "oned_location); a TLS proxy needs it. Set oned_become: true."
        )
    if server.tls_port == (server.port or ONED_PORT):
        found.append(
            f"oned_tls_port of host {host!r} is {server.tls_port}, the port of oned itself. Give the TLS proxy another."
        )
    # is_loopback takes a URL or host:port.
    if server.listen_address and not is_loopback(f"{server.listen_address}:{ONED_PORT}"):
        found.append(
            f"federation_tls is true, and oned_listen_address of host {host!r} is {server.listen_address}; with TLS "
            "oned listens on 127.0.0.1, behind its proxy. Remove it."
        )
    return found


def _certificates(links: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    """Hosts that can have no certificate."""
    own = [host for host, values in links.items() if values["oned_tls_certificate"] or values["oned_tls_command"]]
    private = [host for host, values in links.items() if host not in own]
    undecided = [host for host in private if links[host]["federation_tls_ca"] == "own"]
    if undecided:
        yield (
            f"federation_tls_ca is own, and {named_hosts(undecided)} has no oned_tls_certificate and no "
            "oned_tls_command. Set one of them, or federation_tls_ca: private."
        )
    given = {host: links[host]["federation_tls_passphrase"] or "" for host in private if host not in undecided}
    missing = [host for host, passphrase in given.items() if not passphrase]
    if missing:
        yield (
            "federation_tls is true, and federation_tls_passphrase is not set, which encrypts the private key of the "
            f"authority ({named_hosts(missing)}). Put a text of {SHORTEST_PASSPHRASE} characters or more into a vault."
        )
    short = [host for host, passphrase in given.items() if 0 < len(passphrase) < SHORTEST_PASSPHRASE]
    if short:
        yield (
            f"federation_tls_passphrase of {named_hosts(short)} has fewer than {SHORTEST_PASSPHRASE} characters. "
            "Choose a longer one, before an authority is made with it."
        )
