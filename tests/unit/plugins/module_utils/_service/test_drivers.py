# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An oned that hangs at its end is helped: its own drivers are ended, and nobody else's processes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._host.deadline import Deadline
from ansible_collections.onefed.opennebula.plugins.module_utils._service import drivers, managers
from ansible_collections.onefed.opennebula.plugins.module_utils._service import oned as _service
from ansible_collections.onefed.opennebula.plugins.module_utils._service.drivers import DriverWatch, hung
from ansible_collections.onefed.opennebula.plugins.module_utils._service.managers import SelfContained
from tests.tools.playbooks import wait_for

# As oned 7.4.0 was seen: at its end it waits for whoever holds the pipes of its drivers. One is started by a shell.
ONED = f"""#!{sys.executable}
import os, signal, subprocess, sys, time
location = os.environ["ONE_LOCATION"]
drivers = [
    subprocess.Popen([location + "/var/one_tm.rb"], stdout=subprocess.PIPE),
    subprocess.Popen(["sh", "-c", location + "/var/one_vmm_exec.rb; true"], stdout=subprocess.PIPE),
]
def end(number, frame):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the real one waits for a signal once
    with open(location + "/var/oned.log", "a") as log:
        log.write("[Z0][ONE][I]: All modules finalized, exiting.\\n")
    for driver in drivers:
        driver.stdout.read()
    os._exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while True:
    time.sleep(60)
"""
DRIVER = f"#!{sys.executable}\nimport time\ntime.sleep(60)\n"
STOP = """#!/bin/sh
kill $(cat $ONE_LOCATION/var/oned.pid)
for _turn in $(seq 1000); do kill -0 $(cat $ONE_LOCATION/var/oned.pid) 2>/dev/null || break; sleep 0.02; done
"""


@pytest.fixture
def frontend(location: Path, monkeypatch: pytest.MonkeyPatch) -> Frontend:
    monkeypatch.setattr(drivers, "GRACE_SECONDS", 0.05)
    monkeypatch.setattr(_service, "POLL", 0.01)
    scripts = {"bin/one": STOP, "bin/oned": ONED, "var/one_tm.rb": DRIVER, "var/one_vmm_exec.rb": DRIVER}
    for name, content in scripts.items():
        (location / name).write_text(content)
        (location / name).chmod(0o755)
    (location / "var/oned.log").write_text("[Z0][ONE][I]: an old line\n")
    return Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})


@contextlib.contextmanager
def running(frontend: Frontend) -> Iterator[subprocess.Popen[str]]:
    location = str(frontend.location)
    command = [f"{location}/bin/oned"]
    environment = {**os.environ, "ONE_LOCATION": location}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as oned:
        assert oned.stdout and oned.stdout.readline() == "ready\n"
        Path(frontend.pid_file).write_text(f"{oned.pid}\n")
        wait_for(lambda: len(names(oned.pid)) == 3, "its drivers")
        try:
            yield oned
        finally:
            for pid in [*names(oned.pid), oned.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)


def names(oned: int) -> dict[int, str]:
    """The descendants of a process, with what they run."""
    process = drivers._process(oned)
    found = drivers._descendants(process) if process else []
    return {one.pid: os.path.basename(managers.program_of(one.pid)) for one in found}


@contextlib.contextmanager
def bystander(frontend: Frontend) -> Iterator[subprocess.Popen[bytes]]:
    """The same driver of somebody else: no child of this oned."""
    with subprocess.Popen([f"{frontend.location}/var/one_tm.rb"]) as other:
        yield other
        assert other.poll() is None
        other.kill()


def reap(oned: subprocess.Popen[str]) -> Callable[[], bool]:
    return lambda: oned.poll() is not None


def test_an_oned_that_hangs_at_its_end_loses_its_drivers_and_ends(frontend: Frontend) -> None:
    with running(frontend) as oned, bystander(frontend):
        watch = DriverWatch(frontend, oned.pid)
        oned.terminate()
        deadline = time.monotonic() + 30
        while oned.poll() is None and time.monotonic() < deadline:
            watch.look()
            time.sleep(0.01)
        assert oned.returncode == 0
    assert {"one_tm.rb", "one_vmm_exec.rb"} <= {*watch.ended}
    assert hung(watch.ended)[0].startswith("oned hung at its end; its drivers were ended: ")


def test_the_script_of_a_self_contained_oned_is_not_waited_for_in_vain(frontend: Frontend) -> None:
    with running(frontend) as oned:
        watch = DriverWatch(frontend, oned.pid)

        def meanwhile() -> None:
            oned.poll()  # the test is its parent
            watch.look()

        SelfContained(frontend).begin_stop(30, True, meanwhile=meanwhile)
        assert oned.wait(10) == 0
    assert "one_tm.rb" in watch.ended


def test_a_stop_tells_which_drivers_it_ended(frontend: Frontend, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(frontend) as oned:
        monkeypatch.setattr(SelfContained, "is_quiet", lambda self: oned.poll() is not None)
        monkeypatch.setattr(_service.companions, "remember", lambda frontend, also: None)
        (Path(str(frontend.location)) / "bin/one").write_text("#!/bin/sh\nkill $(cat $ONE_LOCATION/var/oned.pid)\n")
        ended = _service.stop(frontend, timeout=30)
    assert "one_vmm_exec.rb" in ended


def test_an_oned_that_has_not_said_that_it_ends_keeps_its_drivers(frontend: Frontend) -> None:
    with running(frontend) as oned:
        watch = DriverWatch(frontend, oned.pid)
        for _turn in range(20):
            watch.look()
            time.sleep(0.01)
        assert (watch.ended, len(names(oned.pid))) == ([], 3)


def test_within_the_time_of_grace_nothing_is_ended(frontend: Frontend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers, "GRACE_SECONDS", 1000.0)
    with running(frontend) as oned:
        watch = DriverWatch(frontend, oned.pid)
        Path(frontend.oned_log).write_text(f"[Z0][ONE][I]: {drivers.END_OF_ONED}.\n")
        for _turn in range(3):
            watch.look()
        assert watch.grace is not None
        assert (watch.ended, len(names(oned.pid))) == ([], 3)


def test_another_process_with_the_number_of_oned_keeps_its_children(frontend: Frontend) -> None:
    with running(frontend) as oned:
        watch = DriverWatch(frontend, oned.pid)
        assert watch.oned
        Path(frontend.oned_log).write_text(f"[Z0][ONE][I]: {drivers.END_OF_ONED}.\n")
        watch.oned = drivers._Process(oned.pid, "S", watch.oned.parent, watch.oned.start - 1, watch.oned.uid)
        watch.grace = Deadline(0.0)
        watch.look()
        assert (watch.ended, len(names(oned.pid))) == ([], 3)


def test_processes_of_other_accounts_are_not_drivers(frontend: Frontend) -> None:
    with running(frontend) as oned:
        own = drivers._process(oned.pid)
        assert own
        assert drivers._descendants(drivers._Process(own.pid, own.state, own.parent, own.start, own.uid + 1)) == []


@pytest.mark.parametrize("kind", ["fifo", "folder", "nothing"])
def test_a_log_that_is_no_file_is_not_waited_for(frontend: Frontend, kind: str) -> None:
    log = Path(frontend.oned_log)
    log.unlink()
    if kind == "fifo":
        os.mkfifo(log)
    elif kind == "folder":
        log.mkdir()
    with running(frontend) as oned:
        watch = DriverWatch(frontend, oned.pid)
        watch.look()
        assert watch.grace is None


def test_without_an_oned_there_is_nothing_to_watch(frontend: Frontend) -> None:
    watch = DriverWatch(frontend, None)
    watch.look()
    assert (watch.ended, hung(watch.ended)) == ([], [])
