# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The oned of a front-end: its oned.conf, its service, and what it answers when it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...module_utils._endpoints import ONED_PORT
from .records import ZoneRecord


@dataclass(frozen=True)
class Conf:
    """oned.conf. With an `error` all else is unknown."""

    path: str = ""
    error: str | None = None
    mode: str | None = None
    zone_id: int = 0
    server_id: int = -1
    master_oned: str | None = None
    port: int = ONED_PORT
    listen_address: str = ""
    grpc_listen_address: str = ""
    backend: str | None = None
    vectors: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Service:
    state: str = "unknown"
    enabled: bool | None = None
    restart_needed: bool = False
    error: str | None = None


@dataclass(frozen=True)
class RaftStatus:
    state_name: str | None = None
    log_index: int = -1


@dataclass(frozen=True)
class Api:
    """What the running oned says; None is what it did not tell."""

    state: str = "unknown"
    conf: Mapping[str, str] | None = None
    zones: tuple[ZoneRecord, ...] | None = None
    raft: RaftStatus | None = None
