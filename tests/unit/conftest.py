# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the collection importable under its full name, as Ansible does."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINK = ROOT / ".build" / "ansible_collections" / "onefed" / "opennebula"

if not LINK.exists():
    LINK.parent.mkdir(parents=True, exist_ok=True)
    LINK.symlink_to(ROOT, target_is_directory=True)
sys.path.insert(0, str(ROOT / ".build"))
