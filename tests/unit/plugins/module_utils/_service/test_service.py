# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""oned is started, stopped and waited for; a start that fails is told at once and in its own words."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_oned import FakeOned, Served

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._host import systemctl
from ansible_collections.onefed.opennebula.plugins.module_utils._service import managers, restart_needed
from ansible_collections.onefed.opennebula.plugins.module_utils._service import oned as _service

ONED = f"#!{sys.executable}\nimport time\ntime.sleep(60)\n"
# As bin/one of OpenNebula: oned runs on in the background and keeps the script's output open.
ONE = """#!/bin/sh
echo "$1 $ONE_LOCATION $ONE_AUTH $HOME" >> $ONE_LOCATION/calls
case $1 in
start)
    if [ -e $ONE_LOCATION/broken ]; then
        echo "could not open database, password is db-secret"
        [ -e $ONE_LOCATION/var/oned.log ] && mv $ONE_LOCATION/var/oned.log $ONE_LOCATION/var/oned.log.1
        echo "[Z0][ONE][E]: the word of one_auth is own-secret" > $ONE_LOCATION/var/oned.log
        exit 255
    fi
    $ONE_LOCATION/bin/oned -f & echo $! > $ONE_LOCATION/var/oned.pid
    # At first the process is a copy of this shell.
    while tr '\\0' ' ' < /proc/$!/cmdline | grep -q 'bin/one '; do sleep 0.01; done ;;
stop)
    [ -e $ONE_LOCATION/stubborn ] && exit 0
    kill $(cat $ONE_LOCATION/var/oned.pid); rm $ONE_LOCATION/var/oned.pid ;;
esac
"""


@pytest.fixture
def frontend(location: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Frontend]:
    """A self-contained front-end whose oned only sleeps; its API is served by the test."""
    monkeypatch.setattr(_service, "POLL", 0.01)
    for name, content in (("one", ONE), ("oned", ONED)):
        (location / "bin" / name).write_text(content)
        (location / "bin" / name).chmod(0o755)
    (location / "var/.one").mkdir()
    (location / "var/.one/one_auth").write_text("oneadmin:own-secret")
    (location / "var/oned.log").write_text("an old line\n")
    found = Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})
    listen(found, 1)
    yield found
    (location / "stubborn").unlink(missing_ok=True)
    pid = managers.SelfContained(found).pid()
    if pid:
        os.kill(pid, 9)


def listen(frontend: Frontend, port: int) -> None:
    Path(frontend.conf).write_text(
        f'LISTEN_ADDRESS = "127.0.0.1"\nPORT = {port}\nDB = [ BACKEND = "sqlite", PASSWD = "db-secret" ]\n'
    )


@pytest.fixture
def api(frontend: Frontend) -> Iterator[FakeOned]:
    with Served(FakeOned()) as oned:
        listen(frontend, int(oned.url.rsplit(":", 1)[1].split("/")[0]))
        yield oned


def calls(frontend: Frontend) -> list[str]:
    path = Path(frontend.location or "", "calls")
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def ensure(frontend: Frontend, wanted: str, wait: bool = True, check_mode: bool = False) -> tuple[bool, str]:
    result = _service.ensure(frontend, wanted, wait, 5.0, check_mode)
    assert result["seconds"] >= 0
    return result["changed"], result["state"]


def test_start_stop_restart(frontend: Frontend, api: FakeOned) -> None:
    assert ensure(frontend, "started", check_mode=True) == (True, "running")
    assert calls(frontend) == []
    assert ensure(frontend, "started") == (True, "running")
    assert (_service.is_running(frontend), _service.state(frontend)) == (True, "running")
    assert ensure(frontend, "started") == (False, "running")
    assert ensure(frontend, "restarted", check_mode=True) == (True, "running")
    assert ensure(frontend, "restarted") == (True, "running")
    assert ensure(frontend, "stopped") == (True, "stopped")
    assert (_service.is_running(frontend), _service.state(frontend)) == (False, "stopped")
    assert ensure(frontend, "stopped") == (False, "stopped")
    assert calls(frontend) == ["start", "stop", "start", "stop"]


def test_a_stopped_oned_tells_where_its_log_ends_if_asked(frontend: Frontend) -> None:
    def log(asked: bool, check_mode: bool = False) -> object:
        return _service.ensure(frontend, "stopped", True, 5.0, check_mode, log_end=asked)["log"]

    assert log(True) == {"last_index": 5, "last_applied": 5, "term": 0, "applied_term": 0}
    assert (log(False), log(True, check_mode=True)) == (None, None)


def test_an_oned_that_was_noted_for_a_restart_is_so_until_another_one_runs(frontend: Frontend, api: FakeOned) -> None:
    def noted() -> bool:
        return restart_needed.is_noted(frontend, managers.manager_of(frontend).pid())

    assert ensure(frontend, "restart_needed") == (False, "stopped")
    ensure(frontend, "started")
    assert ensure(frontend, "restart_needed", check_mode=True) == (True, "running")
    assert not noted()
    assert [ensure(frontend, "restart_needed") for _repeated in range(2)] == [(True, "running"), (False, "running")]
    assert noted()
    ensure(frontend, "stopped")
    assert not noted()
    ensure(frontend, "started")
    assert not noted()
    assert calls(frontend) == ["start", "stop", "start"]


def test_the_script_gets_the_environment_of_a_self_contained_oned(frontend: Frontend, api: FakeOned) -> None:
    ensure(frontend, "started")
    location = frontend.location or ""
    words = Path(location, "calls").read_text().split()
    assert words[:3] == ["start", location, os.path.join(location, "var/.one/one_auth")]
    assert os.path.isdir(words[3])


def test_stopping_without_waiting_only_tells_oned(frontend: Frontend, api: FakeOned) -> None:
    ensure(frontend, "started")
    assert ensure(frontend, "stopped", wait=False) == (True, "stopped")
    assert calls(frontend) == ["start"]
    assert os.path.exists(frontend.pid_file)
    _service.stop(frontend, 5.0)
    assert not _service.is_running(frontend)


def test_an_oned_without_pid_file_is_found_and_stopped(frontend: Frontend, api: FakeOned) -> None:
    ensure(frontend, "started")
    os.unlink(frontend.pid_file)
    assert _service.is_running(frontend)
    assert ensure(frontend, "stopped") == (True, "stopped")


def test_a_stale_pid_file_is_no_oned(frontend: Frontend) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        Path(frontend.pid_file).write_text(f"{other.pid}\n")
        assert not _service.is_running(frontend)
        other.kill()
    assert not _service.is_running(frontend)


def test_other_processes_of_the_same_location_are_no_oned(frontend: Frontend) -> None:
    tool = Path(frontend.location or "", "bin", "onedb")
    tool.write_text(ONED)
    for command in ([sys.executable, str(tool), "fsck"], ["tail", "-f", frontend.oned]):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as other:
            Path(frontend.pid_file).write_text(f"{other.pid}\n")
            assert not _service.is_running(frontend)
            other.kill()


def test_a_start_that_fails_is_told_in_its_own_words_without_secrets(frontend: Frontend) -> None:
    Path(frontend.location or "", "broken").touch()
    with pytest.raises(FrontendError) as caught:
        ensure(frontend, "started")
    text = str(caught.value)
    assert "bin/one start ended with exit status 255" in text
    assert "It said:\ncould not open database, password is ********" in text
    assert f"{frontend.oned_log}:\n[Z0][ONE][E]: the word of one_auth is ********" in text
    assert "an old line" not in text


def test_an_oned_that_dies_while_it_is_waited_for_is_noticed(frontend: Frontend) -> None:
    Path(frontend.oned).write_text(f"#!{sys.executable}\nprint('dying', flush=True)\n")
    with pytest.raises(FrontendError, match="oned did not come up: its process has ended.\nIt said:\ndying"):
        ensure(frontend, "started")


def test_an_api_that_does_not_answer_ends_the_wait(frontend: Frontend) -> None:
    with pytest.raises(FrontendError, match=r"waited 1.5 s for its API at http://127.0.0.1:1/RPC2, .*seen refused"):
        _service.start(frontend, timeout=1.5)


def test_a_start_that_is_not_waited_for_needs_no_api(frontend: Frontend) -> None:
    assert ensure(frontend, "started", wait=False) == (True, "running")


def test_an_oned_that_does_not_end_is_reported(frontend: Frontend, api: FakeOned) -> None:
    ready = Path(frontend.location or "", "ready")
    Path(frontend.oned).write_text(
        f"#!{sys.executable}\nimport signal, time\nsignal.signal(15, signal.SIG_IGN)\n"
        f"open({str(ready)!r}, 'w').close()\ntime.sleep(60)\n"
    )
    ensure(frontend, "started")
    while not ready.exists():
        time.sleep(0.01)
    Path(frontend.location or "", "stubborn").touch()
    with pytest.raises(FrontendError, match="oned did not end within 1.5 s"):
        _service.stop(frontend, 1.5)


def test_a_database_that_is_filled_needs_no_first_start(frontend: Frontend) -> None:
    assert ensure(frontend, "initialized") == (False, "stopped")
    assert calls(frontend) == []


def test_a_new_database_is_filled_by_a_start_and_a_stop(frontend: Frontend, api: FakeOned) -> None:
    os.unlink(frontend.sqlite_file)
    assert ensure(frontend, "initialized", check_mode=True) == (True, "stopped")
    assert calls(frontend) == []
    assert ensure(frontend, "initialized", wait=False) == (True, "stopped")
    assert calls(frontend) == ["start", "stop"]


def test_an_install_without_the_script_is_told(frontend: Frontend) -> None:
    os.unlink(Path(frontend.location or "", "bin", "one"))
    with pytest.raises(FrontendError, match="Cannot run .*/bin/one start as .*: .*No such file"):
        ensure(frontend, "started")


class Systemd:
    """The answers of systemd, as `show` gives them one after the other; the last one stays."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown: list[str] = []
        self.asked: list[str] = []
        self.refusal = ""
        self.enabled = "enabled"
        monkeypatch.setattr(systemctl, "run_command", self.run)

    def show(self, *states: str) -> None:
        """Each is "ActiveState/SubState NRestarts MainPID", further words as NAME=value."""
        self.shown = list(states)

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        if command[0] == "journalctl":
            assert command[-4:-1:2] == ["-n", "--since"]
            output = "\n".join(f"line {number}" for number in range(30 - int(command[-3]), 30))
        elif command[1] == "is-enabled":
            output = self.enabled
        elif command[1] == "show":
            output = self._shown()
        else:
            self.asked.append(" ".join(command[1:]))
            return subprocess.CompletedProcess(command, bool(self.refusal), "", self.refusal)
        return subprocess.CompletedProcess(command, 0, output, "")

    def _shown(self) -> str:
        state, restarts, pid, *more = (self.shown.pop(0) if len(self.shown) > 1 else self.shown[0]).split()
        active, sub = state.split("/")
        return "\n".join(
            [
                "LoadState=loaded",
                f"ActiveState={active}",
                f"SubState={sub}",
                "Result=exit-code",
                "ExecMainCode=1",
                "ExecMainStatus=255",
                f"NRestarts={restarts}",
                f"MainPID={pid}",
                *more,
            ]
        )


@pytest.fixture
def systemd(monkeypatch: pytest.MonkeyPatch) -> Systemd:
    return Systemd(monkeypatch)


UNIT = managers.Systemd("opennebula")


@pytest.mark.parametrize(
    ("shown", "state", "quiet"),
    [
        ("active/running 0 12", "running", False),
        ("activating/start 0 12", "running", False),
        ("deactivating/stop-sigterm 0 12", "running", False),
        ("activating/auto-restart 1 0", "failed", False),
        ("failed/failed 3 0", "failed", True),
        ("inactive/dead 0 0", "stopped", True),
        ("inactive/dead 0 0 Job=77", "stopped", False),
    ],
)
def test_states_of_a_unit(systemd: Systemd, shown: str, state: str, quiet: bool) -> None:
    systemd.show(shown)
    assert (UNIT.state(), UNIT.is_quiet()) == (state, quiet)


@pytest.mark.parametrize(("answer", "enabled"), [("enabled", True), ("disabled", False), ("static", None), ("", None)])
def test_whether_a_unit_is_enabled(systemd: Systemd, answer: str, enabled: bool | None) -> None:
    systemd.enabled = answer
    assert UNIT.enabled() is enabled


def test_other_units_are_stopped_in_one_order_with_oned(systemd: Systemd) -> None:
    managers.Systemd("opennebula").begin_stop(1.0, False, ["opennebula-flow", "opennebula-hem"])
    assert systemd.asked == ["stop --no-block opennebula opennebula-flow opennebula-hem"]


def test_a_unit_is_started_with_a_fresh_count_of_failures(systemd: Systemd) -> None:
    manager = managers.Systemd("opennebula")
    systemd.show("inactive/dead 0 0", "inactive/dead 0 0", "inactive/dead 0 0 Job=5", "activating/start 0 7")
    manager.begin_start(1.0)
    assert systemd.asked == ["reset-failed opennebula", "start --no-block opennebula"]
    assert (manager.failure(), manager.failure()) == (None, None)


@pytest.mark.parametrize(
    "shown",
    ["activating/auto-restart 0 0", "activating/start 1 9", "failed/failed 0 0", "inactive/dead 0 0"],
)
def test_a_unit_that_fails_is_stopped_before_systemd_tries_again(systemd: Systemd, shown: str) -> None:
    manager = managers.Systemd("opennebula")
    systemd.show("inactive/dead 0 0", "inactive/dead 0 0", shown)
    manager.begin_start(1.0)
    assert manager.failure() == "the unit opennebula ended with exit status 255"
    assert systemd.asked[-1] == "stop --no-block opennebula"
    assert manager.words().splitlines()[0] == "line 15"


def test_a_unit_that_waits_for_its_next_try_is_stopped_before_it_is_started(systemd: Systemd) -> None:
    manager = managers.Systemd("opennebula")
    systemd.show("activating/auto-restart 2 0")
    manager.begin_start(1.0)
    assert systemd.asked[0] == "stop --no-block opennebula"


def test_a_running_unit_that_was_restarted_before_is_no_failure(systemd: Systemd) -> None:
    systemd.show("active/running 2 12")
    assert managers.Systemd("opennebula").failure() is None


def test_refusals_of_systemd_are_told(systemd: Systemd) -> None:
    systemd.show("inactive/dead 0 0")
    systemd.refusal = "Access denied"
    with pytest.raises(FrontendError, match="systemctl start opennebula failed: Access denied"):
        managers.Systemd("opennebula").begin_start(1.0)
    systemd.show("inactive/dead 0 0 LoadState=not-found")
    with pytest.raises(FrontendError, match="There is no systemd unit opennebula"):
        UNIT.state()


def test_a_host_without_systemd_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(FrontendError, match="There is no systemctl on this host"):
        UNIT.state()
