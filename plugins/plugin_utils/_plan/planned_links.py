# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan holds of the links between servers, as planned does of all else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LinkPlan:
    """What becomes of the TLS proxy of a server: options of role secure_links, without their prefix."""

    host: str
    state: str
    names: tuple[str, ...]
    port: int
    backend_port: int


@dataclass(frozen=True)
class Closing:
    """A server of the master's zone whose plain port closes once all zones call it with TLS, by `attributes`."""

    host: str
    server_id: int
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class Relisted:
    """A server of a zone that restarts to know the endpoints of the others."""

    host: str
    server_id: int


@dataclass(frozen=True)
class Relisting:
    """A zone whose record gets `endpoints`, by the ids of its servers as text; then `servers` restart in that order.

    An interrupted run may have changed the record already. `back` tells that they lose TLS; `changes` are text.
    """

    zone_id: int
    endpoints: Mapping[str, str]
    servers: tuple[Relisted, ...]
    changes: tuple[str, ...]
    back: bool = False


@dataclass(frozen=True)
class LinksPlan:
    """What a run does to the links between servers.

    `servers` are those that get a TLS proxy, or lose it, by host; `new` names those that have none yet. When the zones
    of hosts `awaited` call the master where it is declared, its servers `closing` close their plain ports, or lose
    their proxies; `held` names zones that will not in this run, for which all stays. `relisting` are zones, by group,
    whose servers call each other elsewhere from now on, in `turns` restarts at most. `changes` are text by group.
    """

    servers: Mapping[str, LinkPlan] = field(default_factory=dict)
    new: tuple[str, ...] = ()
    awaited: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    closing: tuple[Closing, ...] = ()
    relisting: Mapping[str, Relisting] = field(default_factory=dict)
    turns: int = 0
    changes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class LinkResult:
    """What became of the proxy of a server: `links` is present, absent or None; why it could not be made."""

    links: str | None = None
    failure: str | None = None
