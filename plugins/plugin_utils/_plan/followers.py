# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of followers: what the other servers of a zone that has several need to be as declared. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .._checks import frontend as checks
from .._model.declared import Federation, Zone
from .._model.facts import Frontend, HostFacts
from .adoption import (
    auth_files_of,
    describe_auth_files,
    describe_repair,
    fixed_files,
    needs_stop,
    repair_of,
)
from .companions import fireedge_wanted
from .desired_state import (
    conf_changes,
    conf_of,
    raft_of,
)
from .planned import ConfChange, FollowerPlan, ZonePlan
from .server_links import as_it_listens


def with_followers(
    entry: ZonePlan,
    federation: Federation,
    zone: Zone,
    facts: Mapping[str, HostFacts],
    master: Frontend | None,
    closes: bool = True,
) -> ZonePlan:
    """The plan with the other servers of a zone that has several: what they need to be as declared.

    `master` is the master's front-end for a slave's zone, None for the master's own; `closes` as for conf_of.
    """
    if not facts[zone.host].frontend.in_raft:
        return entry
    followers = []
    for host in zone.servers:
        frontend = checks.usable_frontend(facts, host)
        # One that is not in Raft is added, with the leader's configuration.
        if host != zone.host and frontend and not frontend.journal and frontend.in_raft:
            server = as_it_listens(federation, zone, facts, host)
            conf = conf_of(server, frontend, entry.conf.federation, raft_of(zone, frontend), closes)
            followers.append(_follower(host, conf, frontend, master, zone))
    changing = tuple(one for one in followers if one.changes)
    changes = (f"{one.host}: {change}" for one in changing for change in one.changes)
    return replace(entry, followers=changing, changes=(*entry.changes, *changes))


def _follower(host: str, conf: ConfChange, frontend: Frontend, master: Frontend | None, zone: Zone) -> FollowerPlan:
    database = frontend.database
    files = auth_files_of(frontend, master) if master and not fixed_files(frontend, master) else {}
    repair = repair_of(database, is_slave=master is not None)
    fireedge, shown = fireedge_wanted(zone, frontend.conf.zone_id, frontend) if master else (False, [])
    changes = [*describe_auth_files(files), *describe_repair(database, repair), *conf_changes(frontend, conf), *shown]
    stop = needs_stop(database, repair)
    restart = stop or bool(conf_changes(frontend, conf)) or read_at_start(frontend, files)
    return FollowerPlan(
        host=host,
        server_id=frontend.conf.server_id,
        conf=conf,
        auth_files=tuple(files),
        repair=repair,
        fireedge=fireedge,
        stop=stop,
        restart=restart,
        changes=(*changes, "oned restarts") if restart else tuple(changes),
    )


def read_at_start(frontend: Frontend, files: Mapping[str, str]) -> bool:
    """Whether something that runs holds the content of one of the files: oned one_auth, its companions others."""
    return "one_auth" in files or bool(files and any(service.active for service in frontend.companions))
