# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last word of an upgrade, and of its way back."""

from __future__ import annotations

from typing import Any

from planned import declared
from upgrading import halted, pair, plan

from ansible_collections.onefed.opennebula.plugins.filter.upgrade_report import upgrade_report
from ansible_collections.onefed.opennebula.plugins.filter.upgrade_rollback import upgrade_rollback

FOLDER = "/var/lib/onefed/upgrades/1"
REMEDY = "Run again, which goes on from there; or run playbook upgrade_rollback, which takes the upgrade back."
STEPS = ("opened", "stopped", "saved", "installed", "converged", "migrated", "started", "proved", "closed")


def reached(last: str, **more: Any) -> dict[str, Any]:
    """What roles recorded of a server that came to this step."""
    recorded: dict[str, Any] = {step: {"changed": True} for step in STEPS[: STEPS.index(last) + 1]}
    recorded["opened"]["journal"] = {"directory": FOLDER}
    return {**recorded, **more}


def made(results: dict[str, Any], check: bool = False) -> dict[str, Any]:
    hostvars = {host: {"onefed": {"result": results.get(host, {})}} for host in ("madrid-1", "paris-1")}
    return upgrade_report(plan(pair(), declared()), hostvars, check)


def test_zones_are_told_with_the_outage_of_their_api_and_their_backups() -> None:
    report = made({"madrid-1": reached("closed", outage=31.46), "paris-1": reached("closed", outage=42)})
    assert report == {
        "text": [
            f"madrid has OpenNebula 7.4.0. Its API was away for 31 s. Backups, on each server: {FOLDER}.",
            f"paris has OpenNebula 7.4.0. Its API was away for 42 s. Backups, on each server: {FOLDER}.",
        ],
        "undone": [],
        "failed": False,
        "changed": True,
        "outage": {"madrid": 31.5, "paris": 42.0},
    }


def test_what_is_left_undone_is_told_with_the_reason_and_how_far_it_came() -> None:
    failed = reached("saved", installed={"failed": True}, failure="Install the packages: no route.")
    report = made({"madrid-1": failed})
    assert (report["failed"], report["outage"]) == (True, {})
    assert report["undone"] == [
        "madrid, madrid-1: is not at OpenNebula 7.4.0 yet. Install the packages: no route. It came as far as: "
        f"saved. {REMEDY} Backups: {FOLDER}.",
        f"paris, paris-1: is not at OpenNebula 7.4.0 yet. The host was lost, or the run could not finish. {REMEDY}",
    ]
    assert report["text"] == ["Left undone:", *report["undone"]]


def test_a_zone_that_was_returned_is_told_as_such() -> None:
    back = reached("installed", failure="no", returned={"changed": True})
    along = reached("installed", returned={"changed": True})
    was = "was not upgraded and is what it was, OpenNebula 7.0.2."
    assert made({"madrid-1": back, "paris-1": along})["undone"] == [
        f"madrid, madrid-1: {was} no. Backups: {FOLDER}.",
        f"paris, paris-1: {was} It went back because another server could not be upgraded. Backups: {FOLDER}.",
    ]


def test_one_that_did_not_come_back_needs_the_way_back_again() -> None:
    """The upgrade refuses to go on with it."""
    stuck = reached("installed", failure="Full. The server was not returned to what it was: full.", not_returned="full")
    assert made({"madrid-1": stuck, "paris-1": reached("closed")})["undone"] == [
        "madrid, madrid-1: is not what it was yet. Full. The server was not returned to what it was: full. It came as "
        f"far as: installed. Run playbook upgrade_rollback, which completes the way back. Backups: {FOLDER}.",
    ]


def test_what_needs_somebodys_eye_is_a_warning() -> None:
    report = {"unknown": ["SCRIPTS_REMOTE_DIR"], "new": {"GRPC_PORT": "2634", "X": ""}, "refused": ["line 3"]}
    noted = reached(
        "closed",
        converged={"changed": True, "report": report},
        migrated={"changed": True, "fsck": ["VM 7 has no owner"], "lost": ["document_pool has 3 rows, it had 4"]},
        saved={"left_out": [{"path": "etc/tls", "reason": "it is a link"}]},
        stopped={"drivers_ended": ["one_tm.rb"]},
    )
    noted["closed"]["services"] = [{"unit": "opennebula-flow", "error": "opennebula-flow does not run."}]
    text = made({"madrid-1": noted, "paris-1": reached("closed")})["text"]
    assert text[2:] == [
        "madrid-1: new in the release's own oned.conf, with defaults: GRPC_PORT = 2634, X.",
        "Warnings:",
        "madrid-1: the release no longer knows SCRIPTS_REMOTE_DIR, which oned.conf sets.",
        "madrid-1: oned.conf is not understood: line 3.",
        "madrid-1: not saved: etc/tls (it is a link).",
        "madrid-1: the migration removed something: document_pool has 3 rows, it had 4.",
        "madrid-1: onedb fsck: VM 7 has no owner.",
        "madrid-1: oned hung at its end; its drivers were ended: one_tm.rb.",
        "madrid-1: opennebula-flow does not run.",
    ]


def test_check_mode_tells_what_would_be() -> None:
    report = made({"paris-1": {"failure": "no"}}, check=True)
    assert report["text"] == [
        "madrid would have OpenNebula 7.4.0.",
        "Left undone:",
        "paris, paris-1: would not come to OpenNebula 7.4.0. no.",
    ]


def test_a_federation_at_the_target_is_told_once() -> None:
    nothing = plan(pair("7.4.0", None), declared())
    report = upgrade_report(nothing, {})
    assert (report["text"], report["failed"], report["changed"]) == (nothing["text"], False, False)


def test_the_way_back_is_told_likewise() -> None:
    back = upgrade_rollback(declared(), halted(pair(), madrid_1="migrated", paris_1="saved"))
    recorded = {"madrid-1": reached("closed", outage=20), "paris-1": reached("stopped", failure="Disk full.")}
    recorded["paris-1"]["reopened"] = recorded["paris-1"].pop("opened")
    report = upgrade_report(back, {host: {"onefed": {"result": one}} for host, one in recorded.items()})
    assert report["text"] == [
        f"madrid has OpenNebula 7.0.2. Its API was away for 20 s. Backups, on each server: {FOLDER}.",
        "Left undone:",
        "paris, paris-1: is not what it was yet. Disk full. It came as far as: stopped. Run playbook upgrade_rollback, "
        f"which completes the way back. Backups: {FOLDER}.",
    ]


def test_an_api_that_could_not_be_closed_is_told() -> None:
    """What users wrote before the proof is lost when servers return to what they were."""
    lockdown = {"closed": False, "reason": "This host does not run systemd; let nobody reach it in its firewall."}
    told = made({"madrid-1": reached("closed", lockdown=lockdown), "paris-1": reached("closed")})["text"]
    assert told[-2:] == [
        "Warnings:",
        "madrid-1: its API stays open to users meanwhile, who have to be kept away: This host does not run systemd; "
        "let nobody reach it in its firewall.",
    ]
    skipped = reached("closed", lockdown={"skipped": True})
    assert (
        "Warnings:" not in made({"madrid-1": skipped, "paris-1": reached("closed", lockdown={"closed": True})})["text"]
    )
