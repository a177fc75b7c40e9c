# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `credentials`: the secrets of one declared user."""

from __future__ import annotations

DOCUMENTATION = r"""
name: credentials
short_description: Secrets of one user that the inventory declares
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Returns what P(onefed.opennebula.access#filter) leaves out of a user.
positional: topology, user
options:
  _input:
    description: The magic variable C(hostvars).
    type: dict
    required: true
  topology:
    description: The result of M(onefed.opennebula.topology).
    type: dict
    required: true
  user:
    description: The user, with C(name) or C(id).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Create a user
  onefed.opennebula.user:
    name: ada
    password: "{{ (hostvars | onefed.opennebula.credentials(onefed_topology, {'name': 'ada'})).password }}"
"""

RETURN = r"""
_value:
  description: Those of C(password), C(password_hash) and C(template_secrets) that are declared.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._plan import access
from .access import declared_access


def credentials(hostvars: Any, topology: Mapping[str, Any], user: Mapping[str, Any]) -> dict[str, Any]:
    """Find the user's secrets."""
    return access.credentials(*declared_access(hostvars, topology), user)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"credentials": credentials}
