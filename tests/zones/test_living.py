# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Zones of a federation that is alive get other addresses and names, the master too, and none is left behind."""

from __future__ import annotations

import re

import pytest

from .lab import Federation, extra

ENDPOINT = re.compile(r"<ENDPOINT><!\[CDATA\[(.*?)\]\]>")


def moved(members: Federation, name: str) -> str:
    """Declare another address for a zone: its new endpoint."""
    zone = members[name]
    network, _dot, last = zone.address.rpartition(".")
    zone.address = f"{network}.{int(last) + 100}"
    members.variables[name]["oned_listen_address"] = zone.address
    return zone.url


def renamed(members: Federation, name: str) -> str:
    members.variables[name]["zone_name"] = f"{name}-2"
    return f"{name}-2"


def records(members: Federation, name: str) -> dict[int, tuple[str, str]]:
    """What a zone knows of all: name and endpoint by id."""
    found = {}
    for oid, label, body in members[name].rows("SELECT oid, name, body FROM zone_pool"):
        endpoint = ENDPOINT.search(body)
        assert endpoint
        found[oid] = (label, endpoint[1])
    return found


def ported(members: Federation, name: str, port: int) -> str:
    """Declare another port for a zone: its new endpoint."""
    members.variables[name]["oned_port"] = port
    return f"http://{members[name].address}:{port}/RPC2"


@extra
@pytest.mark.parametrize("who", [("paris",), ("madrid",), ("madrid", "paris")], ids="-".join)
@pytest.mark.parametrize("change", ["address", "name"])
def test_a_living_federation_changes_and_nobody_is_left_behind(
    members: Federation, who: tuple[str, ...], change: str
) -> None:
    expected = records(members, "madrid")
    for name in who:
        oid = 0 if name == "madrid" else 100
        label, endpoint = expected[oid]
        if change == "address":
            expected[oid] = (label, moved(members, name))
        else:
            expected[oid] = (renamed(members, name), endpoint)
    plan = members.run("federate", "--check", "--diff")
    assert plan.code == 0, plan.output
    run = members.federate()
    assert plan.tasks("changed") <= run.tasks("changed"), (plan.output, run.output)
    members.assert_federated("paris")
    assert records(members, "madrid") == records(members, "paris") == expected
    again = members.federate()
    assert again.tasks("changed") == set(), again.output


@extra
def test_ports_addresses_and_names_change_in_one_run(members: Federation) -> None:
    expected = {0: (renamed(members, "madrid"), ported(members, "madrid", 2733))}
    renamed(members, "paris")
    moved(members, "paris")
    expected[100] = ("paris-2", ported(members, "paris", 2833))
    plan = members.run("federate", "--check", "--diff")
    assert plan.code == 0, plan.output
    members.federate()
    assert records(members, "madrid") == records(members, "paris") == expected
    assert members.federate().tasks("changed") == set()
