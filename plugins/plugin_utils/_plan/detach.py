# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A zone of several servers that joins: its leader joins alone, and the others are added again. Pure.

It was standalone, or the master of the federation before it was lost.

What was acknowledged is on the leader. The others stop before it, so that none of them takes over and accepts more.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...module_utils._problems import servers as rules
from ...module_utils._problems.problem import ERROR, Problem
from .._checks import frontend as checks
from .._model.declared import Zone
from .._model.facts import NOT_EXAMINED, HostFacts
from .._model.journal import DETACHING, EXPORTED, REVERTED
from .members import server_of, strangers

_UNTOUCHED = {"opened", EXPORTED, DETACHING}


def peers(zone: Zone, facts: Mapping[str, HostFacts]) -> list[str]:
    """The other hosts of a zone that joins which are servers of what it was, running or stopped by an earlier run."""
    return [host for host in zone.hosts if host != zone.host and _stands_in_raft(facts.get(host, NOT_EXAMINED))]


def may_be_given_up(host_facts: HostFacts) -> bool:
    """Whether the join that was begun with one of several servers is worth nothing if another one leads by now.

    Nothing was changed then, neither there nor at the master. A leader that lost power has missed what was written
    since.
    """
    journal = host_facts.frontend.journal
    if not journal or not journal.of_zone or not _stands_in_raft(host_facts):
        return False
    untouched = journal.reached <= _UNTOUCHED and host_facts.kept.plan is None
    return untouched or journal.step == REVERTED


def abandoned(zone: Zone, facts: Mapping[str, HostFacts]) -> list[str]:
    """The hosts with which earlier runs have begun what another one does now."""
    return [host for host in peers(zone, facts) if may_be_given_up(facts[host])]


def _stands_in_raft(host_facts: HostFacts) -> bool:
    if checks.usable(host_facts):
        return False
    return host_facts.frontend.in_raft and host_facts.frontend.conf.mode in ("STANDALONE", "MASTER")


def detach_problems(zone: Zone, facts: Mapping[str, HostFacts]) -> list[Problem]:
    """What keeps the servers of a zone that joins from being detached, or an interrupted join from going on."""
    frontend = facts[zone.host].frontend
    others = peers(zone, facts)
    journal = frontend.journal
    if journal and not may_be_given_up(facts[zone.host]):
        leaders = [host for host in others if facts[host].frontend.leads]
        return [rules.OVERTAKEN.problem(leader=host, host=zone.host) for host in leaders]
    if journal and (not others or DETACHING in journal.reached):
        return []  # nobody leads any more, because of that
    if not frontend.in_raft:
        return [rules.OTHER_CLUSTER.problem(host=host) for host in others]
    found = []
    if not frontend.leads:
        found.append(rules.NO_LEADER.problem(silent=""))
    listed = frontend.servers_of(frontend.conf.zone_id)
    found += strangers(zone, listed, ERROR)
    return found + [rules.OTHER_CLUSTER.problem(host=host) for host in others if not server_of(zone, host, listed)]
