# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a zone may leave its federation, what becomes of what refers to it, and how an interrupted run goes on."""

from __future__ import annotations

from typing import Any

import pytest
from planned import MASTER_URL, PARIS_URL, all_facts, frontend, topology, zone

from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.declared import Federation
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.plain import parse, plain
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.references import References
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.removal import plan_removal
from ansible_collections.onefed.opennebula.plugins.plugin_utils._plan.removal_planned import RemovalOptions
from ansible_collections.onefed.opennebula.plugins.plugin_utils._report.removal import make_removal_report

ZONES = [zone(0, "madrid", MASTER_URL), zone(100, "paris", PARIS_URL), zone(105, "rome", "http://192.0.2.99:2633/RPC2")]
LEFT = [each for each in ZONES if each["id"] != 100]
LOST = {"unreachable": "no route"}
NAMED = {
    "zone_id": 100,
    "name": "paris",
    "vdcs": [{"id": 100, "name": "lab", "resources": [["cluster", -10], ["vnet", 7]]}],
    "rules": [[27, "@101 NET/* USE #100"]],
    "groups": ["dev"],
    "marketplaces": [{"id": 100, "name": "shelf", "apps": ["recipe"]}],
}


def declared() -> dict[str, Any]:
    variables: dict[str, Any] = {
        "madrid-1": {"ansible_host": "192.0.2.11", "zone_role": "master"},
        "paris-1": {"ansible_host": "192.0.2.31", "zone_endpoint": PARIS_URL},
    }
    return topology("federation", {"madrid": ["madrid-1"], "paris": ["paris-1"]}, variables)


def found(zones: Any = None) -> dict[str, Any]:
    return {
        "madrid-1": {"frontend": frontend("MASTER", 0, "", ZONES if zones is None else zones)},
        "paris-1": {"frontend": frontend("SLAVE", 100, MASTER_URL, ZONES)},
    }


def alone(is_slave: bool = False) -> dict[str, Any]:
    """What leaves behind a zone of its own."""
    made = frontend("STANDALONE", 0, "", [zone(0, "paris", PARIS_URL)])
    made["database"]["is_slave"] = is_slave
    return {"frontend": made}


def plan(facts: dict[str, Any], what: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    given = {"zone": "paris", "confirm": "paris", **options}
    given["references"] = tuple(parse(References, one) for one in options.get("references", ()))
    wanted = RemovalOptions(**given)
    made: dict[str, Any] = plain(plan_removal(Federation.from_dict(what or declared()), all_facts(facts), wanted))
    return made


def test_the_plan_names_all_that_refers_to_the_zone() -> None:
    made = plan(found(), references=(NAMED, {**NAMED, "zone_id": 0, "name": "madrid"}))
    assert (made["errors"], made["hosts"], made["zone_id"]) == ([], ["paris-1"], 100)
    assert (made["convert"], made["starts"], made["record"]) == (True, True, True)
    assert made["groups"] == {
        "madrid-1": ["federation_master", "federation_deleting"],
        "paris-1": ["federation_leaving"],
    }
    assert made["text"] == [
        "paris (http://192.0.2.31:2633/RPC2): leaves the federation; goes on as a zone of its own",
        "  ~ oned stops; full backup",
        "  ~ in its own database zone 100 becomes zone 0, and records, rules, VDC entries and marketplaces of other "
        "zones are removed; users, groups, quotas and objects stay",
        "  ~ MODE SLAVE -> STANDALONE, ZONE_ID -> 0",
        "  ~ oned starts, open to nobody else where it can be locked down, until its record is gone",
        "  ~ at the master: record 100 is deleted, and its id is never used again",
        "  ~ VDC lab loses, of zone 100: cluster ALL, vnet 7",
        "  ~ access rules on zone 100 are removed (1): @101 NET/* USE #100",
        "  ~ groups that have such rules stay, without them: dev",
        "  ~ marketplace shelf of zone 100 goes, with the records of its apps recipe; what it keeps stays where it is",
        f"  ? {made['warnings'][0]}",
    ]
    assert "rotate_oneadmin" in made["warnings"][0]


def test_nothing_happens_unless_the_exact_name_confirms_it() -> None:
    for confirm in (None, "federation", "Paris"):
        made = plan(found(), confirm=confirm)
        assert (len(made["errors"]), made["groups"]) == (1, {})
        assert "-e remove_confirm=paris" in made["errors"][0]
    assert plan(found(), confirm=None, check=True)["errors"] == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"zone": "madrid"}, "madrid is the master's zone"),
        ({"zone": "berlin"}, "has a zone 'berlin'. Run again with -e zone= and one of: paris, rome."),
        ({"zone": None}, "has a zone ''"),
        ({"zone": "rome"}, "add -e lost=rome"),
        ({"remove_as": "gone"}, "remove_as is 'gone'"),
        ({"lost": "paris"}, "paris is called lost, and it answers"),
        ({"unread": "no answer"}, "The master cannot be asked: no answer."),
    ],
)
def test_what_is_refused_by_its_options(options: dict[str, Any], told: str) -> None:
    made = plan(found(), **options)
    assert len(made["errors"]) == 1 and told in made["errors"][0]
    assert (made["groups"], made["changed"]) == ({}, False)


def test_a_master_that_does_not_lead_is_not_written_to() -> None:
    facts = found()
    facts["madrid-1"]["frontend"]["service"]["state"] = "stopped"
    assert "its oned is stopped, with MODE MASTER" in plan(facts)["errors"][0]
    assert "no route" in plan({**facts, "madrid-1": LOST})["errors"][0]


def test_a_slave_of_others_or_without_tables_is_refused() -> None:
    facts = found()
    facts["paris-1"]["frontend"] = frontend(
        "SLAVE", 100, "http://198.51.100.1:2633/RPC2", [zone(100, "paris", "http://x/RPC2")]
    )
    assert "not a member of this federation" in plan(facts)["errors"][0]
    facts["paris-1"]["frontend"] = frontend("SLAVE", 100, MASTER_URL, LEFT)
    assert "no record of its own zone 100" in plan(facts)["errors"][0]


def test_only_the_record_of_a_lost_zone_goes() -> None:
    facts = {**found(), "paris-1": LOST}
    assert "if it is lost for good, add -e lost=paris" in plan(facts)["errors"][0]
    facts["madrid-1"]["frontend"]["probes"] = {PARIS_URL: {"state": "timeout"}}
    made = plan(facts, lost=("paris",), references=(NAMED,))
    assert (made["errors"], made["hosts"], made["record"], made["zone_id"]) == ([], [], True, 100)
    assert made["groups"]["paris-1"] == []
    facts["madrid-1"]["frontend"]["probes"] = {PARIS_URL: {"state": "open"}}
    assert "something answers at its endpoint" in plan(facts, lost=("paris",))["errors"][0]


def test_a_record_that_the_inventory_does_not_have_goes_too() -> None:
    made = plan(found(), zone="rome", confirm="rome", lost=("rome",))
    assert (made["errors"], made["zone_id"], made["hosts"], made["declared"]) == ([], 105, [], False)


def test_an_interrupted_run_goes_on_where_it_was() -> None:
    begun = {"paris-1": 100}
    facts = found()
    facts["paris-1"]["frontend"] = frontend("SLAVE", 100, MASTER_URL, [zone(0, "paris", PARIS_URL)])
    assert plan(facts, open=begun)["convert"] is True
    made = plan({**found(), "paris-1": alone()}, open=begun)
    assert (made["convert"], made["record"], made["hosts"]) == (False, True, ["paris-1"])
    made = plan({**found(LEFT), "paris-1": alone()}, open=begun)
    assert (made["record"], made["hosts"], made["zone_id"], made["errors"]) == (False, ["paris-1"], 100, [])


def test_what_it_left_behind_goes_and_then_there_is_nothing_to_do() -> None:
    dangling = {**NAMED, "name": None}
    made = plan({**found(LEFT), "paris-1": alone()}, references=(dangling,))
    assert (made["hosts"], made["record"], made["groups"]["madrid-1"]) == (
        [],
        False,
        ["federation_master", "federation_deleting"],
    )
    assert "zone 100, which is no more" in "\n".join(made["text"])
    done = plan({**found(LEFT), "paris-1": alone()}, confirm=None)
    assert (done["changed"], done["errors"], done["groups"]) == (
        False,
        [],
        {"madrid-1": ["federation_master"], "paris-1": []},
    )


def test_the_report_tells_what_was_done_and_what_was_not() -> None:
    made = plan(found(), references=(NAMED,))
    gone = {
        "converted": {"backup": "/b/one.db"},
        "ready": True,
        "settled": True,
        "stopped_at": 10.0,
        "started_at": 15.4,
    }
    hosts: dict[str, Any] = {"madrid-1": {"record_gone": True, "deleted": True}, "paris-1": gone}
    report = make_removal_report(made, hosts)
    assert report == {
        "text": [
            "Backup: /b/one.db on paris-1.",
            "paris has left the federation. It runs as a zone of its own, zone 0. It was out of service for 5 s.",
            "Record 100 of paris is deleted, and what referred to it.",
            "Take paris from the inventory, or playbook federate lets it join again.",
        ],
        "undone": [],
    }
    back = make_removal_report(made, {"madrid-1": {}, "paris-1": {"returned": True, "failure": "oned did not start."}})
    assert back["undone"] == ["paris did not leave: oned did not start. Mend that, and run again."]
    assert back["text"][0] == "paris is in the federation as before."
    lost = make_removal_report(made, {"madrid-1": {"failure": "no answer"}, "paris-1": {"ready": True}})
    assert len(lost["undone"]) == 2 and all("Run again with the same command." in line for line in lost["undone"])
    stuck = make_removal_report(
        made, {"madrid-1": {"failure": "it does not leave"}, "paris-1": {"failure": "no start"}}
    )
    assert stuck["undone"] == ["paris is not done with leaving: no start. Run again with the same command."]
    assert make_removal_report(made, hosts, check=True)["text"] == []
