# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes a host does not hide that it failed: not even on the way back, where something has failed before."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.unit.playbooks.test_delegation import FILES, READERS, relative, tasks_of

# What only reads, besides those that may be delegated; what it finds, or why it found nothing, is told later.
ASKS = READERS | {
    "onefed.opennebula.federation_role",  # in check mode
    "onefed.opennebula.identity_export",  # into a temporary file on the controller
    "onefed.opennebula.identity_import",  # with step: plan
    "onefed.opennebula.replication_probe",
    "onefed.opennebula.upgrade_info",
    "onefed.opennebula.zone",  # in check mode
    "onefed.opennebula.zone_references",  # in check mode
}


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_no_task_that_changes_something_hides_its_failure(path: Path) -> None:
    content = yaml.safe_load(path.read_text())
    tasks = [task for task in tasks_of(content if isinstance(content, list) else []) if isinstance(task, dict)]
    hidden = [task for task in tasks if task.get("failed_when") is False]
    assert [task["name"] for task in hidden if not ASKS & set(task)] == []
