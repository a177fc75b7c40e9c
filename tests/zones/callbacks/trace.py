# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what every task did on every host to a file, and kills the run before a chosen task."""

from __future__ import annotations

DOCUMENTATION = r"""
name: trace
type: aggregate
short_description: Records task results for the tests
description:
  - Appends one JSON line per task result to the file in ONEFED_TRACE.
  - ONEFED_KILL_BEFORE names the task before which to kill by the end of its name; ONEFED_KILL_TURN says which one of
    several, 1 for the first.
  - With ONEFED_HOOKS, tells the socket of that name every task that begins, and waits until it is closed.
"""

import json
import os
import signal
import socket
import time
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """One line per result; SIGKILL to the whole process group before the task of ONEFED_KILL_BEFORE."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "trace"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._started = self._turns = 0
        os.environ["ONEFED_RUN"] = str(os.getpid())

    def _task_starts(self, task: Any, *args: Any, **kwargs: Any) -> None:
        self._started += 1
        before = os.environ.get("ONEFED_KILL_BEFORE")
        if before and task.get_name().endswith(before):
            self._turns += 1
            if self._turns == int(os.environ.get("ONEFED_KILL_TURN", "1")):
                os.killpg(0, signal.SIGKILL)
        if os.environ.get("ONEFED_HOOKS"):
            with socket.socket(socket.AF_UNIX) as hooks:
                hooks.connect(os.environ["ONEFED_HOOKS"])
                hooks.sendall(f"{task.get_name()}\n".encode())
                hooks.recv(1)

    v2_playbook_on_task_start = _task_starts

    def _write(self, result: Any, status: str) -> None:
        if result._result.get("changed") and status == "ok":
            status = "changed"
        line = {
            "host": result._host.get_name(),
            "task": result._task.get_name(),
            "status": status,
            "number": self._started,
            "time": time.time(),
        }
        with open(os.environ["ONEFED_TRACE"], "a", encoding="utf-8") as trace:
            trace.write(json.dumps(line) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._write(result, "ok")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._write(result, "failed")

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._write(result, "skipped")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._write(result, "unreachable")
