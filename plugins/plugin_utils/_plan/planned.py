# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan consists of. Filters return it as plain data of the same shape, which playbooks and roles read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...module_utils._problems.problem import Problem
from .._model.database import StoredZone
from .._model.declared import FloatingAddress
from .._model.plain import LINES, OPTIONS, parse
from .planned_firewall import FirewallPlan
from .planned_links import LinksPlan


@dataclass(frozen=True)
class ConfChange:
    """Options of module oned_conf; None removes a vector."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    vectors: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)

    @property
    def federation(self) -> Mapping[str, str]:
        return self.vectors.get("FEDERATION") or {}


@dataclass(frozen=True)
class Repair:
    """Options of module database_repair that make a database whole; none when it is."""

    is_slave: bool | None = field(default=None, metadata=OPTIONS)
    log_keys: bool | None = field(default=None, metadata=OPTIONS)
    shared_pools: bool | None = field(default=None, metadata=OPTIONS)

    def __bool__(self) -> bool:
        return self != Repair()


@dataclass(frozen=True)
class RecordChange:
    """Options of module zone that make a zone's record as declared; none when it is."""

    id: int | None = field(default=None, metadata=OPTIONS)
    name: str | None = field(default=None, metadata=OPTIONS)
    endpoint: str | None = field(default=None, metadata=OPTIONS)
    endpoint_grpc: str | None = field(default=None, metadata=OPTIONS)
    template: Mapping[str, str] | None = field(default=None, metadata=OPTIONS)

    def __bool__(self) -> bool:
        return self != RecordChange()

    @property
    def moves(self) -> bool:
        """Whether other zones, which keep endpoints in memory, find the zone elsewhere."""
        return self.endpoint is not None or self.endpoint_grpc is not None


@dataclass(frozen=True)
class OwnData:
    """Option `own_data` of module join_journal: what a zone may have of its own once its oned stands still."""

    action: str
    zones: tuple[StoredZone, ...]
    is_slave: bool | None
    known: Mapping[str, Any]
    federated_index: int | None = field(default=None, metadata=OPTIONS)


@dataclass(frozen=True)
class FollowerPlan:
    """What another server of a zone needs to be as declared. `changes` are text."""

    host: str
    server_id: int
    conf: ConfChange
    auth_files: tuple[str, ...]
    repair: Repair
    fireedge: bool
    stop: bool
    restart: bool
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Removal:
    """A server that leaves its zone; without `id` its zone's record does not have it any more."""

    host: str
    id: int | None
    name: str
    leads: bool
    reachable: bool


# What of Step 3 changes something.
SERVER_STEPS = ("bootstrap_leader", "add_server", "start", "remove_server", "drop_vip", "restart_followers")


@dataclass(frozen=True)
class ServersPlan:
    """What Step 3 does to a zone.

    `bootstrap_leader` tells whether the coordinator has to become the leader, `restart` whether its oned runs with an
    older oned.conf, `hold_vip` whether it keeps the floating address until Raft does, `enabled` whether its oned starts
    with the host; `vectors` are those of the leader's oned.conf, without its SERVER_ID. `add_server` names servers that
    are added, in order, `copied` those of them that an interrupted run made copies of the leader, `new` those that the
    zone did not have before they were begun, `start` servers that only do not run, `restart_followers` followers that
    restart to learn of new ones, `drop_vip` those that hold the floating address without leading. `listen` are
    attributes of an added server's oned.conf that say where it listens behind its TLS proxy. `ids` are those of servers
    that the zone's record holds, by host, `serving` the endpoints of followers that run. `problems` keep the whole step
    from being done, `warnings` do not; `changes` are text.
    """

    bootstrap_leader: bool = False
    restart: bool = False
    hold_vip: bool = False
    enabled: bool = False
    floating: FloatingAddress | None = None
    vectors: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, int] = field(default_factory=dict)
    remove_server: tuple[Removal, ...] = ()
    add_server: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    restart_followers: tuple[str, ...] = ()
    drop_vip: tuple[str, ...] = ()
    listen: Mapping[str, str] = field(default_factory=dict)
    serving: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = field(default=(), metadata=LINES)
    changes: tuple[str, ...] = ()

    @property
    def alters(self) -> bool:
        """Whether it does anything to the servers."""
        return any(getattr(self, name) for name in SERVER_STEPS)


@dataclass(frozen=True)
class ImportOptions:
    """Options of module identity_import."""

    conflicts: str
    overrides: Mapping[str, Any]
    acl_zones: str
    allow_administrators: bool
    orphans: str
    leave_unmovable: bool
    suffix: str


@dataclass(frozen=True)
class ImportPlan:
    """The import of a joining zone's identities.

    `folder` is on the controller; below it each join has a folder by the name of its journal. `allow` are addresses of
    the master's zone that reach a zone which is locked down; `document` and `plan` are what an interrupted run kept
    there, `exported` tells whether the import goes on with that document, `restore` is the backup of the zone's own
    database if that has to be put back first, as a rollback was interrupted. `planned` tells whether the master was
    asked, `moves` whether objects change hands, `creates` are names by kind.
    """

    folder: str
    options: ImportOptions
    allow: tuple[str, ...]
    document: str | None
    plan: str | None
    exported: bool
    restore: str | None
    planned: bool
    moves: bool = True
    creates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class ZonePlan:
    """What a run does to one zone.

    `action` is one of master, join, converge, member, excluded, outside and unknown. `changes` say what is done,
    `costs` what that entails elsewhere; `problems` leave the zone out, `server_problems` its Step 3. What an action has
    no use for has its default.

    Of the master: `records` are the records that change there, `stop_for_snapshot` tells whether its oned stops for it.
    Of a zone that joins: `stop_peers` names its other servers, `abandoned` those of them with which an earlier run
    began, `leads` tells whether it lives its own life now, `undone` whether a join was undone of which only the journal
    is left, with backups of before, `resumes` whether one was interrupted, `lockdown` whether it was left locked down,
    `former_master` whether it was the master, and runs, so that its identities can be written down.
    """

    group: str
    label: str
    endpoint: str
    action: str
    host: str
    problems: tuple[Problem, ...] = ()
    server_problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = field(default=(), metadata=LINES)
    changes: tuple[str, ...] = ()
    costs: tuple[str, ...] = ()
    zone_id: int | None = None
    server_id: int = -1
    reachable: bool = False
    bootstrap: bool = False
    conf: ConfChange = field(default_factory=ConfChange)
    record: RecordChange = field(default_factory=RecordChange)
    records: tuple[RecordChange, ...] = ()
    repair: Repair = field(default_factory=Repair)
    auth_files: tuple[str, ...] = ()
    fireedge: bool = False
    restart: bool = False
    stop: bool = False
    stop_for_snapshot: bool = False
    followers: tuple[FollowerPlan, ...] = ()
    zone_exists: bool = False
    resumes: bool = False
    undone: bool = False
    leads: bool = False
    lockdown: bool = False
    former_master: bool = False
    stop_peers: tuple[str, ...] = ()
    abandoned: tuple[str, ...] = ()
    own_data: OwnData | None = None
    imports: ImportPlan | None = None
    servers: ServersPlan = field(default_factory=ServersPlan)

    @property
    def alters(self) -> bool:
        """Whether the run changes anything of the zone."""
        return self.action not in ("excluded", "outside") and bool(self.changes or self.restart)


@dataclass(frozen=True)
class Plan:
    """What a run does to a federation.

    `zones` are by group; `unmanaged` names zones that the inventory does not know; `imports` holds by host those of
    zones whose import has yet to be planned; `errors` are problems that stop the run, `left_out` those of zones that
    the run goes on without; `groups` names by host what it takes part in, `follows`, `leaves` and `restarts` are the
    largest numbers of servers that a zone gets, loses and restarts, `turns` that of its followers that change;
    `links` is what becomes of the links between servers, `firewall` of whom they let in, `asks` tells whether they are
    asked, once that is begun, whom they reach; `prepare` tells whether the master needs Step 1, `access` whether access
    policies are applied, `probe` whether replication must be proved, `changed` whether anything will change; `text` is
    the plan in lines.
    """

    master: ZonePlan
    zones: Mapping[str, ZonePlan]
    unmanaged: tuple[str, ...]
    errors: tuple[str, ...]
    left_out: tuple[str, ...]
    imports: Mapping[str, ImportPlan]
    follows: int
    leaves: int
    restarts: int
    turns: int
    prepare: bool
    changed: bool
    access: bool
    probe: bool
    links: LinksPlan = field(default_factory=LinksPlan)
    firewall: FirewallPlan = field(default_factory=FirewallPlan)
    asks: bool = False
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    text: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """What filter plan returned, as Ansible hands it back; without warnings, which were told as lines."""
        return parse(cls, data)
