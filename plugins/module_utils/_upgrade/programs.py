# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Runs a program of OpenNebula's with the account of oned to its end, and keeps what it wrote last."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .._errors import FrontendError
from .._frontend.layout import Frontend
from .._frontend.run_as import start_as_oned
from .._oned_conf.secrets import scrub

# The lines shown of what a program wrote last.
LINES = 20
_TAIL_BYTES = 65_536


@dataclass(frozen=True)
class Ended:
    """How a call ended: exit status, and what it wrote last, by lines that are not empty and without secrets."""

    code: int
    lines: list[str]

    def says(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    @property
    def last(self) -> list[str]:
        return self.lines[-LINES:]


def run(
    frontend: Frontend,
    command: list[str],
    timeout: float,
    environment: Mapping[str, str] | None = None,
    hidden: Iterable[str] = (),
) -> Ended:
    """Run it; whatever ends this, nothing of it runs on. Raises FrontendError, also when it does not end in time."""
    name = " ".join([os.path.basename(command[0]), *command[1:2]])
    with tempfile.TemporaryFile() as output:
        process = start_as_oned(frontend, command, stdout=output, stderr=output, environment=environment)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise FrontendError(f"{name} did not end within {timeout:g} s; it was killed.") from None
        finally:
            if process.poll() is None:
                # With all that it started: they are the group of its session.
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        size = os.fstat(output.fileno()).st_size
        text = os.pread(output.fileno(), _TAIL_BYTES, max(0, size - _TAIL_BYTES)).decode("utf-8", "replace")
    return Ended(code, [line.rstrip() for line in scrub(text, hidden).splitlines() if line.strip()])
