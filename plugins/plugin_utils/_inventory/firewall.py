# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom federation_firewall is to let in, and what contradicts it in the inventory, as texts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_network
from typing import Any

from ...module_utils._endpoints import GRPC_PORT, ONED_PORT, literal
from .._model.declared import Server, Settings

_SSH_PORT = 22


def sources_of(address: str, declared: Sequence[str]) -> tuple[str, ...]:
    """Where a server calls from: what is declared, else its address; nothing that is known when that is a name."""
    return tuple(declared) or ((address,) if literal(address) else ())


def firewall_problems(
    settings: Settings, hosts: Mapping[str, Server], variables: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """What keeps servers from having rules. `variables` are the public ones, and Ansible's, by host."""
    if not settings.firewall:
        return []
    ports = {host: variables.get(host, {}).get("ansible_port") for host in hosts}
    return [
        *(text for one in settings.networks for text in _no_network("federation_networks", one)),
        *(text for host, server in hosts.items() for text in _of_host(host, server, str(ports[host] or _SSH_PORT))),
    ]


def _of_host(host: str, server: Server, ssh_port: str) -> Iterable[str]:
    for one in server.sources:
        yield from _no_network(f"oned_source_addresses of host {host!r}", one)
    if not server.sources and server.state == "present":
        yield (
            f"federation_firewall is true, and the address of host {host!r} is a name, {server.address}; rules need "
            "addresses. Set oned_source_addresses of the host to those from which it calls others."
        )
    if not server.become:
        yield (
            f"federation_firewall is true, and host {host!r} is worked on without root (oned_become: false, or "
            "oned_location); rules need it. Set oned_become: true."
        )
    if ssh_port in map(str, (server.port or ONED_PORT, GRPC_PORT, server.tls_port)):
        yield (
            f"federation_firewall is true, and Ansible reaches host {host!r} at port {ssh_port}, which it would close. "
            "Give oned another port (oned_port, oned_tls_port), or Ansible (ansible_port)."
        )


def _no_network(what: str, text: str) -> Iterable[str]:
    with suppress(ValueError):
        ip_network(text)
        if "%" not in text:
            return
    yield f"{what} has {text!r}, which is no address and no network; expected 192.0.2.11, or 198.51.100.0/24."
