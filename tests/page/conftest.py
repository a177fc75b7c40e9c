# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the collection importable under its full name, as for unit tests."""

from __future__ import annotations

import sys

from tests.tools.playbooks import ROOT, link_collection

link_collection()
sys.path.insert(0, str(ROOT / ".build"))
