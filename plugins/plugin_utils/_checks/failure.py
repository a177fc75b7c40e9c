# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a task failed: one line from the result that Ansible made of it, and what to do."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from typing import Any

from ...module_utils._errors import printable
from ...module_utils._problems.problem import sentence
from ...module_utils._python import OLDEST

_NEEDED = ".".join(map(str, OLDEST))
# Of ansible-core (basic.py) and of this collection (_python).
_REFUSED = re.compile(r"requires? .*Python .*Current version: (\d+(?:\.\d+)+)", re.DOTALL)
# What cannot be read by a Python that is too old to refuse: annotations came with 3.7, ansible-core needs more.
_UNREADABLE = (
    (re.compile(r"SyntaxError: future feature annotations is not defined"), "3.6 or older"),
    (re.compile(r"/ansible/module_utils/.*\n.*\n.*\nSyntaxError: "), "3.7 or older"),
)
_NO_ANSWER = "Module result deserialization failed"
_FAILED = re.compile(r"^(?:(?:Task|Module|Action) failed: )+")
_TRACEBACK = "Traceback (most recent call last)"
_BY_SIGNAL = 128  # a shell adds it to the number of the signal that ended its child
_AGAIN = "Correct this and run again."
_ENDED = "Find out what did so, and run again."
_KILLED = {
    signal.SIGKILL: "The kernel does so when memory is short: see journalctl -k of that host, give it more "
    "memory or less to do at once, and run again.",
}


def module_failure(result: Mapping[str, Any]) -> tuple[str, str]:
    """Text, without a capital at its beginning, and remedy, of a registered result without the module's values."""
    return no_answer(result) or (_message(result), _AGAIN)


def failure(result: Mapping[str, Any], task: str = "") -> str:
    """What a rescue tells of `ansible_failed_result`: sentences on one line, after the name of the task.

    Of a loop these are the texts of the items that failed or were not reached, each once.
    """
    failed = [one for one in result.get("results") or [] if one.get("failed") or one.get("unreachable")]
    message = " ".join(dict.fromkeys(map(_sentences, failed or [result])))
    return f"{task}: {message}" if task else message


def _sentences(result: Mapping[str, Any]) -> str:
    explained = None if result.get("unreachable") else no_answer(result)
    if explained is None:
        # The messages of this collection say where, and what to do.
        said = _message(result) or "The host was not reached."
        more = [*(result.get("problems") or []), *_last(str(result.get("stderr") or ""))]
        return " ".join(sentence(printable(str(one))) for one in (said, *more))
    text, remedy = explained
    item = None if result.get("_ansible_no_log") else result.get(result.get("ansible_loop_var", ""))
    begun = f"{item}: {text}" if isinstance(item, str) else text[0].upper() + text[1:]
    return f"{sentence(printable(begun))} {remedy}"


def no_answer(result: Mapping[str, Any]) -> tuple[str, str] | None:
    """Text and remedy if the module ended without an answer; None if it gave one."""
    message, output = str(result.get("msg") or ""), _output(result)
    version = _python(message, output)
    if version:
        path = result.get("ansible_facts", {}).get("discovered_interpreter_python")
        return (
            f"its Python{f' {path}' if path else ''} is {version}, and modules need {_NEEDED} or newer.",
            f"Install Python {_NEEDED} or newer on it, with PyMySQL if its database is MariaDB or MySQL, and set "
            "ansible_python_interpreter to it.",
        )
    if _NO_ANSWER not in message and _message(result):
        return None
    status = result.get("rc") or 0
    by = _signal(status)
    if by:
        return f"the module was killed on its host by {by.name}, so it gave no result.", _KILLED.get(by, _ENDED)
    last = (_last(output) or _last(str(result.get("exception") or "")) or ["it said nothing"])[0]
    return f"the module gave no result{f' (exit status {status})' if status else ''}: {last}", _AGAIN


def _message(result: Mapping[str, Any]) -> str:
    """The message as one line; of a traceback only what it ends with."""
    message = result.get("msg") or ""
    text = " ".join(map(str, message)) if isinstance(message, (list, tuple)) else str(message)
    if _TRACEBACK in text:
        text = "".join(_last(text))
    return _FAILED.sub("", " ".join(text.split()))


def _signal(status: int) -> signal.Signals | None:
    """Which signal ended a program, by the exit status that Python or a shell tells of it."""
    try:
        return signal.Signals(-status if status < 0 else status - _BY_SIGNAL)
    except ValueError:
        return None


def _last(text: str) -> list[str]:
    """The last line of a text, if it has one."""
    return [line.strip() for line in text.strip().splitlines()[-1:]]


def _output(result: Mapping[str, Any]) -> str:
    # What a module says of its end is on its error output; what it printed before that is next best.
    return str(result.get("module_stderr") or "").strip() or str(result.get("module_stdout") or "").strip()


def _python(message: str, output: str) -> str | None:
    found = _REFUSED.search(message)
    if found:
        return found[1]
    return next((version for pattern, version in _UNREADABLE if pattern.search(output)), None)
