# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory becomes a federation, or every contradiction is told at once."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from planned import topology

from ansible_collections.onefed.opennebula.plugins.module_utils._endpoints import is_loopback, same_endpoint
from ansible_collections.onefed.opennebula.plugins.plugin_utils._inventory.topology import TopologyError

ZONES = {"madrid": ["madrid-1"], "paris": ["paris-1"]}


def variables(**changes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    base = {
        "madrid-1": {"ansible_host": "192.0.2.11", "zone_role": "master"},
        "paris-1": {"ansible_host": "192.0.2.31"},
    }
    for host, more in changes.items():
        base.setdefault(host.replace("_", "-"), {}).update(more)
    return base


def problems(zones: dict[str, list[str]], hosts: dict[str, dict[str, Any]]) -> list[str]:
    with pytest.raises(TopologyError) as caught:
        topology("federation", zones, hosts)
    return caught.value.problems


def test_a_stock_inventory_needs_only_addresses_and_one_master() -> None:
    found = topology("federation", ZONES, variables())
    assert found["master"] == "madrid"
    assert found["master_host"] == "madrid-1"
    assert found["zones"]["madrid"]["name"] is None  # zone 0 keeps its name
    assert found["zones"]["paris"]["name"] == "paris"
    assert found["zones"]["paris"]["endpoint"] == "http://192.0.2.31:2633/RPC2"
    assert found["hosts"]["paris-1"]["become"] is True
    assert found["hosts"]["paris-1"]["frontend"] == {"oned_service": "opennebula"}
    assert found["api_options"] == {"validate_certs": True, "api_answer_limit": 256}


def test_a_self_contained_zone_does_not_escalate() -> None:
    found = topology("federation", ZONES, variables(paris_1={"oned_location": "/srv/one"}))
    assert found["hosts"]["paris-1"]["become"] is False
    assert found["hosts"]["paris-1"]["frontend"]["oned_location"] == "/srv/one"


def test_endpoints_of_services_become_attributes_of_the_zone_record() -> None:
    endpoints = {
        "zone_oneflow_endpoint": "http://192.0.2.31:2474/",
        "zone_fireedge_endpoint": "https://paris.example.org",
    }
    made = topology("federation", ZONES, variables(paris_1=endpoints))
    assert made["zones"]["madrid"]["template"] == {}
    assert made["zones"]["paris"]["template"] == {
        "ONEFLOW_ENDPOINT": "http://192.0.2.31:2474/",
        "FIREEDGE_ENDPOINT": "https://paris.example.org",
    }


def test_an_ha_zone_is_called_at_its_floating_address() -> None:
    zones = {**ZONES, "lyon": ["lyon-1", "lyon-2", "lyon-3"]}
    hosts = variables(
        **{
            f"lyon_{n}": {"ansible_host": f"192.0.2.4{n}", "zone_vip": "192.0.2.40/24", "zone_vip_interface": "eth0"}
            for n in (1, 2, 3)
        }
    )
    assert topology("federation", zones, hosts)["zones"]["lyon"]["endpoint"] == "http://192.0.2.40:2633/RPC2"


def test_an_ipv6_address_is_bracketed_and_the_port_is_used() -> None:
    found = topology("federation", ZONES, variables(paris_1={"ansible_host": "2001:db8::7", "oned_port": "2700"}))
    assert found["zones"]["paris"]["endpoint"] == "http://[2001:db8::7]:2700/RPC2"
    assert found["hosts"]["paris-1"]["port"] == 2700


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"paris_1": {"zone_role": "master"}}, "2 zones are (madrid, paris)"),
        ({"madrid_1": {"zone_role": "slave"}}, "no zone is"),
        (
            {"paris_1": {"zone_role": "mistress"}},
            "zone_role of host 'paris-1' is 'mistress'; it must be master or slave",
        ),
        ({"madrid_1": {"zone_name": "paris"}}, "Zones 'madrid' and 'paris' have the same name, paris."),
        ({"paris_1": {"zone_endpoint": "http://192.0.2.11:2633/RPC2"}}, "have the same endpoint"),
        ({"paris_1": {"zone_endpoint": "HTTP://192.0.2.11:2633/RPC2/"}}, "have the same endpoint"),
        ({"paris_1": {"ansible_host": "192.0.2.11"}}, "Hosts 'madrid-1' and 'paris-1' have the same address"),
        ({"paris_1": {"zone_name": "par;is"}}, "holds ';', which OpenNebula refuses"),
        ({"paris_1": {"zone_name": "x" * 129}}, "longer than OpenNebula's 128 bytes"),
        (
            {"paris_1": {"zone_endpoint": "http://192.0.2.31:2633"}},
            "without /RPC2 OpenNebula 7.2 and newer take it for",
        ),
        ({"paris_1": {"zone_endpoint": "192.0.2.31:2634"}}, "expected http://address:port/RPC2"),
        ({"paris_1": {"zone_endpoint": "http://192.0.2.31:99999/RPC2"}}, "expected http://address:port/RPC2"),
        ({"paris_1": {"zone_endpoint": "http://me:secret@192.0.2.31/RPC2"}}, "carries a user name or password"),
        ({"paris_1": {"ansible_host": "localhost"}}, "other machines cannot reach a loopback address"),
        ({"paris_1": {"zone_endpoint_grpc": "localhost:2634"}}, "the master would replicate to itself"),
        ({"paris_1": {"zone_oneflow_endpoint": "192.0.2.31:2474"}}, "zone_oneflow_endpoint of zone 'paris' is no URL"),
        ({"paris_1": {"zone_fireedge_endpoint": "https://me:secret@h/"}}, "zone_fireedge_endpoint of zone 'paris'"),
        ({"paris_1": {"oned_port": "http"}}, "oned_port of host 'paris-1' is 'http'; it must be a whole number"),
        ({"paris_1": {"oned_port": 70000}}, "a port lies between 1 and 65535"),
        ({"paris_1": {"zone_import": "maybe"}}, "it must be true or false"),
        ({"paris_1": {"zone_name": False}}, "zone_name of host 'paris-1' is a boolean (as NO, yes, on and off are"),
        ({"paris_1": {"zone_name": 1_0_0}}, "zone_name of host 'paris-1' is a number; it must be a text: put it in"),
        ({"paris_1": {"zone_import_suffix": datetime.date(2026, 1, 2)}}, "is a date; it must be a text: put it in"),
        ({"paris_1": {"zone_import_overrides": {"users": {False: "rename"}}}}, "holds a boolean (as NO, yes, on and"),
        ({"paris_1": {"oned_location": True}}, "oned_location of host 'paris-1' is a boolean (as NO"),
        ({"paris_1": {"rotate_leave_out": ["lyon", 5]}}, "rotate_leave_out of host 'paris-1' holds a number; every"),
        ({"paris_1": {"oned_install_version": 7.4}}, "oned_install_version of host 'paris-1' is a number; it must be"),
        ({"paris_1": {"zone_vip": "192.0.2.30"}}, "expected address/prefix"),
        ({"paris_1": {"zone_vip": "198.51.100.3/24", "zone_vip_interface": "eth0"}}, "does not lie in the network"),
        ({"paris_1": {"zone_vip": "192.0.2.30/24"}}, "has zone_vip but no zone_vip_interface"),
        ({"paris_1": {"federation_log_records": 5}}, "disagree on federation_log_records"),
    ],
)
def test_each_contradiction_is_named(changes: dict[str, dict[str, Any]], text: str) -> None:
    found = problems(ZONES, variables(**changes))
    assert len(found) == 1, found
    assert text in found[0]


def test_a_secret_that_is_no_text_is_refused_without_its_value() -> None:
    hosts = {host: {**values, "rotate_password": 0o1234567} for host, values in variables().items()}
    assert problems(ZONES, hosts) == [
        "rotate_password of hosts 'madrid-1', 'paris-1' is a number; it must be a text: put it in quotes."
    ]
    found = topology("federation", ZONES, {host: {**one, "rotate_password": "01234567"} for host, one in hosts.items()})
    assert "01234567" not in str(found)


def given(**names: str) -> list[str]:
    """What is wrong with variables of host paris-1, beside those that all hosts have."""
    common = ["ansible_host", "zone_role", "onefed_topology", "federation_group", "oned_install_version"]
    hosts = variables()
    hosts = {host: {**one, "federation_ignored_variables": ["zone_dns_*", "zone_id"]} for host, one in hosts.items()}
    try:
        every = {"madrid-1": common, "paris-1": [*common, *names]}
        topology("federation", ZONES, hosts, names=every)
    except TopologyError as error:
        return error.problems
    return []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("zone_vpi", "zone_vip"),
        ("zone_disard", "zone_discard"),
        ("federation_allow_loopbck", "federation_allow_loopback"),
        ("oned_prot", "oned_port"),
        ("oned_install_pasword", "oned_install_password"),
        ("rotate_pasword", "rotate_password"),
        ("preflight_imports", "preflight_import"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_one_that_was_meant(name: str, meant: str) -> None:
    assert given(**{name: ""}) == [f"{name} of host 'paris-1' is no variable of this collection. Did you mean {meant}?"]


def test_a_variable_like_no_other_is_refused_unless_it_is_ignored() -> None:
    assert given(zone_colour="", zone_dns_server="", zone_id="", zones="", one="") == [
        "zone_colour of host 'paris-1' is no variable of this collection. "
        "Remove it, or, if it is somebody else's, name it in federation_ignored_variables."
    ]


def test_a_variable_of_all_hosts_is_told_once() -> None:
    names = dict.fromkeys(variables(), ["zone_vpi"])
    with pytest.raises(TopologyError) as caught:
        topology("federation", ZONES, variables(), names=names)
    assert caught.value.problems == ["zone_vpi of all hosts is no variable of this collection. Did you mean zone_vip?"]


def test_names_that_depend_on_the_release_are_left_to_the_plan() -> None:
    shared = {"federation_groups": [{"name": "web team"}, {"name": "dev"}, {"name": "old team", "state": "absent"}]}
    hosts = {host: {**values, **shared} for host, values in variables(paris_1={"zone_admin_group": "a b"}).items()}
    assert topology("federation", ZONES, hosts)["access"]["names"] == [
        ["group", "web team", "federation_groups"],
        ["group", "a b", "zone_admin_group of zone 'paris'"],
    ]


def test_a_floating_address_has_one_port() -> None:
    shared = {"zone_vip": "192.0.2.30/24", "zone_vip_interface": "eth0"}
    hosts = {
        f"paris-{n}": {"ansible_host": f"192.0.2.3{n}", "oned_port": port, **shared}
        for n, port in ((1, 2633), (2, 2633), (3, 2700))
    }
    zones = {"madrid": ["madrid-1"], "paris": list(hosts)}
    [found] = problems(zones, {**variables(), **hosts})
    assert "have different oned_port (paris-1 2633, paris-2 2633, paris-3 2700)" in found
    for one in hosts.values():
        one["zone_endpoint"] = "https://paris.example.org/RPC2"
    assert topology("federation", zones, {**variables(), **hosts})["zones"]["paris"]["floating"]


def test_all_contradictions_are_told_at_once() -> None:
    zones = {"madrid": ["madrid-1"], "paris": ["paris-1", "paris-2"], "lyon": [], "rome": ["madrid-1"]}
    hosts = variables(paris_1={"zone_role": "master"}, paris_2={"ansible_host": "192.0.2.32", "zone_role": "slave"})
    found = " ".join(problems(zones, hosts))
    for text in (
        "Zone group 'lyon' has no hosts",
        "stands in two zones",
        "disagree on zone_role",
        "2 servers; an even",
    ):
        assert text in found


def test_a_group_without_zones_is_refused() -> None:
    assert problems({}, {}) == [
        "Group 'federation' has no child groups. Every zone is one child group; federation_group names the parent."
    ]


def test_a_federation_named_in_the_inventory_is_not_passed_over() -> None:
    assert problems(ZONES, variables(paris_1={"federation_group": "eu"})) == [
        "federation_group is 'eu' in the inventory (paris-1), but this run works on group 'federation'. Remove it "
        "there; what names a federation is an extra variable, -e federation_group=eu."
    ]
    same = {"federation_group": "federation"}
    assert topology("federation", ZONES, variables(paris_1=same, madrid_1=same))["group"] == "federation"


def test_a_host_outside_every_zone_is_refused() -> None:
    with pytest.raises(TopologyError, match="Host 'stray' stands in group 'federation' itself"):
        topology("federation", ZONES, variables(), ["stray"])


def test_packages_and_a_self_contained_install_exclude_each_other() -> None:
    variables = {"zone_role": "master", "oned_install": True, "oned_location": "/srv/one"}
    with pytest.raises(TopologyError, match="'a' has oned_install, for packages, and oned_location"):
        topology("federation", {"z": ["a"]}, {"a": variables})


def test_loopback_endpoints_are_accepted_where_zones_share_a_machine() -> None:
    hosts = variables(madrid_1={"ansible_host": "127.0.1.1"}, paris_1={"ansible_host": "127.0.1.2"})
    for values in hosts.values():
        values["federation_allow_loopback"] = True
    assert topology("federation", ZONES, hosts)["zones"]["paris"]["endpoint"] == "http://127.0.1.2:2633/RPC2"


@pytest.mark.parametrize(
    ("endpoint", "loopback"),
    [
        ("http://localhost:2633/RPC2", True),
        ("localhost:2634", True),
        ("http://127.5.4.3/RPC2", True),
        ("http://[::1]:2633/RPC2", True),
        ("http://192.0.2.1:2633/RPC2", False),
        ("http://[not-an-address/RPC2", False),
        ("http://one.example.org/RPC2", False),
    ],
)
def test_loopback_endpoints_are_recognised(endpoint: str, loopback: bool) -> None:
    assert is_loopback(endpoint) is loopback


def test_endpoints_are_compared_without_case_of_host_and_trailing_slash() -> None:
    assert same_endpoint("http://One:2633/RPC2", "HTTP://one:2633/RPC2/")
    assert not same_endpoint("http://one:2633/RPC2", "https://one:2633/RPC2")
    assert not same_endpoint(None, "http://one:2633/RPC2")


def test_access_policies_are_declared_in_the_topology_without_their_secrets() -> None:
    users = [{"name": "ada", "password": "s3cret"}]
    rules = [{"rule": "@dev VM/* USE #paris"}]
    shared = {"federation_users": users, "federation_acls": rules}
    variables = {
        "m1": {"ansible_host": "192.0.2.1", "zone_role": "master", **shared},
        "p1": {"ansible_host": "192.0.2.2", "zone_administrators": [{"name": "eva", "password": "s3cret"}], **shared},
    }
    made = topology("federation", {"madrid": ["m1"], "paris": ["p1"]}, variables)
    assert made["access"] == {"declared": True, "zones": [["Item 1 of federation_acls", "paris"]], "names": []}
    assert made["zones"]["paris"]["admin_group"] == "oneadmin"
    assert "s3cret" not in str(made)
    variables["p1"]["federation_users"] = [{"name": "ada", "password": "s3cret-2"}]
    variables["p1"]["federation_vdcs"] = "s3cret-3"
    with pytest.raises(TopologyError) as error:
        topology("federation", {"madrid": ["m1"], "paris": ["p1"]}, variables)
    assert error.value.problems == [
        "federation_vdcs of host 'p1' is something else; it must be a list.",
        "The hosts of federation 'federation' disagree on federation_users (m1, p1). Set it on the group.",
    ]
