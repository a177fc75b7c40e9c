# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A zone of several servers leaves with all of them, and how an interrupted run goes on."""

from __future__ import annotations

from typing import Any

import pytest
from planned import MASTER_URL, all_facts, frontend, topology, zone

from ansible_collections.onefed.opennebula.plugins.filter.removal import removal
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.declared import Federation
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.plain import plain
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.removal import plan_removal
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.removal_planned import RemovalOptions
from ansible_collections.onefed.opennebula.plugins.plugin_utils._report.removal import make_removal_report

PARIS = ["paris-1", "paris-2", "paris-3"]
MADRID = ["madrid-1", "madrid-2"]
URL = "http://192.0.2.30:2633/RPC2"
BEGUN = dict.fromkeys(PARIS, 100)


def declared() -> dict[str, Any]:
    variables: dict[str, dict[str, Any]] = {}
    for net, hosts, url in ((10, MADRID, MASTER_URL), (30, PARIS, URL)):
        for number, host in enumerate(hosts):
            variables[host] = {"ansible_host": f"192.0.2.{net + number + 1}", "zone_endpoint": url}
            variables[host]["oned_database_backend"] = "mysql"
            variables[host].update({"zone_role": "master"} if hosts is MADRID else {}, zone_allow_even=True)
    return topology("federation", {"madrid": MADRID, "paris": PARIS}, variables)


def listed(net: int, hosts: list[str]) -> list[dict[str, Any]]:
    return [
        {"id": number, "name": host, "endpoint": f"http://192.0.2.{net + number + 1}:2633/RPC2"}
        for number, host in enumerate(hosts)
    ]


def server(mode: str, zone_id: int, master: str, records: list[dict[str, Any]], number: int) -> dict[str, Any]:
    """The second one of a zone leads it."""
    made = frontend(mode, zone_id, master, records)
    made["conf"]["server_id"] = number
    made["api"]["raft"] = {"state_name": "leader" if number == 1 else "follower", "server_id": number, "log_index": 30}
    return {"frontend": made}


def found() -> dict[str, Any]:
    records = [
        {**zone(0, "madrid", MASTER_URL), "servers": listed(10, MADRID)},
        {**zone(100, "paris", URL), "servers": listed(30, PARIS)},
    ]
    made = {host: server("MASTER", 0, "", records, number) for number, host in enumerate(MADRID)}
    return {**made, **{host: server("SLAVE", 100, MASTER_URL, records, number) for number, host in enumerate(PARIS)}}


def alone(number: int, mode: str = "STANDALONE") -> dict[str, Any]:
    """A server that is made over, with or without its oned.conf."""
    made = server(mode, 0, "", [{**zone(0, "paris", URL), "servers": listed(30, PARIS)}], number)
    made["frontend"]["database"]["is_slave"] = False
    made["frontend"]["conf"]["zone_id"] = 0 if mode == "STANDALONE" else 100
    return made


def gone(facts: dict[str, Any]) -> dict[str, Any]:
    """The master has forgotten the zone."""
    for host in MADRID:
        for place in (facts[host]["frontend"]["database"], facts[host]["frontend"]["api"]):
            place["zones"] = [one for one in place["zones"] or [] if one["id"] == 0]
    return facts


def plan(facts: dict[str, Any], **options: Any) -> dict[str, Any]:
    wanted = RemovalOptions(**{"zone": "paris", "confirm": "paris", **options})
    made: dict[str, Any] = plain(plan_removal(Federation.from_dict(declared()), all_facts(facts), wanted))
    return made


def test_all_servers_leave_and_who_leads_deletes_at_the_master() -> None:
    made = plan(found())
    assert (made["errors"], made["hosts"]) == ([], ["paris-1", "paris-3", "paris-2"])
    assert (made["stopping"], made["convert"], made["undo"]) == (made["hosts"], True, [])
    assert made["allow"] == ["192.0.2.31", "192.0.2.32", "192.0.2.33"]
    assert made["groups"] == {
        "madrid-1": [],
        "madrid-2": ["federation_master", "federation_deleting"],
        **dict.fromkeys(PARIS, ["federation_leaving"]),
    }
    assert "  ~ paris-1, paris-3, paris-2: all stop; the newest one's database is copied to the others" in made["text"]


def test_a_server_that_would_stay_behind_keeps_the_zone() -> None:
    half = plan({**found(), "paris-2": {"unreachable": "no route"}}, lost=("paris",))
    assert half["errors"][0].startswith("paris-2: It cannot be used, and other servers of its zone can")
    facts = found()
    for record in facts["madrid-2"]["frontend"]["api"]["zones"]:
        record["servers"] = [*record["servers"], {"id": 7, "name": "old", "endpoint": "http://192.0.2.77:2633/RPC2"}]
    assert "server old (endpoint http://192.0.2.77:2633/RPC2)" in plan(facts)["errors"][0]


def test_a_zone_leaves_without_a_server_that_is_lost_for_good() -> None:
    facts = {**found(), "paris-3": {"unreachable": "no route"}}
    [line] = plan(facts)["errors"]
    assert line.startswith("paris-3: It cannot be used") and "add -e lost=paris-3 to the command" in line
    made = plan(facts, lost=("paris-3",))
    assert (made["errors"], made["hosts"], made["lost"]) == ([], ["paris-1", "paris-2"], ["paris-3"])
    assert made["groups"]["paris-3"] == []
    assert made["warnings"][0].startswith("paris-3: paris leaves without it. Keep its oned stopped.")
    assert "is called lost, and it answers" in plan(found(), lost=("paris-3",))["errors"][0]
    facts["madrid-2"]["frontend"]["probes"] = {"http://192.0.2.33:2633/RPC2": {"state": "open"}}
    assert "paris-3 is called lost, and something answers" in plan(facts, lost=("paris-3",))["errors"][0]


def test_a_minority_does_not_leave() -> None:
    gone = {"unreachable": "no route"}
    made = plan({**found(), "paris-1": gone, "paris-3": gone}, lost=("paris-1", "paris-3"))
    assert made["errors"][0].startswith("paris-1: It cannot be used, and other servers of its zone can")


def test_a_server_that_was_left_out_becomes_a_copy_of_those_that_have_left() -> None:
    facts = gone({**found(), **{host: alone(number) for number, host in enumerate(PARIS)}})
    made = plan(facts, open={"paris-3": 100})
    assert (made["errors"], made["convert"], made["undo"], made["record"]) == ([], True, [], False)
    assert sorted(made["stopping"]) == PARIS


def test_a_master_whose_servers_have_no_leader_is_not_written_to() -> None:
    facts = found()
    facts["madrid-2"]["frontend"]["api"]["raft"]["state_name"] = "candidate"
    assert "The master cannot be asked" in plan(facts)["errors"][0]


def test_one_that_is_being_copied_keeps_the_zone() -> None:
    facts = found()
    facts["paris-3"]["frontend"]["journal"] = {"opened_at": "yesterday", "kind": "server"}
    assert "The join or copy that was begun at yesterday" in plan(facts)["errors"][0]


def test_servers_that_are_made_over_in_part_begin_anew() -> None:
    facts = {**found(), "paris-2": alone(1, "SLAVE")}
    made = plan(facts, open={"paris-2": 100})
    assert (made["convert"], made["undo"], made["zone_id"]) == (True, ["paris-2"], 100)
    assert "  ~ paris-2: the database of before an interrupted run is put back, to begin anew" in made["text"]
    cut = plan({host: alone(PARIS.index(host)) if host in PARIS else one for host, one in found().items()}, open=BEGUN)
    assert (cut["convert"], cut["stopping"], cut["undo"], cut["errors"]) == (False, [], [], [])
    facts = {**found(), **{host: alone(number) for number, host in enumerate(PARIS)}}
    cut = plan(facts, open=BEGUN, copying=("paris-3",))
    assert (cut["convert"], sorted(cut["undo"])) == (True, PARIS)


def test_servers_that_are_made_over_only_get_their_conf() -> None:
    facts = {**found(), **{host: alone(number) for number, host in enumerate(PARIS)}, "paris-3": alone(2, "SLAVE")}
    made = plan(facts, open=BEGUN)
    assert (made["convert"], made["stopping"], made["record"]) == (False, ["paris-3"], True)


def test_without_a_record_there_is_no_way_back() -> None:
    facts = gone({**found(), "paris-1": alone(0), "paris-2": alone(1)})
    made = plan(facts, open={"paris-3": 100})
    assert (made["errors"], made["record"], made["convert"], made["undo"]) == ([], False, True, [])
    assert sorted(made["hosts"]) == PARIS


def test_the_filter_asks_the_master_that_leads_what_refers_to_the_zone() -> None:
    roles = {"paris-1": {"open": {"state": "standalone", "zone_id": 100, "copying": True}}, "paris-2": {"open": None}}
    asked = {"zone": "paris", "confirm": "paris", "roles": roles}
    named = {"madrid-1": {"msg": "it is a follower"}, "madrid-2": {"references": []}}
    made = removal(declared(), found(), {**asked, "references": named})
    assert (made["errors"], made["undo"]) == ([], ["paris-1"])
    facts = {**found(), "paris-3": {"unreachable": True}}
    assert removal(declared(), facts, {**asked, "references": named, "lost": "paris-3,"})["lost"] == ["paris-3"]
    refused = removal(declared(), found(), {**asked, "references": {"madrid-2": {"msg": "no answer"}}})
    assert "no answer" in refused["errors"][0]


GONE = {"converted": {"backup": "/b/one.sql"}, "stopped_at": 10.0, "settled": True, "started_at": 50.0}
MASTER = {"record_gone": True, "deleted": True}


@pytest.mark.parametrize(
    ("servers", "told", "undone"),
    [
        (
            {"paris-1": {**GONE, "ready": True}, "paris-2": {**GONE, "stopped_at": 9.0}, "paris-3": {**GONE}},
            "paris has left the federation. It runs as a zone of its own, zone 0. It was out of service for 41 s.",
            [],
        ),
        (
            {"paris-1": {**GONE, "ready": True}, "paris-2": GONE, "paris-3": {"failure": "oned did not start."}},
            "Backup: /b/one.sql on paris-2.",
            ["paris, paris-3 does not take part: oned did not start. Run again with the same command."],
        ),
        (
            {"paris-1": {"failure": "no room."}, "paris-2": {"returned": True}, "paris-3": {"returned": True}},
            "paris is in the federation as before.",
            [
                "paris did not leave: no room. Mend that, and run again.",
                "paris, paris-1 does not take part: no room. Run again with the same command.",
            ],
        ),
        (
            {"paris-1": {"failure": "no room."}, "paris-2": {}, "paris-3": {}},
            "Left undone:",
            ["paris is not done with leaving: no room. Run again with the same command."],
        ),
    ],
)
def test_the_report_tells_it_of_every_server(servers: dict[str, Any], told: str, undone: list[str]) -> None:
    master = MASTER if any("ready" in one for one in servers.values()) else {}
    report = make_removal_report(plan(found()), {"madrid-2": master, **servers})
    assert told in report["text"]
    assert report["undone"] == undone
