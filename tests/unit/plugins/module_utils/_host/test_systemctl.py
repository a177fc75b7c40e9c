# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd and its journal say of units."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._host import systemctl

Answer = Callable[..., list[list[str]]]


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Call with what systemd says; the commands come back as they are run."""

    def say(output: str, words: str = "") -> list[list[str]]:
        asked: list[list[str]] = []

        def run(command: list[str]) -> subprocess.CompletedProcess[str]:
            asked.append(command)
            return subprocess.CompletedProcess(command, 0, output, words)

        monkeypatch.setattr(systemctl, "run_command", run)
        return asked

    return say


def test_the_properties_of_units_come_by_name(answer: Answer) -> None:
    asked = answer("Id=a.service\nResult=exit=code\n\nId=b.service\nResult=\n")
    assert systemctl.show(["a", "b"], "Id,Result") == {
        "a": {"Id": "a.service", "Result": "exit=code"},
        "b": {"Id": "b.service", "Result": ""},
    }
    assert asked == [["systemctl", "show", "-p", "Id,Result", "a", "b"]]


def test_nothing_is_asked_about_no_units(answer: Answer) -> None:
    asked = answer("")
    assert (systemctl.show([], "Id"), asked) == ({}, [])


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("", r"systemd does not answer about a, b\."),
        ("Failed to connect to bus\n", r"systemd does not answer about a, b: Failed to connect to bus\."),
    ],
)
def test_a_systemd_that_does_not_answer_is_an_error(answer: Answer, words: str, text: str) -> None:
    answer("Id=a.service\n", words)
    with pytest.raises(FrontendError, match=text):
        systemctl.show(["a", "b"], "Id")


def test_the_last_words_of_a_unit_are_those_since_a_moment(answer: Answer) -> None:
    asked = answer("one\ntwo\n")
    assert systemctl.last_words("a", 5) == ["one", "two"]
    systemctl.last_words("a", 5, since=12.5)
    assert [command[-4:] for command in asked] == [["-u", "a", "-n", "5"], ["-n", "5", "--since", "@12.500000"]]
