# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last word of playbook resync."""

from __future__ import annotations

from typing import Any

from ansible_collections.onefed.opennebula.plugins.filter.resync_report import resync_report

LYON: dict[str, Any] = {"label": "lyon", "host": "lyon-1"}
PARIS: dict[str, Any] = {"label": "paris", "host": "paris-1"}


def made(hosts: dict[str, Any], check: bool = False) -> dict[str, Any]:
    plans = {"lyon-1": LYON, "paris-1": PARIS, "paris-2": PARIS}
    plan = {"zones": {"lyon-1": LYON}, "hosts": {"paris-2": PARIS}, "plans": plans}
    hostvars = {host: {"onefed": {"result": hosts.get(host, {})}} for host in plans}
    return resync_report(plan, hostvars, check)


def test_what_was_done_is_told_with_what_a_server_lacks() -> None:
    done = {
        "lyon-1": {"joined": {"changed": True}, "journal": {"directory": "/var/lib/one/onefed/1"}},
        "paris-1": {"lacking": {"paris-2": [{"path": "/etc/one/x", "reason": "a link"}]}},
        "paris-2": {"added": True},
    }
    assert made(done) == {
        "text": [
            "lyon has the master's tables. Backups: /var/lib/one/onefed/1.",
            "paris-2 has the tables of paris-1.",
            "paris-2 is not given all files of its leader: /etc/one/x (a link). Copy to it what it needs.",
        ],
        "undone": [],
    }
    assert made({**done, "paris-1": {}}, check=True) == {"text": [], "undone": []}


def test_what_was_left_undone_is_told_with_the_reason() -> None:
    found = made(
        {
            "lyon-1": {"failure": "Start oned as a slave: no.", "journal": {"directory": "/backup"}, "returned": {}},
            "paris-1": {"failure": "paris-2: Restore the leader's database: no space left."},
        }
    )
    assert found["undone"] == [
        "lyon did not get the master's tables, and is not what it was; run again. Start oned as a slave: no. "
        "Backups: /backup.",
        "paris-2 did not get the tables of paris-1. paris-2: Restore the leader's database: no space left. Run again.",
    ]
    assert found["text"] == ["Left undone:", *found["undone"]]


def test_hosts_that_were_lost_are_told_and_a_zone_that_was_returned_to_what_it_was() -> None:
    found = made({"lyon-1": {"failure": "no", "returned": {"changed": True}}})
    assert found["undone"] == [
        "lyon did not get the master's tables. no.",
        "paris-2 did not get the tables of paris-1. The host was lost, or the run could not finish. Run again.",
    ]
