# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps an upgrade from beginning, each with its remedy, before anything stops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from grown import declared as grown_declared
from planned import NOW, declared, federated, frontend
from planned import plan as federate
from upgrading import THREE, halted, info, journal, pair, plan, with_info, with_three

Spoil = Callable[[dict[str, Any]], None]


def refused(results: dict[str, Any], what: dict[str, Any], code: str, target: Any = "7.4", **options: Any) -> str:
    """The one reason why nothing begins, which the plan shows with its code."""
    made = plan(results, what, target, **options)
    assert len(made["errors"]) == 1, made["errors"]
    assert f"  ! {made['errors'][0]} [{code}]" in made["text"]
    return str(made["errors"][0])


@pytest.mark.parametrize(
    ("target", "code", "told"),
    [
        (
            None,
            "upgrade_target_unset",
            "oned_install_version is not set, so it is not known to which release to upgrade.",
        ),
        ("newest", "upgrade_target_unknown", "oned_install_version is 'newest', which is no release of OpenNebula."),
        (
            {"madrid-1": "7.4", "paris-1": "7.2"},
            "upgrade_targets_differ",
            "oned_install_version differs between hosts: 7.4 on madrid-1, 7.2 on paris-1.",
        ),
        (
            {"madrid-1": "7.4", "paris-1": None},
            "upgrade_targets_differ",
            "oned_install_version differs between hosts: 7.4 on madrid-1, unset on paris-1.",
        ),
    ],
)
def test_a_run_has_one_target_which_the_inventory_names(target: Any, code: str, told: str) -> None:
    error = refused(pair(), declared(), code, target)
    assert error.startswith(told)
    assert "Set oned_install_version to the release" in error
    assert plan(pair(), declared(), target)["groups"] == {"madrid-1": [], "paris-1": []}


def unreachable(results: dict[str, Any]) -> None:
    results["paris-1"] = {"unreachable": True, "msg": "no route"}


def unreadable(results: dict[str, Any]) -> None:
    results["paris-1"]["upgrade"] = {"failed": False, "msg": "dpkg-query is broken"}


def unasked(results: dict[str, Any]) -> None:
    del results["paris-1"]["upgrade"]


def joining(results: dict[str, Any]) -> None:
    results["paris-1"]["frontend"]["journal"] = {"kind": "zone", "step": "opened", "opened_at": "2026-01-02T03:04:05Z"}


def stopped(results: dict[str, Any]) -> None:
    found = results["paris-1"]["frontend"]
    found["service"]["state"], found["api"]["state"] = "stopped", "refused"


def rejected(results: dict[str, Any]) -> None:
    results["paris-1"]["frontend"]["one_auth"] = "rejected"


def empty(results: dict[str, Any]) -> None:
    results["paris-1"]["frontend"]["database"]["bootstrapped"] = False


def newer(results: dict[str, Any]) -> None:
    results["paris-1"] = with_info(results["paris-1"]["frontend"], info("7.6.1"))


def full(results: dict[str, Any]) -> None:
    results["paris-1"]["upgrade"]["disk"] = {"free": 3_000_000, "needed": 500_000_000}


def pending(results: dict[str, Any]) -> None:
    results["paris-1"]["upgrade"]["onecfg"] = {"installed": True, "status": "Metadata\n Outdated", "pending": True}


def blank(results: dict[str, Any]) -> None:
    results["paris-1"]["upgrade"]["login_passes"] = False


def enterprise(results: dict[str, Any]) -> None:
    results["paris-1"]["upgrade"]["packages"]["opennebula"] = "7.0.2-1.ee"
    results["paris-1"]["upgrade"]["candidates"] = {"opennebula": "7.4.0-1.ce"}


def old_debian(results: dict[str, Any]) -> None:
    results["paris-1"]["upgrade"].update(candidates={}, distribution={"id": "debian", "version_id": "11"})


def self_contained(results: dict[str, Any]) -> None:
    results["paris-1"]["upgrade"].update(packages={}, candidates={})


def by_hand(results: dict[str, Any]) -> None:
    stored = {"shared": "7.0.0", "local": "7.0.0", "is_slave": True}
    results["paris-1"]["upgrade"].update(release="7.4.0", required={"shared": "7.4.0", "local": "7.4.0"}, stored=stored)


def other(results: dict[str, Any]) -> None:
    results["paris-1"]["upgrade"]["journal"] = journal("opened", to_release="7.2.0")


def going_back(results: dict[str, Any]) -> None:
    results["paris-1"]["upgrade"]["journal"] = journal("rolled_back")


def nearly_back(results: dict[str, Any]) -> None:
    results["paris-1"]["upgrade"]["journal"] = journal("put_back")


def unknown(results: dict[str, Any]) -> None:
    results["paris-1"]["upgrade"].update(stored=None, errors=["The database is locked."])


def undumpable(results: dict[str, Any]) -> None:
    results["paris-1"]["frontend"]["database"].update(backend="mysql", dump_program=None)


@pytest.mark.parametrize(
    ("spoil", "code", "told"),
    [
        (unreachable, "host_unreachable", "Ansible cannot reach it: no route."),
        (unreadable, "upgrade_not_examined", "What is installed there could not be read: dpkg-query is broken."),
        (unasked, "upgrade_not_examined", "What is installed there could not be read: no answer. Run again."),
        (joining, "copy_interrupted", "The join or copy that was begun at 2026-01-02T03:04:05Z is not complete."),
        (stopped, "oned_stopped", "Its oned does not run, or does not answer."),
        (rejected, "one_auth_rejected", "Its one_auth file is rejected"),
        (empty, "database_empty", "Its database was never filled by a start of oned."),
        (newer, "upgrade_downgrade", "It has OpenNebula 7.6.1, which is newer than 7.4."),
        (full, "upgrade_disk_space", "Backups and migration need 500 MB, 3 MB are free. Make room"),
        (blank, "upgrade_password", "The password of oned's database account has a space"),
        (pending, "upgrade_config_pending", "onecfg has updates that were not made: Metadata Outdated. Run onecfg"),
        (
            enterprise,
            "upgrade_edition_changes",
            "Its packages are of the enterprise edition, those of 7.4.0 would be of the community edition. Set "
            "oned_install_edition to enterprise",
        ),
        (
            old_debian,
            "upgrade_distribution",
            "OpenNebula 7.4.0 has no packages for debian 11. Upgrade the distribution",
        ),
        (self_contained, "upgrade_no_packages", "OpenNebula was not installed from packages"),
        (
            by_hand,
            "upgrade_half_done",
            "Its packages are of 7.4.0, which needs tables of version 7.4.0, and its tables have version 7.0.0",
        ),
        (
            other,
            "upgrade_other_target",
            "The upgrade to 7.2.0 that was begun at 2026-01-02T03:04:05Z is not complete. Set oned_install_version to "
            "7.2.0 and run again",
        ),
        (
            going_back,
            "upgrade_goes_back",
            "The upgrade to 7.4.0 that was begun at 2026-01-02T03:04:05Z was to be taken back, and that is not "
            "complete.",
        ),
        (
            nearly_back,
            "upgrade_goes_back",
            "The upgrade to 7.4.0 that was begun at 2026-01-02T03:04:05Z was to be taken back, and that is not "
            "complete.",
        ),
        (unknown, "upgrade_not_examined", "What is installed there could not be read: The database is locked."),
        (undumpable, "dump_program_missing", "It has neither mysqldump nor mariadb-dump"),
    ],
)
def test_a_server_that_cannot_be_upgraded_keeps_all_from_beginning(spoil: Spoil, code: str, told: str) -> None:
    results = pair()
    spoil(results)
    assert refused(results, declared(), code).startswith(f"paris, paris-1: {told}")


def test_the_operators_own_tasks_bring_releases_that_no_packages_do() -> None:
    for spoil in (self_contained, old_debian, enterprise):
        results = pair()
        spoil(results)
        assert plan(results, declared(), install_tasks="/etc/onefed/install.yml")["errors"] == []


def test_the_edition_that_is_asked_for_must_be_the_one_that_is_there() -> None:
    results = pair(candidate=None)
    results["madrid-1"]["upgrade"]["packages"]["opennebula"] = "7.0.2-1.ce"
    error = refused(results, declared(), "upgrade_edition_changes", edition="enterprise")
    assert error.startswith("madrid, madrid-1: Its packages are of the community edition")
    assert plan(results, declared(), edition="community")["errors"] == []


def leaderless(results: dict[str, Any]) -> None:
    results["paris-1"]["frontend"]["api"]["raft"]["state_name"] = "candidate"


def diverging(results: dict[str, Any]) -> None:
    results["paris-3"]["frontend"]["api"]["raft"]["state_name"] = "candidate"


def mixed(results: dict[str, Any]) -> None:
    results["paris-3"]["upgrade"].update(release="7.0.1")


def stranger(results: dict[str, Any]) -> None:
    for host in ("madrid-1", "paris-1", "paris-2", "paris-3"):
        record = results[host]["frontend"]["api"]["zones"][1]
        record["servers"] = [*record["servers"][:3], {"id": 3, "name": "x", "endpoint": "http://192.0.2.99:2633/RPC2"}]


def clustered(results: dict[str, Any]) -> None:
    results["paris-1"]["frontend"]["database"]["galera"] = True


@pytest.mark.parametrize(
    ("spoil", "code", "told"),
    [
        (leaderless, "no_leader", ", paris-2: None of its servers that answer leads"),
        (diverging, "not_following", ", paris-3: "),
        (
            mixed,
            "upgrade_releases_mixed",
            ": Its servers have different releases of OpenNebula: paris-1 7.0.2, paris-2 7.0.2",
        ),
        (stranger, "server_not_declared", ", x: It is in the zone's list (endpoint http://192.0.2.99:2633/RPC2)"),
        (clustered, "galera", ", paris-1: Its database is a Galera cluster"),
    ],
)
def test_a_zone_of_several_servers_that_is_not_well_keeps_all_from_beginning(
    spoil: Spoil, code: str, told: str
) -> None:
    results = with_three(leader="paris-1")
    spoil(results)
    assert refused(results, THREE, code).startswith(f"paris{told}")


def lagging(results: dict[str, Any]) -> None:
    results["paris-1"]["frontend"]["database"]["log"]["last_federated_index"] = 11


def ahead(results: dict[str, Any]) -> None:
    results["paris-1"]["frontend"]["database"]["log"]["last_federated_index"] = 13


def altered(results: dict[str, Any]) -> None:
    results["paris-1"]["frontend"]["database"]["tables"] = {"user_pool": {"rows": 2, "sha256": "bb"}}


@pytest.mark.parametrize(
    ("spoil", "code", "told"),
    [
        (lagging, "lagging", "Its federated index is 11, the master's 12, and it does not move."),
        (ahead, "ahead_of_master", "Its federated index is 13"),
        (altered, "digests_differ", "At the same federated index its content differs from the master's in user_pool."),
    ],
)
def test_a_slave_that_is_not_in_step_keeps_all_from_beginning(spoil: Spoil, code: str, told: str) -> None:
    results = pair()
    spoil(results)
    assert refused(results, declared(), code).startswith(f"paris, paris-1: {told}")


@pytest.mark.parametrize("spoil", [lagging, ahead])
def test_while_the_federation_is_written_to_zones_are_read_at_different_times(spoil: Spoil) -> None:
    results = pair()
    spoil(results)
    results["madrid-1"]["frontend"]["database"]["log"]["newest_federated_time"] = int(NOW) - 3
    assert plan(results, declared())["errors"] == []


def test_all_zones_of_the_federation_take_part_when_shared_tables_change() -> None:
    results = pair()
    skipped = refused(results, declared(), "upgrade_zone_skipped", limited=["madrid-1"])
    assert skipped.startswith("paris: It is a zone of the federation, whose shared tables change, and takes no part")
    del results["madrid-1"]
    assert refused(results, declared(), "upgrade_zone_skipped").startswith("madrid: It is a zone of the federation")


def test_a_run_that_goes_on_takes_all_zones_though_the_master_stands_still() -> None:
    """A slave may run on, and would get what the master writes in the tables of the new release."""
    results = halted(pair(), madrid_1="stopped")
    results["paris-1"]["upgrade"]["journal"] = results["paris-1"]["frontend"]["upgrade"] = journal("opened")
    assert plan(results, declared())["errors"] == []
    error = refused(results, declared(), "upgrade_zone_skipped", limited=["madrid-1"])
    assert error.startswith("paris: It is a zone of the federation")
    del results["paris-1"]
    assert refused(results, declared(), "upgrade_zone_skipped") == error


def test_a_zone_of_the_federation_that_the_inventory_lacks_keeps_all_from_beginning() -> None:
    results = pair()
    lyon = {"id": 101, "name": "lyon", "template": {"ENDPOINT": "http://192.0.2.41:2633/RPC2"}, "servers": []}
    for one in results.values():
        one["frontend"]["api"]["zones"] = [*one["frontend"]["api"]["zones"], lyon]
    error = refused(results, declared(), "upgrade_member_not_declared")
    assert error.startswith('Zone "lyon" (id 101, http://192.0.2.41:2633/RPC2): It belongs to the federation')
    for one in results.values():
        one["upgrade"] = info("7.4.0", "7.4.1-1")
    assert plan(results, declared())["errors"] == []


def test_a_limit_takes_whole_zones() -> None:
    results = with_three("7.4.0", "7.4.1-1")
    error = refused(results, THREE, "limit_splits_zone", limited=["paris-1", "paris-2"])
    assert error.startswith("paris: The limit takes only a part of its servers (paris-1, paris-2).")


@pytest.mark.parametrize(
    ("release", "target", "path"),
    [
        ("6.4.6", "7.4", True),
        ("5.12.0", "7.4", True),
        ("6.10.0", "7.0", True),
        ("6.4.6", "6.10", False),
        ("6.99.90", "7.4", False),
        ("6.8.3", "8.0", False),
        ("6.10.5", "8.0", True),
    ],
)
def test_a_path_is_refused_whose_migrators_are_not_known_to_be_there(release: str, target: str, path: bool) -> None:
    results = {"madrid-1": with_info(frontend(), info(release, None))}
    if path:
        assert plan(results, declared(), target)["errors"] == []
        return
    error = refused(results, declared(), "upgrade_no_path", target)
    assert "from which the onedb of" in error
    assert "opennebula-migration" in error


@pytest.mark.parametrize("brought_by", ["opennebula-migration", "opennebula-migration-community"])
def test_migrators_may_come_as_a_package_or_with_the_enterprise_edition(brought_by: str) -> None:
    found = info("6.4.6", None)
    found["packages"][brought_by] = "6.4.6-1"
    assert plan({"madrid-1": with_info(frontend(), found)}, declared(), "6.10")["errors"] == []
    bought = {"madrid-1": with_info(frontend(), info("6.4.6", None))}
    assert plan(bought, declared(), "6.10", edition="enterprise")["errors"] == []


def test_the_run_waits_for_machines_that_are_on_their_way_and_then_names_them() -> None:
    results = pair()
    results["paris-1"]["upgrade"]["machines"] = [{"id": 7, "name": "web", "state": "prolog"}]
    made = plan(results, declared())
    told = "paris, paris-1: Something is being done with virtual machines: web (7, prolog). Wait until it is done"
    assert (made["errors"], len(made["waiting"])) == ([], 1)
    assert made["waiting"][0].startswith(told)
    assert any(one.startswith(f"  ? {told}") and one.endswith("[upgrade_machines_move]") for one in made["text"])
    waited = plan(results, declared(), waited=True)
    assert (waited["waiting"], waited["errors"]) == ([], made["waiting"])


def test_room_is_asked_for_until_the_backups_are_made() -> None:
    for step, refuses in (("opened", True), ("saved", False)):
        results = halted(pair(), paris_1=step)
        full(results)
        results["paris-1"]["upgrade"]["journal"]["part"] = "leader"
        assert bool(plan(results, declared())["errors"]) is refuses


def test_an_open_upgrade_is_resumed_by_the_target_as_the_operator_says_it() -> None:
    for target, resumes in (("7.4", True), ("7.4.0", True), ("7.4.1", False), ("7.2", False)):
        results = halted(pair(), paris_1="stopped")
        results["paris-1"]["upgrade"]["journal"]["part"] = "leader"
        assert (plan(results, declared(), target)["errors"] == []) is resumes, target


def test_a_slave_that_is_not_in_step_waits_with_a_micro_release_too() -> None:
    results = pair("7.4.0", "7.4.1-1")
    lagging(results)
    assert refused(results, declared(), "lagging").startswith("paris, paris-1: Its federated index is 11")
    assert plan(results, declared(), limited=["paris-1"])["method"] == "rolling"


def test_other_playbooks_leave_a_zone_alone_on_which_an_upgrade_is_open() -> None:
    for found, code in ((journal("stopped"), "upgrade_open"), ({"error": "it is cut"}, "journal_unreadable")):
        master, paris = federated()
        paris["upgrade"] = found
        made = federate(master, paris)
        assert (made["zones"]["paris"]["reachable"], f"[{code}]" in " ".join(made["text"])) == (False, True)
        joining_zone = {**frontend(), "upgrade": found}
        assert [one["code"] for one in federate(master, joining_zone)["zones"]["paris"]["problems"]] == [code]
        leads, paris = federated()
        assert federate({**leads, "upgrade": found}, paris)["errors"] != []


def test_a_zone_of_an_older_release_is_offered_the_upgrade_before_it_joins() -> None:
    master, paris = federated()[0], frontend()
    paris["oned_version"] = "7.0.2"
    paris["database"].update(shared_version="7.0.0", local_version="7.0.0")
    text = " ".join(federate(master, paris)["text"])
    assert "Its shared tables have version 7.0.0, the master's 7.4.0. Set oned_install_version to the newer" in text
    made = plan({"paris-1": with_info(paris, info())}, declared(), limited=["paris-1"])
    assert (made["errors"], made["owner"], list(made["hosts"])) == ([], "paris-1", ["paris-1"])


def test_a_server_that_is_to_leave_has_left_before() -> None:
    what = grown_declared({"paris-1": {}, "paris-2": {}, "paris-3": {"oned_state": "absent"}}, zone_allow_even=True)
    error = refused(with_three(), what, "upgrade_leaving")
    assert error.startswith(
        "paris, paris-3: It has oned_state: absent, and is still a server of its zone. Run playbook federate"
    )


def test_a_pattern_of_package_versions_names_its_release() -> None:
    made = plan(pair(), declared(), "7.4.0-1*")
    assert (made["errors"], made["target"]) == ([], "7.4.0")


def test_a_zone_that_missed_the_upgrade_of_its_federation_catches_up() -> None:
    results = pair()
    altered(results)
    results["madrid-1"] = with_info(results["madrid-1"]["frontend"], info("7.4.0"))
    made = plan(results, declared())
    assert (made["errors"], made["owner"], list(made["hosts"])) == ([], "madrid-1", ["paris-1"])


def test_a_host_of_the_run_of_which_nothing_is_known_keeps_all_from_beginning() -> None:
    results = pair()
    del results["paris-1"]
    error = refused(results, declared(), "not_examined", limited=["madrid-1", "paris-1"])
    assert error.startswith("paris, paris-1: It could not be examined: it was not looked at.")
