# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `status_page`: the state of a federation as an HTML page."""

from __future__ import annotations

DOCUMENTATION = r"""
name: status_page
short_description: The state of a federation as an HTML page
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Makes one page that needs no other file and asks nobody, of what M(onefed.opennebula.federation_info) found.
  - It draws the zones, tells problems with what to do, and says how old it is.
positional: history, group
options:
  _input:
    description: The federation as M(onefed.opennebula.federation_info) returned it.
    type: dict
    required: true
  history:
    description: The result of P(onefed.opennebula.status_history#filter).
    type: list
    elements: dict
    required: true
  group:
    description: The inventory's group of the federation, shown as its name.
    type: str
    default: federation
"""

EXAMPLES = r"""
- name: Write the page
  ansible.builtin.copy:
    content: "{{ health.federation | onefed.opennebula.status_page(history) }}"
    dest: /srv/status/status.html
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The page.
  type: str
"""

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ..plugin_utils._report.page import page


def status_page(federation: Mapping[str, Any], history: Sequence[Mapping[str, Any]], group: str = "federation") -> str:
    """The page for the newest check of the history."""
    return page(federation, history, group)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"status_page": status_page}
