# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What real daemons were seen to answer, reduced to what does not depend on the installation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# Contents that users decide, or (quotas) that depend on what was set.
OPAQUE = ("TEMPLATE", "DATASTORE_QUOTA", "NETWORK_QUOTA", "VM_QUOTA", "IMAGE_QUOTA")


def load(name: str) -> Any:
    return json.loads((Path(__file__).parent / f"{name}.json").read_text())


def of_version(value: Any, version: str) -> Any:
    """A truth that differs by version is a mapping of versions."""
    return value[version] if isinstance(value, dict) else value
