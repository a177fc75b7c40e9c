# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory declares: a federation, its zones and their servers.

They are made in one place, _inventory.topology. Module topology returns them as plain data, of the same shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .plain import parse


@dataclass(frozen=True)
class FloatingAddress:
    """The address of a zone that moves between its servers; `cidr` is `address`/`prefix`."""

    address: str
    prefix: int
    cidr: str
    interface: str


@dataclass(frozen=True)
class Server:
    """A front-end: its `zone` is a group, `endpoint` its own, `frontend` holds options that our modules share.

    `port` and `listen_address` are None where oned.conf is to keep its own; `tls_port` is that of the TLS proxy, used
    where the federation has such links; `secured` tells whether its zone is called with TLS; `start_timeout` is in
    seconds; `sources` are addresses and networks from which it calls others.
    """

    zone: str
    address: str
    port: int | None
    listen_address: str | None
    tls_port: int
    secured: bool
    endpoint: str
    start_timeout: int
    install: bool
    state: str
    become: bool
    frontend: Mapping[str, str]
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Zone:
    """A zone: its zone_* values without prefix, but for administrators, who may come with passwords; and what follows.

    The master's zone has no `name` unless it is declared: it keeps the one it has. `label` is what texts call the zone.
    `servers` are those of its `hosts` that it is to have; `host` is the one that speaks for it, the first until it is
    known how they stand; `endpoints` are those of its hosts, `floating` its floating address, `template` holds
    attributes of its record. `reached_at` is where others find it now, before all is as declared.
    """

    group: str
    name: str | None
    label: str
    role: str
    endpoint: str
    reached_at: str
    endpoint_grpc: str | None
    oneflow_endpoint: str | None
    fireedge_endpoint: str | None
    vip: str | None
    vip_interface: str | None
    allow_even: bool
    import_: bool
    import_conflicts: str
    import_overrides: Mapping[str, Any]
    import_suffix: str | None
    import_acl_zones: str
    import_allow_administrators: bool
    import_orphans: str
    import_leave_unmovable: bool
    discard: bool
    admin_group: str
    hosts: tuple[str, ...]
    servers: tuple[str, ...]
    host: str
    endpoints: Mapping[str, str]
    floating: FloatingAddress | None
    template: Mapping[str, str]

    @property
    def is_master(self) -> bool:
        return self.role == "master"


@dataclass(frozen=True)
class Settings:
    """The federation_* values without prefix, but for access policies, which may hold secrets; and those of upgrades,
    and of backups and restores.

    Times are in seconds, `answer_limit` is in MiB; `firewall` is None where rules of role firewall are left alone.
    """

    group: str
    on_failure: str
    allow_loopback: bool
    log_records: int
    replication_timeout: int
    clock_skew: int
    validate_certs: bool
    ca_path: str | None
    answer_limit: int
    tls: bool
    firewall: bool | None
    networks: tuple[str, ...]
    status_dir: str | None
    status_fail: bool
    export_file: str | None
    import_directory: str
    ignored_variables: tuple[str, ...]
    upgrade_hosts: str
    upgrade_wait: int
    upgrade_install_tasks: str | None
    upgrade_id: str | None
    upgrade_rollback_confirm: str | None
    backup_folder: str
    backup_keep: int
    backup_recipient: str | None
    restore_from: str | None
    restore_zone: str | None
    restore_identity: str | None
    restore_again: bool
    restore_confirm: str | None

    @property
    def api_options(self) -> dict[str, bool | int | str]:
        """The options of all modules that call an API."""
        certs: dict[str, bool | int | str] = {
            "validate_certs": self.validate_certs,
            "api_answer_limit": self.answer_limit,
        }
        return {**certs, **({"ca_path": self.ca_path} if self.ca_path is not None else {})}


@dataclass(frozen=True)
class DeclaredAccess:
    """Whether access policies or administrators are `declared`, and what of them needs the master to be checked.

    `zones` are pairs of where and which zone they name; `names` are kind, name and where, of names that some releases
    of OpenNebula refuse.
    """

    declared: bool = False
    zones: tuple[tuple[str, str], ...] = ()
    names: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Federation:
    """All that the inventory declares: `zones` by group, `hosts` by name, `master` is the group of the master's zone.

    `probes` are the endpoints that front-ends must reach, `api_options` those of the settings. `plain_ports` are, by
    host, oned's own ports behind its TLS proxy, as host:port, which nobody is to reach.
    """

    group: str
    settings: Settings
    api_options: Mapping[str, Any]
    master: str
    master_host: str
    zones: Mapping[str, Zone]
    hosts: Mapping[str, Server]
    probes: tuple[str, ...]
    plain_ports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    access: DeclaredAccess = field(default_factory=DeclaredAccess)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Federation:
        """What module topology returned, as Ansible hands it back to a filter."""
        return parse(cls, data)

    @property
    def master_zone(self) -> Zone:
        return self.zones[self.master]

    def zone_called(self, name: str | None) -> Zone | None:
        """The zone that an operator names, by its group or by the name that it has."""
        return self.zones.get(name or "") or next((zone for zone in self.zones.values() if zone.label == name), None)

    def zone_of(self, host: str) -> Zone:
        return self.zones[self.hosts[host].zone]
