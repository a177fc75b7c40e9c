# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `status_history`: index and lag of zones over the last checks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: status_history
short_description: Index and lag of zones over the last checks
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Adds what M(onefed.opennebula.federation_info) found to what was found before, and leaves out what is too old.
positional: previous
options:
  _input:
    description: The federation as M(onefed.opennebula.federation_info) returned it.
    type: dict
    required: true
  previous:
    description: The text that this filter's result was written as before, as JSON. Any other text begins a new history.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Keep what was found
  ansible.builtin.copy:
    content: "{{ health.federation | onefed.opennebula.status_history(before) | to_json }}"
    dest: /srv/status/history.json
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The last 288 checks, each with its C(time) and the C(index) and C(lag) of its C(zones) by name.
  type: list
  elements: dict
"""

import time
from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._report.history import Run, with_run


def status_history(federation: Mapping[str, Any], previous: str = "") -> list[Run]:
    """The history with what was found just now."""
    return with_run(previous, federation, time.time())


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"status_history": status_history}
