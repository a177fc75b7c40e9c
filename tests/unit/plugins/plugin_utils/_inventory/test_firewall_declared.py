# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom federation_firewall lets in is told by the inventory, and what contradicts it before anything is changed."""

from __future__ import annotations

from typing import Any

import pytest
from planned import topology

from ansible_collections.onefed.opennebula.plugins.plugin_utils._inventory.topology import TopologyError


def declared(firewall: bool | None = True, **paris: Any) -> dict[str, Any]:
    shared = {"federation_firewall": firewall, "federation_networks": paris.pop("networks", [])}
    return topology(
        "federation",
        {"madrid": ["madrid-1"], "paris": ["paris-1"]},
        {
            "madrid-1": {"ansible_host": "192.0.2.11", "zone_role": "master", **shared},
            "paris-1": {"ansible_host": "192.0.2.31", **paris, **shared},
        },
    )


def test_servers_call_from_their_addresses_or_from_those_that_are_declared() -> None:
    found = declared(oned_source_addresses=["198.51.100.7", "10.8.0.0/24"], networks=["203.0.113.0/24"])
    assert found["hosts"]["madrid-1"]["sources"] == ["192.0.2.11"]
    assert found["hosts"]["paris-1"]["sources"] == ["198.51.100.7", "10.8.0.0/24"]
    assert (found["settings"]["firewall"], found["settings"]["networks"]) == (True, ["203.0.113.0/24"])


def test_without_it_nothing_is_asked_for() -> None:
    found = declared(None, ansible_host="paris.example.org", oned_become=False)
    assert (found["settings"]["firewall"], found["hosts"]["paris-1"]["sources"]) == (None, [])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"ansible_host": "paris.example.org"},
            "the address of host 'paris-1' is a name, paris.example.org; rules need",
        ),
        (
            {"oned_source_addresses": ["192.0.2.300"]},
            "oned_source_addresses of host 'paris-1' has '192.0.2.300', which",
        ),
        ({"networks": ["192.0.2.1/24"]}, "federation_networks has '192.0.2.1/24', which is no address and no network"),
        ({"networks": ["fe80::1%eth0"]}, "federation_networks has 'fe80::1%eth0', which is no address and no network"),
        ({"oned_become": False}, "host 'paris-1' is worked on without root"),
        ({"ansible_port": 2634}, "Ansible reaches host 'paris-1' at port 2634, which it would close"),
        ({"oned_port": 22}, "Ansible reaches host 'paris-1' at port 22, which it would close"),
    ],
)
def test_what_contradicts_it_is_told_at_once(given: dict[str, Any], told: str) -> None:
    with pytest.raises(TopologyError) as caught:
        declared(**given)
    [problem] = caught.value.problems
    assert told in problem
