# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A zone's servers and its floating address are compared with the inventory and its hosts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import planned
import pytest
from observed import federation, member, server, zone

from ansible_collections.onefed.opennebula.plugins.module_utils._health.health import health
from ansible_collections.onefed.opennebula.plugins.plugin_utils._checks.frontend import host_facts
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.declared import Federation, FloatingAddress
from ansible_collections.onefed.opennebula.plugins.plugin_utils._report.declared_zones import declared_zones

VIP = "http://192.0.2.30:2633/RPC2"
ENDPOINTS = {f"p{number}": f"http://192.0.2.3{number}:2633/RPC2" for number in (1, 2, 3)}
UPGRADE = {"to_release": "7.4.0", "opened_at": "2026-01-31T12:00:00Z"}


def declared(*holders: str, **changes: Any) -> dict[str, Any]:
    given = {"name": "paris", "endpoint": VIP, "servers": ENDPOINTS, "address": "192.0.2.30", "unread": []}
    return {**given, "vip_holders": [*holders], **changes}


def checked(inventory: dict[str, Any], *servers: dict[str, Any]) -> dict[str, Any]:
    """Zone paris, whose leader is p1, as checked with what the inventory says."""
    states = ("leader", "follower", "follower")
    known = servers or tuple(member(f"p{n + 1}", 31 + n, n, 100, state) for n, state in enumerate(states))
    paris = zone(100, "paris", *known, endpoint=VIP)
    whole = health(federation(zone(0, "madrid", server("madrid", 11, 0)), paris), declared=[inventory])
    found: dict[str, Any] = whole["zones"][1]
    return found


def codes(*given: Any) -> list[tuple[str, str, str | None]]:
    return [(one["code"], one["severity"], one["server"]) for one in checked(*given)["problems"]]


def test_a_lockdown_that_is_closed_is_reported() -> None:
    shown = checked(declared("p1", locked_down=["p2"]))
    told = [(one["code"], one["severity"], one["server"]) for one in shown["problems"]]
    assert told == [("locked_down", "warning", "p2")]
    assert shown["problems"][0]["text"].startswith("It is locked down, as during an import or an upgrade")


@pytest.mark.parametrize("state", ["missing", "rejected"])
def test_a_one_auth_that_its_oned_does_not_take_is_an_error(state: str) -> None:
    """Zones replicate without it, but the server cannot be told of others, and nobody can work on it."""
    told = checked(declared("p1", one_auth={"p2": state}))["problems"]
    assert [(one["code"], one["severity"], one["server"]) for one in told] == [(f"one_auth_{state}", "error", "p2")]


def test_an_upgrade_that_is_not_complete_is_an_error() -> None:
    told = checked(declared("p1", upgrades={"p2": UPGRADE}))["problems"]
    assert [(one["code"], one["severity"], one["server"]) for one in told] == [("upgrade_open", "error", "p2")]
    assert told[0]["text"] == "The upgrade to 7.4.0 that was begun at 2026-01-31T12:00:00Z is not complete."


def test_a_restore_that_is_not_complete_is_an_error() -> None:
    told = checked(declared("p1", restores={"p2": {"id": "20260131T120000Z-federation", "opened_at": "then"}}))
    assert [(one["code"], one["server"]) for one in told["problems"]] == [("restore_open", "p2")]
    assert "-e restore_from=20260131T120000Z-federation" in told["problems"][0]["remedy"]


def test_an_address_that_the_leader_alone_has_is_well() -> None:
    shown = checked(declared("p1"))
    assert shown["problems"] == []
    assert shown["floating"] == {"address": "192.0.2.30", "vip_holders": ["p1"], "unread": []}
    assert [one["has_vip"] for one in shown["servers"]] == [True, False, False]


@pytest.mark.parametrize(
    ("holders", "unread", "expected"),
    [
        ([], [], [("address_missing", "error", None)]),
        ([], ["p3"], []),
        (["p1", "p3"], [], [("address_doubled", "error", None)]),
        (["p2"], [], [("address_astray", "error", "p1")]),
        (["p1"], ["p2"], []),
    ],
)
def test_exactly_one_host_has_the_address(holders: list[str], unread: list[str], expected: list[Any]) -> None:
    assert codes(declared(*holders, unread=unread)) == expected


def test_of_a_host_that_was_not_read_nothing_is_said() -> None:
    servers = checked(declared(unread=["p1", "p2", "p3"]))["servers"]
    assert [one["has_vip"] for one in servers] == [None, None, None]


def test_a_zone_without_floating_address_shows_none() -> None:
    shown = checked(declared(address=None))
    assert (shown["floating"], shown["problems"], shown["servers"][0]["has_vip"]) == (None, [], None)


def test_a_server_of_the_inventory_that_is_not_listed_is_told() -> None:
    more = {**ENDPOINTS, "p4": "http://192.0.2.34:2633/RPC2"}
    (problem,) = checked(declared("p1", servers=more))["problems"]
    assert (problem["code"], problem["severity"]) == ("server_not_listed", "warning")
    assert problem["text"].endswith("not in the zone's list: p4.")


def test_a_zone_that_is_still_alone_lacks_its_servers() -> None:
    alone = server("paris", 31, 100)
    assert codes(declared("p1"), alone) == [("server_not_listed", "warning", None)]
    assert codes(declared("p1", servers={"p1": ENDPOINTS["p1"]}), alone) == []


def test_a_listed_server_that_the_inventory_lacks_is_told() -> None:
    less = {host: ENDPOINTS[host] for host in ("p1", "p2")}
    assert codes(declared("p1", servers=less)) == [("server_not_declared", "warning", "p3")]


def test_servers_are_known_by_their_endpoint_whatever_they_are_called() -> None:
    servers = [member(f"old-{n}", 31 + n, n, 100, "follower" if n else "leader") for n in range(3)]
    assert codes(declared("p1"), *servers) == []


def test_a_zone_is_known_by_its_endpoint_whatever_it_is_called() -> None:
    assert codes(declared(name="other")) == [("address_missing", "error", None)]
    elsewhere = declared(name="other", endpoint="http://192.0.2.99:2633/RPC2")
    assert codes(elsewhere) == [("address_missing", "error", None)], "known by the endpoints of its servers"
    stranger = {**elsewhere, "servers": {"q1": "http://192.0.2.41:2633/RPC2"}}
    assert codes(stranger) == [("zone_not_declared", "warning", None)]


def examined(*addresses: str) -> dict[str, Any]:
    return {"frontend": {"addresses": [{"interface": "eth0", "address": one, "prefix": 24} for one in addresses]}}


def test_holders_are_found_by_the_addresses_of_the_hosts() -> None:
    base = Federation.from_dict(planned.declared())
    floating = FloatingAddress("192.0.2.30", 24, "192.0.2.30/24", "eth0")
    paris = replace(base.zones["paris"], endpoint=VIP, floating=floating, endpoints=ENDPOINTS)
    paris = replace(paris, hosts=("p1", "p2", "p3"), servers=("p1", "p2"))
    madrid = replace(paris, label="madrid", endpoint="http://m/RPC2", floating=None, hosts=("m",), servers=("m",))
    zones = {"p": paris, "m": replace(madrid, endpoints={"m": "x"})}
    upgrade = {"id": "one", **UPGRADE}
    restore = {"id": "two", "opened_at": "then"}
    told = {"lockdown": True, "one_auth": "rejected", "upgrade": upgrade}
    addresses = {
        "p1": {"frontend": {**examined("192.0.2.31", "192.0.2.30")["frontend"], "restore": restore}},
        "p2": {"frontend": {**examined("192.0.2.32", "fe80::1")["frontend"], **told}},
        "p3": {"frontend": {"addresses": {"error": "no ip"}}},
    }
    hosts: dict[str, Any] = {
        "p1": {"database": {"database": {"error": "disk I/O error."}}},
        "p2": {"database": {"msg": "PyMySQL is missing."}},
    }
    facts = {host: host_facts(result) for host, result in addresses.items()}
    assert declared_zones(replace(base, master="m", zones=zones), facts, hosts, ["p1", "p2"]) == [
        {
            "name": "paris",
            "endpoint": VIP,
            "servers": {"p1": ENDPOINTS["p1"], "p2": ENDPOINTS["p2"]},
            "address": "192.0.2.30",
            "vip_holders": ["p1"],
            "unread": ["p3"],
            "locked_down": ["p2"],
            "one_auth": {"p2": "rejected"},
            "upgrades": {"p2": UPGRADE},
            "restores": {"p1": restore},
            "plain_ports": {},
            "guarded_ports": {},
            "reached_ports": {},
            "firewall_faults": {},
            "outside": False,
            "limit": "p,m",
            "unread_databases": {"p1": "disk I/O error", "p2": "PyMySQL is missing"},
        },
        {
            "name": "madrid",
            "endpoint": "http://m/RPC2",
            "servers": {"m": "x"},
            "address": None,
            "vip_holders": [],
            "unread": [],
            "locked_down": [],
            "one_auth": {},
            "upgrades": {},
            "restores": {},
            "plain_ports": {},
            "guarded_ports": {},
            "reached_ports": {},
            "firewall_faults": {},
            "outside": True,
            "limit": "m",
            "unread_databases": {"m": "outside of the limit"},
        },
    ]


def test_ports_past_tls_proxies_are_those_that_hosts_of_other_zones_reach() -> None:
    base = Federation.from_dict(planned.declared())
    places = {"madrid-1": ("192.0.2.11:2633", "192.0.2.11:2634"), "paris-1": ("192.0.2.31:9633", "192.0.2.31:2634")}
    found = {
        "madrid-1": {"guarded_ports": [2633, 2634], "open_ports": [*places["madrid-1"], "192.0.2.31:9633"]},
        "paris-1": {"guarded_ports": [], "open_ports": ["192.0.2.31:9633", "192.0.2.11:2633"]},
    }
    facts = {host: host_facts({"frontend": frontend}) for host, frontend in found.items()}
    federation = replace(base, plain_ports=places)
    zones = {one["name"]: one for one in declared_zones(federation, facts, {}, list(found))}
    kinds = ("plain", "guarded", "reached")
    ports = [{kind: zone[f"{kind}_ports"] for kind in kinds} for zone in zones.values()]
    assert {"plain": {"paris-1": [9633, 2634]}, "guarded": {}, "reached": {"paris-1": {"9633": ["madrid-1"]}}} in ports
    assert {
        "plain": {"madrid-1": [2633, 2634]},
        "guarded": {"madrid-1": [2633, 2634]},
        "reached": {"madrid-1": {"2633": ["paris-1"]}},
    } in ports
