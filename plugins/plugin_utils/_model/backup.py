# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of a backup of a federation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class StoredFile:
    """A file of a backup, as it lies there; bytes."""

    size: int = 0
    sha256: str = ""
    clear_sha256: str = ""


@dataclass(frozen=True)
class SavedZone:
    """A zone in a backup. `database` and `configuration`, the latter by host, are names of files.

    `role` is master, slave or standalone. `tables` holds digests of shared tables by name; `server_ids` are by host.
    """

    label: str = ""
    role: str = "slave"
    zone_id: int = 0
    endpoint: str | None = None
    leader: str = ""
    backend: str | None = None
    charset: str | None = None
    release: str | None = None
    shared_version: str | None = None
    local_version: str | None = None
    federated_index: int | None = None
    tables: Mapping[str, str] = field(default_factory=dict)
    database: str | None = None
    configuration: Mapping[str, str] = field(default_factory=dict)
    server_ids: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """What is in a backup. `failures` tell by zone's group why it is not in it, or not wholly."""

    id: str
    federation: str
    created: str
    complete: bool
    failures: Mapping[str, str] = field(default_factory=dict)
    zones: Mapping[str, SavedZone] = field(default_factory=dict)
    files: Mapping[str, StoredFile] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files.values())

    @property
    def master(self) -> str | None:
        """The group of the zone that was the master."""
        return next((group for group, zone in self.zones.items() if zone.role == "master"), None)
