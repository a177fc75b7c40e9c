# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The federation as it was observed, of which all checks of health ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .quorum import Zone, find_master


@dataclass(frozen=True)
class Federation:
    """What was observed. `index_before` and `index` are the master's, before and after the slaves told theirs.

    `bridged` tells whether oneadmin has a login token of a change of its password.
    """

    zones: Sequence[Zone]
    index_before: int | None
    index: int | None
    allow_loopback: bool
    bridged: bool | None = None

    @property
    def master(self) -> Zone | None:
        return find_master(self.zones)

    def is_master(self, zone: Zone) -> bool:
        return self.master is not None and zone["id"] == self.master["id"]

    @property
    def federated(self) -> bool:
        """Whether this is more than one zone on its own."""
        return len(self.zones) > 1 or any(
            server["federated_log"] in ("empty", "filled") or server["mode"] in ("MASTER", "SLAVE")
            for zone in self.zones
            for server in zone["servers"]
        )

    @property
    def version(self) -> str | None:
        versions = [server["version"] for server in (self.master or {"servers": []})["servers"]]
        return next((version for version in versions if version), None)
