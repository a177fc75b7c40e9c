# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stdout callback, fed with the events of a run."""

from __future__ import annotations

import atexit
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import context
from ansible.utils.context_objects import CLIArgs

from ansible_collections.onefed.opennebula.plugins.callback.federation import CallbackModule


class Host:
    def __init__(self, name: str) -> None:
        self.get_name = lambda: name


class Event:
    """The result of a task; `loop` makes it one of a loop or of one of its items."""

    def __init__(self, host: str, task: str, delegate_to: str = "", loop: bool = False, **result: Any) -> None:
        self.host = Host(host)
        self.task = SimpleNamespace(
            get_name=lambda: f"onefed.opennebula.slave : {task}", delegate_to=delegate_to, loop=loop, action=task
        )
        self.result = result


class Shown(CallbackModule):
    """Collects instead of printing."""

    def __init__(self, live: str = "never") -> None:
        super().__init__()
        self.lines: list[str] = []
        self._live_option = live
        self._display = SimpleNamespace(verbosity=0, columns=100, display=self._collect, warning=self._collect)

    def _collect(self, text: str, color: str | None = None) -> None:
        self.lines.append(text)

    def get_option(self, k: str, hostvars: Any = None) -> Any:
        return self._live_option if k == "live" else None

    def run(self, event: Event) -> None:
        self.v2_runner_on_start(event.host, event.task)
        self.v2_runner_on_ok(event)


TOPOLOGY: dict[str, Any] = {"hosts": {"madrid-1": {"zone": "madrid"}, "paris-1": {"zone": "paris"}}}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    monkeypatch.setattr(context, "CLIARGS", CLIArgs({"check": False}))
    callback = Shown()
    callback.v2_playbook_on_play_start(SimpleNamespace(get_name=lambda: "Step 2, zones join side by side"))
    callback.run(Event("paris-1", "onefed.opennebula.topology", **TOPOLOGY))
    return callback


def recap(shown: Shown) -> dict[str, list[str]]:
    shown.v2_playbook_on_stats(None)
    start = shown.lines.index("\nRecap, by the host on which it happened")
    return {line.split()[0]: line.split()[1:] for line in shown.lines[start + 2 :]}


def test_a_change_is_counted_for_the_host_on_which_it_happened(shown: Shown) -> None:
    shown.run(Event("paris-1", "Create the zones at the master", delegate_to="madrid-1", changed=True))
    shown.run(Event("paris-1", "Restore the federated tables", changed=True))
    assert recap(shown) == {"madrid-1": ["madrid", "1", "1", "0", "0"], "paris-1": ["paris", "2", "1", "0", "0"]}


def test_items_of_a_loop_are_counted_where_each_happened(shown: Shown) -> None:
    for host, changed in (("madrid-1", True), ("paris-1", False)):
        shown.v2_runner_item_on_ok(Event("paris-1", "a loop", delegate_to=host, changed=changed))
    shown.run(Event("paris-1", "a loop", loop=True, changed=True, results=[{"changed": True}, {"changed": False}]))
    assert recap(shown) == {"madrid-1": ["madrid", "1", "1", "0", "0"], "paris-1": ["paris", "2", "0", "0", "0"]}


def test_an_error_is_complete_and_names_host_and_task(shown: Shown) -> None:
    event = Event("paris-1", "Start oned as a slave", failed=True, msg="oned did not start.\nIts log ends: x")
    shown.v2_runner_on_failed(event)
    assert shown.lines[-4:] == [
        "\nFAILED  paris-1: Start oned as a slave",
        "    oned did not start.",
        "    Its log ends: x",
        "",
    ]
    assert recap(shown)["paris-1"] == ["paris", "1", "0", "1", "0"]


def test_a_killed_module_is_told_as_such(shown: Shown) -> None:
    nothing = "Module result deserialization failed: No start of json char found"
    shown.v2_runner_on_failed(Event("paris-1", "Stop", failed=True, msg=nothing, rc=137, module_stderr="Killed"))
    assert "    The module was killed on its host by SIGKILL, so it gave no result." in shown.lines
    assert "    module_stderr: Killed" in shown.lines
    assert not [line for line in shown.lines if "deserialization" in line]


def test_foreign_text_does_not_move_the_cursor(shown: Shown) -> None:
    shown.v2_runner_on_failed(Event("paris-1", "Ask", failed=True, msg="no \x1b[2Jzone"))
    assert "    no \\x1b[2Jzone" in shown.lines


def test_of_a_loop_only_the_items_that_failed_are_shown(shown: Shown) -> None:
    items = [{"msg": "well"}, {"failed": True, "msg": "No group ops."}]
    shown.v2_runner_on_failed(Event("paris-1", "Make users", loop=True, failed=True, msg="one failed", results=items))
    assert "    No group ops." in shown.lines and "    well" not in shown.lines


def test_a_failure_that_the_playbook_expects_is_no_error(shown: Shown) -> None:
    shown.v2_runner_on_failed(Event("paris-1", "Ask", failed=True, msg="no"), ignore_errors=True)
    assert not [line for line in shown.lines if "FAILED" in line]


def test_a_lost_host_is_named(shown: Shown) -> None:
    shown.v2_runner_on_unreachable(Event("paris-1", "Stop", unreachable=True, msg="Connection timed out"))
    assert "\nUNREACHABLE  paris-1: Stop" in shown.lines
    assert recap(shown)["paris-1"] == ["paris", "1", "0", "0", "1"]


def test_what_the_playbook_says_is_shown_as_it_is(shown: Shown) -> None:
    shown.run(Event("paris-1", "ansible.builtin.debug", msg=["madrid: master", "  ~ oned restarts once"]))
    assert shown.lines[-2:] == ["madrid: master", "  ~ oned restarts once"]


def test_at_the_end_of_a_step_a_log_has_a_line_for_each_zone(shown: Shown) -> None:
    shown.run(Event("paris-1", "a task", changed=True))
    shown.v2_playbook_on_play_start(SimpleNamespace(get_name=lambda: "Verify"))
    assert [line.split(maxsplit=1)[1] for line in shown.lines[-2:]] == [
        "Step 2",
        "paris: changed, 0.0 s",
    ]


def test_a_run_without_hosts_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CLIARGS", CLIArgs({"check": False}))
    callback = Shown()
    callback.v2_playbook_on_stats(None)
    assert callback.lines == ["No task ran: the inventory or the limit leaves no host."]


@pytest.mark.parametrize(
    ("tasks", "to_its_end", "check"), [(1, False, False), (0, False, False), (1, True, False), (1, False, True)]
)
def test_a_run_that_was_interrupted_tells_to_run_the_same_command_again(
    monkeypatch: pytest.MonkeyPatch, tasks: int, to_its_end: bool, check: bool
) -> None:
    """Ansible tells a callback nothing of Ctrl-C."""
    at_exit: list[Any] = []
    monkeypatch.setattr(atexit, "register", at_exit.append)
    monkeypatch.setattr(context, "CLIARGS", CLIArgs({"check": check}))
    callback = Shown()
    callback.v2_playbook_on_start(None)
    for _number in range(tasks):
        callback.run(Event("paris-1", "Stop oned"))
    if to_its_end:
        callback.v2_playbook_on_stats(None)
    callback.lines.clear()
    for function in at_exit:
        function()
    told = "The run was interrupted. Run the same command again: it goes on, or puts back what was begun."
    assert callback.lines == ([told] if tasks and not to_its_end and not check else [])


def test_check_mode_is_told_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CLIARGS", CLIArgs({"check": True}))
    callback = Shown()
    callback.v2_playbook_on_start(None)
    assert callback.lines == ["Check mode: the plan of a run. Nothing is changed."]


def test_on_a_terminal_the_table_is_drawn_and_erased(shown: Shown, capsys: pytest.CaptureFixture[str]) -> None:
    shown._live_option = "always"
    shown.run(Event("paris-1", "a task", changed=True))
    shown._draw(force=True)
    drawn = capsys.readouterr().out
    assert drawn.endswith("       Step 2\nparis  changed 0 s\n")
    shown._show("a line")
    assert capsys.readouterr().out == "\x1b[F\x1b[K" * 2
