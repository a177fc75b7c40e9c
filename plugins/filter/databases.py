# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `databases`: the databases of the federation by zone name and host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: databases
short_description: Databases of the federation by zone name and host
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Collects what M(onefed.opennebula.database_info) returned on every host, in the shape that
    M(onefed.opennebula.federation_info) takes.
positional: hostvars
options:
  _input:
    description: The result of M(onefed.opennebula.topology).
    type: dict
    required: true
  hostvars:
    description: The magic variable C(hostvars); of every host C(onefed.result.database) was recorded.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Ask every zone
  onefed.opennebula.federation_info:
    databases: "{{ onefed_topology | onefed.opennebula.databases(hostvars) }}"
"""

RETURN = r"""
_value:
  description: Descriptions of databases by zone name and host.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._model.declared import Federation
from ..plugin_utils._report.report import newest_descriptions
from .report import recorded


def databases(topology: Mapping[str, Any], hostvars: Mapping[str, Any]) -> dict[str, Any]:
    """Collect the recorded results of database_info."""
    federation = Federation.from_dict(topology)
    return newest_descriptions(federation, recorded(federation, hostvars))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"databases": databases}
