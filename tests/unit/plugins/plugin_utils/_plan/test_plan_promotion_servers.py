# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones of several servers on both sides of a change of the master, and beside it."""

from __future__ import annotations

from typing import Any

import pytest
from planned import MASTER_URL, all_facts, frontend, make_plan, plan_rotation, topology, zone

from ansible_collections.onefed.opennebula.plugins.filter.newest_server import newest_server
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.declared import Federation
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.plain import plain
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.promotion import PromotionOptions, plan_promotion
from ansible_collections.onefed.opennebula.plugins.plugin_utils._report.promotion import make_promotion_report

LOST = {"unreachable": "no route"}
URLS = {"madrid": MASTER_URL, "paris": "http://192.0.2.30:2633/RPC2", "lyon": "http://192.0.2.40:2633/RPC2"}
IDS = {"madrid": 0, "paris": 100, "lyon": 101}
NET = {"madrid": 10, "paris": 30, "lyon": 40}
OPTIONS = {"zone": "paris", "lost": "madrid"}


class Zones:
    """A master and two slaves, each with a number of servers; the second one of several leads."""

    def __init__(self, **servers: int) -> None:
        self.count = {"madrid": 1, "paris": 1, "lyon": 1, **servers}
        self.hosts = {name: [f"{name}-{number + 1}" for number in range(self.count[name])] for name in IDS}
        self.facts: dict[str, Any] = {}
        for name in IDS:
            for number, host in enumerate(self.hosts[name]):
                self.facts[host] = {"frontend": self._frontend(name, number)}

    def _frontend(self, name: str, number: int) -> dict[str, Any]:
        mode, master = ("MASTER", "") if name == "madrid" else ("SLAVE", MASTER_URL)
        records = [{**zone(IDS[one], one, URLS[one]), "servers": self._listed(one)} for one in IDS]
        found = frontend(mode, IDS[name], master, records)
        found["probes"] = {MASTER_URL: {"state": "timeout"}}
        if self.count[name] > 1:
            leads = "leader" if number == 1 else "follower"
            found["conf"]["server_id"] = number
            found["api"]["raft"] = {"state_name": leads, "server_id": number, "log_index": 30}
        return found

    def _listed(self, name: str) -> list[dict[str, Any]]:
        if self.count[name] == 1:
            return []
        return [
            {"id": number, "name": host, "endpoint": self._url(name, number)}
            for number, host in enumerate(self.hosts[name])
        ]

    @staticmethod
    def _url(name: str, number: int) -> str:
        return f"http://192.0.2.{NET[name] + number + 1}:2633/RPC2"

    def declared(self, master: str | None = None) -> dict[str, Any]:
        variables: dict[str, dict[str, Any]] = {}
        for name, hosts in self.hosts.items():
            for number, host in enumerate(hosts):
                role = {"zone_role": "master"} if name == "madrid" else {}
                variables[host] = {"ansible_host": f"192.0.2.{NET[name] + number + 1}", **role}
                variables[host]["zone_endpoint"] = URLS[name]
                if self.count[name] > 1:
                    variables[host]["oned_database_backend"] = "mysql"
        return topology("federation", self.hosts, variables, promoted=master)

    def lose(self, *hosts: str) -> Zones:
        self.facts.update(dict.fromkeys(hosts, LOST))
        return self

    def set(self, name: str, **conf: Any) -> None:
        for host in self.hosts[name]:
            self.facts[host]["frontend"]["conf"].update(conf)

    def plan(self, **options: Any) -> dict[str, Any]:
        federation = Federation.from_dict(self.declared())
        made: dict[str, Any] = plain(plan_promotion(federation, all_facts(self.facts), PromotionOptions(**options)))
        return made


def test_all_servers_of_a_zone_take_the_place_of_a_lost_master() -> None:
    made = Zones(paris=3).lose("madrid-1").plan(zone="paris")
    assert (made["errors"], made["promote"], made["lost"], made["rotate"]) == ([], "paris-2", True, True)
    assert made["promoting"] == ["paris-1", "paris-3", "paris-2"]
    assert (made["listed"], made["demoting"]) == (3, [])
    assert made["groups"]["paris-1"] == ["federation_promoting", "federation_settling"]
    assert made["groups"]["paris-2"] == [
        *("federation_master", "federation_promoting", "federation_promoted", "federation_settling")
    ]
    assert made["renumbered"] == {"0": 3}
    assert made["server_ids"] == {"paris-1": 3, "paris-2": 1, "paris-3": 2}
    assert "  ~ server 0 gets the id 3: oned sends nothing to a zone that has its leader's id" in made["text"]
    assert "  ~ paris-1, paris-3, paris-2: all stop; the newest one's database is copied to the others" in made["text"]


def test_a_master_of_several_servers_is_lost_when_all_of_them_are() -> None:
    made = Zones(madrid=3).lose("madrid-1", "madrid-2", "madrid-3").plan(zone="paris")
    assert (made["errors"], made["promote"], made["lost"], made["locking"]) == ([], "paris-1", True, [])


def test_of_a_master_of_several_servers_a_leader_is_enough_to_live() -> None:
    made = Zones(madrid=3).lose("madrid-1").plan(**OPTIONS)
    assert made["errors"] == [
        "madrid: It is called lost, and it answers. Run again without -e lost=, which changes places with it; or "
        "switch its machine off first."
    ]
    [line] = Zones(madrid=3).lose("madrid-1").plan(zone="paris")["errors"]
    told = "madrid-1: It is a server of madrid, which is to give its place up, and cannot be worked on: "
    assert line.startswith(told)


def test_what_is_left_of_a_master_without_a_leader_is_kept_out_once_its_loss_is_confirmed() -> None:
    zones = Zones(madrid=3).lose("madrid-2", "madrid-3")
    zones.facts["madrid-1"]["frontend"]["api"]["raft"]["state_name"] = "candidate"
    [line] = zones.plan(zone="paris")["errors"]
    assert "it has no leader, and another server could lead unseen" in line
    made = zones.plan(**OPTIONS)
    assert (made["errors"], made["lost"], made["locking"]) == ([], True, ["madrid-1"])
    assert made["groups"]["madrid-1"] == ["federation_locking"]
    assert made["allow"] == ["192.0.2.11", "192.0.2.12", "192.0.2.13"]


@pytest.mark.parametrize(("madrid", "paris"), [(1, 3), (3, 1), (3, 3)])
def test_zones_change_places_with_all_their_servers(madrid: int, paris: int) -> None:
    zones = Zones(madrid=madrid, paris=paris, lyon=3)
    made = zones.plan(zone="paris")
    assert (made["errors"], made["lost"], made["rotate"]) == ([], False, False)
    assert (len(made["demoting"]), len(made["promoting"])) == (madrid, paris)
    assert made["demoting"][-1] == made["demote"] == ("madrid-2" if madrid > 1 else "madrid-1")
    assert made["follow"]["lyon"]["hosts"] == ["lyon-1", "lyon-3", "lyon-2"]
    assert made["turns"] == 3


def test_the_servers_of_a_former_master_that_stand_still_after_an_interruption_go_on() -> None:
    zones = Zones(madrid=3, paris=3)
    zones.set("paris", mode="MASTER")
    for host in zones.hosts["paris"]:
        zones.facts[host]["frontend"]["database"]["is_slave"] = False
    for host in zones.hosts["madrid"]:
        zones.facts[host]["frontend"]["service"]["state"] = "stopped"
        zones.facts[host]["frontend"]["api"] = {"state": "refused"}
    made = zones.plan(zone="paris", open={"paris-1": 12})
    assert (made["errors"], made["promote"], made["settle"], made["ended"]) == ([], None, True, 12)
    assert made["demoting"] == ["madrid-2", "madrid-3", "madrid-1"]


def test_a_zone_that_was_interrupted_without_a_leader_becomes_the_master_again() -> None:
    zones = Zones(paris=3).lose("madrid-1")
    for host in zones.hosts["paris"]:
        zones.facts[host]["frontend"]["service"]["state"] = "stopped"
        zones.facts[host]["frontend"]["api"] = {"state": "refused"}
    zones.facts["paris-1"]["frontend"]["conf"]["mode"] = "MASTER"
    zones.facts["paris-1"]["frontend"]["database"]["is_slave"] = False
    made = zones.plan(zone="paris", open={"paris-1": 12, "paris-2": 0})
    assert (made["errors"], made["promote"] in zones.hosts["paris"], made["ended"]) == ([], True, 12)
    assert sorted(made["promoting"]) == zones.hosts["paris"]


def test_a_majority_is_enough_and_the_others_are_left_out() -> None:
    made = Zones(paris=3).lose("madrid-1", "paris-3").plan(**OPTIONS)
    assert (made["errors"], made["promoting"]) == ([], ["paris-1", "paris-2"])
    assert made["leave_out"] == ["paris-3", "madrid"]
    [line] = made["left"]
    assert line.startswith("paris, paris-3 could not be asked and does not know of the change: ")
    assert line.endswith("Keep its oned stopped, and run playbook resync when it is back.")
    [line] = Zones(paris=3).lose("madrid-1", "paris-3", "paris-1").plan(**OPTIONS)["errors"]
    assert line.startswith("paris, paris-2: 1 of its 3 servers can be worked on: paris-1: Ansible cannot reach it")


def test_a_server_whose_copy_was_interrupted_is_completed_first() -> None:
    zones = Zones(paris=3).lose("madrid-1")
    zones.facts["paris-1"]["frontend"]["journal"] = {"id": "1", "opened_at": "yesterday", "kind": "server", "steps": []}
    assert any("yesterday" in line for line in zones.plan(zone="paris")["errors"])


def test_a_zone_of_several_servers_that_is_ahead_is_promoted_instead() -> None:
    zones = Zones(lyon=3).lose("madrid-1")
    for host in zones.hosts["lyon"]:
        zones.facts[host]["frontend"]["database"]["log"]["last_federated_index"] = 15
    assert zones.plan(zone="paris")["errors"] == [
        "lyon: It has several servers and ends with federated record 15, paris with 12. Promote this zone instead, "
        "which also loses less."
    ]
    assert zones.plan(zone="lyon")["errors"] == []


def test_a_password_changes_without_a_server_that_is_left_out() -> None:
    zones = Zones(paris=3).lose("paris-3")
    assert "paris-3" in " ".join(plan_rotation(zones.declared(), zones.facts, [])["errors"])
    made = plan_rotation(zones.declared(), zones.facts, ["paris-3"])
    assert (made["errors"], sorted(made["hosts"])) == ([], ["lyon-1", "madrid-1", "paris-1", "paris-2"])


def stopped(index: int | None, term: int = 1) -> dict[str, Any]:
    log = {"last_index": index, "last_applied": index, "term": term, "applied_term": term}
    return {"onefed": {"result": {"stopped": {"log": log}}}}


def test_the_newest_server_is_the_one_that_has_carried_out_most() -> None:
    hosts = {"a": stopped(12), "b": stopped(14), "c": stopped(14), "d": stopped(3, 2)}
    assert newest_server(["a", "b", "c"], hosts) == "c"
    assert newest_server(["c", "b", "a"], hosts) == "b"
    assert newest_server(["d", "b", "a"], hosts) == "d"
    assert newest_server(["a"], {"a": stopped(None)}) == "a"
    assert newest_server(["a", "b"], {**hosts, "b": {"onefed": {"result": {}}}}) == ""
    assert newest_server([], {}) == ""


def test_a_server_that_did_not_become_a_copy_is_left_undone() -> None:
    made = Zones(paris=3).lose("madrid-1").plan(zone="paris")
    well: dict[str, Any] = {"started": {"changed": True}, "role": {"backup": "/b"}, "proved": {"changed": True}}
    followed = {"lyon-1": {"followed": {"failed": False}}}
    hosts = {"paris-1": well, "paris-2": well, "paris-3": {"failure": "Copy it: no room."}, **followed}
    report = make_promotion_report(made, hosts)
    assert report["text"][0] == "paris is the master. Backup: /b on paris-1. Backup: /b on paris-2."
    assert report["undone"] == [
        "paris, paris-3 does not take part: Copy it: no room. Keep its oned stopped, and run playbook resync."
    ]


def test_zone_0_keeps_its_servers_ids_when_it_becomes_the_master_again() -> None:
    zones = Zones(madrid=3)
    zones.set("madrid", mode="SLAVE", master_oned=URLS["paris"])
    zones.set("paris", mode="MASTER", master_oned="")
    for host in zones.hosts["madrid"]:
        zones.facts[host]["frontend"]["database"]["is_slave"] = True
    zones.facts["paris-1"]["frontend"]["database"]["is_slave"] = False
    made = zones.plan(zone="madrid")
    assert (made["errors"], made["renumbered"]) == ([], {})
    assert made["server_ids"] == {"madrid-1": 0, "madrid-2": 1, "madrid-3": 2}


def test_a_master_whose_zone_is_not_0_gets_no_servers_of_which_the_first_would_have_its_id() -> None:
    zones = Zones(paris=3)
    zones.set("madrid", mode="SLAVE", master_oned=URLS["paris"])
    zones.set("paris", mode="MASTER", master_oned="", server_id=-1)
    for host in zones.hosts["paris"]:
        zones.facts[host]["frontend"]["database"]["is_slave"] = False
        zones.facts[host]["frontend"]["api"]["raft"] = {"state_name": "solo", "server_id": -1}
        for record in zones.facts[host]["frontend"]["api"]["zones"]:
            record["servers"] = []
    made = make_plan(zones.declared("paris"), zones.facts, list(zones.facts))
    told = [line for line in made["text"] if line.endswith("[server_id_of_zone]")]
    assert [line[:55] for line in told] == ["  ! paris-1: Its server id is, or would be, 0, the id of"[:55]]


def taken(madrid: int = 12, paris: int = 12) -> Zones:
    """Paris, of three servers, took the place of madrid, which is there as it was; both end with such records."""
    zones = Zones(paris=3)
    zones.set("paris", mode="MASTER", master_oned="")
    for host in zones.hosts["paris"]:
        zones.facts[host]["frontend"]["database"]["is_slave"] = False
        zones.facts[host]["frontend"]["database"]["log"]["last_federated_index"] = paris
        for record in zones.facts[host]["frontend"]["api"]["zones"]:
            record["servers"] = [{**one, "id": one["id"] or 3} for one in record["servers"]]
    zones.facts["madrid-1"]["frontend"]["database"]["log"]["last_federated_index"] = madrid
    return zones


def test_a_master_goes_back_into_its_place_before_anything_was_written() -> None:
    made = taken().plan(zone="madrid", open={"paris-1": 12, "paris-2": 12, "paris-3": 12})
    assert (made["errors"], made["promote"], made["demote"], made["lost"]) == ([], None, "paris-2", False)
    assert (made["goes_back"], made["ended"], made["rotate"]) == (True, 12, False)
    assert made["demoting"] == ["paris-1", "paris-3", "paris-2"]
    assert made["former_ids"] == {"paris-1": 0, "paris-2": 1, "paris-3": 2}
    assert made["text"][0].endswith("; goes back into its place, as nothing was written since paris took it")


def test_a_way_back_that_was_interrupted_goes_on() -> None:
    zones = taken()
    for host in ("paris-1", "paris-2"):
        found = zones.facts[host]["frontend"]
        found["conf"].update(mode="SLAVE", master_oned=MASTER_URL)
        found["database"]["is_slave"] = True
    for host in zones.hosts["paris"]:
        zones.facts[host]["frontend"]["service"]["state"] = "stopped"
        zones.facts[host]["frontend"]["api"] = {"state": "refused"}
    made = zones.plan(zone="madrid", open={"paris-3": 12})
    assert (made["errors"], made["goes_back"], made["follow"].get("paris")) == ([], True, None)
    assert sorted(made["demoting"]) == zones.hosts["paris"]


def test_a_master_does_not_go_back_once_something_was_written() -> None:
    noted = {"paris-1": 12}
    [line] = taken(paris=14).plan(zone="madrid", open=noted)["errors"]
    assert "paris is the master since, and was written to: it took over after record 12, and ends with 14." in line
    assert taken(madrid=11).plan(zone="madrid", open=noted)["errors"] != []


@pytest.mark.parametrize("name", ["madrid", "paris"])
def test_of_two_masters_the_operator_says_which_one_is_followed(name: str) -> None:
    [line] = taken().plan(zone=name)["errors"]
    assert "It calls itself the master, and" in line
    assert "Give zone_role: master to the one that the other zones follow" in line


def test_fireedge_of_the_new_master_does_not_fall_back_on_the_lost_zone() -> None:
    zones = Zones(paris=3).lose("madrid-1")
    stock = {"default_zone": {"id": None, "name": None, "endpoint": None}, "error": None}
    own = {"default_zone": {"id": "100", "name": "paris", "endpoint": URLS["paris"]}, "error": None}
    for host, fireedge in zip(zones.hosts["paris"], (stock, own, {"error": "it has no block"})):
        zones.facts[host]["frontend"]["fireedge"] = fireedge
    made = zones.plan(zone="paris")
    assert (made["name"], made["fireedge"]) == ("paris", ["paris-1"])
    assert f"  ~ FireEdge on paris-1: default_zone -> paris, {URLS['paris']}" in made["text"]


def back() -> Zones:
    """Madrid, which was the master, is back with its three servers; paris is the master by now."""
    zones = Zones(madrid=3)
    zones.set("paris", mode="MASTER", master_oned="")
    zones.facts["paris-1"]["frontend"]["database"]["is_slave"] = False
    endpoints = [zones._url("madrid", number) for number in range(3)] + list(URLS.values())
    for one in zones.facts.values():
        one["frontend"]["conf"]["backend"] = "mysql"
        one["frontend"]["database"].update(backend="mysql", dump_program="mariadb-dump", charset="utf8mb4")
        one["frontend"]["probes"] = {endpoint: {"state": "open", "detail": ""} for endpoint in endpoints}
    return zones


def test_a_former_master_of_several_servers_joins_with_its_leader_and_gets_the_others_anew() -> None:
    zones = back()
    made = make_plan(zones.declared("paris"), zones.facts, list(zones.facts))
    madrid = made["zones"]["madrid"]
    assert (madrid["action"], madrid["problems"], madrid["host"], madrid["zone_id"]) == ("join", [], "madrid-2", 0)
    assert (madrid["stop_peers"], madrid["leads"]) == (["madrid-1", "madrid-3"], True)
    assert madrid["conf"]["vectors"]["FEDERATION"]["SERVER_ID"] == "-1"
    servers = madrid["servers"]
    assert sorted(gone["host"] for gone in servers["remove_server"]) == ["madrid-1", "madrid-3"]
    assert (servers["add_server"], servers["new"]) == (["madrid-1", "madrid-3"], ["madrid-1", "madrid-3"])
    assert (servers["ids"], servers["bootstrap_leader"]) == ({"madrid-2": 1}, False)


def test_a_former_master_without_a_leader_stays_out() -> None:
    zones = back()
    zones.facts["madrid-2"]["frontend"]["api"]["raft"]["state_name"] = "candidate"
    made = make_plan(zones.declared("paris"), zones.facts, list(zones.facts))
    madrid = made["zones"]["madrid"]
    assert (madrid["action"], [one["code"] for one in madrid["problems"]]) == ("excluded", ["no_leader"])


def test_an_interrupted_return_of_a_former_master_goes_on_with_the_server_that_joined() -> None:
    zones = back()
    for host in ("madrid-1", "madrid-3"):
        zones.facts[host]["frontend"]["service"]["state"] = "stopped"
        zones.facts[host]["frontend"]["api"] = {"state": "refused"}
    joined = zones.facts["madrid-2"]["frontend"]
    joined["conf"].update(mode="SLAVE", master_oned=URLS["paris"], server_id=-1)
    joined["database"]["is_slave"] = True
    joined["api"]["raft"]["state_name"] = "solo"
    made = make_plan(zones.declared("paris"), zones.facts, list(zones.facts))
    madrid = made["zones"]["madrid"]
    assert (madrid["host"], madrid["problems"], madrid["server_problems"]) == ("madrid-2", [], [])
    servers = madrid["servers"]
    assert sorted(gone["host"] for gone in servers["remove_server"]) == ["madrid-1", "madrid-3"]
    assert servers["add_server"] == ["madrid-1", "madrid-3"]


def test_a_zone_that_an_earlier_run_left_stopped_catches_up_first() -> None:
    zones = Zones(paris=3)
    for host in zones.hosts["paris"]:
        zones.facts[host]["frontend"]["service"]["state"] = "stopped"
        zones.facts[host]["frontend"]["api"] = {"state": "refused"}
    made = zones.plan(zone="paris")
    assert (made["errors"], sorted(made["catching_up"])) == ([], zones.hosts["paris"])
    assert "federation_catching_up" in made["groups"]["paris-1"]
    back = "  ~ paris-2, paris-3, paris-1: back to where an interrupted run began, to catch up first"
    assert back in made["text"]


def test_servers_that_were_made_over_while_the_master_went_on_begin_anew() -> None:
    zones = Zones(paris=3)
    zones.set("paris", mode="MASTER", master_oned="")
    zones.lose("paris-3")
    for host in ("paris-1", "paris-2"):
        found = zones.facts[host]["frontend"]
        found["service"]["state"] = "stopped"
        found["api"] = {"state": "refused"}
        found["database"]["is_slave"] = False
    made = zones.plan(zone="paris", open={"paris-1": 12, "paris-2": 12})
    assert (made["errors"], made["ended"], made["demote"]) == ([], None, "madrid-1")
    assert sorted(made["catching_up"]) == sorted(made["promoting"]) == ["paris-1", "paris-2"]
    assert made["slave_ids"] == {"paris-1": 0, "paris-2": 1}
    # Once they are what they were, their ids change as in the first run.
    assert (made["renumbered"], made["server_ids"]) == ({"0": 3}, {"paris-1": 3, "paris-2": 1})
    zones.facts["madrid-1"]["frontend"]["service"]["state"] = "stopped"
    made = zones.plan(zone="paris", open={"paris-1": 12, "paris-2": 12})
    assert (made["ended"], made["catching_up"]) == (12, [])
    assert zones.lose("madrid-1").plan(zone="paris")["catching_up"] == []
