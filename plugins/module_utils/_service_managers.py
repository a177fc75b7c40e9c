# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What starts and stops oned: systemd, or the script `one` of a self-contained install. No command carries a secret."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from typing import Protocol

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._run_as_oned import run_as_oned

COMMAND_SECONDS = 30.0
LINES_SHOWN = 15
# Services that packages install beside oned, and that hold its old credentials and state until they are restarted.
COMPANIONS = ("flow", "gate", "fireedge", "scheduler", "hem", "form", "ks")


class Manager(Protocol):
    """How one front-end's oned is controlled."""

    def state(self) -> str:
        """running, stopped or failed; "failed" includes waiting for the next automatic restart."""

    def is_quiet(self) -> bool:
        """Whether there is no oned, and none will be started without being asked for."""

    def enabled(self) -> bool | None:
        """Whether oned starts with the host; None when that is unknown."""

    def begin_start(self, timeout: float) -> None:
        """Order the start. Raises FrontendError when it is refused."""

    def failure(self) -> str | None:
        """How the ordered start failed; None while it may still succeed."""

    def begin_stop(self, timeout: float, wait: bool) -> None:
        """Order the stop."""

    def words(self) -> str:
        """What the manager has to say about the ordered start."""

    def companions(self) -> list[str]:
        """Names of active services that belong to OpenNebula besides oned."""


def manager_of(frontend: Frontend) -> Manager:
    """The manager of this front-end."""
    return SelfContained(frontend) if frontend.location else Systemd(frontend.service)


class Systemd:
    """oned as a systemd unit."""

    PROPERTIES = "LoadState,ActiveState,SubState,Result,ExecMainCode,ExecMainStatus,NRestarts,MainPID,Job"

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.ordered_at = 0.0
        self.restarts: int | None = None

    def state(self) -> str:
        shown = self._show()
        if shown["ActiveState"] == "failed" or shown["SubState"] == "auto-restart":
            return "failed"
        return "stopped" if shown["ActiveState"] == "inactive" else "running"

    def is_quiet(self) -> bool:
        shown = self._show()
        return shown["ActiveState"] in ("inactive", "failed") and shown["MainPID"] == "0" and not _has_job(shown)

    def enabled(self) -> bool | None:
        answer = _run(["systemctl", "is-enabled", self.unit]).stdout.strip()
        return {"enabled": True, "disabled": False}.get(answer)

    def begin_start(self, timeout: float) -> None:
        if self._show()["SubState"] == "auto-restart":
            self._order("stop")
        # Else systemd refuses the fourth start within a minute, whatever made the others fail.
        _run(["systemctl", "reset-failed", self.unit])
        self.ordered_at = time.time()
        self.restarts = int(self._show()["NRestarts"] or 0)
        self._order("start")

    def failure(self) -> str | None:
        shown = self._show()
        if self.restarts is None:
            self.restarts = int(shown["NRestarts"] or 0)
        restarted = int(shown["NRestarts"] or 0) > self.restarts
        ended = shown["ActiveState"] == "inactive" and not _has_job(shown)
        if not (restarted or ended or shown["ActiveState"] == "failed" or shown["SubState"] == "auto-restart"):
            return None
        # Without this systemd would go on trying, and the unit would look as if it were starting.
        self._order("stop")
        how = f"exit status {shown['ExecMainStatus']}" if shown["ExecMainCode"] == "1" else shown["Result"]
        return f"the unit {self.unit} ended with {how}"

    def begin_stop(self, timeout: float, wait: bool) -> None:
        self._order("stop")

    def words(self) -> str:
        since = f"@{int(self.ordered_at)}"
        command = ["journalctl", "--no-pager", "-q", "-o", "cat", "-u", self.unit, "--since", since]
        return "\n".join(_run(command).stdout.splitlines()[-LINES_SHOWN:])

    def companions(self) -> list[str]:
        units = [f"opennebula-{name}.service" for name in COMPANIONS]
        shown = _run(["systemctl", "show", "-p", "Id,ActiveState", *units]).stdout
        blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in shown.strip().split("\n\n")]
        return [block["Id"].rsplit(".", 1)[0] for block in blocks if block.get("ActiveState") == "active"]

    def _show(self) -> dict[str, str]:
        result = _run(["systemctl", "show", "-p", self.PROPERTIES, self.unit])
        shown = dict(line.split("=", 1) for line in result.stdout.splitlines() if "=" in line)
        if "ActiveState" not in shown:
            raise FrontendError(f"systemd does not answer about {self.unit}: {result.stderr.strip()}.")
        if shown["LoadState"] == "not-found":
            raise FrontendError(
                f"There is no systemd unit {self.unit}. Install OpenNebula, or set oned_service or oned_location."
            )
        return {"Job": "", **shown}

    def _order(self, verb: str) -> None:
        result = _run(["systemctl", verb, "--no-block", self.unit])
        if result.returncode:
            raise FrontendError(f"systemctl {verb} {self.unit} failed: {result.stderr.strip()}")


class SelfContained:
    """oned below ONE_LOCATION, started and stopped by its script `bin/one`."""

    def __init__(self, frontend: Frontend) -> None:
        self.frontend = frontend
        self.output = ""
        self.code = 0

    def state(self) -> str:
        return "running" if self._pid() else "stopped"

    def is_quiet(self) -> bool:
        return self._pid() is None

    def enabled(self) -> bool | None:
        return None

    def begin_start(self, timeout: float) -> None:
        self.code, self.output = self._one("start", timeout)

    def failure(self) -> str | None:
        if self.code:
            return f"{self.frontend.location}/bin/one start ended with exit status {self.code}"
        return None if self._pid() else "its process has ended"

    def begin_stop(self, timeout: float, wait: bool) -> None:
        if wait:
            self._one("stop", timeout)
        # Without waiting, the script is no help: it removes the pid file at last, perhaps that of the next oned.
        # With waiting, a process is left when there was no pid file.
        pid = self._pid()
        if pid:
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
            except PermissionError:
                raise FrontendError(f"Cannot stop oned, process {pid}: it belongs to another account.") from None

    def words(self) -> str:
        return "\n".join(self.output.splitlines()[-LINES_SHOWN:])

    def companions(self) -> list[str]:
        return []

    def _one(self, verb: str, timeout: float) -> tuple[int, str]:
        return run_as_oned(self.frontend, [os.path.join(self.frontend.location or "", "bin", "one"), verb], timeout)

    def _pid(self) -> int | None:
        """The running oned: the process of the pid file, or else one that was started from this location."""
        with contextlib.suppress(OSError, ValueError):
            with open(self.frontend.pid_file, encoding="ascii") as file:
                pid = int(file.read().strip())
            if any(_is_oned(os.path.basename(word)) for word in _command_line(pid)):
                return pid
        for name in os.listdir("/proc"):
            if name.isdigit():
                words = _command_line(int(name))
                if any(word.startswith(self.frontend.oned) and _is_oned(os.path.basename(word)) for word in words):
                    return int(name)
        return None


def _is_oned(program: str) -> bool:
    # Not onedb; "oned.real" is how a wrapper script around oned usually calls the original.
    return program == "oned" or program.startswith("oned.")


def _command_line(pid: int) -> list[str]:
    """Program and, for a script, its interpreter; empty for a process that has ended."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return [word.decode("utf-8", "replace") for word in file.read().split(b"\0")[:3]]
    except OSError:
        return []


def _has_job(shown: dict[str, str]) -> bool:
    return shown["Job"] not in ("", "0")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0"}
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise FrontendError(
            f"There is no {command[0]} on this host. For a self-contained OpenNebula set oned_location."
        ) from None
    except subprocess.TimeoutExpired:
        raise FrontendError(f"{' '.join(command)} did not answer within {COMMAND_SECONDS:g} s.") from None
