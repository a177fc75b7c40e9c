# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What modules user, group, vdc and acl take, but for the connection: what an inventory declares has the same options.

The modules and the checks of the inventory read it here, so that no item passes the one and not the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._api.template import masked
from .._argspec import REFERENCE, TEXT, masked_dict
from . import quotas
from .documents import RESOURCES

Spec = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Options:
    """An argument spec, and which of its options go together, as AnsibleModule takes them."""

    spec: Spec
    required_one_of: Sequence[Sequence[str]] = ()
    mutually_exclusive: Sequence[Sequence[str]] = ()

    def with_shared(self, *shared: Spec) -> dict[str, Any]:
        """Arguments for AnsibleModule, with the options that several modules share."""
        spec = {name: option for options in (*shared, self.spec) for name, option in options.items()}
        return {
            "argument_spec": spec,
            "required_one_of": self.required_one_of,
            "mutually_exclusive": self.mutually_exclusive,
        }


_NAME_OR_ID = (("name", "id"),)
_OBJECT: dict[str, Any] = {
    "name": {"type": TEXT},
    "id": {"type": "int"},
    "purge": {"type": "bool", "default": False},
    "template": {"type": masked_dict(masked)},
    "template_mode": {"type": "str", "choices": ["merge", "replace"], "default": "merge"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "wait_timeout": {"type": "float", "default": 30.0},
}
_REFERENCES: dict[str, Any] = {"type": "list", "elements": REFERENCE}

GROUP = Options({**_OBJECT, **quotas.OPTIONS, "admins": _REFERENCES}, _NAME_OR_ID)

USER = Options(
    {
        **_OBJECT,
        **quotas.OPTIONS,
        "password": {"type": TEXT, "no_log": True},
        "password_hash": {"type": TEXT, "no_log": True},
        "update_password": {
            "type": "str",
            "choices": ["always", "on_create"],
            "default": "on_create",
            "no_log": False,
        },
        "generate_password": {"type": "bool", "default": False, "no_log": False},
        "auth_driver": {"type": TEXT},
        "enabled": {"type": "bool"},
        "group": {"type": REFERENCE},
        "groups": _REFERENCES,
        "template_secrets": {"type": "dict", "no_log": True},
    },
    _NAME_OR_ID,
    (("password", "password_hash"),),
)

VDC = Options(
    {
        **_OBJECT,
        "groups": _REFERENCES,
        "groups_absent": _REFERENCES,
        "resources": {
            "type": "list",
            "elements": "dict",
            "options": {"zone": {"type": REFERENCE, "required": True}, **dict.fromkeys(RESOURCES, _REFERENCES)},
        },
    },
    _NAME_OR_ID,
)

ACL = Options(
    {
        "rule": {"type": TEXT},
        "user": {"type": REFERENCE},
        "group": {"type": REFERENCE},
        "resources": {"type": "list", "elements": "str"},
        "which": {"type": REFERENCE, "default": "*"},
        "rights": {"type": "list", "elements": "str"},
        "zone": {"type": REFERENCE},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "wait_timeout": {"type": "float", "default": 60.0},
    },
    (("rule", "user", "group"),),
    (("rule", "user", "group"), ("rule", "resources"), ("rule", "rights"), ("rule", "zone")),
)
