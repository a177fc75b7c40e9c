# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A module that gave no answer is explained in one line: its own last one, or that its Python is too old."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.plugin_utils._checks.failure import module_failure
from ansible_collections.onefed.opennebula.plugins.plugin_utils._checks.frontend import finding, usable

NOT_JSON = "Module result deserialization failed: No start of json char found"
# As ansible-core 2.19 to 2.21 give them.
OF_3_6 = {"msg": NOT_JSON, "rc": 1, "module_stdout": "", "module_stderr": """\
  File "<stdin>", line 3
SyntaxError: future feature annotations is not defined
"""}
OF_3_7 = {"msg": NOT_JSON, "rc": 1, "module_stdout": "", "module_stderr": """\
Traceback (most recent call last):
  File "<stdin>", line 274, in <module>
  File "/tmp/ansible_payload_mlednkbd/ansible_payload.zip/ansible/module_utils/_internal/__init__.py", line 50
    def import_controller_module(_module_name: str, /) -> t.Any:
                                                    ^
SyntaxError: invalid syntax
"""}
OF_3_8 = {"msg": "onefed.opennebula requires Python 3.9 or newer on front-ends. Current version: 3.8.18"}
BY_CORE = {"msg": "Ansible requires Python 3.9 or newer on the target. Current version: 3.8.18 (default, May  9 2026)"}
REMEDY = "set ansible_python_interpreter to it."


@pytest.mark.parametrize(
    ("result", "python"),
    [(OF_3_6, "3.6 or older"), (OF_3_7, "3.7 or older"), (OF_3_8, "3.8.18"), (BY_CORE, "3.8.18")],
)
def test_a_python_that_is_too_old_is_named_with_the_remedy(result: dict[str, Any], python: str) -> None:
    text, remedy = module_failure(result)
    assert text == f"its Python is {python}, and modules need 3.9 or newer."
    assert remedy.startswith("Install Python 3.9 or newer on it") and remedy.endswith(REMEDY)
    discovered = {**result, "ansible_facts": {"discovered_interpreter_python": "/usr/bin/python3"}}
    assert module_failure(discovered)[0].startswith(f"its Python /usr/bin/python3 is {python},")


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"msg": NOT_JSON, "rc": 137, "module_stdout": "", "module_stderr": "warning\n\nKilled\n"},
         "the module gave no result (exit status 137): Killed"),
        ({"msg": NOT_JSON, "rc": 1, "module_stdout": "sudo: no\n", "module_stderr": ""},
         "the module gave no result (exit status 1): sudo: no"),
        ({"msg": "Task failed: Module failed: 'state'"}, "'state'"),
        ({"msg": "The module interpreter '/opt/p' was not found.", "module_stderr": "sh: 1: not found\n", "rc": 127},
         "The module interpreter '/opt/p' was not found."),
        ({"exception": "Traceback\n  at\nKeyError: 'x'\n"}, "the module gave no result: KeyError: 'x'"),
        ({}, "the module gave no result: it said nothing"),
        # A module of somebody's own with such a syntax error, on a Python that is new enough.
        ({"msg": NOT_JSON, "rc": 1, "module_stderr": '  File "/tmp/x.py", line 1\n    a b\n      ^\nSyntaxError: no\n'},
         "the module gave no result (exit status 1): SyntaxError: no"),
    ],
)  # fmt: skip
def test_otherwise_the_modules_own_last_line_is_shown(result: dict[str, Any], text: str) -> None:
    assert module_failure(result) == (text, "Correct this and run again.")


def test_a_front_end_with_it_is_not_usable() -> None:
    (problem,) = usable(finding(OF_3_6))
    assert problem["text"] == "It could not be examined: its Python is 3.6 or older, and modules need 3.9 or newer."
    assert problem["remedy"].endswith(REMEDY)
