# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a slave zone can no longer follow the master, and how it is given the master's tables anew. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ...module_utils._health import database
from ...module_utils._problems import replication, zones
from ...module_utils._problems.answers import NO_ZONE_RECORD
from ...module_utils._problems.frontend import COPY_INTERRUPTED
from ...module_utils._problems.problem import Problem
from .._checks import frontend as checks
from .._model.declared import Federation, Zone
from .._model.facts import Frontend, HostFacts
from .._model.plain import plain
from .entry import lines
from .planned import ZonePlan
from .zone import reseed_entry


def why_stale(zone: Zone, frontend: Frontend, master: Frontend) -> Problem | None:
    """What keeps the zone of this front-end from following the master by itself; None when nothing does."""
    journal = frontend.journal
    if journal and journal.of_zone:
        return COPY_INTERRUPTED.problem(zone.host, opened_at=journal.opened_at)
    if not frontend.has_copy:
        return NO_ZONE_RECORD.problem(zone.host, zone_id=frontend.conf.zone_id, endpoint=zone.endpoint)
    own, theirs = frontend.database, master.database
    index, newest = own.log.last_federated_index, theirs.log.last_federated_index
    if index is None:
        return replication.EMPTY_FEDERATED_LOG.problem(zone.host)
    if newest is not None and index > newest:
        return replication.AHEAD_OF_MASTER.problem(zone.host, index=index, newest=newest)
    # By the database, which a stopped oned has too.
    seen = database.facts({"index": None}, plain(own), plain(theirs), 0.0)
    if seen["in_master_log"] is False:
        return replication.STALE.problem(zone.host, index=index, oldest=theirs.log.first_federated_index)
    differing = seen["digests_differ"]
    return replication.DIGESTS_DIFFER.problem(zone.host, tables=", ".join(differing)) if differing else None


def plan_reseed(
    federation: Federation, facts: Mapping[str, HostFacts], zone: Zone
) -> tuple[list[str], Problem | None, ZonePlan | None]:
    """Errors that keep a slave with one server from being compared or reseeded, why it is reseeded, and its plan.

    The plan is that of a join (see zone), as the zone goes through the same steps; its record stays.
    """
    host, label = zone.host, zone.label
    unusable = checks.usable(facts[host])
    if unusable:
        return [unusable[0].at(host).line], None, None
    unusable = checks.usable(facts.get(federation.master_host, HostFacts(error="it was left out")))
    if unusable:
        why, remedy = unusable[0].text, unusable[0].remedy
        return [zones.NOTHING_TO_ASK.problem(host, who="The master", why=why, what_to_do=remedy).line], None, None
    frontend, master = facts[host].frontend, facts[federation.master_host].frontend
    known = master.zones
    mine = master.zone(_zone_id(frontend))
    if mine is None or (frontend.conf.mode != "SLAVE" and not frontend.journal):
        return [zones.NO_SLAVE.problem(host, zone=label).line], None, None
    stale = why_stale(zone, frontend, master)
    if stale is None:
        return [], None, None
    entry = reseed_entry(federation, zone, facts, known, mine)
    return lines(label, entry.problems), stale, entry


def _zone_id(frontend: Frontend) -> int:
    journal = frontend.journal
    # A copy that was cut short may have left another oned.conf.
    noted = journal.zone_id if journal else None
    return frontend.conf.zone_id if noted is None else noted
