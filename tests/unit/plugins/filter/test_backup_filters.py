# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a backup takes and in which order, and what keeps a restore from beginning."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from grown import declared as three_declared
from grown import group_of_three, master
from planned import MASTER_URL, PARIS_URL, declared, frontend, topology, zone

from ansible_collections.onefed.opennebula.plugins.filter.backup import backup
from ansible_collections.onefed.opennebula.plugins.filter.backup_manifest import backup_manifest
from ansible_collections.onefed.opennebula.plugins.filter.restore import restore
from ansible_collections.onefed.opennebula.plugins.filter.restore_report import restore_report

BACKUP = "20231114T221320Z-federation"
ZONES = [zone(0, "OpenNebula", MASTER_URL), zone(100, "paris", PARIS_URL)]


def pair() -> dict[str, Any]:
    """Frontends of the master madrid and the slave paris."""
    return {"madrid-1": frontend("MASTER", 0, "", ZONES), "paris-1": frontend("SLAVE", 100, MASTER_URL, ZONES)}


def results(frontends: dict[str, Any]) -> dict[str, Any]:
    return {host: one if "unreachable" in one else {"frontend": one} for host, one in frontends.items()}


def stored(name: str) -> dict[str, Any]:
    return {"file": {"name": name, "size": 1000, "sha256": "aa", "clear_sha256": "aa"}}


def recorded(plan: dict[str, Any], index: int = 12, lost: str = "") -> dict[str, Any]:
    """What roles record of every host of the plan but the `lost` one."""
    found: dict[str, Any] = {}
    for host, one in plan["hosts"].items():
        contents = {"federated_index": index, "charset": "UTF-8", "shared_version": "7.4.0", "local_version": "7.4.0"}
        result: dict[str, Any] = {"stored_files": stored(one["configuration"])}
        if one["leads"]:
            result["stored_database"] = stored(one["database"])
            result["database"] = {"contents": {**contents, "tables": {"user_pool": "aa"}}, "outage": 12.0}
        found[host] = {"onefed": {"result": {} if host == lost else result}}
    return found


def manifest(**more: Any) -> dict[str, Any]:
    plan = backup(declared(), results(pair()), ["madrid-1", "paris-1"])
    return backup_manifest(plan, recorded(plan, **more))


def plan_of(frontends: dict[str, Any], saved: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    wanted = {"path": "/b", "hosts": list(frontends), "confirm": "federation", **options}
    return restore(declared(), results(frontends), saved or manifest(), wanted)


def test_slaves_are_copied_before_the_master_and_only_sqlite_stops() -> None:
    plan = backup(declared(), results(pair()), ["madrid-1", "paris-1"])
    assert plan["id"] == BACKUP
    assert plan["groups"] == {
        "madrid-1": ["federation_backing_up", "federation_backing_up_master"],
        "paris-1": ["federation_backing_up", "federation_backing_up_slaves"],
    }
    assert [one["stops"] for one in plan["hosts"].values()] == [True, True]
    assert plan["text"][0] == "madrid: database of madrid-1, files of madrid-1; oned stops for about 15 s."
    found = {"madrid-1": master(), **group_of_three("paris-2")}
    found["madrid-1"]["database"]["dump_program"] = "mariadb-dump"
    plan = backup(three_declared(), results(found), list(found))
    assert [host for host, one in plan["hosts"].items() if one["leads"]] == ["madrid-1", "paris-2"]
    assert {one["stops"] for one in plan["hosts"].values()} == {False}
    assert plan["zones"]["paris"]["server_ids"] == {"paris-1": 0, "paris-2": 1, "paris-3": 2}


def test_a_zone_that_cannot_be_copied_makes_the_backup_incomplete() -> None:
    found = {**pair(), "paris-1": {"unreachable": True, "msg": "no route"}}
    plan = backup(declared(), results(found), list(found))
    assert set(plan["hosts"]) == {"madrid-1"}
    made = backup_manifest(plan, recorded(plan))
    assert (made["complete"], set(made["failures"])) == (False, {"paris"})
    assert "no route" in made["failures"]["paris"]
    # One host is lost in the middle of the run.
    made = manifest(lost="madrid-1")
    assert (made["complete"], set(made["failures"])) == (False, {"madrid"})


def test_tables_that_differ_at_one_index_are_told() -> None:
    plan = backup(declared(), results(pair()), ["madrid-1", "paris-1"])
    hosts = recorded(plan)
    hosts["paris-1"]["onefed"]["result"]["database"]["contents"]["tables"] = {"user_pool": "bb"}
    (warning,) = backup_manifest(plan, hosts)["warnings"]
    assert warning.startswith("paris: Its shared tables user_pool differ from the master's at the same federated index")


def test_all_zones_are_restored_and_slaves_share_the_masters_tables() -> None:
    plan = plan_of(pair())
    assert plan["errors"] == []
    assert (plan["source"], set(plan["hosts"]), plan["moved"]) == ("madrid-1", {"madrid-1", "paris-1"}, [])
    assert plan["hosts"]["paris-1"]["slave"] is True
    assert "federation_restoring_slaves" in plan["groups"]["paris-1"]
    assert "federation_restoring_source" in plan["groups"]["madrid-1"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"faults": ["paris/database.db.gz was altered"]}, "The backup is not what was written: paris/database.db.gz"),
        ({"confirm": None}, "add -e restore_confirm=federation"),
        ({"confirm": "other"}, "add -e restore_confirm=federation"),
        ({"zone": "rome"}, "restore_zone names rome, which is no zone of the inventory"),
        ({"zone": "paris", "hosts": ["madrid-1"]}, "The run leaves out servers of the zone: paris-1."),
    ],
)
def test_a_restore_that_is_not_asked_for_rightly_is_refused(options: dict[str, Any], told: str) -> None:
    assert told in "\n".join(plan_of(pair(), **options)["errors"])


@pytest.mark.parametrize(
    ("part", "change", "told"),
    [
        ("conf", {"backend": "mysql"}, "Its database is on mysql, and the backup is of one on sqlite."),
        ("database", {"charset": "latin1"}, "The charset of its database is latin1, that of the backup is UTF-8."),
        ("", {"oned_version": "7.2.0"}, "OpenNebula 7.2.0 is installed, whose tables have version 7.2.0"),
        ("database", {"error": "damaged"}, "Its database cannot be read: damaged."),
        ("", {"restore": {"id": "another", "opened_at": "then"}}, "The restore of backup another that was begun"),
        ("", {"journal": {"kind": "zone", "step": "opened", "opened_at": "then"}}, "The join that was begun at then"),
    ],
)
def test_a_backup_that_does_not_fit_is_refused(part: str, change: dict[str, Any], told: str) -> None:
    found = pair()
    (found["paris-1"][part] if part else found["paris-1"]).update(change)
    errors = plan_of(found)["errors"]
    assert [error for error in errors if error.startswith("paris, paris-1:") and told in error] != [], errors


def test_a_zone_that_the_backup_lacks_is_refused_and_the_others_are_not() -> None:
    saved = manifest(lost="paris-1")
    assert "paris: The backup lacks it" in plan_of(pair(), saved)["errors"][0]
    assert plan_of(pair(), saved, zone="madrid")["errors"] == []


def test_a_master_that_would_be_older_than_its_slave_is_refused() -> None:
    found = pair()
    assert plan_of(found, zone="madrid")["errors"] == []
    found["paris-1"]["database"]["log"]["last_federated_index"] = 13
    (error,) = plan_of(found, zone="madrid")["errors"]
    assert "the federated index 12, and its slave paris has 13" in error
    assert "Make that slave the master" in error and "playbook promote with -e zone=paris" in error
    assert plan_of(found)["errors"] == []
    found["paris-1"] = {"unreachable": True, "msg": "no route"}
    (error,) = plan_of(found, zone="madrid")["errors"]
    assert "It is not known whether the slave paris is newer" in error


def test_a_slave_needs_a_master_that_runs_and_knows_it() -> None:
    found = pair()
    assert plan_of(found, zone="paris")["errors"] == []
    found["madrid-1"]["api"]["zones"] = ZONES[:1]
    assert "The master has no zone with id 100" in plan_of(found, zone="paris")["errors"][0]
    found["madrid-1"]["api"]["state"] = "refused"
    assert "does not answer on madrid-1" in plan_of(found, zone="paris")["errors"][0]


def test_another_master_than_in_the_backup_is_refused() -> None:
    saved = copy.deepcopy(manifest())
    saved["zones"]["madrid"]["role"], saved["zones"]["paris"]["role"] = "slave", "master"
    errors = plan_of(pair(), saved)["errors"]
    assert [error.split(".")[0] for error in errors] == [
        "madrid: In the backup it is a slave, in the inventory a master",
    ]


def after_promotion() -> tuple[dict[str, Any], dict[str, Any]]:
    """Facts and manifest: Madrid is the master, in the backup it was Paris, whose host is a bare one now."""
    saved = copy.deepcopy(manifest())
    saved["zones"]["madrid"]["role"], saved["zones"]["paris"]["role"] = "slave", "master"
    found = pair()
    found["paris-1"]["conf"].update({"mode": "STANDALONE", "zone_id": 0})
    return found, saved


def test_the_master_of_then_becomes_a_slave_of_the_master_of_now() -> None:
    found, saved = after_promotion()
    plan = plan_of(found, saved, zone="paris")
    assert (plan["errors"], plan["source"]) == ([], "madrid-1")
    one = plan["hosts"]["paris-1"]
    assert (one["slave"], one["former_master"], one["zone_id"]) == (True, True, 100)
    assert "federation_restoring_slaves" in plan["groups"]["paris-1"]
    assert "It was the master, and becomes a slave of madrid." in "\n".join(plan["text"])
    # It needs that master, as every slave does.
    found["madrid-1"]["api"]["state"] = "refused"
    assert "does not answer on madrid-1" in plan_of(found, saved, zone="paris")["errors"][0]
    # A standalone zone of then is neither.
    saved["zones"]["paris"]["role"] = "standalone"
    assert "In the backup it is a standalone" in plan_of(found, saved, zone="paris")["errors"][0]


def test_servers_of_a_former_master_get_the_ids_that_its_successor_knows() -> None:
    hosts = {"madrid": ["madrid-1"], "paris": ["paris-1", "paris-2", "paris-3"]}
    variables = {"madrid-1": {"ansible_host": "192.0.2.10", "zone_role": "master"}}
    for number, host in enumerate(hosts["paris"]):
        variables[host] = {"ansible_host": f"192.0.2.{31 + number}", "zone_endpoint": PARIS_URL}
        variables[host]["oned_database_backend"] = "mysql"
    found, saved = after_promotion()
    found.update(dict.fromkeys(hosts["paris"], found["paris-1"]))
    paris = saved["zones"]["paris"]
    paris["configuration"] = {host: f"paris/{host}.tar.gz" for host in hosts["paris"]}
    paris["server_ids"] = {"paris-1": 3, "paris-2": 1, "paris-3": 2}

    def servers(*ids: int) -> dict[str, int]:
        listed = [{"id": one, "name": f"paris-{one + 1}", "endpoint": "http://192.0.2.9:2633/RPC2"} for one in ids]
        found["madrid-1"]["api"]["zones"] = [ZONES[0], {**ZONES[1], "servers": listed}]
        wanted = {"path": "/b", "hosts": list(found), "confirm": "federation", "zone": "paris"}
        plan = restore(topology("federation", hosts, variables), results(found), saved, wanted)
        assert plan["errors"] == []
        return {host: one["server_id"] for host, one in plan["hosts"].items()}

    assert servers(0, 1, 2) == {"paris-1": 0, "paris-2": 1, "paris-3": 2}
    # Playbook federate adds the others again.
    assert servers(0, 2) == {"paris-1": 0, "paris-3": 2}
    assert servers() == {"paris-1": -1}


def test_what_only_the_backup_of_a_former_master_has_is_named() -> None:
    found, saved = after_promotion()
    plan = plan_of(found, saved, zone="paris")
    whole = {"put": {}, "own": {"users": ["ana", "early"], "vdcs": ["old"]}, "closed": {"changed": True}}
    for mine, told in (({"users": ["ana"]}, ["users early; vdcs old"]), (whole["own"], [])):
        hosts = {"paris-1": {"onefed": {"result": {**whole, "master_own": mine}}}}
        warned = [line for line in restore_report(plan, hosts)["text"] if "only the backup of it has" in line]
        assert [names for line, names in zip(warned, told, strict=True) if names not in line] == []


def test_what_is_restored_already_stays_unless_it_is_asked_for_again() -> None:
    found, closed = pair(), {"id": BACKUP, "opened_at": "then", "closed_at": "2026-01-02T03:04:05Z"}
    for one in found.values():
        one["restore"] = closed
    plan = plan_of(found, confirm=None)
    assert (plan["errors"], plan["hosts"], plan["done"]) == ([], {}, ["madrid-1", "paris-1"])
    assert "paris: paris-1 is as in the backup since 2026-01-02T03:04:05Z" in "\n".join(plan["text"])
    assert set(plan_of(found, again=True)["hosts"]) == {"madrid-1", "paris-1"}
    # An interrupted run: the slave is not restored yet.
    found["paris-1"]["restore"] = {**closed, "closed_at": None}
    assert set(plan_of(found)["hosts"]) == {"paris-1"}


def test_check_mode_needs_no_confirmation_and_nothing_comes_after_the_stop() -> None:
    found = pair()
    found["paris-1"]["installed"] = False
    plan = plan_of(found, check=True, confirm=None)
    assert plan["errors"] == []
    assert plan["groups"] == {host: ["federation_restoring"] for host in found}


def test_other_endpoints_are_told() -> None:
    saved = copy.deepcopy(manifest())
    saved["zones"]["paris"]["endpoint"] = "http://192.0.2.99:2633/RPC2"
    plan = plan_of(pair(), saved)
    assert plan["moved"] == ["paris"]
    assert "run playbook federate after the restore" in "\n".join(plan["text"])


def test_a_bare_host_gets_the_tls_proxy_at_which_others_call_it() -> None:
    shared = {"federation_tls": True, "federation_tls_passphrase": "only-for-this-test"}
    variables = {"madrid-1": {"ansible_host": "192.0.2.11", "zone_role": "master", **shared}}
    variables["paris-1"] = {"ansible_host": "192.0.2.31", **shared}
    what = topology("federation", {"madrid": ["madrid-1"], "paris": ["paris-1"]}, variables)
    frontends = pair()
    frontends["madrid-1"]["has_links"] = True
    plan = restore(what, results(frontends), manifest(), {"path": "/b", "hosts": list(frontends), "check": True})
    link = plan["hosts"]["paris-1"]["link"]
    assert (link["names"], link["port"], link["backend_port"]) == (["paris-1", "192.0.2.31"], 2643, 2633)
    assert plan["hosts"]["paris-1"]["listen"]["LISTEN_ADDRESS"] == "127.0.0.1"
    assert plan["hosts"]["madrid-1"]["link"] is None  # it has one
    assert "  paris-1 gets a TLS proxy (HAProxy) again." in plan["text"]
    assert all(one["link"] is None for one in plan_of(pair())["hosts"].values())  # without federation_tls


def test_the_report_names_what_was_left_undone() -> None:
    plan = plan_of(pair())
    journal = {"journal": {"directory": "/var/lib/onefed/restores/x"}}
    whole = {"opened": journal, "stopped": {}, "put": {"left_out": []}, "closed": {"changed": True}}
    hosts = {
        "madrid-1": {"onefed": {"result": whole}},
        "paris-1": {"onefed": {"result": {"opened": journal, "failure": "the disk is full"}}},
    }
    report = restore_report(plan, hosts)
    assert report["text"] == [
        "madrid: madrid-1 is as in the backup. What was there before: /var/lib/onefed/restores/x."
    ]
    (line,) = report["undone"]
    assert line.startswith("paris, paris-1: is not restored. the disk is full. It came as far as: opened.")
