# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For about how long the API of a zone is away while it is upgraded. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from .._model.upgrade import UpgradeInfo
from .upgrade_zones import TOGETHER, ZoneView

# Seconds: to download and install packages; to stop and to start oned; of an election.
PACKAGES = 90
RESTART = 20
ELECTION = 10
# Bytes in a second that one pass over a database takes at least on a small front-end.
RATE = 20_000_000
# Passes: backup, two of migration (tables are copied), one of the check.
BACKUP = 1
MIGRATION = 3
# To a follower: backup and restore.
COPY = 2


def seconds_of(zones: Mapping[str, ZoneView], infos: Mapping[str, UpgradeInfo], method: str) -> dict[str, int]:
    """The estimate by group.

    Rolling: C(ELECTION) where other servers go on, else C(PACKAGES + RESTART + BACKUP * size / RATE). Together:
    C(PACKAGES + RESTART + passes * size / RATE), where passes are BACKUP and MIGRATION, and COPY with followers, which
    are refreshed side by side. A slave's migration begins when the master's has ended, whose passes it adds.
    """
    passes = {
        group: (infos[view.leader].database_size if view.leader in infos else 0) / RATE for group, view in zones.items()
    }
    if method != TOGETHER:
        return {
            group: ELECTION if view.followers else round(PACKAGES + RESTART + BACKUP * passes[group])
            for group, view in zones.items()
        }
    masters = sum((BACKUP + MIGRATION) * passes[group] for group, view in zones.items() if view.role == "master")
    found = {}
    for group, view in zones.items():
        own = (MIGRATION if view.role == "slave" else BACKUP + MIGRATION) + (COPY if view.followers else 0)
        waited = max(masters, BACKUP * passes[group]) if view.role == "slave" else 0
        found[group] = round(PACKAGES + RESTART + waited + own * passes[group])
    return found
