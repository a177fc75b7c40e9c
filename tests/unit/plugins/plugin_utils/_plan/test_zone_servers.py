# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which server of a zone's list is which host, also when the list was made by hand."""

from __future__ import annotations

from typing import Any

import pytest
from grown import ADDRESSES, declared, group_of_three, plan, url

from ansible_collections.onefed.opennebula.plugins.filter.server_host import server_host

SERVERS: dict[str, Any] = {"ids": {"paris-2": 7}, "endpoints": {host: url(host) for host in ADDRESSES}}


def listed(number: int, name: str, endpoint: str) -> dict[str, Any]:
    return {"id": number, "name": name, "endpoint": endpoint}


@pytest.mark.parametrize(
    "server, host",
    [
        (listed(7, "any", "http://any.example:2633/RPC2"), "paris-2"),
        (listed(0, "any", url("paris-1").replace("http:", "HTTP:") + "/"), "paris-1"),
        (listed(0, "paris-3", "http://paris-3.example:2633/RPC2"), "paris-3"),
        (listed(0, "lyon-1", "http://lyon-1.example:2633/RPC2"), ""),
        (None, ""),
    ],
)
def test_a_listed_server_is_found_by_id_then_endpoint_then_name(server: dict[str, Any] | None, host: str) -> None:
    assert server_host(server, SERVERS) == host


def test_a_list_that_was_made_by_hand_names_the_hosts_all_the_same() -> None:
    """With endpoints by host name, with another name, and one of a server that is no host."""
    by_hand = [
        listed(0, "paris-1", "http://paris-1.example:2633/RPC2"),
        listed(1, "server-1", url("paris-2") + "/"),
        listed(4, "server-4", "http://lyon-1.example:2633/RPC2"),
    ]
    paris = group_of_three()
    for found in paris.values():
        found["api"]["zones"][1]["servers"] = by_hand
    del paris["paris-3"]
    hosts: dict[str, Any] = {"paris-1": {}, "paris-2": {}}
    entry = plan(paris, declared(hosts, zone_allow_even=True))["zones"]["paris"]
    assert entry["servers"]["ids"] == {"paris-1": 0, "paris-2": 1}
    assert [server_host(one, entry["servers"]) for one in by_hand] == ["paris-1", "paris-2", ""]
    assert [line.split(" (")[0] for line in entry["warnings"]] == ["server-4: It is in the zone's list"]
