# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The edge to Ansible: the one place where the collection's errors become a module's failure."""

from __future__ import annotations

from typing import Any, Callable, NoReturn

from ansible.module_utils.basic import AnsibleModule

from ._argspec import MaskedDict
from ._errors import OnefedError, printable_lines
from ._frontend.layout import Frontend


def run(module: AnsibleModule, action: Callable[[AnsibleModule, Frontend], dict[str, Any]]) -> None:
    """Call `action` with the module and its front-end and exit with the result it returns.

    The result is a plain dict that holds at least `changed`.
    """
    try:
        result = action(module, Frontend.from_params(module.params))
    except OnefedError as error:
        _fail(module, str(error))
    except Exception as error:
        # Ansible adds where it was, but keeps nothing at all of an exception where a task has failed_when: false.
        _fail(module, f"This is a fault of the module, please report it: {type(error).__name__}: {error}")
    _hide(module)
    module.exit_json(**result)


def _fail(module: AnsibleModule, text: str) -> NoReturn:
    _hide(module)
    module.fail_json(msg=printable_lines(text))
    raise AssertionError("fail_json does not return")


def _hide(module: AnsibleModule) -> None:
    """Ansible returns the options with the result: without the secrets of those that have some."""
    for name, value in module.params.items():
        if isinstance(value, MaskedDict):
            module.params[name] = value.mask(value)
