# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Options that several modules share; each has its documentation in the fragment of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible.module_utils.basic import env_fallback
from ansible.module_utils.common.validation import check_type_dict

from ._python import refuse_old

refuse_old()  # every module imports this first, or _errors

Mask = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class _Text(str):
    """Option type str that takes only text.

    Ansible makes texts of numbers and booleans: NO becomes False and 01234567 becomes 342391, which nobody wrote. To
    documentation and its checks it is str; Ansible calls a type that can be called.
    """

    __name__ = "text"

    def __call__(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError("YAML read it as something else, put it in quotes")
        return value


class _Reference(_Text):
    """Option type str for the name or id of an object: an id may be written as a number."""

    __name__ = "name or id"

    def __call__(self, value: Any) -> str:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return str(value) if whole else super().__call__(value)


TEXT = _Text("str")
REFERENCE = _Reference("str")


class MaskedDict(dict[str, Any]):
    """A dictionary that a log shows as `mask` leaves it."""

    mask: Mask

    def __repr__(self) -> str:
        return repr(self.mask(self))

    __str__ = __repr__


class _Masked(str):
    """Option type dict whose value is shown masked: Ansible logs every option before a module can hide anything."""

    __name__ = "dict"
    mask: Mask

    def __call__(self, value: Any) -> MaskedDict:
        found = MaskedDict(check_type_dict(value))
        found.mask = self.mask
        return found


def masked_dict(mask: Mask) -> str:
    """The type of an option that is a dictionary, a part of which is a secret."""
    kind = _Masked("dict")
    kind.mask = mask
    return kind


FRONTEND: dict[str, Any] = {
    "oned_location": {"type": "path"},
    "oned_user": {"type": "str"},
    "oned_group": {"type": "str"},
    "oned_service": {"type": "str", "default": "opennebula"},
}

LOGIN: dict[str, Any] = {
    "login_host": {"type": "str"},
    "login_port": {"type": "int"},
    "login_unix_socket": {"type": "path"},
    "login_user": {"type": TEXT},
    "login_password": {"type": TEXT, "no_log": True},
}

API: dict[str, Any] = {
    "api_url": {"type": "str", "fallback": (env_fallback, ["ONE_URL"])},
    "api_username": {"type": TEXT, "fallback": (env_fallback, ["ONE_USERNAME"])},
    "api_password": {"type": TEXT, "no_log": True, "fallback": (env_fallback, ["ONE_PASSWORD"])},
    "api_timeout": {"type": "float", "default": 10.0},
    "api_answer_limit": {"type": "int", "default": 256},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
}

PREDICTED: dict[str, Any] = {
    "predicted": {
        "type": "dict",
        "options": {
            kind: {"type": "list", "elements": "str", "default": []} for kind in ("users", "groups", "vdcs", "zones")
        },
    }
}
