# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Why a module gave no answer: one line from the result that Ansible made of it, and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

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
_MODULE_FAILED = re.compile(r"^(Task failed: )?(Module failed: )?")


def module_failure(result: Mapping[str, Any]) -> tuple[str, str]:
    """Text, without a capital at its beginning, and remedy, of a registered result without the module's values."""
    told, output = str(result.get("msg") or "").strip(), _output(result)
    version = _python(told, output)
    if version:
        path = result.get("ansible_facts", {}).get("discovered_interpreter_python")
        return (
            f"its Python{f' {path}' if path else ''} is {version}, and modules need {_NEEDED} or newer.",
            f"Install Python {_NEEDED} or newer on it, with PyMySQL if its database is MariaDB or MySQL, and set "
            "ansible_python_interpreter to it.",
        )
    if told and not told.startswith(_NO_ANSWER):
        return _MODULE_FAILED.sub("", told).splitlines()[-1], "Correct this and run again."
    lines = output.splitlines() or str(result.get("exception") or "").strip().splitlines()
    last = lines[-1].strip() if lines else "it said nothing"
    status = f" (exit status {result['rc']})" if result.get("rc") else ""
    return f"the module gave no result{status}: {last}", "Correct this and run again."


def _output(result: Mapping[str, Any]) -> str:
    # What a module says of its end is on its error output; what it printed before that is next best.
    return str(result.get("module_stderr") or "").strip() or str(result.get("module_stdout") or "").strip()


def _python(told: str, output: str) -> str | None:
    found = _REFUSED.search(told)
    if found:
        return found[1]
    return next((version for pattern, version in _UNREADABLE if pattern.search(output)), None)
