# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""One running daemon, as its parts see it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from . import client
from .acl import AclManager
from .conf import Conf
from .log import Log
from .logdb import LogDB
from .objects import Group, User, Vdc, Zone
from .paths import Layout
from .pool import Pool
from .quotas import Quotas
from .versions import Release

if TYPE_CHECKING:
    from .auth import Sessions
    from .federation import Applier, FedReplicaManager
    from .raft.manager import Raft

STANDALONE, MASTER, SLAVE, CACHE = "STANDALONE", "MASTER", "SLAVE", "CACHE"


class Context:
    """State and parts of the daemon."""

    def __init__(self, layout: Layout, release: Release, conf: Conf, log: Log, mode: str, zone_id: int,
                 server_id: int, logdb: LogDB) -> None:
        self.layout = layout
        self.release = release
        self.conf = conf
        self.log = log
        self.mode = mode
        self.zone_id = zone_id
        self.server_id = server_id
        self.logdb = logdb
        self._locks: dict[str, threading.RLock] = {}
        self.stopping = threading.Event()
        self.zone_disabled = False
        self.oneadmin_name = "oneadmin"
        # What slaves call the master with: read once, at start.
        self.own_credentials = ""
        self.replicas: FedReplicaManager | None = None
        self.applier: Applier
        self.raft: Raft
        self.sessions: Sessions

        read_only = self.is_slave
        database = logdb.database
        self.acl = AclManager(database, self.write_federated, log, zone_id, read_only)
        self.users: Pool[User] = Pool(User, "user_pool", database, self.write_federated, log, read_only)
        self.groups: Pool[Group] = Pool(Group, "group_pool", database, self.write_federated, log, read_only)
        self.zones: Pool[Zone] = Pool(Zone, "zone_pool", database, self.write_federated, log, read_only)
        self.vdcs: Pool[Vdc] = Pool(Vdc, "vdc_pool", database, self.write_federated, log, read_only)
        self.user_quotas = Quotas("user_quotas", database, logdb.execute, release)
        self.group_quotas = Quotas("group_quotas", database, logdb.execute, release)

    def locked(self, kind: str) -> threading.RLock:
        """Held while objects of a kind are read and changed.

        Requests for several kinds run side by side, as in OpenNebula, whose locks are those of pools and of objects.
        Whoever needs more than one takes them in this order: VM, USER, GROUP, VDC.
        """
        return self._locks.setdefault(kind, threading.RLock())

    @property
    def is_federated(self) -> bool:
        return self.mode in (MASTER, SLAVE)

    @property
    def is_master(self) -> bool:
        return self.mode == MASTER

    @property
    def is_slave(self) -> bool:
        return self.mode == SLAVE

    @property
    def master_endpoint(self) -> str:
        return self.conf.vector("FEDERATION").get("MASTER_ONED", "")

    def call_master(self, method: str, *params: object) -> list[object]:
        """A call of this slave's own, with the credentials of its one_auth.

        gRPC is preferred if the master has an endpoint for it.

        :raises client.CallError: if there is no answer.
        """
        grpc = self.conf.vector("FEDERATION").get("MASTER_ONED_GRPC", "") if self.release.grpc else ""
        endpoint = client.grpc_carrier(grpc) if grpc else self.master_endpoint
        return client.call(endpoint, method, [self.own_credentials, *params], self.conf.integer("TIMEOUT", 15))

    def write_federated(self, sql: str) -> int:
        """A change of a federated table: on the master logged as such and sent to the other zones."""
        if not self.is_master:
            return self.logdb.execute(sql)
        changed = self.logdb.execute_federated(sql)
        if self.replicas is not None:
            self.replicas.trigger()
        return changed

    def start_replication(self) -> None:
        """A master that is alone, or leads, sends the federation's records to all other zones."""
        if self.replicas is not None:
            zones = [zone for zone in map(self.zones.get, self.zones.oids()) if zone is not None]
            self.replicas.start([zone for zone in zones if zone.oid != self.zone_id])

    def stop_replication(self) -> None:
        if self.replicas is not None:
            self.replicas.stop()

    def update_zone_state(self) -> None:
        """Whether this zone is disabled is read at start, and when this server becomes the zone's leader."""
        zone = self.zones.get(self.zone_id)
        if zone is None:
            self.log.warning("ONE", f"Unable to find zone id: {self.zone_id}")
        else:
            self.zone_disabled = zone.disabled
