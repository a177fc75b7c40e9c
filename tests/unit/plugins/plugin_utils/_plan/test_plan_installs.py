# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be planned of hosts that playbook install has yet to make front-ends."""

from __future__ import annotations

from typing import Any

from planned import MASTER_URL, PARIS_URL, declared, federated, frontend, plan

INSTALLED, LATER = "  ~ OpenNebula is installed", "  ~ federation: (known after apply)"


def bare() -> dict[str, Any]:
    found = frontend()
    return {**found, "installed": False, "conf": {**found["conf"], "mode": None, "error": "No such file"}}


def installing(*hosts: str) -> dict[str, Any]:
    what = declared()
    for host in hosts:
        what["hosts"][host]["install"] = True
    return what


def test_a_federation_of_bare_hosts_is_known_after_apply() -> None:
    made = plan(bare(), bare(), installing("madrid-1", "paris-1"), installs=True)
    assert (made["errors"], made["left_out"]) == ([], [])
    assert (made["changed"], made["prepare"], made["probe"]) == (True, False, False)
    assert made["text"] == [
        f"madrid ({MASTER_URL}): is not known yet",
        INSTALLED,
        LATER,
        f"paris ({PARIS_URL}): is not known yet",
        INSTALLED,
        LATER,
    ]


def test_what_joins_a_bare_master_is_known_after_apply() -> None:
    made = plan(bare(), frontend(), installing("madrid-1"), installs=True)
    assert made["zones"]["paris"]["action"] == "unknown"
    assert made["text"][-2:] == [f"paris ({PARIS_URL}): is not known yet", LATER]


def test_a_bare_host_leaves_the_plan_of_the_others_as_it_is() -> None:
    made = plan(frontend(), bare(), installing("paris-1"), installs=True)
    assert (made["master"]["action"], made["prepare"]) == ("master", True)
    assert made["text"][-3:] == [f"paris ({PARIS_URL}): is not known yet", INSTALLED, LATER]
    master, paris = federated()
    assert plan(master, paris, installing("madrid-1", "paris-1"), installs=True)["changed"] is False


def test_a_host_that_could_not_be_installed_or_is_not_to_be_is_a_problem() -> None:
    failed = plan(frontend(), bare(), installing("paris-1"))
    unwanted = plan(frontend(), bare(), declared(), installs=True)
    for made in (failed, unwanted):
        assert made["zones"]["paris"]["action"] == "excluded"
        assert "not installed, or not completely" in made["left_out"][0]
