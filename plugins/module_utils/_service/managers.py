# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What starts and stops oned: systemd, or the script `one` of a self-contained install. No command carries a secret."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from .._errors import FrontendError
from .._frontend.layout import Frontend
from .._frontend.run_as import Ended, run_as_oned
from .._host.account import acting_as
from .._host.deadline import Deadline
from .._host.files import read_bytes
from .._host.systemctl import last_words, show, systemctl

LINES_SHOWN = 15
_PID_BYTES = 64
SHOW_SECONDS, LOOK_SECONDS = 0.5, 0.05
_INTERPRETER = re.compile(r"python|ruby|(ba|da|z|k)?sh$")


class Manager(ABC):
    """How one front-end's oned is controlled."""

    @abstractmethod
    def state(self) -> str:
        """running, stopped or failed; "failed" includes waiting for the next automatic restart."""

    @abstractmethod
    def is_quiet(self) -> bool:
        """Whether there is no oned, and none will be started without being asked for."""

    @abstractmethod
    def enabled(self) -> bool | None:
        """Whether oned starts with the host; None when that is unknown."""

    @abstractmethod
    def pid(self) -> int | None:
        """The process of oned, None when none runs."""

    @abstractmethod
    def begin_start(self, timeout: float) -> None:
        """Order the start. Raises FrontendError when it is refused."""

    @abstractmethod
    def failure(self) -> str | None:
        """How the ordered start failed; None while it may still succeed."""

    @abstractmethod
    def begin_stop(
        self, timeout: float, wait: bool, also: Sequence[str] = (), meanwhile: Callable[[], None] | None = None
    ) -> None:
        """Order the stop, and that of the units `also`, which end before oned does.

        `meanwhile` is called again and again by what does not return before oned has ended.
        """

    @abstractmethod
    def words(self) -> str:
        """What the manager has to say about the ordered start."""


def manager_of(frontend: Frontend) -> Manager:
    """The manager of this front-end."""
    return SelfContained(frontend) if frontend.location else Systemd(frontend.service)


class Systemd(Manager):
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
        return shown["ActiveState"] in ("inactive", "failed") and shown["MainPID"] == "0" and not has_job(shown)

    def enabled(self) -> bool | None:
        answer = systemctl("is-enabled", self.unit).stdout.strip()
        return {"enabled": True, "disabled": False}.get(answer)

    def pid(self) -> int | None:
        return int(self._show()["MainPID"] or 0) or None

    def begin_start(self, timeout: float) -> None:
        if self._show()["SubState"] == "auto-restart":
            self._order("stop")
        # Else systemd refuses the fourth start within a minute, whatever made the others fail.
        systemctl("reset-failed", self.unit)
        self.ordered_at = time.time()
        self.restarts = int(self._show()["NRestarts"] or 0)
        self._order("start")

    def failure(self) -> str | None:
        shown = self._show()
        if self.restarts is None:
            self.restarts = int(shown["NRestarts"] or 0)
        restarted = int(shown["NRestarts"] or 0) > self.restarts
        ended = shown["ActiveState"] == "inactive" and not has_job(shown)
        if not (restarted or ended or shown["ActiveState"] == "failed" or shown["SubState"] == "auto-restart"):
            return None
        # Without this systemd would go on trying, and the unit would look as if it were starting.
        self._order("stop")
        how = f"exit status {shown['ExecMainStatus']}" if shown["ExecMainCode"] == "1" else shown["Result"]
        return f"the unit {self.unit} ended with {how}"

    def begin_stop(
        self, timeout: float, wait: bool, also: Sequence[str] = (), meanwhile: Callable[[], None] | None = None
    ) -> None:
        # In one command: systemd ends units in the reverse of the order (After=) in which it starts them.
        self._order("stop", *also)

    def words(self) -> str:
        return "\n".join(last_words(self.unit, LINES_SHOWN, self.ordered_at))

    def _show(self) -> dict[str, str]:
        shown = show([self.unit], self.PROPERTIES)[self.unit]
        if shown["LoadState"] == "not-found":
            raise FrontendError(
                f"There is no systemd unit {self.unit}. Install OpenNebula, or set oned_service or oned_location."
            )
        return {"Job": "", **shown}

    def _order(self, verb: str, *also: str) -> None:
        result = systemctl(verb, "--no-block", self.unit, *also)
        if result.returncode:
            raise FrontendError(f"systemctl {verb} {self.unit} failed: {result.stderr.strip()}")


class SelfContained(Manager):
    """oned below ONE_LOCATION, started and stopped by its script `bin/one`."""

    def __init__(self, frontend: Frontend) -> None:
        self.frontend = frontend
        self.script = os.path.join(frontend.location or "", "bin", "one")
        self.started: Ended | None = None

    def state(self) -> str:
        return "running" if self.pid() else "stopped"

    def is_quiet(self) -> bool:
        return self.pid() is None

    def enabled(self) -> bool | None:
        return None

    def begin_start(self, timeout: float) -> None:
        self.started = run_as_oned(self.frontend, [self.script, "start"], timeout)

    def failure(self) -> str | None:
        if self.started and self.started.code:
            return f"{self.script} start ended with exit status {self.started.code}"
        # For an instant a process that is about to become oned shows no command line.
        lives = Deadline.after(SHOW_SECONDS).wait_until(lambda: self.pid() is not None, LOOK_SECONDS)
        return None if lives else "its process has ended"

    def begin_stop(
        self, timeout: float, wait: bool, also: Sequence[str] = (), meanwhile: Callable[[], None] | None = None
    ) -> None:
        if wait:
            run_as_oned(self.frontend, [self.script, "stop"], timeout, meanwhile)
        # Without waiting, the script is no help: it removes the pid file at last, perhaps that of the next oned.
        # With waiting, a process is left when there was no pid file.
        pid = self.pid()
        if pid:
            try:
                # The file with its number is oned's account's: nobody else's process is meant.
                with acting_as(*self.frontend.ids()):
                    os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
            except PermissionError:
                raise FrontendError(
                    f"Cannot stop oned, process {pid}: it belongs to another account. Use become."
                ) from None

    def words(self) -> str:
        return "\n".join(self.started.output().splitlines()[-LINES_SHOWN:]) if self.started else ""

    def pid(self) -> int | None:
        """The running oned: the process of the pid file, or else one that was started from this location."""
        with contextlib.suppress(OSError, ValueError):
            pid = int(read_bytes(self.frontend.pid_file, limit=_PID_BYTES).strip())
            # The script's own name is that of a child which has not become oned yet.
            name = os.path.basename(program_of(pid))
            if name == "one" or _is_oned(name):
                return pid
        folder = os.path.dirname(self.frontend.oned)
        for name in filter(str.isdigit, os.listdir("/proc")):
            program = program_of(int(name))
            if os.path.dirname(program) == folder and _is_oned(os.path.basename(program)):
                return int(name)
        return None


def _is_oned(name: str) -> bool:
    # Not onedb; "oned.real" is how a wrapper script around oned usually calls the original.
    return name == "oned" or name.startswith("oned.")


def program_of(pid: int) -> str:
    """What a process runs: a script rather than its interpreter; "" for a process that has ended."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = [word.decode("utf-8", "replace") for word in file.read().split(b"\0")]
    except OSError:
        return ""
    is_script = len(words) > 1 and words[1][:1] != "-" and _INTERPRETER.match(os.path.basename(words[0]))
    return words[1] if is_script else words[0]


def has_job(shown: dict[str, str]) -> bool:
    """Whether systemd has yet to start or stop the unit of which it showed this."""
    return shown["Job"] not in ("", "0")
