# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What roles recorded of hosts in the one fact of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def results_of(hostvars: Mapping[str, Any], hosts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """C(onefed.result) by host; empty for a host that was lost before anything was recorded of it."""
    return {host: (hostvars[host].get("onefed") or {}).get("result") or {} for host in hosts}
