# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No step of a replacement begins before all servers are through the one before, whatever was interrupted."""

from __future__ import annotations

from typing import Any

import pytest
from planned import federated, topology

from ansible_collections.onefed.opennebula.plugins.filter.authority import authority
from ansible_collections.onefed.opennebula.plugins.filter.authority_undone import authority_undone

HOSTS = {"madrid-1": "192.0.2.11", "paris-1": "192.0.2.31"}
TRUST, ISSUE, FINISH = STEPS = ["new_trusted", "new_issues", "old_removed"]
LOST = {"unreachable": True, "msg": "no route to host"}


def plan(step: str | None = "present", *, tls: bool = True, only_trust: bool = False, **given: Any) -> dict[str, Any]:
    """The plan; `given` are results by host, and behind, private and hosts."""
    shared = {"federation_tls": tls, "federation_tls_passphrase": "only-for-this-test"}
    variables: dict[str, dict[str, Any]] = {
        host: {"ansible_host": address, **shared} for host, address in HOSTS.items()
    }
    variables["madrid-1"]["zone_role"] = "master"
    what = topology("federation", {"madrid": ["madrid-1"], "paris": ["paris-1"]}, variables)
    found: dict[str, Any] = {"step": step}
    found.update({name: given.pop(name) for name in ("behind", "private") if name in given})
    hosts = given.pop("hosts", list(HOSTS))
    linked = [{**one, "has_links": True} for one in federated()]
    results = {host: {"frontend": one} for host, one in zip(HOSTS, linked, strict=True)}
    results.update({name.replace("_", "-"): one for name, one in given.items()})
    return authority(what, results, hosts, found, only_trust)


def test_an_authority_is_replaced_in_three_steps() -> None:
    made = plan()
    assert (made["steps"], made["errors"], made["awaited"]) == (STEPS, [], list(HOSTS))
    assert made["servers"]["paris-1"]["names"] == ["paris-1", "192.0.2.31"]
    assert made["text"] == [
        "The private authority is replaced, on madrid-1, paris-1:",
        "  1. every server trusts a new authority beside the old one",
        "  2. every server gets a certificate of the new one; its TLS proxy loads it without the loss of a connection",
        "  3. no server trusts the old one any more",
    ]


@pytest.mark.parametrize(
    ("step", "behind", "steps"),
    [
        (TRUST, [], STEPS),
        (ISSUE, [], [ISSUE, FINISH]),
        # The old one is not to be trusted any more, and one server does still.
        ("present", ["paris-1"], [FINISH]),
    ],
)
def test_what_was_interrupted_goes_on(step: str, behind: list[str], steps: list[str]) -> None:
    made = plan(step, behind=behind)
    assert made["steps"] == steps
    assert made["text"][0] == "The replacement of the private authority goes on, on madrid-1, paris-1:"


def test_it_may_end_when_all_trust_the_new_one() -> None:
    assert plan(only_trust=True)["steps"] == plan(TRUST, only_trust=True)["steps"] == [TRUST]
    assert "let users' hosts trust ca.pem" in plan(only_trust=True)["text"][-1]
    assert plan(ISSUE, only_trust=True)["steps"] == [ISSUE, FINISH]


def test_a_server_that_cannot_be_reached_is_told() -> None:
    made = plan(paris_1=LOST)
    assert (list(made["servers"]), made["errors"]) == (["madrid-1"], [])
    told = "  ? paris-1: Ansible cannot reach it: no route to host. What comes after step 1 waits for it."
    assert made["text"][-1] == told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"tls": False}, "federation_tls is not true"),
        ({"private": False}, "The servers have certificates of your own"),
        ({"step": None}, "There is no private authority in federation_tls_folder"),
        ({"hosts": ["madrid-1"]}, "The limit leaves out paris-1."),
        ({"paris_1": {"frontend": federated()[1]}}, "paris-1: It has no TLS proxy yet. Run playbook federate."),
    ],
)
def test_what_stands_in_the_way_is_told(given: dict[str, Any], told: str) -> None:
    made = plan(**given)
    assert made["steps"] == []
    assert told in made["errors"][0]


def undone(made: dict[str, Any], **results: Any) -> list[str]:
    return authority_undone(made, {host: {"onefed": {"result": results.get(host[0], {})}} for host in HOSTS})


def test_what_is_left_undone_is_told_with_what_all_trust() -> None:
    through = dict.fromkeys(STEPS, "done")
    made = plan()
    assert undone(made, m=through, p=through) == []
    assert undone(made, m={TRUST: "done", ISSUE: "done"}, p={TRUST: "done", "failure": "Start the proxy: no."}) == [
        "paris-1: Start the proxy: no.",
        "These servers have no certificate of the new authority yet; all servers trust both. All links work. Repeat "
        "the run when these servers are well.",
    ]
    [line, stands] = undone(plan(paris_1=LOST), m={TRUST: "done"})
    assert line == "paris-1: Ansible cannot reach it: no route to host."
    assert stands.startswith("These servers do not trust the new authority yet;")
    assert undone(made, m=through, p={TRUST: "done", ISSUE: "done"})[0] == (
        "paris-1: The host was lost, or the run could not finish."
    )
