# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A federation that runs, as groups and hosts: their names and addresses, whatever its members say."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.plugin_utils._discovery.addresses import address_of
from ansible_collections.onefed.opennebula.plugins.plugin_utils._discovery.live import NO_ADDRESS, arrange
from ansible_collections.onefed.opennebula.plugins.plugin_utils._discovery.names import group_names, host_names


def server(zone: str, zone_id: int, name: str, server_id: int, host: str) -> dict[str, Any]:
    return {"zone": zone, "zone_id": zone_id, "name": name, "id": server_id, "endpoint": f"http://{host}:2633/RPC2"}


def zone(name: str, zone_id: int, *servers: tuple[str, int, str]) -> dict[str, Any]:
    role = "slave" if zone_id else "master"
    made = [server(name, zone_id, *one) for one in servers]
    return {"id": zone_id, "name": name, "role": role, "endpoint": "http://192.0.2.9:2633/RPC2", "servers": made}


def hosts(zones: list[dict[str, Any]], named: dict[str, str] | None = None) -> dict[str, list[tuple[str, str]]]:
    found = arrange(zones, "federation", named or {}, False)
    return {one.group: [(server.host, server.address) for server in one.servers] for one in found}


def test_zones_of_one_server_and_of_several_become_groups_and_hosts() -> None:
    several = zone("madrid", 0, ("one-1", 0, "192.0.2.1"), ("one-2", 1, "192.0.2.2"))
    alone = zone("paris", 100, ("paris", -1, "192.0.2.3"))
    assert hosts([several, alone]) == {
        "madrid": [("one-1", "192.0.2.1"), ("one-2", "192.0.2.2")],
        "paris": [("paris-1", "192.0.2.3")],
    }
    first = arrange([several], "federation", {}, False)[0]
    assert first.variables == {
        "zone_name": "madrid",
        "zone_role": "master",
        "zone_endpoint": "http://192.0.2.9:2633/RPC2",
    }


def test_servers_of_one_name_are_told_apart_by_their_zone() -> None:
    zones = [zone(name, number, ("one-1", 0, "192.0.2.1")) for number, name in enumerate(("madrid", "paris"))]
    assert hosts(zones) == {"madrid": [("one-1_madrid", "192.0.2.1")], "paris": [("one-1_paris", "192.0.2.1")]}


def test_a_template_names_hosts_within_the_same_rules() -> None:
    zones = [zone("madrid", 0, ("one-1", 0, "192.0.2.1"), ("one-2", 1, "192.0.2.2"))]
    made = hosts(zones, {"0/0": "a b", "0/1": "madrid"})
    assert made == {"madrid": [("a_b", "192.0.2.1"), ("madrid_madrid", "192.0.2.2")]}


def test_no_group_and_no_host_takes_the_place_of_another() -> None:
    groups = group_names(["all", "federation", "a b", "a-b", "1st", "{{x}}", "", "localhost"], "federation")
    assert groups == ["all_zone", "federation_zone", "a_b_zone", "a_b_zone_", "_1st", "__x__", "_", "localhost_zone"]
    wanted = [
        ("localhost", "z"),
        ("127.0.0.1", "z"),
        ("z", "z"),
        ("-oX", "z"),
        ("a:b,!c", "z"),
        ("z_z", "y"),
        ("", "z"),
    ]
    made = host_names(wanted, {"z"})
    assert made == ["localhost_z", "127.0.0.1_z", "z_z_", "_-oX", "a_b__c", "z_z", "_"]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("One.Example.com", "one.example.com"),
        ("one_1.example.com.", "one_1.example.com."),
        ("-oproxycommand=reboot", None),
        ("one.-x.com", None),
        ("{{1}}", None),
        ("a b", None),
        ("", None),
        ("0.0.0.0", None),
        ("2130706433", None),
        ("0x7f.1", None),
        ("127.1", None),
        ("[::]", None),
        ("[::ffff:127.0.0.1]", None),
        ("[fe80::1%25eth0]", None),
        ("224.0.0.1", None),
        ("localhost", None),
        ("localhost.", None),
        ("x.localhost", None),
        ("ip6-localhost", None),
    ],
)
def test_an_address_leads_to_another_machine_or_nowhere(host: str, address: str | None) -> None:
    assert address_of(f"http://{host}:2633/RPC2", False) == address
    found = hosts([zone("madrid", 0, ("one-1", 0, host))])
    assert found == {"madrid": [("one-1", address or NO_ADDRESS)]}


def test_loopback_addresses_are_used_where_they_are_allowed() -> None:
    assert address_of("http://127.0.0.5:2633/RPC2", True) == "127.0.0.5"
    assert address_of("http://localhost:2633/RPC2", True) == "localhost"
    assert address_of("http://-o:2633/RPC2", True) is None
    assert address_of(None, True) is None
