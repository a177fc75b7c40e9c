# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""With federation_tls endpoints lead to TLS proxies, and what contradicts that is told before anything is changed."""

from __future__ import annotations

from typing import Any

import pytest
from planned import topology

from ansible_collections.onefed.opennebula.plugins.plugin_utils._inventory.topology import TopologyError

TLS = {"federation_tls": True, "federation_tls_passphrase": "only-for-this-test"}
SOLO = {"madrid": ["madrid-1"], "paris": ["paris-1"]}


def declared(zones: dict[str, list[str]] | None = None, **changes: dict[str, Any]) -> dict[str, Any]:
    zones = zones or SOLO
    every = [host for hosts in zones.values() for host in hosts]
    given: dict[str, dict[str, Any]] = {
        host: {"ansible_host": f"192.0.2.{10 + place}", **TLS, **({"zone_role": "master"} if place == 1 else {})}
        for place, host in enumerate(every, 1)
    }
    for host, more in changes.items():
        for name in every if host == "every" else [host.replace("_", "-")]:
            given[name].update(more)
    return topology("federation", zones, given)


def refused(**changes: dict[str, Any]) -> str:
    with pytest.raises(TopologyError) as caught:
        declared(**changes)
    [problem] = caught.value.problems
    return problem


def test_endpoints_that_are_not_declared_lead_to_the_proxies() -> None:
    found = declared(paris_1={"oned_tls_port": 8443, "oned_port": 2700})
    assert found["settings"]["tls"] is True
    assert found["zones"]["madrid"]["endpoint"] == "https://192.0.2.11:2643/RPC2"
    assert found["zones"]["paris"]["endpoint"] == "https://192.0.2.12:8443/RPC2"
    assert found["hosts"]["paris-1"]["endpoint"] == "https://192.0.2.12:8443/RPC2"
    assert found["hosts"]["paris-1"]["port"] == 2700
    # What nobody is to reach.
    assert found["plain_ports"] == {
        "madrid-1": ["192.0.2.11:2633", "192.0.2.11:2634"],
        "paris-1": ["192.0.2.12:2700", "192.0.2.12:2634"],
    }


def test_servers_of_a_zone_are_called_through_tls_and_so_is_its_floating_address() -> None:
    vip = {"zone_vip": "192.0.2.99/24", "zone_vip_interface": "eth0"}
    hosts = {"madrid": ["madrid-1"], "paris": ["paris-1", "paris-2", "paris-3"]}
    found = declared(hosts, **{host: vip for host in ("paris_1", "paris_2", "paris_3")})["zones"]["paris"]
    assert found["endpoint"] == "https://192.0.2.99:2643/RPC2"
    assert found["endpoints"]["paris-3"] == "https://192.0.2.14:2643/RPC2"


def test_without_tls_all_is_as_before() -> None:
    found = declared(every={"federation_tls": False, "federation_tls_passphrase": None})
    assert found["settings"]["tls"] is False
    assert found["zones"]["paris"]["endpoint"] == "http://192.0.2.12:2633/RPC2"


def test_the_passphrase_is_no_part_of_what_every_host_may_see() -> None:
    assert "only-for-this-test" not in str(declared())


def test_a_declared_endpoint_is_kept() -> None:
    found = declared(paris_1={"zone_endpoint": "https://paris.example.org/RPC2"})["zones"]["paris"]
    assert found["endpoint"] == "https://paris.example.org/RPC2"
    assert found["endpoints"]["paris-1"] == "https://192.0.2.12:2643/RPC2"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"zone_endpoint": "http://192.0.2.12:2633/RPC2"}, "zone_endpoint of zone 'paris' is http://192.0.2.12:2633"),
        ({"zone_endpoint_grpc": "192.0.2.12:2634"}, "zone 'paris' has zone_endpoint_grpc, which OpenNebula does not"),
        ({"oned_listen_address": "0.0.0.0"}, "oned_listen_address of host 'paris-1' is 0.0.0.0; with TLS oned"),
        ({"oned_tls_port": 2633}, "oned_tls_port of host 'paris-1' is 2633, the port of oned itself"),
        ({"oned_tls_port": 70000}, "oned_tls_port of host 'paris-1' is 70000; a port lies between"),
        ({"oned_become": False}, "host 'paris-1' is worked on without root"),
        ({"federation_tls_passphrase": None}, "federation_tls_passphrase is not set"),
        ({"federation_tls_passphrase": "too-short"}, "federation_tls_passphrase of host 'paris-1' has fewer than 12"),
        ({"federation_tls_ca": "own"}, "federation_tls_ca is own, and host 'paris-1' has no oned_tls_certificate"),
    ],
)
def test_what_contradicts_tls_is_told_at_once(given: dict[str, Any], told: str) -> None:
    assert told in refused(paris_1=given)


def test_a_loopback_listener_and_a_certificate_of_ones_own_contradict_nothing() -> None:
    own = {"oned_tls_certificate": "/etc/pki/paris.pem", "federation_tls_passphrase": None}
    assert declared(paris_1={"oned_listen_address": "127.0.0.1", **own})["settings"]["tls"] is True


def test_servers_behind_one_floating_address_have_one_tls_port() -> None:
    zones = {"madrid": ["madrid-1", "madrid-2", "madrid-3"]}
    vip = {"zone_vip": "192.0.2.99/24", "zone_vip_interface": "eth0", "zone_role": "master"}
    with pytest.raises(TopologyError) as caught:
        declared(zones, every=vip, madrid_3={"oned_tls_port": 2700})
    assert "have different oned_tls_port (madrid-1 2643, madrid-2 2643, madrid-3 2700)" in caught.value.problems[0]
