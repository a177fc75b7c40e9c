# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What roles recorded of hosts in the one fact of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def results_of(hostvars: Mapping[str, Any], hosts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """C(onefed.result) by host; empty for a host that was lost before anything was recorded of it."""
    return {host: (hostvars[host].get("onefed") or {}).get("result") or {} for host in hosts}
