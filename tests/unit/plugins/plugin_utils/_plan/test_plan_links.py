# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""With federation_tls proxies come first, endpoints follow, and plain ports close when nobody needs them any more."""

from __future__ import annotations

from typing import Any

import grown
import pytest
from planned import MASTER_URL, PARIS_URL, federated, frontend, make_plan, topology, zone

from ansible_collections.onefed.opennebula.plugins.plugin_utils._checks.frontend import host_facts
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.declared import Federation
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.link_faults import link_faults
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.planned import Plan
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.planned_links import LinkResult

MASTER_TLS, PARIS_TLS = "https://192.0.2.11:2643/RPC2", "https://192.0.2.31:2643/RPC2"
CLOSED = {"LISTEN_ADDRESS": "127.0.0.1", "GRPC_LISTEN_ADDRESS": "127.0.0.1"}
OPEN = {"state": "open", "detail": ""}
REFUSED = {"state": "refused", "detail": "nobody listens"}
Found = dict[str, Any]


def declared(tls: bool = True, zones: tuple[str, ...] = ("madrid", "paris")) -> Found:
    shared = {"federation_tls": tls, "federation_tls_passphrase": "only-for-this-test"}
    hosts = {
        "madrid-1": {"ansible_host": "192.0.2.11", "zone_role": "master", **shared},
        "paris-1": {"ansible_host": "192.0.2.31", **shared},
        "lyon-1": {"ansible_host": "192.0.2.41", **shared},
    }
    groups = {name: [f"{name}-1"] for name in zones}
    return topology("federation", groups, {host: hosts[host] for [host] in groups.values()})


def plan(what: Found, **facts: Found) -> Found:
    found = {
        host.replace("_", "-"): one if "unreachable" in one else {"frontend": one} for host, one in facts.items()
    }
    return make_plan(what, found, list(found))


def secured(closed: bool = True) -> tuple[Found, Found]:
    """A federation of two zones whose links are as declared; with `closed` False the master's plain port is open."""
    zones = [zone(0, "OpenNebula", MASTER_TLS), zone(100, "paris", PARIS_TLS)]
    sides = frontend("MASTER", 0, "", zones), frontend("SLAVE", 100, MASTER_TLS, zones)
    for side, is_closed in zip(sides, (closed, True), strict=True):
        listens = CLOSED if is_closed else {}
        side["has_links"] = True
        side["conf"].update({name.lower(): value for name, value in listens.items()})
        side["api"]["conf"].update(listens)
        side["probes"] = {MASTER_TLS: OPEN, PARIS_TLS: OPEN}
    return sides


def test_a_new_federation_has_secure_links_from_its_first_restart_on() -> None:
    made = plan(declared(), madrid_1=frontend(), paris_1=frontend())
    assert made["links"]["servers"]["paris-1"] == {
        "host": "paris-1",
        "state": "present",
        "names": ["paris-1", "192.0.2.31"],
        "port": 2643,
        "backend_port": 2633,
    }
    assert made["links"]["new"] == ["madrid-1", "paris-1"]
    assert made["links"]["closing"] == []
    assert made["master"]["conf"]["attributes"] == CLOSED
    entry = made["zones"]["paris"]
    assert (entry["action"], entry["endpoint"], entry["conf"]["attributes"]) == ("join", PARIS_TLS, CLOSED)
    assert entry["conf"]["vectors"]["FEDERATION"]["MASTER_ONED"] == MASTER_TLS
    assert entry["changes"][0] == (
        "paris-1 gets a TLS proxy (HAProxy) at port 2643 with a certificate, and trusts its authority"
    )
    assert "linking" in "".join(made["groups"]["madrid-1"])


def test_releases_without_grpc_are_not_told_where_to_listen_for_it() -> None:
    master, paris = frontend(), frontend()
    for side in (master, paris):
        side["oned_version"] = "6.10.0.1"
    made = plan(declared(), madrid_1=master, paris_1=paris)
    assert made["zones"]["paris"]["conf"]["attributes"] == {"LISTEN_ADDRESS": "127.0.0.1"}


@pytest.mark.parametrize("state", ["refused", "tls", "not_opennebula"])
def test_a_proxy_that_is_to_come_is_not_missed(state: str) -> None:
    master, paris = frontend(), frontend()
    paris["probes"][MASTER_TLS] = {"state": state, "detail": ""}
    assert plan(declared(), madrid_1=master, paris_1=paris)["left_out"] == []


def test_a_firewall_before_a_proxy_that_is_to_come_is_told() -> None:
    master, paris = frontend(), frontend()
    paris["probes"][MASTER_TLS] = {"state": "timeout", "detail": "nothing came within 5 s"}
    [told] = plan(declared(), madrid_1=master, paris_1=paris)["left_out"]
    assert f"paris-1 gets no answer from {MASTER_TLS}" in told


def test_what_is_secured_is_left_alone() -> None:
    master, paris = secured()
    made = plan(declared(), madrid_1=master, paris_1=paris)
    assert (made["changed"], made["text"][-1]) == (False, "Nothing to change.")
    assert (made["links"]["new"], made["links"]["changes"]) == ([], {})
    assert "linking" in made["groups"]["paris-1"]


def test_a_living_federation_closes_the_masters_plain_port_last() -> None:
    master, paris = federated()
    made = plan(declared(), madrid_1=master, paris_1=paris)
    assert made["master"]["conf"]["attributes"] == {}
    assert made["master"]["records"] == [{"id": 100, "endpoint": PARIS_TLS}]
    assert made["links"]["closing"] == [{"host": "madrid-1", "server_id": -1, "attributes": CLOSED}]
    assert made["links"]["awaited"] == ["paris-1"]
    entry = made["zones"]["paris"]
    assert (entry["action"], entry["conf"]["attributes"]) == ("converge", CLOSED)
    assert "closes its plain port at the end" in "".join(made["master"]["changes"])
    assert made["groups"]["madrid-1"][:4] == ["examined", "linking", "closing", "asked"]


def test_after_a_run_that_was_killed_the_plain_port_closes_with_the_masters_next_restart() -> None:
    master, paris = secured(closed=False)
    made = plan(declared(), madrid_1=master, paris_1=paris)
    assert (made["master"]["conf"]["attributes"], made["master"]["restart"]) == (CLOSED, True)
    assert made["links"]["closing"] == []


@pytest.mark.parametrize("why", ["unreachable", "unmanaged"])
def test_the_plain_port_stays_for_zones_that_the_run_does_not_change(why: str) -> None:
    zones = [zone(0, "OpenNebula", MASTER_URL), zone(100, "paris", PARIS_URL)]
    zones.append(zone(101, "lyon", "http://192.0.2.41:2633/RPC2"))
    master, paris = frontend("MASTER", 0, "", zones), frontend("SLAVE", 100, MASTER_URL, zones)
    if why == "unreachable":
        what = declared(zones=("madrid", "paris", "lyon"))
        made = plan(what, madrid_1=master, paris_1=paris, lyon_1={"unreachable": "no route to host"})
        assert "lyon, lyon-1: Ansible cannot reach it: no route to host" in made["left_out"][0]
    else:
        made = plan(declared(), madrid_1=master, paris_1=paris)
    assert made["links"]["closing"] == []
    assert made["master"]["conf"]["attributes"] == {}
    told = "".join(made["text"])
    assert "Its plain port stays open: lyon may still call it without TLS." in told
    assert made["zones"]["paris"]["action"] == "converge"


def test_links_are_taken_away_in_the_opposite_order() -> None:
    master, paris = secured()
    made = plan(declared(tls=False), madrid_1=master, paris_1=paris)
    opened = dict.fromkeys(CLOSED, "0.0.0.0")
    assert made["errors"] == made["left_out"] == []
    assert made["master"]["conf"]["attributes"] == opened
    assert made["master"]["records"] == [{"id": 100, "endpoint": PARIS_URL}]
    entry = made["zones"]["paris"]
    assert (entry["action"], entry["conf"]["attributes"]) == ("converge", opened)
    assert made["links"]["servers"]["paris-1"]["state"] == "absent"
    assert made["links"]["awaited"] == ["paris-1"]
    assert "unlinking" in made["groups"]["madrid-1"]
    assert "paris-1 loses its TLS proxy, certificate and trust" in "".join(made["text"])


def test_the_masters_proxy_stays_for_a_zone_that_cannot_be_reached() -> None:
    master, _paris = secured()
    made = plan(declared(tls=False), madrid_1=master, paris_1={"unreachable": "no route to host"})
    assert "unlinking" not in made["groups"]["madrid-1"]
    assert "Its TLS proxy stays: paris may still call it with TLS." in "".join(made["text"])


def test_a_federation_without_tls_knows_nothing_of_it() -> None:
    master, paris = federated()
    made = plan(declared(tls=False), madrid_1=master, paris_1=paris)
    assert (made["links"]["servers"], made["changed"]) == ({}, False)


def test_servers_of_a_zone_that_is_made_now_listen_behind_their_proxies() -> None:
    servers = {host: grown.server(host) for host in grown.ADDRESSES}
    master = grown.server("paris-1")  # as any front-end before it is in a federation
    made = grown.plan({"madrid-1": master, **servers}, secured_three())
    step = made["zones"]["paris"]["servers"]
    assert step["listen"] == CLOSED
    assert step["endpoints"]["paris-3"] == "https://192.0.2.33:2643/RPC2"
    assert step["problems"] == []
    assert made["links"]["servers"]["paris-3"]["names"] == ["paris-3", "192.0.2.33", "192.0.2.30"]


def secured_three() -> Found:
    shared = {"federation_tls": True, "federation_tls_passphrase": "only-for-this-test"}
    vip = {"zone_vip": f"{grown.VIP}/24", "zone_vip_interface": "eth0"}
    hosts = {host: {"ansible_host": address, **vip, **shared} for host, address in grown.ADDRESSES.items()}
    master = {"ansible_host": "192.0.2.11", "zone_role": "master", **shared}
    return topology("federation", {"madrid": ["madrid-1"], "paris": list(hosts)}, {"madrid-1": master, **hosts})


def judged(made_of: dict[str, LinkResult], **facts: Found) -> dict[str, list[str]]:
    what, (master, paris) = declared(), federated()
    made = Plan.from_dict(plan(what, madrid_1=master, paris_1=paris))
    found = {host.replace("_", "-"): host_facts({"frontend": one}) for host, one in facts.items()}
    return link_faults(Federation.from_dict(what), made, made_of, found)


BOTH = {"madrid-1": LinkResult("present"), "paris-1": LinkResult("present")}


def test_links_that_work_leave_nobody_out() -> None:
    master, paris = secured()
    assert judged(BOTH, madrid_1=master, paris_1=paris) == {}


def test_a_zone_whose_server_has_no_proxy_is_left_out() -> None:
    recorded = {**BOTH, "paris-1": LinkResult(failure="Port 2643 is taken.")}
    assert judged(recorded) == {"paris": ["paris-1 has no TLS proxy: Port 2643 is taken."]}
    [line] = judged({**BOTH, "paris-1": LinkResult()})["paris"]
    assert line.startswith("paris-1 has no TLS proxy: The host was lost")


def test_a_zone_that_is_not_reached_through_its_proxy_is_left_out() -> None:
    master, paris = secured()
    master["probes"][PARIS_TLS] = {"state": "tls", "detail": "its certificate is for another host"}
    [line] = judged(BOTH, madrid_1=master, paris_1=paris)["paris"]
    assert f"madrid-1 cannot use {PARIS_TLS} (paris): its certificate is for another host." in line


def test_a_proxy_that_an_operator_put_before_oned_is_left_alone() -> None:
    """By role secure_links alone, without federation_tls: the zone is declared with https."""
    master, paris = secured()
    shared = {"zone_endpoint": MASTER_TLS, "ansible_host": "192.0.2.11", "zone_role": "master"}
    hosts = {"madrid-1": shared, "paris-1": {"zone_endpoint": PARIS_TLS, "ansible_host": "192.0.2.31"}}
    what = topology("federation", {"madrid": ["madrid-1"], "paris": ["paris-1"]}, hosts)
    made = plan(what, madrid_1=master, paris_1=paris)
    assert (made["links"]["servers"], made["changed"], made["errors"], made["left_out"]) == ({}, False, [], [])
