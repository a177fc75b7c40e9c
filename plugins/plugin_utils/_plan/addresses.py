# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where calls of the servers of a zone come from. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from .._model.declared import Federation, Zone
from .._model.facts import HostFacts, frontend_of


def addresses_of(federation: Federation, zone: Zone, facts: Mapping[str, HostFacts]) -> tuple[str, ...]:
    """Addresses from which calls of the servers of the zone may come."""
    found = [federation.hosts[host].address for host in zone.hosts]
    found += [zone.floating.address] if zone.floating else []
    for host in zone.hosts:
        known = frontend_of(facts, host)
        found += [one.address for one in known.addresses] if known else []
    return tuple(address for address in dict.fromkeys(found) if _is_of_a_network(address))


def _is_of_a_network(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_link_local)
