# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A master that was lost and is back, after another zone took its place: it joins as a slave. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...module_utils._endpoints import same_endpoint
from ...module_utils._problems.promotion import FORMER_MASTER
from .._model.declared import Federation, Zone
from .._model.facts import Frontend, HostFacts
from .._model.records import ZoneRecord
from .desired_state import record_changes
from .entry import warned
from .join import plan_join
from .own_names import more_names
from .planned import ZonePlan


def was_master(frontend: Frontend, master: Frontend) -> bool:
    """Whether a front-end that calls itself the master led the federation that `master` leads now.

    Both zones stand in both zone tables, under the same ids and endpoints.
    """
    if frontend.conf.mode != "MASTER" or frontend.conf.zone_id == master.conf.zone_id:
        return False
    return all(
        _same(frontend.zone(zone_id), master.zone(zone_id)) for zone_id in (frontend.conf.zone_id, master.conf.zone_id)
    )


def former_master_entry(
    federation: Federation, zone: Zone, facts: Mapping[str, HostFacts], known: Sequence[ZoneRecord], record: ZoneRecord
) -> ZonePlan:
    """It joins with the record that it has; what only it has is named, and given up."""
    # Its record has the name that it had, also where the inventory gives it another now.
    named = replace(zone, discard=True, import_=False, name=record.name)
    entry = plan_join(federation, named, facts, known, record)
    if entry.action != "join" or entry.own_data is None:
        return entry
    frontend, master = facts[zone.host].frontend, facts[federation.master_host].frontend
    names = more_names(frontend.database.own, master.database.own)
    warning = FORMER_MASTER.problem(names=f" ({names})" if names else "")
    update, updates = record_changes(zone, record)
    index = frontend.database.log.last_federated_index
    return replace(
        entry,
        record=update,
        former_master=frontend.serves,
        leads=frontend.serves and (frontend.leads or not frontend.in_raft),
        own_data=replace(entry.own_data, action="reseed", federated_index=index),
        warnings=(*entry.warnings, *warned(zone.host, [warning])),
        changes=(*entry.changes, *(line for line in updates if line not in entry.changes)),
    )


def _same(one: ZoneRecord | None, other: ZoneRecord | None) -> bool:
    return one is not None and other is not None and same_endpoint(one.endpoint, other.endpoint)
