# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module that gave no answer is explained in one line: its own last one, or that its Python is too old."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.filter.failure import FilterModule
from ansible_collections.onefed.opennebula.plugins.plugin_utils._checks.failure import failure, module_failure
from ansible_collections.onefed.opennebula.plugins.plugin_utils._checks.frontend import host_facts, usable

NOT_JSON = "Module result deserialization failed: No start of json char found"
# As ansible-core 2.19 to 2.21 give them.
OF_3_6 = {
    "msg": NOT_JSON,
    "rc": 1,
    "module_stdout": "",
    "module_stderr": """\
  File "<stdin>", line 3
SyntaxError: future feature annotations is not defined
""",
}
OF_3_7 = {
    "msg": NOT_JSON,
    "rc": 1,
    "module_stdout": "",
    "module_stderr": """\
Traceback (most recent call last):
  File "<stdin>", line 274, in <module>
  File "/tmp/ansible_payload_mlednkbd/ansible_payload.zip/ansible/module_utils/_internal/__init__.py", line 50
    def import_controller_module(_module_name: str, /) -> t.Any:
                                                    ^
SyntaxError: invalid syntax
""",
}
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
        ({"msg": NOT_JSON, "rc": 1, "module_stdout": "sudo: no\n", "module_stderr": ""},
         "the module gave no result (exit status 1): sudo: no"),
        ({"msg": "Task failed: Module failed: 'state'"}, "'state'"),
        ({"msg": "Task failed: Action failed: This:\n  that\n\n and more"}, "This: that and more"),
        ({"msg": "Broken: Traceback (most recent call last):\n  File 'x'\nKeyError: 'x'\n"}, "KeyError: 'x'"),
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
    (problem,) = usable(host_facts(OF_3_6))
    assert problem.text == "It could not be examined: its Python is 3.6 or older, and modules need 3.9 or newer."
    assert problem.remedy.endswith(REMEDY)


SIGKILL = {"msg": NOT_JSON, "rc": 137, "module_stdout": "", "module_stderr": "warning\n\nKilled\n"}
KILLED = "the module was killed on its host by SIGKILL"
MEMORY = (
    "The kernel does so when memory is short: see journalctl -k of that host, give it more memory or less to do at "
    "once, and run again."
)


@pytest.mark.parametrize(
    ("rc", "text", "remedy"),
    [
        (137, KILLED, MEMORY),
        (-9, KILLED, MEMORY),  # by a shell, by Python
        (143, "the module was killed on its host by SIGTERM", "Find out what did so, and run again."),
        (139, "the module was killed on its host by SIGSEGV", "Find out what did so, and run again."),
        (128, "the module gave no result (exit status 128): Killed", "Correct this and run again."),
        (255, "the module gave no result (exit status 255): Killed", "Correct this and run again."),
    ],
)
def test_a_module_that_was_killed_is_told_with_the_remedy(rc: int, text: str, remedy: str) -> None:
    told = module_failure({**SIGKILL, "rc": rc})
    assert told == (text if text.endswith("Killed") else f"{text}, so it gave no result.", remedy)


LOST = {"unreachable": True, "changed": False, "msg": "Task failed: Failed to connect to the host via ssh: no route"}


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (SIGKILL, f"The module was killed on its host by SIGKILL, so it gave no result. {MEMORY}"),
        ({"msg": "Zone 'paris' cannot be named so."}, "Zone 'paris' cannot be named so."),
        ({"msg": "no such zone"}, "no such zone."),
        ({"msg": ["one", "two"]}, "one two."),
        (LOST, "Failed to connect to the host via ssh: no route."),
        ({"msg": "The command exited with a non-zero return code.", "rc": 3, "cmd": "x", "stderr": "a\nwrong thing\n"},
         "The command exited with a non-zero return code. wrong thing."),
        ({"msg": "The inventory has 2 problems.", "problems": ["zone_name of 'x' is a number", "no master."]},
         "The inventory has 2 problems. zone_name of 'x' is a number. no master."),
        ({"msg": "evil \x1b[31m"}, "evil \\x1b[31m."),
        ({}, "The module gave no result: it said nothing. Correct this and run again."),
        ({"unreachable": True}, "The host was not reached."),
        ({"exception": "Traceback\n  at\nKeyError: 'x'\n"},
         "The module gave no result: KeyError: 'x'. Correct this and run again."),
    ],
)  # fmt: skip
def test_a_failed_result_is_one_sentence(result: dict[str, Any], sentence: str) -> None:
    assert failure(result) == sentence
    assert failure(result, "Stop oned") == f"Stop oned: {sentence}"


def test_of_a_loop_the_items_that_failed_are_told_each_text_once() -> None:
    def item(name: Any, **result: Any) -> dict[str, Any]:
        return {"ansible_loop_var": "server", "server": name, **result}

    results = [
        item("fine", changed=True, failed=False, msg="hello"),
        item("left out", skipped=True, msg="no"),
        item("paris-1", failed=True, msg="oned is down."),
        item("paris-2", failed=True, msg="oned is down."),
        item("paris-3", failed=True, **SIGKILL),
        item({"password": "x"}, failed=True, **SIGKILL),
        item("paris-4", **LOST),
    ]
    loop = {"msg": "One or more items failed", "failed": True, "results": results}
    assert failure(loop, "Stop oned") == (
        "Stop oned: oned is down. "
        f"paris-3: the module was killed on its host by SIGKILL, so it gave no result. {MEMORY} "
        f"The module was killed on its host by SIGKILL, so it gave no result. {MEMORY} "
        "Failed to connect to the host via ssh: no route."
    )
    assert failure({**loop, "results": results[:2]}) == "One or more items failed."


def test_an_item_that_is_not_to_be_shown_is_not_named() -> None:
    hidden = {"ansible_loop_var": "item", "item": "secret", "_ansible_no_log": True, "failed": True, **SIGKILL}
    assert "secret" not in failure({"results": [hidden], "failed": True})


def test_the_filter_is_what_roles_call() -> None:
    assert FilterModule().filters() == {"failure": failure}
