# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Companions of oned stop before it where their credentials change, and run again as they ran before."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from fake_systemd import FakeSystemd, Packaged, packaged

from ansible_collections.onefed.opennebula.plugins.module_utils._api import client
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._host import systemctl
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery import join_journal
from ansible_collections.onefed.opennebula.plugins.module_utils._service import companions, oned
from ansible_collections.onefed.opennebula.plugins.module_utils._upgrade import journal as upgrade_journal

FLOW, HEM, FIREEDGE = "opennebula-flow", "opennebula-hem", "opennebula-fireedge"


@pytest.fixture
def frontend(tmp_path: Path) -> Packaged:
    return packaged(tmp_path)


@pytest.fixture
def systemd(monkeypatch: pytest.MonkeyPatch) -> FakeSystemd:
    fake = FakeSystemd(monkeypatch, HEM, FLOW)
    fake.install(FIREEDGE, unit_file="disabled")
    return fake


def ensure(frontend: Frontend, wanted: str, with_companions: bool = False, **options: Any) -> dict[str, Any]:
    wait, check_mode = options.get("wait", True), options.get("check_mode", False)
    return oned.ensure(frontend, wanted, wait, 5.0, check_mode, with_companions)


def test_installed_services_are_found_in_the_order_of_their_start(frontend: Frontend, systemd: FakeSystemd) -> None:
    systemd.units[HEM]["UnitFileState"] = "static"
    assert companions.installed(frontend) == [
        {"unit": HEM, "active": True, "enabled": None},
        {"unit": FLOW, "active": True, "enabled": True},
        {"unit": FIREEDGE, "active": False, "enabled": False},
    ]
    assert companions.active(frontend) == [HEM, FLOW]


def test_a_service_that_systemd_is_about_to_start_counts_as_active(frontend: Frontend, systemd: FakeSystemd) -> None:
    systemd.units[FIREEDGE].update(ActiveState="activating", SubState="auto-restart")
    assert companions.active(frontend) == [HEM, FLOW, FIREEDGE]


def test_stopping_oned_leaves_its_neighbours_alone_unless_asked(frontend: Frontend, systemd: FakeSystemd) -> None:
    assert ensure(frontend, "stopped")["changed"] is True
    assert systemd.running() == [HEM, FLOW]
    assert ensure(frontend, "stopped", with_companions=True, check_mode=True)["changed"] is True
    assert ensure(frontend, "stopped", with_companions=True)["changed"] is True
    assert systemd.running() == []
    assert systemd.orders[-1] == f"stop opennebula {HEM} {FLOW}"
    assert ensure(frontend, "stopped", with_companions=True)["changed"] is False


def test_oned_alone_runs_on_and_its_neighbours_come_back_with_the_next_start(
    frontend: Frontend, systemd: FakeSystemd
) -> None:
    assert ensure(frontend, "alone", check_mode=True)["changed"] is True
    assert systemd.running() == ["opennebula", HEM, FLOW]
    assert ensure(frontend, "alone")["changed"] is True
    assert (systemd.running(), systemd.orders[-1]) == (["opennebula"], f"stop {HEM} {FLOW}")
    assert ensure(frontend, "alone")["changed"] is False
    assert [one["unit"] for one in ensure(frontend, "restarted")["services"]] == [HEM, FLOW]


def test_services_that_were_stopped_run_again_after_the_next_start(frontend: Frontend, systemd: FakeSystemd) -> None:
    ensure(frontend, "stopped", with_companions=True)
    result = ensure(frontend, "started")
    assert result["services"] == [{"unit": HEM, "error": None}, {"unit": FLOW, "error": None}]
    assert systemd.running() == ["opennebula", HEM, FLOW]
    systemd._stop(FLOW)
    assert ensure(frontend, "restarted")["services"] == []
    assert FLOW not in systemd.running()


def test_a_restart_with_its_neighbours_restarts_only_those_that_ran(frontend: Frontend, systemd: FakeSystemd) -> None:
    assert [one["unit"] for one in ensure(frontend, "restarted", with_companions=True)["services"]] == [HEM, FLOW]
    assert systemd.orders[:2] == [f"stop opennebula {HEM} {FLOW}", "reset-failed opennebula"]
    assert systemd.running() == ["opennebula", HEM, FLOW]


def test_a_restart_leaves_services_alone_that_do_not_stop_with_oned(frontend: Frontend, systemd: FakeSystemd) -> None:
    assert ensure(frontend, "restarted")["services"] == []
    assert systemd.orders == ["stop opennebula", "reset-failed opennebula", "start opennebula"]
    assert not os.path.exists(os.path.join(frontend.state_dir, "companions.json"))


def test_what_systemd_stops_with_oned_runs_again_after_a_restart(frontend: Frontend, systemd: FakeSystemd) -> None:
    systemd.install("billing", active=True)
    systemd.install("asleep")
    systemd.stopped_with = ["billing", "asleep"]
    assert ensure(frontend, "restarted")["services"] == [{"unit": "billing", "error": None}]
    assert systemd.running() == ["opennebula", HEM, FLOW, "billing"]


def test_a_restart_that_failed_is_made_good_by_the_next_start(
    frontend: Frontend, systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemd.install("billing", active=True)
    systemd.stopped_with = ["billing"]
    with monkeypatch.context() as broken:
        broken.setattr(client, "probe", lambda _url, _timeout: {"state": "refused", "detail": ""})
        with pytest.raises(FrontendError, match="oned did not come up"):
            oned.ensure(frontend, "restarted", True, 0.1, False)
    assert "billing" not in systemd.running()
    # Somebody else starts oned in between.
    systemd.run(["systemctl", "start", "opennebula"])
    services = ensure(frontend, "restarted", with_companions=True)["services"]
    assert [one["unit"] for one in services] == [HEM, FLOW, "billing"]
    assert systemd.running() == ["opennebula", HEM, FLOW, "billing"]


def test_stopping_waits_for_services_that_take_their_time(
    frontend: Frontend, systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def slow(command: list[str]) -> Any:
        if command[1] == "show" and FLOW in command and "stop" in " ".join(systemd.orders):
            looks.append(FLOW)
            state = "deactivating" if len(looks) < 4 else "inactive"
            systemd.units[FLOW].update(ActiveState=state)
        return systemd.run(command)

    monkeypatch.setattr(systemctl, "run_command", slow)
    ensure(frontend, "stopped", with_companions=True)
    assert len(looks) == 4
    monkeypatch.setattr(systemd, "_stop", lambda name: systemd.units[name].update(ActiveState="deactivating"))
    systemd.install(FLOW, active=True)
    with pytest.raises(FrontendError, match=f"oned, {FLOW} did not end within 0.05 s after the order"):
        oned.stop(frontend, 0.05, also=[FLOW])


def test_a_service_that_ends_is_told_with_its_journal_and_without_secrets(
    frontend: Frontend, systemd: FakeSystemd
) -> None:
    systemd.broken = {FLOW: "exit"}
    services = ensure(frontend, "restarted", with_companions=True)["services"]
    assert services[0] == {"unit": HEM, "error": None}
    assert services[1]["error"] == (
        f"The service {FLOW} ended with exit status 3. Its journal ends with: the last word, my secret is ********"
    )
    assert companions.warnings(services) == [services[1]["error"]]
    assert systemd.orders.count(f"reset-failed {HEM} {FLOW}") == 1


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"ActiveState": "failed", "Result": "timeout"}, "ended with timeout"),
        ({"ActiveState": "active", "SubState": "running", "NRestarts": 2}, "ended"),
        ({"ActiveState": "inactive", "AssertResult": "no"}, "a condition of its unit (Assert…) is not met"),
        ({"ActiveState": "inactive", "LoadState": "masked"}, "its unit is masked"),
        ({"ActiveState": "inactive"}, "did not stay"),
        ({"ActiveState": "activating", "SubState": "start-pre"}, "was still start-pre after 0.05 s"),
    ],
)
def test_how_a_service_fails_to_start(
    frontend: Frontend, systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch, state: dict[str, Any], told: str
) -> None:
    monkeypatch.setattr(companions, "START_SECONDS", 0.05)
    systemd.journal = ""
    monkeypatch.setattr(systemd, "_start", lambda name: systemd.units[name].update(state), raising=False)
    error = companions.bring_up(frontend, [FLOW])[0]["error"]
    assert told in error
    assert error.endswith("Its journal ends with: (nothing)")


def test_a_service_counts_as_started_when_it_has_run_for_a_while(
    frontend: Frontend, systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def look(command: list[str]) -> Any:
        looks.append(command[1])
        if looks.count("show") == 6:
            systemd.units[FLOW].update(ActiveState="failed", Result="exit-code", ExecMainCode=1, ExecMainStatus=1)
        return systemd.run(command)

    monkeypatch.setattr(companions, "SETTLE_SECONDS", 60.0)
    monkeypatch.setattr(systemctl, "run_command", look)
    assert "ended with exit status 1" in companions.bring_up(frontend, [FLOW])[0]["error"]


def test_only_companions_of_oned_are_started_whatever_a_file_names(frontend: Frontend, systemd: FakeSystemd) -> None:
    systemd.install("sshd")
    systemd.install("--evil")
    systemd.stopped_with = ["--evil"]
    assert companions.bring_up(frontend, ["sshd", "../evil", "--evil"]) == []
    frontend.make_dir(frontend.state_dir)
    for content in ('{"units": ["sshd", [7]]}', '{"units": 1}', "[]", "x"):
        Path(frontend.state_dir, "companions.json").write_text(content)
        assert ensure(frontend, "restarted")["services"] == []
    assert "sshd" not in systemd.running()


def test_a_first_start_leaves_no_service_running_that_did_not_run(
    frontend: Frontend, systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemd._stop("opennebula")
    systemd._stop(HEM)
    monkeypatch.setattr(oned, "describe", lambda _database: {"bootstrapped": False})
    start = systemd._start
    wants = {"opennebula": [HEM]}
    monkeypatch.setattr(systemd, "_start", lambda name: [start(one) for one in (name, *wants.get(name, []))])
    assert ensure(frontend, "initialized")["changed"] is True
    assert systemd.running() == [FLOW]


def test_a_self_contained_install_has_no_services(location: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    systemd = FakeSystemd(monkeypatch, FLOW)
    contained = Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})
    assert (companions.installed(contained), companions.running(contained)) == ([], [])
    assert companions.bring_up(contained, [FLOW]) == []
    assert ensure(contained, "stopped", with_companions=True)["changed"] is False
    assert systemd.orders == []


ZONE = {
    "kind": "zone",
    "server_endpoint": None,
    "server_existed": None,
    "server_id": None,
    "id": None,
    "zone_name": "paris",
    "zone_endpoint": "http://192.0.2.31:2633/RPC2",
    "zone_existed": False,
    "zone_id": None,
    "master_endpoint": "http://192.0.2.11:2633/RPC2",
    "step": None,
}


def journal(frontend: Frontend, state: str) -> dict[str, Any]:
    return join_journal.manage(frontend, {**ZONE, "state": state}, False)


def test_a_join_keeps_services_stopped_until_its_journal_is_closed(frontend: Frontend, systemd: FakeSystemd) -> None:
    # What an earlier stop left behind does not start them too early either.
    companions.remember(frontend, [FLOW])
    record = Path(frontend.state_dir, "companions.json")
    content = record.read_bytes()
    opened = journal(frontend, "opened")
    assert opened["journal"]["original"]["companions"] == [HEM, FLOW]
    ensure(frontend, "stopped", with_companions=True, wait=False)
    # As after a run that was killed: the first record counts.
    assert journal(frontend, "opened")["journal"]["original"]["companions"] == [HEM, FLOW]
    ensure(frontend, "stopped", with_companions=True)
    assert ensure(frontend, "restarted")["services"] == []
    assert systemd.running() == ["opennebula"]
    assert record.read_bytes() == content
    systemd.broken = {HEM: "assert"}
    closed = journal(frontend, "closed")
    assert [one["unit"] for one in closed["services"]] == [HEM, FLOW]
    assert "because a condition of its unit" in closed["services"][0]["error"]
    assert systemd.running() == ["opennebula", FLOW]
    assert journal(frontend, "closed")["services"] == []


def test_an_upgrade_keeps_services_stopped_until_its_journal_is_closed(
    frontend: Frontend, systemd: FakeSystemd
) -> None:
    upgrade: dict[str, Any] = {
        **{"id": "x", "zone_name": "paris", "method": "together", "from_release": "7.0.1", "to_release": "7.4.0"},
        **{"part": "leader", "slave": False, "step": None, "hypervisors": None, "federated_index": None},
    }
    opened = upgrade_journal.manage(frontend, {**upgrade, "state": "opened"}, False)
    assert opened["journal"]["original"]["companions"] == [HEM, FLOW]
    ensure(frontend, "stopped", with_companions=True)
    assert ensure(frontend, "started")["services"] == []
    assert systemd.running() == ["opennebula"]
    assert not Path(frontend.state_dir, "companions.json").exists()
    closed = upgrade_journal.manage(frontend, {**upgrade, "state": "closed"}, False)
    assert [one["unit"] for one in closed["services"]] == [HEM, FLOW]
    assert systemd.running() == ["opennebula", HEM, FLOW]


def test_a_forged_journal_starts_no_other_unit(frontend: Frontend, systemd: FakeSystemd) -> None:
    systemd.install("sshd")
    journal(frontend, "opened")
    path = Path(frontend.state_dir, "journal.json")
    for forged in (["sshd", 7], "sshd", None):
        data = json.loads(path.read_text())
        data["original"]["companions"] = forged
        path.write_text(json.dumps(data))
        assert journal(frontend, "closed")["services"] == []
        journal(frontend, "opened")
    assert "sshd" not in systemd.running()


HOOK = """case $ACTION in
leader)
    if systemctl is-enabled opennebula-flow >/dev/null 2>&1; then
        sudo -n systemctl start opennebula-flow
    fi
    sudo -n systemctl start opennebula-hem
    ;;
follower)
    sudo -n systemctl stop opennebula-flow
    sudo -n systemctl stop opennebula-hem
    sudo -n systemctl stop opennebula-showback.timer
"""


def make_server(frontend: Frontend, server_id: int, hook: str = "raft/vip.sh") -> None:
    """oned.conf as that of a server of a zone of several, and OpenNebula's hook."""
    with open(frontend.conf, "a", encoding="utf-8") as file:
        file.write(f'FEDERATION = [ MODE = "SLAVE", ZONE_ID = 100, SERVER_ID = {server_id} ]\n')
        file.write(f'RAFT_FOLLOWER_HOOK = [ COMMAND = "{hook}", ARGUMENTS = "follower eth0 192.0.2.30/24" ]\n')
    script = Path(frontend.var, "remotes/hooks/raft/vip.sh")
    script.parent.mkdir(parents=True)
    script.write_text(HOOK)


def test_what_the_hook_manages_is_read_from_the_hook(frontend: Frontend, systemd: FakeSystemd) -> None:
    assert companions.hook_units(frontend) == []
    make_server(frontend, 1)
    assert companions.hook_units(frontend) == [FLOW, HEM]
    systemd.install("opennebula-showback.timer")
    assert companions.hook_units(frontend) == [FLOW, HEM, "opennebula-showback.timer"]


def test_a_server_of_several_leaves_to_its_hooks_what_runs_where_it_leads(
    frontend: Frontend, systemd: FakeSystemd
) -> None:
    systemd._start(FIREEDGE)
    make_server(frontend, 1)
    assert ensure(frontend, "restarted", with_companions=True)["services"] == [{"unit": FIREEDGE, "error": None}]
    assert systemd.running() == ["opennebula", FIREEDGE]
    assert ensure(frontend, "restarted", with_companions=True)["services"] == [{"unit": FIREEDGE, "error": None}]


def test_the_leaders_services_are_restarted_for_a_new_file(frontend: Frontend, systemd: FakeSystemd) -> None:
    make_server(frontend, 0)
    assert [one["unit"] for one in companions.restart(frontend, [FLOW, FIREEDGE])] == [FLOW]


@pytest.mark.parametrize(("server_id", "hook"), [(-1, "raft/vip.sh"), (1, "notify-balancer")])
def test_without_hooks_at_work_all_services_run_again(
    frontend: Frontend, systemd: FakeSystemd, server_id: int, hook: str
) -> None:
    make_server(frontend, server_id, hook)
    assert [one["unit"] for one in ensure(frontend, "restarted", with_companions=True)["services"]] == [HEM, FLOW]


def test_closing_the_journal_of_a_server_leaves_to_its_hooks_what_they_manage(
    frontend: Frontend, systemd: FakeSystemd
) -> None:
    make_server(frontend, 1)
    told = companions.bring_up(frontend, [HEM, FLOW, FIREEDGE])
    assert told == [{"unit": FIREEDGE, "error": None}]
