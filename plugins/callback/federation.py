# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows a run as an operator follows it: the plan, zones by steps, errors, the summary."""

from __future__ import annotations

DOCUMENTATION = r"""
name: federation
type: stdout
short_description: The run of a federation, zones by steps
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Shows what the playbooks of this collection say (plan, summary), how far each zone is in which step, every error in
    full, and at the end what each host did.
  - On a terminal a table of zones by steps fills while the run goes on. In a log each zone has a line at the end of a
    step.
  - A step are the plays whose names begin alike; the heading of its column is their name up to the first comma.
  - A change is counted for the host on which it happened. Ansible's own recap counts it for the host for which a task
    was delegated.
  - With C(-v) it shows every task and its result too.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - C(stdout_callback = onefed.opennebula.federation) in C(ansible.cfg), or E(ANSIBLE_STDOUT_CALLBACK).
options:
  live:
    description:
      - Whether the table is drawn while the run goes on. V(auto) draws it on a terminal.
    type: str
    choices: [auto, always, never]
    default: auto
    env:
      - name: ONEFED_CALLBACK_LIVE
    ini:
      - section: callback_federation
        key: live
"""

import atexit
import sys
import time
from collections.abc import Mapping
from typing import Any

from ansible import constants as C
from ansible import context
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback import CallbackBase

from ..module_utils._errors import printable
from ..plugin_utils._checks.failure import no_answer
from ..plugin_utils._report.progress import CHANGED, FAILED, LOST, OK, Progress, heading

REDRAW = 0.2  # seconds; a terminal far away is not flooded
ERASE = "\x1b[F\x1b[K"  # to the line above, and clear it
COLOURS = {OK: C.COLOR_OK, CHANGED: C.COLOR_CHANGED, LOST: C.COLOR_UNREACHABLE, FAILED: C.COLOR_ERROR}


class CallbackModule(CallbackBase):
    """One for a whole run. Ansible calls it from one thread, in the order of what happens."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "onefed.opennebula.federation"

    def __init__(self) -> None:
        super().__init__()
        self._progress = Progress()
        self._zones: dict[str, str] = {}
        self._step = ""
        self._described_steps: set[str] = set()
        self._drawn = 0
        self._redrawn = 0.0
        self._complete = False

    # -- what is shown ------------------------------------------------------------------------------------------------

    @property
    def _live(self) -> bool:
        wanted = self.get_option("live")
        return wanted == "always" or (wanted == "auto" and sys.stdout.isatty() and not self._display.verbosity)

    def _show(self, text: str, color: str | None = None) -> None:
        self._erase()
        self._display.display(text, color=color)

    def _erase(self) -> None:
        if self._drawn:
            sys.stdout.write(ERASE * self._drawn)
            sys.stdout.flush()
            self._drawn = 0

    def _draw(self, force: bool = False) -> None:
        now = time.monotonic()
        if not self._live or (now - self._redrawn < REDRAW and not force):
            return
        self._erase()
        lines = self._progress.table(self._display.columns, now)
        if len(lines) > 1:
            sys.stdout.write("".join(f"{line}\n" for line in lines))
            sys.stdout.flush()
            self._drawn = len(lines)
        self._redrawn = now

    def _end_step(self) -> None:
        """In a log: what the zones did in the step that ends."""
        if self._live or self._step in self._described_steps:
            return
        for zone, cell in self._progress.of_step(self._step):
            self._show(f"{_clock()}    {zone}: {cell.state}, {cell.seconds:.1f} s", COLOURS[cell.state])
        self._described_steps.add(self._step)

    # -- events -------------------------------------------------------------------------------------------------------

    def v2_playbook_on_start(self, playbook: Any) -> None:
        if context.CLIARGS.get("check"):
            self._show("Check mode: the plan of a run. Nothing is changed.", C.COLOR_WARN)
        else:
            # Ansible ends the run at Ctrl-C without a word to callbacks; its workers do not come by here.
            atexit.register(self._tell_of_interruption)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        step = heading(play.get_name().strip())
        if step != self._step:
            self._end_step()
            self._step = step
            self._progress.begin(step)

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        self._show("No host is left: the run ends here.", C.COLOR_ERROR)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._progress.started(self._zone(host.get_name()), task.get_name().rpartition(" : ")[2], time.monotonic())
        self._draw()

    def v2_runner_on_ok(self, result: Any) -> None:
        self._learn(result)
        if isinstance(result.task, TaskInclude):
            return
        self._ended(result, CHANGED if result.result.get("changed") else OK)
        if result.task.action in C._ACTION_DEBUG and not result.result.get("_ansible_no_log"):
            for line in _lines(result.result.get("msg", "")):
                self._show(line)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._draw()

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._account(result, CHANGED if result.result.get("changed") else OK)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._account(result, FAILED)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._ended(result, OK if ignore_errors else FAILED)
        if not ignore_errors:
            self._error(result, "FAILED")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._ended(result, LOST)
        self._error(result, "UNREACHABLE")

    def v2_on_file_diff(self, result: Any) -> None:
        for one in _items(result):
            if one.get("diff") and one.get("changed") and not one.get("_ansible_no_log"):
                diff = self._get_diff(one["diff"])
                if diff:
                    self._show(f"{self.host_label(result)}: {_name(result)}\n{diff}")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._complete = True
        self._end_step()
        self._erase()
        if not self._progress.counts:
            self._show("No task ran: the inventory or the limit leaves no host.", C.COLOR_ERROR)
            return
        if self._progress.steps:
            self._display.display("\nZones by steps")
            for line in self._progress.table(10**6):
                self._display.display(line)
        self._display.display("\nRecap, by the host on which it happened")
        for line in self._progress.recap(self._zones):
            self._display.display(line)

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _zone(self, host: str) -> str:
        return self._zones.get(host, host)

    def _learn(self, result: Any) -> None:
        """Which zone a host belongs to, as soon as the playbook knows it."""
        if result.task.action == "onefed.opennebula.topology":
            self._zones = {host: known["zone"] for host, known in result.result["hosts"].items()}
            self._progress.rename(self._zones)

    def _ended(self, result: Any, state: str) -> None:
        # Of a loop every item may happen on another host; the loop itself says nothing more.
        if not (result.task.loop and "results" in result.result):
            self._account(result, state)
        if self._display.verbosity:
            text = f"{state}: [{self.host_label(result)}] {_name(result)}"
            self._show(text + (f" => {self._dump_results(result.result)}" if self._run_is_verbose(result) else ""))
        if state != FAILED:
            self._handle_warnings(result.result)
        self._draw()

    def _tell_of_interruption(self) -> None:
        if self._progress.counts and not self._complete:
            self._drawn = 0  # what Ansible wrote stands below the table
            text = "The run was interrupted. Run the same command again: it goes on, or puts back what was begun."
            self._show(text, C.COLOR_WARN)

    def _account(self, result: Any, state: str) -> None:
        """Note what happened, where it happened."""
        if self._step not in self._progress.steps and not self._live:
            self._show(f"{_clock()}  {self._step}")
        host = result.host.get_name()
        where = result.task.delegate_to or host
        self._progress.ended(self._zone(host), state, time.monotonic(), self._zones.get(where))
        self._progress.count(where, state)

    def _error(self, result: Any, word: str) -> None:
        self._show(f"\n{word}  {self.host_label(result)}: {_name(result)}", C.COLOR_ERROR)
        failed = [one for one in _items(result) if one.get("failed") or one.get("unreachable")] or [result.result]
        for one in failed:
            message = (_explained(one) if one.get("msg") else None) or one.get("msg") or self._dump_results(one)
            for line in (*_lines(message), *(f"  - {problem}" for problem in _lines(one.get("problems") or []))):
                self._show(f"    {line}", C.COLOR_ERROR)
            for stream in ("stderr", "module_stderr", "module_stdout"):
                for line in _lines(one.get(stream) or ""):
                    self._show(f"    {stream}: {line}", C.COLOR_ERROR)
        if self._display.verbosity:
            self._handle_exception(result.result)
        self._show("")


def _explained(result: Mapping[str, Any]) -> list[str] | None:
    """What happened and the remedy, of a module that ended without an answer."""
    told = None if result.get("unreachable") else no_answer(result)
    return [told[0][0].upper() + told[0][1:], told[1]] if told else None


def _items(result: Any) -> list[Mapping[str, Any]]:
    """The results of a loop, or the one result."""
    if result.task.loop and "results" in result.result:
        return list(result.result["results"])
    return [result.result]


def _name(result: Any) -> str:
    return str(result.task.get_name().rpartition(" : ")[2])


def _lines(message: Any) -> list[str]:
    if isinstance(message, (list, tuple)):
        return [line for one in message for line in _lines(one)]
    return [printable(line) for line in str(message).splitlines()]


def _clock() -> str:
    return time.strftime("%H:%M:%S")
