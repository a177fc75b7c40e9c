# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""With federation_firewall who is declared is let in first, and nobody else at the end."""

from __future__ import annotations

from typing import Any

import pytest
from planned import MASTER_URL, PARIS_URL, federated, frontend, make_plan, topology, zone

from ansible_collections.onefed.opennebula.plugins.plugin_utils._checks.frontend import host_facts
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.declared import Federation
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.firewall import firewall_faults, shut_out
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.link_faults import link_faults
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.planned import Plan

MADRID, PARIS, LYON, USERS = "192.0.2.11", "192.0.2.31", "192.0.2.41", "198.51.100.0/24"
OPEN = {"state": "open", "detail": ""}
REFUSED = {"state": "refused", "detail": "nobody listens"}
NOTHING: dict[str, list[Any]] = {"ports": [], "sources": []}
Found = dict[str, Any]


def declared(firewall: bool | None = True, zones: tuple[str, ...] = ("madrid", "paris"), **more: Any) -> Found:
    shared = {"federation_firewall": firewall, **more}
    hosts = {
        "madrid-1": {"ansible_host": MADRID, "zone_role": "master", **shared},
        "paris-1": {"ansible_host": PARIS, **shared},
        "lyon-1": {"ansible_host": LYON, **shared},
    }
    groups = {name: [f"{name}-1"] for name in zones}
    return topology("federation", groups, {host: hosts[host] for [host] in groups.values()})


def plan(what: Found, **facts: Found) -> Found:
    found = {host.replace("_", "-"): one if "unreachable" in one else {"frontend": one} for host, one in facts.items()}
    return make_plan(what, found, list(found))


def guarded(*let_in: str, ports: tuple[int, ...] = (2633, 2634)) -> Found:
    return {"guarded_ports": list(ports), "let_in": list(let_in), "has_firewall": True}


def both(*let_in: str) -> tuple[Found, Found]:
    """A federation of two zones whose servers let in these."""
    master, paris = federated()
    return {**master, **guarded(*let_in)}, {**paris, **guarded(*let_in)}


def groups(made: Found, host: str) -> set[str]:
    return {name for name in made["groups"][host] if name.startswith("guards") or name == "asked"}


def test_a_federation_without_rules_gets_them_at_the_end() -> None:
    master, paris = federated()
    made = plan(declared(), madrid_1=master, paris_1=paris)
    rules = {"ports": [2633, 2634], "sources": [MADRID, PARIS]}
    assert made["firewall"]["guards"]["paris-1"] == {"first": None, "last": rules, "former": NOTHING}
    assert groups(made, "paris-1") == {"guards_last", "guards_proved"}
    told = "paris-1 closes the ports 2633, 2634 at the end to all but the federation's servers"
    assert made["zones"]["paris"]["changes"] == [told]
    assert (made["zones"]["paris"]["action"], made["changed"], made["probe"]) == ("member", True, True)


def test_what_is_as_declared_is_left_alone() -> None:
    master, paris = both(MADRID, PARIS)
    made = plan(declared(), madrid_1=master, paris_1=paris)
    assert (made["changed"], made["probe"], made["text"][-1]) == (False, False, "Nothing to change.")
    assert groups(made, "paris-1") == {"guards_last"}


@pytest.mark.parametrize("rules", [{}, guarded(MADRID)])
def test_rules_of_an_operator_stay_while_nothing_is_declared(rules: Found) -> None:
    master, paris = federated()
    made = plan(declared(None), madrid_1={**master, **rules}, paris_1={**paris, **rules})
    assert (made["firewall"]["guards"], made["changed"]) == ({}, False)


def test_false_takes_the_rules_away_before_anything_else() -> None:
    master, paris = both(MADRID, PARIS)
    made = plan(declared(False), madrid_1=master, paris_1=paris)
    former = {"ports": [2633, 2634], "sources": [MADRID, PARIS]}
    assert made["firewall"]["guards"]["paris-1"] == {"first": NOTHING, "last": NOTHING, "former": former}
    assert groups(made, "paris-1") == {"guards_first", "guards_proved", "asked"}
    assert "paris-1 opens the ports of oned: the rules of role firewall are removed" in made["text"][-1]
    bare = federated()
    assert plan(declared(False), madrid_1=bare[0], paris_1=bare[1])["changed"] is False


def test_a_zone_that_joins_is_let_in_before_it_calls_and_nobody_is_shut_out_before_the_end() -> None:
    stranger, lyon = "203.0.113.9", frontend()
    master, paris = both(MADRID, PARIS, stranger)
    for side in (master, paris, lyon):
        side["probes"]["http://192.0.2.41:2633/RPC2"] = OPEN
    lyon["probes"].update({MASTER_URL: REFUSED, PARIS_URL: REFUSED})
    what = declared(zones=("madrid", "paris", "lyon"))
    made = plan(what, madrid_1=master, paris_1=paris, lyon_1=lyon)
    assert (made["errors"], made["left_out"], made["zones"]["lyon"]["action"]) == ([], [], "join")
    guard = made["firewall"]["guards"]["madrid-1"]
    assert guard["first"] == {"ports": [2633, 2634], "sources": [MADRID, PARIS, LYON, stranger]}
    assert guard["last"]["sources"] == [MADRID, PARIS, LYON]
    assert f"madrid-1 lets in {LYON} and shuts out {stranger} at the end (firewall)" in made["master"]["changes"]
    assert groups(made, "madrid-1") == {"guards_first", "guards_last", "guards_proved", "asked"}
    # It is left out if it is refused still, once it was let in.
    facts = {"madrid-1": master, "paris-1": paris, "lyon-1": lyon}
    after = {host: host_facts({"frontend": one}) for host, one in facts.items()}
    [line] = link_faults(Federation.from_dict(what), Plan.from_dict(made), {}, after)["lyon"]
    assert f"lyon-1 is refused at {MASTER_URL}" in line


def test_a_refusal_that_is_not_the_rules_is_told() -> None:
    master, lyon = both(MADRID, PARIS, LYON)[0], frontend()
    lyon["probes"].update({MASTER_URL: REFUSED})
    made = plan(declared(zones=("madrid", "lyon")), madrid_1=master, lyon_1=lyon)
    assert f"lyon-1 is refused at {MASTER_URL}" in made["left_out"][0]


def test_rules_of_an_operator_that_refuse_a_zone_are_told() -> None:
    master, lyon = both(MADRID, PARIS)[0], frontend()
    lyon["probes"].update({MASTER_URL: REFUSED})
    made = plan(declared(None, zones=("madrid", "lyon")), madrid_1=master, lyon_1=lyon)
    assert f"lyon-1 is refused at {MASTER_URL}" in made["left_out"][0]


def test_a_zone_that_cannot_be_reached_is_let_in_still() -> None:
    master = both(MADRID, PARIS)[0]
    made = plan(declared(), madrid_1=master, paris_1={"unreachable": "no route to host"})
    assert made["firewall"]["guards"]["madrid-1"]["last"]["sources"] == [MADRID, PARIS]
    assert made["firewall"]["altered"] == []
    assert "paris-1" not in made["firewall"]["guards"]


def test_a_zone_that_is_not_declared_any_more_is_shut_out_unless_the_master_knows_it() -> None:
    master = both(MADRID, PARIS)[0]
    zones = [zone(0, "OpenNebula", MASTER_URL), zone(100, "paris", PARIS_URL)]
    known = {**frontend("MASTER", 0, "", zones), **guarded(MADRID, PARIS)}
    assert plan(declared(zones=("madrid",)), madrid_1=known)["firewall"]["altered"] == []
    master["api"]["zones"] = zones[:1]
    made = plan(declared(zones=("madrid",)), madrid_1=master)
    assert made["master"]["changes"] == [f"madrid-1 shuts out {PARIS} at the end (firewall)"]
    assert made["firewall"]["guards"]["madrid-1"]["first"] is None


@pytest.mark.parametrize("host", ["rome.example.org", "[fe80::1%x } accept; }]"])
def test_a_zone_that_nobody_knows_the_address_of_is_told(host: str) -> None:
    zones = [zone(0, "OpenNebula", MASTER_URL), zone(100, "rome", f"http://{host}:2633/RPC2")]
    made = plan(declared(zones=("madrid",)), madrid_1=frontend("MASTER", 0, "", zones))
    assert "%" not in str(made["firewall"])
    told = "Its firewall shuts out rome: the inventory does not know it, and its endpoint has no address for rules."
    assert told in "".join(made["text"])


def test_users_are_let_in_and_with_tls_others_no_longer_reach_the_proxy() -> None:
    master, paris = federated()
    tls: Found = {"federation_tls": True, "federation_tls_passphrase": "only-for-this-test"}
    made = plan(declared(federation_networks=[USERS], **tls), madrid_1=master, paris_1=paris)
    rules = made["firewall"]["guards"]["paris-1"]["last"]
    assert rules == {"ports": [2633, 2634, 2643], "sources": [MADRID, PARIS, USERS]}
    without = plan(declared(**tls), madrid_1=master, paris_1=paris)
    assert without["firewall"]["guards"]["paris-1"]["last"]["ports"] == [2633, 2634]


def test_floating_addresses_and_addresses_of_load_balancers_are_let_in() -> None:
    vip = {"zone_vip": "192.0.2.30/24", "zone_vip_interface": "eth0", "federation_firewall": True}
    hosts = {f"paris-{one}": {"ansible_host": f"192.0.2.3{one}", **vip} for one in (1, 2, 3)}
    balanced = {"zone_endpoint": "http://203.0.113.5:2633/RPC2", "federation_firewall": True}
    hosts["madrid-1"] = {"ansible_host": MADRID, "zone_role": "master", **balanced}
    what = topology("federation", {"madrid": ["madrid-1"], "paris": ["paris-1", "paris-2", "paris-3"]}, hosts)
    made = plan(what, madrid_1=frontend())
    assert made["firewall"]["guards"]["madrid-1"]["last"]["sources"] == [
        MADRID,
        *("192.0.2.30", "192.0.2.31", "192.0.2.32", "192.0.2.33"),
        "203.0.113.5",
    ]


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ({"has_firewall": True}, "no rules are in force"),
        (guarded(MADRID), f"its rules shut out {PARIS}"),
        (guarded(MADRID, PARIS, LYON), f"its rules let in {LYON} too"),
        (guarded(MADRID, PARIS, ports=(2633,)), "its rules close the ports 2633 instead of 2633, 2634"),
        ({**guarded(MADRID, PARIS), "has_firewall": False}, "its rules are gone with the next boot"),
        (guarded(MADRID, PARIS), ""),
    ],
)
def test_status_is_told_what_differs(rules: Found, fault: str) -> None:
    master, paris = both(MADRID, PARIS)
    facts = {"madrid-1": master, "paris-1": {**federated()[1], **rules}}
    found = {host: host_facts({"frontend": one}) for host, one in facts.items()}
    assert firewall_faults(Federation.from_dict(declared()), found) == ({"paris-1": fault} if fault else {})
    assert firewall_faults(Federation.from_dict(declared(None)), found) == {}
    made = plan(declared(), madrid_1=master, paris_1=facts["paris-1"])
    assert made["firewall"]["altered"] == (["paris-1"] if fault else [])


def test_who_calls_from_an_address_that_is_not_declared_is_noticed() -> None:
    master, paris = federated()
    what = declared()
    made = Plan.from_dict(plan(what, madrid_1=master, paris_1=paris)).firewall
    before = {host: host_facts({"frontend": one}) for host, one in (("madrid-1", master), ("paris-1", paris))}
    refused = {**paris, "probes": {**paris["probes"], MASTER_URL: REFUSED}}
    after = {**before, "paris-1": host_facts({"frontend": refused})}
    federation = Federation.from_dict(what)
    assert shut_out(federation, made, before, before) == {}
    assert shut_out(federation, made, before, after) == {"madrid-1": ["paris-1"]}
    # As it was before; or because the master's oned does not answer at all.
    assert shut_out(federation, made, after, after) == {}
    stopped = {**master, "probes": {**master["probes"], MASTER_URL: REFUSED}}
    assert shut_out(federation, made, before, {**after, "madrid-1": host_facts({"frontend": stopped})}) == {}
