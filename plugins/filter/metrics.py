# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter `metrics`: the state of a federation for Prometheus."""

from __future__ import annotations

DOCUMENTATION = r"""
name: metrics
short_description: The state of a federation for Prometheus
version_added: 1.0.0
author:
  - onefed contributors (@onefed)
description:
  - Makes a text in Prometheus' format of what M(onefed.opennebula.federation_info) found, for the textfile collector of
    node_exporter.
  - The metrics are gauges whose names begin with C(onefed_). Those of servers have the labels C(federation), C(zone),
    C(server) and C(server_id). What is not known has no sample.
positional: group
options:
  _input:
    description: The federation as M(onefed.opennebula.federation_info) returned it.
    type: dict
    required: true
  group:
    description: The inventory's group of the federation, value of the label C(federation).
    type: str
    default: federation
"""

EXAMPLES = r"""
- name: Write the metrics
  ansible.builtin.copy:
    content: "{{ health.federation | onefed.opennebula.metrics }}"
    dest: /var/lib/prometheus/node-exporter/federation.prom
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

import time
from collections.abc import Mapping
from typing import Any, Callable

from ..plugin_utils._report.metrics import metrics_text


def metrics(federation: Mapping[str, Any], group: str = "federation") -> str:
    """The text for what was found just now."""
    return metrics_text(federation, group, time.time())


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"metrics": metrics}
