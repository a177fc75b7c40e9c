# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what was found on front-ends to an inventory, and from that to a plan that has nothing to do."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from grown import ADDRESSES, VIP, group_of_three, master, plan, url
from planned import MASTER_URL, frontend, topology, zone

from ansible_collections.onefed.opennebula.plugins.filter.exported import exported
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import OnefedError
from ansible_collections.onefed.opennebula.plugins.plugin_utils._checks.frontend import host_facts
from ansible_collections.onefed.opennebula.plugins.plugin_utils._discovery.export import Exported, Found, export

PLACES = {"madrid-1": "192.0.2.11", **ADDRESSES}


def found_of(facts: dict[str, Any], **variables: Any) -> dict[str, Found]:
    return {
        host: Found(
            host_facts(one if "unreachable" in one else {"frontend": one}),
            {"ansible_host": PLACES[host], **variables},
        )
        for host, one in facts.items()
    }


def of_three(**changes: Any) -> dict[str, Any]:
    """A master that knows paris with its three servers, and these."""
    three = group_of_three("paris-2")
    first = master()
    first["api"]["zones"] = copy.deepcopy(three["paris-1"]["api"]["zones"])
    first["api"]["zones"][1]["template"].update(changes)
    return {"madrid-1": first, **three}


def inventory(made: Exported) -> tuple[dict[str, list[str]], dict[str, dict[str, Any]]]:
    zones = {one.group: list(one.hosts) for one in made.zones}
    return zones, {
        host: {**made.variables, **one.variables, **own} for one in made.zones for host, own in one.hosts.items()
    }


def of_paris(made: Exported) -> dict[str, Any]:
    return dict(next(one for one in made.zones if one.group == "paris").variables)


def test_a_zone_of_three_with_a_floating_address_comes_back_as_it_would_be_declared() -> None:
    facts = of_three()
    made = export("federation", found_of(facts, ansible_user="root"))
    assert made.variables == {"ansible_user": "root"}
    assert [(one.group, dict(one.variables), list(one.hosts)) for one in made.zones] == [
        ("OpenNebula", {"zone_role": "master"}, ["madrid-1"]),
        ("paris", {"zone_vip": f"{VIP}/24", "zone_vip_interface": "eth0"}, ["paris-1", "paris-2", "paris-3"]),
    ]
    assert made.zones[1].hosts["paris-2"] == {"ansible_host": "192.0.2.32"}
    assert (made.notes, [one.notes for one in made.zones]) == ((), [(), ()])
    zones, variables = inventory(made)
    planned = plan({**facts}, topology("federation", zones, variables))
    assert planned["errors"] == []
    assert planned["zones"]["paris"]["changes"] == []
    assert planned["zones"]["paris"]["servers"]["changes"] == []


def test_the_file_says_how_hosts_are_reached_and_has_no_password() -> None:
    facts = of_three()
    reached = {"ansible_user": "ops", "ansible_ssh_private_key_file": "~/.ssh/ops"}
    secret = {name: "secret" for name in ("ansible_password", "ansible_ssh_pass", "ansible_become_password")}
    hosts = {host: {"ansible_host": address, **reached, **secret} for host, address in PLACES.items()}
    text = exported("federation", {host: {"frontend": one} for host, one in facts.items()}, hosts)
    assert yaml.safe_load(text)["federation"]["vars"] == reached
    assert "secret" not in text


def test_behind_a_load_balancer_the_endpoint_is_declared_even_if_it_is_the_first_servers() -> None:
    facts = of_three(ENDPOINT=url("paris-1"))
    for host in ADDRESSES:
        del facts[host]["conf"]["vectors"]["RAFT_LEADER_HOOK"]
    assert of_paris(export("federation", found_of(facts))) == {"zone_endpoint": url("paris-1")}


def test_another_endpoint_than_the_floating_address_and_other_services_are_declared() -> None:
    facts = of_three(
        ENDPOINT="https://paris.example.com/RPC2",
        ENDPOINT_GRPC="paris.example.com:2634",
        FIREEDGE_ENDPOINT="http://localhost:2616",
        ONEFLOW_ENDPOINT="http://192.0.2.31:2474",
    )
    made = export("federation", found_of(facts))
    assert of_paris(made) == {
        "zone_vip": f"{VIP}/24",
        "zone_vip_interface": "eth0",
        "zone_endpoint": "https://paris.example.com/RPC2",
        "zone_endpoint_grpc": "paris.example.com:2634",
        "zone_oneflow_endpoint": "http://192.0.2.31:2474",
    }
    [note] = made.zones[1].notes
    assert "zone_fireedge_endpoint is http://localhost:2616 in the record of zone paris" in note


def test_ports_places_and_addresses_of_hosts_are_told_by_their_front_ends() -> None:
    facts = of_three()
    facts["madrid-1"]["conf"].update(port=2733, path="/opt/one/etc/oned.conf")
    found = found_of(facts, oned_service="one", oned_user="oneadmin", oned_start_timeout=120)
    found["paris-3"] = Found(found["paris-3"].facts, {"ansible_host": "198.51.100.3"})
    made = export("federation", found)
    assert made.zones[0].variables == {"zone_role": "master", "zone_endpoint": MASTER_URL}
    first = dict(made.zones[0].hosts["madrid-1"])
    assert first == {
        **{"ansible_host": "192.0.2.11", "oned_location": "/opt/one", "oned_port": 2733},
        **{"oned_service": "one", "oned_user": "oneadmin"},
    }
    assert dict(made.zones[1].hosts["paris-3"]) == {"ansible_host": "198.51.100.3", "oned_address": "192.0.2.33"}


def test_a_loopback_grpc_endpoint_is_told_with_what_a_run_does_about_it() -> None:
    made = export("federation", found_of(of_three(ENDPOINT_GRPC="localhost:2634")))
    assert "zone_endpoint_grpc" not in of_paris(made)
    [note] = made.zones[1].notes
    assert note.startswith("zone_endpoint_grpc is localhost:2634 in the record of zone paris")
    assert note.endswith("Declare the address by which they reach it, or federate removes it.")


def test_what_is_missing_or_odd_is_told_where_it_is() -> None:
    facts = of_three()
    del facts["paris-3"]
    facts["paris-2"]["conf"]["vectors"]["RAFT_LEADER_HOOK"] = {"COMMAND": "raft/vip.sh", "ARGUMENTS": "leader"}
    made = export("federation", {**found_of(facts), **found_of({"paris-3": {"unreachable": True, "msg": "no route"}})})
    assert of_paris(made)["zone_allow_even"] is True
    told = " ".join(made.zones[1].notes)
    assert f"Only some servers move the floating address {VIP}/24: the Raft hooks of paris-2 do not." in told
    assert f"Server paris-3 (id 2, {url('paris-3')}) of zone paris has no host" in told
    assert "paris-3 was left out: " in made.notes[0] and "no route" in made.notes[0]
    alone = {"madrid-1": of_three()["madrid-1"], "paris-1": frontend()}
    made = export("all", found_of(alone))
    assert [one.group for one in made.zones] == ["OpenNebula"]
    assert made.group == "federation"
    assert "paris-1 was left out: it is in no federation" in made.notes[0]
    assert "Zone paris (http://192.0.2.30:2633/RPC2) has no front-end" in made.notes[1]


def test_what_a_run_would_refuse_is_to_be_decided() -> None:
    facts = of_three(ENDPOINT="paris:2633")
    notes = export("federation", found_of(facts)).notes
    [note] = [one for one in notes if one.startswith("To be decided, a run stops at it: ")]
    assert "zone_endpoint of zone 'paris' is 'paris:2633'" in note


def test_a_zone_runs_nothing_on_the_controller_by_what_it_says() -> None:
    hostile = "http://{{ lookup('pipe', 'reboot') }}/RPC2"
    facts = of_three(ENDPOINT=hostile, ENDPOINT_GRPC="a\n    evil: 1")
    facts["madrid-1"]["api"]["zones"][1]["name"] = "paris\n  hosts: {evil: }"
    results = {host: {"frontend": one} for host, one in facts.items()}
    text = exported("federation", results, {host: {"ansible_host": PLACES[host]} for host in facts})
    read = yaml.safe_load(text)
    assert list(read) == ["federation"]
    [_madrid, paris] = read["federation"]["children"]
    assert set(paris) <= set("abcdefghijklmnopqrstuvwxyz_")
    values = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert [line for line in values if "{{" in line] == []
    assert read["federation"]["children"][paris]["vars"]["zone_endpoint_grpc"] == "a\n    evil: 1"
    comments = " ".join(line.lstrip(" #") for line in text.splitlines() if line.lstrip().startswith("#"))
    assert "zone_endpoint was left out" in comments
    assert "would be taken for a template" in comments


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"paris-1": frontend()}, "There is no federation to export"),
        ({"paris-1": {"unreachable": True, "msg": "no route to host"}}, "no route to host"),
        ({"madrid-1": master(), "paris-1": frontend("MASTER", 0, "", [zone(0, "Other", MASTER_URL)])}, "more than one"),
    ],
)
def test_what_is_no_federation_is_an_error(facts: dict[str, Any], told: str) -> None:
    with pytest.raises(OnefedError, match=told):
        export("federation", found_of(facts))
