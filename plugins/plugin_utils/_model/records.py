# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of zones and of their servers, as oned has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .plain import parse


@dataclass(frozen=True)
class ListedServer:
    """A server in a zone's record."""

    id: int
    name: str
    endpoint: str


@dataclass(frozen=True)
class ZoneRecord:
    """A zone's record; `template` is empty when it comes from the database of an oned that does not run."""

    id: int
    name: str
    endpoint: str | None
    endpoint_grpc: str | None = None
    template: Mapping[str, str] = field(default_factory=dict)
    servers: tuple[ListedServer, ...] = ()

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> ZoneRecord:
        """As module zone_info tells it; endpoints are attributes of the template."""
        template = data["template"]
        endpoints = {"endpoint": template.get("ENDPOINT"), "endpoint_grpc": template.get("ENDPOINT_GRPC")}
        return parse(cls, {**data, **endpoints})
