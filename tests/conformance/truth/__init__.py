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
    """A truth that differs by version is a mapping of versions, each of which holds until the next one."""
    if not isinstance(value, dict):
        return value
    return value[max((name for name in value if since(version, name)), key=_number)]


def since(version: str, name: str) -> bool:
    """Whether a version is that one or newer."""
    return _number(version) >= _number(name)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
