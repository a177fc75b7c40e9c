# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the database of a front-end holds, as module database_info documents it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .records import ListedServer


@dataclass(frozen=True)
class FederatedLog:
    """The log from which federated changes are replicated; an index is None without any record of its kind."""

    federated: int = 0
    first_federated_index: int | None = None
    last_federated_index: int | None = None
    recent_federated_indexes: tuple[int, ...] = ()
    newest_federated_time: int | None = None
    first_local_index: int | None = None
    has_keys: bool = False


@dataclass(frozen=True)
class StoredZone:
    """A record of the table of zones."""

    id: int
    name: str
    endpoint: str
    servers: tuple[ListedServer, ...] = ()


@dataclass(frozen=True)
class OwnData:
    """Names of shared objects beyond those that a first start makes, and numbers of what has no name."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    vdcs: tuple[str, ...] = ()
    acls: int = 0
    marketplaces: tuple[str, ...] = ()
    marketplace_apps: int = 0


@dataclass(frozen=True)
class TableDigest:
    """A shared table: its number of rows, and a digest that is equal where they are."""

    rows: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class Database:
    """A front-end's database. With an `error` nothing of it is known, which may be that the driver is missing.

    `isolation`, `galera` and `dump_program` are None where they are unknown, as with SQLite.
    """

    error: str | None = None
    driver_missing: bool = False
    backend: str | None = None
    server: str | None = None
    charset: str | None = None
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    size: int = 0
    bootstrapped: bool = False
    shared_version: str | None = None
    local_version: str | None = None
    is_slave: bool | None = None
    log: FederatedLog = field(default_factory=FederatedLog)
    pool_control_behind: tuple[str, ...] = ()
    tables: Mapping[str, TableDigest] = field(default_factory=dict)
    zones: tuple[StoredZone, ...] = ()
    own: OwnData = field(default_factory=OwnData)
    isolation: str | None = None
    galera: bool | None = None
    dump_program: str | None = None
