# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An upgrade that is open on a front-end."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.upgrade_journal import (
    UpgradeJournal,
    folder_of,
)


@pytest.fixture
def open_upgrade() -> Callable[..., UpgradeJournal]:
    """Open the journal of an upgrade; `values` are what it says otherwise."""

    def make(frontend: Frontend, **values: Any) -> UpgradeJournal:
        known: dict[str, Any] = {
            **{"id": "x", "directory": folder_of(frontend, "x"), "zone_name": "paris", "method": "together"},
            **{"from_release": "7.0.1", "to_release": "7.4.0", "part": "leader", "slave": False},
            **{"opened_at": "2025-04-01T12:00:00Z", "original": {}, "packages": {}},
        }
        journal = UpgradeJournal(**{**known, **values})
        journal.save(frontend)
        return journal

    return make
