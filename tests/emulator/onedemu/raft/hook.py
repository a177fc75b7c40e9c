# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The commands that run when a server becomes leader or follower."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading

from ..log import Log
from ..template import Vector

# With the command itself that makes fifty.
MOST_ARGUMENTS = 49
# What a shell says too if the command cannot be run.
NOT_RUN = 255


class Hook:
    """One hook, run beside the daemon with its environment and without input; what it says goes to the log.

    :param directory: where commands are that do not begin with a slash.
    """

    def __init__(self, name: str, section: Vector, directory: str, log: Log) -> None:
        self._name = name
        command = section.get("COMMAND", "")
        self._command = command if command.startswith("/") else f"{directory}/{command}"
        self._words = [command, *section.get("ARGUMENTS", "").split()[:MOST_ARGUMENTS]]
        self._log = log
        self._running: list[threading.Thread] = []

    @classmethod
    def of(cls, name: str, section: Vector, directory: str, log: Log) -> Hook | None:
        """The hook of a section of oned.conf; None if there is none, or one without a command."""
        if section and not section.get("COMMAND"):
            log.warning("ONE", f"Empty COMMAND attribute in {name}. Hook not registered!")
        return cls(name, section, directory, log) if section.get("COMMAND") else None

    def execute(self) -> None:
        """Start it; its end is awaited by a thread."""
        process: subprocess.Popen[bytes] | None = None
        with contextlib.suppress(OSError):
            process = subprocess.Popen(
                self._words, executable=self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE)
        thread = threading.Thread(target=self._await, args=(process,), name=self._name, daemon=True)
        thread.start()
        self._running = [*(each for each in self._running if each.is_alive()), thread]

    def join(self, seconds: float) -> None:
        """Wait for what runs, but not longer than that."""
        for thread in self._running:
            thread.join(seconds)

    def _await(self, process: subprocess.Popen[bytes] | None) -> None:
        out, err, code = b"", b"", NOT_RUN
        if process is not None:
            out, err = process.communicate()
            code = process.returncode if process.returncode >= 0 else 0
        text = f"Hook: {self._name}, " + (f"execution error ({code}).\n" if code else "successfully executed.\n")
        for name, said in (("stdout", out), ("stderr", err)):
            if said:
                text += f"Hook {name}: {os.fsdecode(said)}\n"
        self._log.info("HKM", text)
