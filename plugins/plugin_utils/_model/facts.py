# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was found on hosts: the facts of module frontend_info, parsed once, with the questions that plans ask of them.

What the module documents is documented there; what no plan asks for is left out here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from ...module_utils._endpoints import normal, same_endpoint
from .database import Database
from .host import Address, Companion, Disk, FireEdge, KeptAddress, Probe, VipHook
from .identity_plan import ImportAnswer
from .journal import EXPORTED, REVERTED, Journal, RestoreJournal
from .oned import Api, Conf, Service
from .plain import parse
from .records import ListedServer, ZoneRecord
from .upgrade import UpgradeJournal

# Parts that the module replaces by {"error": why} when they cannot be read.
_GUARDED = (
    *("auth_files_fixed", "auth_digests", "journal", "upgrade", "restore", "companions", "addresses", "address_keeper"),
    *("vip_hook", "config_digests"),
)


@dataclass(frozen=True)
class Frontend:
    """A front-end. Where a part could not be read, `unread` tells why by the part's name, and the part is empty."""

    installed: bool = False
    oned_version: str | None = None
    conf: Conf = field(default_factory=Conf)
    service: Service = field(default_factory=Service)
    api: Api = field(default_factory=Api)
    database: Database = field(default_factory=Database)
    auth_files_fixed: tuple[str, ...] = ()
    auth_digests: Mapping[str, str] = field(default_factory=dict)
    one_auth: str = "unknown"
    disk: Disk = field(default_factory=Disk)
    time: float = 0.0
    journal: Journal | None = None
    upgrade: UpgradeJournal | None = None
    restore: RestoreJournal | None = None
    probes: Mapping[str, Probe] = field(default_factory=dict)
    companions: tuple[Companion, ...] = ()
    fireedge: FireEdge | None = None
    firewall: Mapping[str, str] | None = None
    guarded_ports: tuple[int, ...] = ()
    let_in: tuple[str, ...] = ()
    has_firewall: bool = False
    open_ports: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    address_keeper: KeptAddress | None = None
    lockdown: bool = False
    has_links: bool = False
    vip_answers: tuple[str, ...] = ()
    vip_hook: VipHook | None = None
    config_digests: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Frontend:
        """The C(frontend) that the module returned."""
        unread = {
            name: str(data[name]["error"])
            for name in _GUARDED
            if isinstance(data.get(name), Mapping) and "error" in data[name]
        }
        return parse(cls, {**{name: data[name] for name in data if name not in unread}, "unread": unread})

    @property
    def runs(self) -> bool:
        return self.service.state == "running"

    @property
    def serves(self) -> bool:
        """Whether its API answers on the host itself, so that it should at its endpoint."""
        return self.runs and self.api.state == "open"

    @property
    def in_raft(self) -> bool:
        """Whether by its oned.conf it is one of several servers of its zone."""
        return self.conf.server_id >= 0

    @property
    def raft_state(self) -> str | None:
        """Its Raft state in words, None when it does not tell."""
        return self.api.raft.state_name if self.api.raft else None

    @property
    def leads(self) -> bool:
        return self.raft_state == "leader"

    @property
    def is_standalone(self) -> bool:
        """Whether by its oned.conf it is in no federation."""
        return self.conf.mode == "STANDALONE"

    @property
    def lives_alone(self) -> bool:
        """Whether its zone is standalone and answers, so that its tables are its own; of several servers, it leads."""
        return self.serves and self.is_standalone and (self.leads or not self.in_raft)

    @property
    def join_undone(self) -> bool:
        """Whether a join was undone so far that the zone lives its own life again, and only its journal is open."""
        return bool(self.journal and self.journal.step == REVERTED and self.lives_alone)

    @property
    def is_exported(self) -> bool:
        """Whether its zone's identities were written down before it stopped, and are never to be read again."""
        return bool(self.journal and EXPORTED in self.journal.reached and not self.join_undone)

    @property
    def has_copy(self) -> bool:
        """Whether a slave was ever given the federation's tables: without them it does not know its own zone."""
        return self.database.bootstrapped and self.conf.zone_id in {zone.id for zone in self.database.zones}

    @property
    def zones(self) -> tuple[ZoneRecord, ...]:
        """The zones it knows: from its API, or its database when it is stopped."""
        if self.api.zones is not None:
            return self.api.zones
        return tuple(ZoneRecord(one.id, one.name, one.endpoint, servers=one.servers) for one in self.database.zones)

    @property
    def own_zone(self) -> ZoneRecord | None:
        """The record of its own zone, as far as it knows it."""
        return self.zone(self.conf.zone_id)

    def zone(self, zone_id: int | None) -> ZoneRecord | None:
        return next((one for one in self.zones if one.id == zone_id), None)

    def servers_of(self, zone_id: int | None) -> tuple[ListedServer, ...]:
        """The servers in the record of a zone as it has it."""
        record = self.zone(zone_id)
        return record.servers if record else ()

    def answers_at(self, endpoint: str) -> bool:
        """Whether something answered when it called an endpoint."""
        probe = self.probes.get(endpoint)
        return probe is not None and probe.state == "open"

    def has_address(self, address: str) -> bool:
        """Whether the host has an address, however that is spelled."""
        wanted = ip_address(address)
        return any(ip_address(one.address) == wanted for one in self.addresses)

    def follows(self, master: Frontend, endpoints: Sequence[str | None]) -> bool:
        """Whether a slave's configuration or tables show that it follows this very master, known by `endpoints`."""
        if any(same_endpoint(self.conf.master_oned or "", known) for known in endpoints if known):
            return True
        mine, theirs = ({_identity(zone) for zone in side.zones} for side in (self, master))
        own = next((zone for zone in mine if zone[0] == self.conf.zone_id), None)
        # One that lags may lack the newest zones. Its own record, endpoint included, is in one federation only.
        return len(mine) > 1 and (mine == theirs or own in theirs)

    def in_zone_with(self, other: Frontend) -> bool:
        """Whether both are servers of one zone, by their oned.conf and their own zone's record."""
        mine, theirs = self.own_zone, other.own_zone
        if mine is None or theirs is None:
            return False
        return (self.conf.mode, mine.id, mine.name) == (other.conf.mode, theirs.id, theirs.name)


@dataclass(frozen=True)
class KeptImport:
    """What is on the controller of a zone's import: paths of what an interrupted one kept, None without such a file.

    `planned` is what the master said of the import; None before it was asked.
    """

    document: str | None = None
    plan: str | None = None
    planned: ImportAnswer | None = None


@dataclass(frozen=True)
class HostFacts:
    """What is known of one host: the front-end that was `examined`, or why none was.

    Ansible could not reach it (`unreachable`), or examining it failed (`error`, with a `remedy`).
    """

    examined: Frontend | None = None
    unreachable: str = ""
    error: str = ""
    remedy: str = ""
    kept: KeptImport = field(default_factory=KeptImport)

    @property
    def frontend(self) -> Frontend:
        """The front-end that was examined. Raises LookupError when there is none, see _checks.frontend.usable."""
        if self.examined is None:
            raise LookupError(self.unreachable or self.error or "the host was not examined")
        return self.examined


NOT_EXAMINED = HostFacts()


def frontend_of(facts: Mapping[str, HostFacts], host: str) -> Frontend | None:
    """The front-end that was examined on a host; None when none was."""
    return facts.get(host, NOT_EXAMINED).examined


def _identity(zone: ZoneRecord) -> tuple[Any, ...]:
    return zone.id, zone.name, normal(zone.endpoint or "")
