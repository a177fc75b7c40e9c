# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Bad input gets one clear error, before anything changed, and the next good run converges."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from .lab import Federation, extra


def fingerprint(federation: Federation) -> dict[str, Any]:
    """What a refused run may not change on any front-end."""
    return {
        name: (zone.conf.read_bytes(), zone.tables(), zone.state.exists(), zone.answers())
        for name, zone in federation.zones.items()
    }


def two_masters(pair: Federation) -> None:
    pair.variables["paris"]["zone_role"] = "master"


def no_master(pair: Federation) -> None:
    pair.variables["madrid"]["zone_role"] = "slave"


def same_name(pair: Federation) -> None:
    pair.variables["paris"]["zone_name"] = "north"
    pair.variables["madrid"]["zone_name"] = "north"


def same_endpoint(pair: Federation) -> None:
    pair.variables["paris"]["zone_endpoint"] = pair.master.url


def refused_name(pair: Federation) -> None:
    pair.variables["paris"]["zone_name"] = "a;b"


def name_that_yaml_takes_for_no(pair: Federation) -> None:
    pair.variables["paris"]["zone_name"] = False  # zone_name: NO


def misspelt_variable(pair: Federation) -> None:
    pair.variables["paris"]["zone_disard"] = True


def endpoint_without_path(pair: Federation) -> None:
    pair.variables["paris"]["zone_endpoint"] = "http://192.0.2.1:2633"


def loopback(pair: Federation) -> None:
    pair.settings["federation_allow_loopback"] = False
    pair.variables["madrid"]["zone_endpoint"] = "http://192.0.2.1:2633/RPC2"  # so that one zone's is left


CONTRADICTIONS = [
    (two_masters, "2 zones are (madrid, paris)"),
    (misspelt_variable, "Did you mean zone_discard?"),
]
MORE_CONTRADICTIONS = [
    (no_master, "no zone is"),
    (same_name, "have the same name, north"),
    (same_endpoint, "have the same endpoint"),
    (refused_name, "which OpenNebula refuses"),
    (name_that_yaml_takes_for_no, "it must be a text: put it in quotes"),
    (endpoint_without_path, "take it for gRPC"),
    (loopback, "other machines cannot reach a loopback address"),
]


@pytest.mark.parametrize(
    ("spoil", "text"), [*CONTRADICTIONS, *(pytest.param(*one, marks=extra) for one in MORE_CONTRADICTIONS)]
)
def test_a_contradictory_inventory_is_refused(pair: Federation, spoil: Callable[[Federation], None], text: str) -> None:
    before = fingerprint(pair)
    spoil(pair)
    run = pair.run()
    assert run.code != 0
    told = " ".join(run.output.split())
    assert told.count(text) == len(run.tasks("failed")) == 1
    assert "emplat" not in told
    assert run.tasks("changed") == set()
    assert fingerprint(pair) == before


def test_a_master_that_refuses_its_one_auth_stops_the_run(pair: Federation) -> None:
    auth = pair.master.location / "var/.one/one_auth"
    good = auth.read_text()
    auth.write_text("oneadmin:wrong\n")
    run = pair.run()
    assert run.code != 0
    assert "oned refuses the name and password in it" in run.output
    assert run.tasks("changed") == set()
    auth.write_text(good)
    pair.federate()
    pair.assert_federated("paris")


@extra
def test_a_syntax_error_in_the_masters_oned_conf_stops_the_run(pair: Federation) -> None:
    good = pair.master.conf.read_text()
    pair.master.conf.write_text(good + "\nFEDERATION = [ MODE = \n")
    run = pair.run()
    assert run.code != 0
    assert str(pair.master.conf) in run.output
    assert run.tasks("changed") == set()
    pair.master.conf.write_text(good)
    pair.federate()


def own_users(pair: Federation) -> str:
    pair["paris"].create_user("remy")
    return "users remy"


def syntax_error(pair: Federation) -> str:
    pair["paris"].conf.write_text(pair["paris"].conf.read_text() + "\nDB = [ BACKEND = \n")
    return str(pair["paris"].conf)


def taken_name(pair: Federation) -> str:
    pair.federate()  # paris joins; then another front-end claims its name
    impostor = pair.add("lyon", zone_name="paris")
    del pair.variables["paris"]
    return f"at another endpoint, {pair['paris'].url}" if impostor else ""


def other_federation(pair: Federation) -> str:
    pair.federate()
    pair.add("berlin", declared=False)
    paris = pair.zones["paris"]
    pair.variables = {"berlin": {"zone_role": "master"}, "paris": {}}
    return f"slave of another federation, whose master is {pair['madrid'].url}" if paris else ""


@pytest.mark.parametrize(
    "spoil", [own_users, *(pytest.param(one, marks=extra) for one in (syntax_error, taken_name, other_federation))]
)
def test_a_zone_that_cannot_join_is_left_out_and_the_others_go_on(
    pair: Federation, spoil: Callable[[Federation], str]
) -> None:
    text = spoil(pair)
    pair.add("roma")
    run = pair.run()
    assert run.code != 0
    assert text in " ".join(run.output.split())
    assert pair["roma"].mode() == "SLAVE"


@extra
def test_a_zone_of_another_version_is_left_out(federation: Federation) -> None:
    federation.add("madrid")
    federation.add("paris", version="6.10")
    run = federation.run()
    assert run.code != 0
    assert "Its shared tables have version 6.10.0, the master's 7.4.0." in run.output
    assert federation["paris"].mode() == "STANDALONE"


def test_data_of_its_own_goes_only_when_it_may_and_stays_in_the_backup(pair: Federation) -> None:
    pair["paris"].create_user("remy")
    pair.variables["paris"]["zone_discard"] = True
    pair.federate()
    pair.assert_federated("paris")
    assert "remy" not in pair["paris"].users()
    backups = list(pair["paris"].state.glob("joins/*/one.db"))
    assert len(backups) == 1
    assert b"remy" in backups[0].read_bytes()


@extra
def test_an_unreachable_slave_is_named_and_the_others_join(pair: Federation) -> None:
    pair.add("roma", ansible_connection="ssh", ansible_port=9, ansible_ssh_common_args="-o ConnectTimeout=2")
    run = pair.run()
    assert run.code != 0
    assert "roma, roma-1: Ansible cannot reach it" in " ".join(run.output.split())
    pair.assert_federated("paris")


def test_an_unreachable_master_stops_the_run(pair: Federation) -> None:
    unreachable = {"ansible_connection": "ssh", "ansible_port": 9, "ansible_ssh_common_args": "-o ConnectTimeout=2"}
    pair.variables["madrid"].update(unreachable)
    before = pair["paris"].conf.read_bytes()
    run = pair.run()
    assert run.code != 0
    assert "madrid-1: Ansible cannot reach it" in " ".join(run.output.split())
    assert pair["paris"].conf.read_bytes() == before
