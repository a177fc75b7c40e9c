# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a zone from having several servers is found before anything is changed, with what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from planned import NOW, frontend

from ansible_collections.onefed.opennebula.plugins.module_utils._problems.problem import Problem
from ansible_collections.onefed.opennebula.plugins.module_utils._problems.vip import HOOK_MISSING
from ansible_collections.onefed.opennebula.plugins.plugin_utils._checks import cluster as checks
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.declared import FloatingAddress
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.facts import Frontend
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.plain import parse

FLOATING = {"address": "192.0.2.30", "prefix": 24, "cidr": "192.0.2.30/24", "interface": "eth0"}
URL = "http://192.0.2.32:2633/RPC2"


def address(text: str, prefix: int = 24, interface: str = "eth0", mac: str = "02:00:00:00:00:01") -> dict[str, Any]:
    return {"interface": interface, "address": text, "prefix": prefix, "mac": mac}


def server(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A front-end on MariaDB with address 192.0.2.3<number>."""
    found = frontend()
    found["conf"]["backend"] = found["database"]["backend"] = "mysql"
    found["database"]["charset"] = "utf8mb4"
    own = [address("127.0.0.1", 8, "lo", "00:00:00:00:00:00"), address(f"192.0.2.3{number}", mac=f"02::{number}")]
    found.update(addresses=own, vip_answers=[], vip_hook={"problems": []})
    return {**found, **changes}


def typed(given: Any) -> Any:
    """What tests hold as plain data as checks take it."""
    if not isinstance(given, dict):
        return given
    if "installed" in given:
        return Frontend.from_plain(given)
    if "cidr" in given:
        return parse(FloatingAddress, given)
    return {key: typed(value) for key, value in given.items()}


def check(rule: Callable[..., list[Problem]], *given: Any) -> list[Problem]:
    return rule(*map(typed, given))


def texts(problems: list[Problem]) -> list[str]:
    return [one.text for one in problems]


def test_servers_of_a_sound_zone_have_no_problem() -> None:
    zone = {"paris-1": server(1), "paris-2": server(2)}
    zone["paris-1"]["probes"] = {URL: {"state": "open", "detail": ""}}
    assert check(checks.backend, zone["paris-1"]) == []
    assert check(checks.alike, zone["paris-2"], zone["paris-1"]) == []
    assert check(checks.replaced, zone["paris-2"], zone["paris-1"]) == []
    assert check(checks.hook, zone["paris-1"]) == []
    assert check(checks.floating, FLOATING, zone, zone) == []
    assert check(checks.routes, "paris-1", zone["paris-1"], {"paris-2": URL}, zone) == []
    assert check(checks.clocks, zone, 60) == []


def test_sqlite_is_refused() -> None:
    [found] = check(checks.backend, frontend())
    assert "SQLite" in found.text
    assert "onedb sqlite2mysql" in found.remedy


def test_a_server_that_keeps_another_port_or_listens_for_itself_only_is_refused() -> None:
    assert check(checks.listens, server(2), URL) == []
    follower = server(2)
    follower["conf"].update(port=2700, listen_address="127.0.0.1")
    assert texts(check(checks.listens, follower, URL)) == [
        f"By its oned.conf its API has port 2700, its endpoint in the zone is {URL}.",
        "By its oned.conf its API listens on 127.0.0.1 only, where no other server finds it.",
    ]
    assert check(checks.listens, follower, "http://127.0.0.2:2700/RPC2") == []


def test_another_program_backend_or_charset_than_the_leaders_is_refused() -> None:
    follower = server(2, oned_version="7.4.0.1")
    [found] = check(checks.alike, follower, server())
    assert found.text == "It runs OpenNebula 7.4.0.1, its zone's leader 7.4.0."
    assert found.remedy == "Install 7.4.0.1 on both; the servers of the zone get it with playbook upgrade."
    follower = server(2)
    follower["conf"]["backend"] = "sqlite"
    follower["database"]["charset"] = "latin1"
    assert texts(check(checks.alike, follower, server())) == [
        "Its database backend is sqlite, that of its zone's leader mysql.",
        "Its database charset is latin1, that of its zone's leader utf8mb4.",
    ]


def test_versions_are_compared_as_numbers() -> None:
    [found] = check(checks.alike, server(2, oned_version="6.10.0"), server(1, oned_version="6.8.3"))
    assert found.remedy == "Install 6.10.0 on both; the servers of the zone get it with playbook upgrade."


def test_files_that_become_the_leaders_are_named() -> None:
    leader = server(config_digests={"monitord.conf": "1", "hm/hmrc": "2", "hm/new": "3", "tls/a": "4", "tls/b": "5"})
    follower = server(2, config_digests={"monitord.conf": "1", "hm/hmrc": "9", "own.conf": "4"})
    assert texts(check(checks.replaced, follower, leader)) == [
        "Its configuration differs from that of its zone's leader and is replaced: hm/hmrc, hm/new.",
        "It lacks configuration that its zone's leader has, and is not given it: tls.",
    ]
    many = server(config_digests={f"hm/{n:02}": "1" for n in range(11)})
    [text] = texts(check(checks.replaced, follower, many))
    assert text.endswith("hm/00, hm/01, hm/02, hm/03, hm/04, hm/05, hm/06, hm/07 and 3 more.")
    assert check(checks.replaced, server(2, config_digests={"error": "no right"}), leader) == []


def test_what_keeps_hooks_from_working_is_passed_on() -> None:
    told = HOOK_MISSING.problem(path="/vip.sh", user="oneadmin")
    assert check(checks.hook, server(vip_hook={"problems": [asdict(told)]})) == [told]
    assert check(checks.hook, server(vip_hook=None)) == []
    assert "no systemctl" in texts(check(checks.hook, server(vip_hook={"error": "There is no systemctl"})))[0]


def test_an_interface_that_a_server_lacks_is_refused() -> None:
    other = server(2, addresses=[address("192.0.2.32", interface="ens3")])
    [text] = texts(check(checks.floating, FLOATING, {"paris-1": server(), "paris-2": other}, ["paris-1", "paris-2"]))
    assert text == "paris-2 has no interface eth0 with an address; it has ens3."


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ([address("198.51.100.1")], "does not lie in the network of eth0 on paris-1 (198.51.100.0/24)"),
        ([address("192.0.2.31", 28)], "192.0.2.30/24 claims more than the network of eth0 on paris-1 (192.0.2.16/28)"),
        ([address("192.0.2.31"), address("fe80::1", 64)], None),
        # Only the floating address is there, kept before; nothing to compare it with.
        ([address("192.0.2.30")], None),
    ],
)
def test_a_floating_address_outside_the_interfaces_network_is_refused(own: Any, expected: str | None) -> None:
    found = texts(check(checks.floating, FLOATING, {"paris-1": server(addresses=own)}, ["paris-1"]))
    assert (expected is None and not found) or (expected and expected in found[0])


def test_a_single_address_is_accepted_in_any_network_that_holds_it() -> None:
    assert (
        check(checks.floating, {**FLOATING, "prefix": 32, "cidr": "192.0.2.30/32"}, {"paris-1": server()}, ["paris-1"])
        == []
    )


def test_an_address_that_a_stranger_answers_for_is_refused() -> None:
    zone = {"paris-1": server(1, vip_answers=["02:99"]), "paris-2": server(2, vip_answers=["02:99"])}
    [found] = check(checks.floating, FLOATING, zone, zone)
    assert found.text == "The floating address 192.0.2.30 is in use: 02:99 answers for it."


def test_an_address_that_a_server_of_the_zone_holds_is_not_in_use() -> None:
    holder = server(1)
    holder["addresses"].append(address("192.0.2.30", mac="02::1"))
    zone = {"paris-1": holder, "paris-2": server(2, vip_answers=["02::1"]), "paris-3": server(3, vip_answers=None)}
    assert check(checks.floating, FLOATING, zone, zone) == []


def test_a_server_that_has_the_address_for_itself_is_refused() -> None:
    holder = server(1)
    holder["addresses"].append(address("192.0.2.30", interface="eth1", mac="02::1"))
    [text] = texts(check(checks.floating, FLOATING, {"paris-1": holder}, ["paris-1"]))
    assert text == "paris-1 has 192.0.2.30 as an address of its own, on eth1."
    holder["addresses"][-1]["interface"] = "eth0"
    [text] = texts(check(checks.floating, FLOATING, {"paris-1": holder}, ["paris-2"]))
    assert text.endswith("on eth0.")


def test_unknown_addresses_are_told() -> None:
    unknown = server(addresses={"error": "There is no program ip."})
    assert "no program ip" in texts(check(checks.floating, FLOATING, {"paris-1": unknown}, ["paris-1"]))[0]


def test_a_blocked_way_between_servers_is_refused_with_the_command_that_opens_it() -> None:
    zone = {"paris-1": server(), "paris-2": server(2, firewall={"kind": "ufw", "chain": None})}
    zone["paris-1"]["probes"] = {URL: {"state": "timeout", "detail": "no answer in 5 s"}}
    [found] = check(checks.routes, "paris-1", zone["paris-1"], {"paris-2": URL}, zone)
    assert found.text.startswith(f"paris-1 does not get through to paris-2 of its zone at {URL} (no answer in 5 s)")
    assert "ufw allow from 192.0.2.31 to any port 2633 proto tcp" in found.remedy


def test_a_refused_way_is_open_only_to_an_oned_that_is_stopped() -> None:
    zone = {"paris-1": server(), "paris-2": server(2)}
    zone["paris-1"]["probes"] = {URL: {"state": "refused", "detail": "connection refused"}}
    [found] = check(checks.routes, "paris-1", zone["paris-1"], {"paris-2": URL}, zone)
    assert "oned_listen_address" in found.remedy
    zone["paris-2"]["service"]["state"] = "stopped"
    assert check(checks.routes, "paris-1", zone["paris-1"], {"paris-2": URL}, zone) == []
    assert check(checks.routes, "paris-1", zone["paris-1"], {"paris-2": URL}) == []


def test_clocks_that_are_too_far_apart_are_refused() -> None:
    zone = {"paris-1": server(), "paris-2": server(2, time=NOW + 600), "paris-3": server(3, time=NOW + 20)}
    assert texts(check(checks.clocks, zone, 60)) == ["The clocks of paris-1 and paris-2 are 600 s apart."]
    assert check(checks.clocks, zone, 600) == []
    assert check(checks.clocks, {"paris-1": server()}, 0) == []
