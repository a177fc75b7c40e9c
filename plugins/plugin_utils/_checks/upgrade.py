# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of upgrading one front-end: pure checks of what frontend_info and upgrade_info found.

Every check returns problems without a place; the caller adds zone and host.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._problems import upgrade as rules
from ...module_utils._problems.database import DATABASE_EMPTY
from ...module_utils._problems.frontend import COPY_INTERRUPTED, ONED_STOPPED
from ...module_utils._problems.problem import Problem
from .._model.facts import Frontend, HostFacts
from .._model.plain import parse
from .._model.release import edition_of, has_migrators, minor, numbers, release_of, supports, within
from .._model.upgrade import PUT_BACK, ROLLED_BACK, STEPS, UpgradeInfo
from . import database as database_checks
from . import frontend as checks
from .failure import module_failure

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Examined:
    """A host with what is known of its upgrade; without `info` nothing is, for the `reason` that a module gave."""

    host: str
    facts: HostFacts
    info: UpgradeInfo | None = None
    reason: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Goal:
    """What an upgrade is to reach: the `target` as the operator says it, and the `release` that comes, if it is known.

    `edition` is the one that is asked for, `installs` tells that the operator brings tasks that install it.
    """

    target: str
    release: str | None = None
    edition: str | None = None
    installs: bool = False

    @property
    def shown(self) -> str:
        return self.release or self.target

    def is_met(self, release: str | None) -> bool:
        """Whether a release is the one to be reached, or a later one that the target stands for too."""
        return within(release, self.target) and numbers(release) >= numbers(self.release)


def examined(host: str, result: Data) -> Examined:
    """From a registered result of frontend_info, with C(upgrade), what upgrade_info returned or how it failed."""
    found = result.get("upgrade")
    if not found or "release" not in found:
        reason = module_failure(found) if found else ("", "Run again.")
        return Examined(host, checks.host_facts(result), reason=reason)
    return Examined(host, checks.host_facts(result), parse(UpgradeInfo, found))


def examined_hosts(results: Mapping[str, Data], limited: Iterable[str] | None) -> dict[str, Examined]:
    """By host, of those with a result and of those in the run: one that was never reached has no result."""
    missing = {"msg": "it was not looked at"}
    return {host: examined(host, results.get(host) or missing) for host in (*results, *(limited or ()))}


def examinable(one: Examined) -> list[Problem]:
    """Whether enough is known of a host; of one on which an upgrade is open, its journal is enough."""
    facts, info = one.facts, one.info
    if facts.examined and info:
        return [] if info.journal else checks.usable(facts)
    if not facts.examined:
        return checks.usable(facts)
    detail, remedy = one.reason
    return [rules.UPGRADE_NOT_EXAMINED.problem(detail=detail or "no answer", what_to_do=remedy)]


def other_target(info: UpgradeInfo, goal: Goal) -> list[Problem]:
    """An open upgrade that goes back, or to another release than the one that is asked for."""
    journal = info.journal
    if journal is None:
        return []
    if journal.step in (ROLLED_BACK, PUT_BACK):
        return [rules.UPGRADE_GOES_BACK.problem(release=journal.to_release, opened_at=journal.opened_at)]
    if journal.to_release is None or goal.is_met(journal.to_release):
        return []
    if within(goal.target, journal.to_release):
        return []
    return [rules.UPGRADE_OTHER_TARGET.problem(open_target=journal.to_release, opened_at=journal.opened_at)]


def downgrade(info: UpgradeInfo, goal: Goal) -> list[Problem]:
    wanted = numbers(goal.target)
    if numbers(info.release)[: len(wanted)] <= wanted:
        return []
    return [rules.UPGRADE_DOWNGRADE.problem(release=info.release, target=goal.target)]


def before(frontend: Frontend, info: UpgradeInfo, goal: Goal, began: bool = False) -> list[Problem]:
    """All that keeps a server, on which nothing was begun, from being upgraded.

    Where the upgrade `began` on another server of its zone, it may have no leader and does not answer.
    """
    if frontend.journal:
        return [COPY_INTERRUPTED.problem(opened_at=frontend.journal.opened_at)]
    if not frontend.database.bootstrapped:
        return [DATABASE_EMPTY.problem()]
    if None in (info.release, info.stored.shared, info.stored.local):
        detail = " ".join(info.errors) or "its release, or the versions of its tables"
        return [rules.UPGRADE_NOT_EXAMINED.problem(detail=detail, what_to_do="Correct that and run again.")]
    if info.unmigrated:
        stored, required = info.unmigrated
        return [rules.UPGRADE_HALF_DONE.problem(release=info.release, required=required, stored=stored)]
    found = [] if frontend.serves or began else [ONED_STOPPED.problem()]
    found += checks.credentials(frontend)
    found += _path(info, goal) + _packages(info, goal) + database_checks.backup(frontend)
    if info.onecfg.pending:
        found.append(rules.UPGRADE_CONFIG_PENDING.problem(status=" ".join(info.onecfg.status.split()) or "unknown"))
    return found + room(info)


def room(info: UpgradeInfo) -> list[Problem]:
    """Whether backups and migration have room; where the backups are made they have had it."""
    if info.disk.free >= info.disk.needed or (info.journal and info.journal.reached("saved")):
        return []
    free, needed = (f"{size / 1_000_000:.0f} MB" for size in (info.disk.free, info.disk.needed))
    return [rules.UPGRADE_DISK_SPACE.problem(needed=needed, free=free)]


def machines(info: UpgradeInfo) -> list[Problem]:
    """Machines in states that do not last, as the server that leads tells of them."""
    if not info.machines:
        return []
    described = ", ".join(f"{one.name} ({one.id}, {one.state})" for one in info.machines)
    return [rules.UPGRADE_MACHINES_MOVE.problem(machines=described)]


def step_of(info: UpgradeInfo | None) -> str | None:
    """The step at which an open upgrade goes on."""
    return info.journal.step if info and info.journal and info.journal.step in STEPS else None


def _path(info: UpgradeInfo, goal: Goal) -> list[Problem]:
    every_edition = not info.has_own_migrators and goal.edition != "enterprise"
    for stored in (info.stored.shared, info.stored.local):
        if stored and not has_migrators(stored, goal.target, every_edition):
            return [rules.UPGRADE_NO_PATH.problem(stored=stored, target=goal.shown)]
    return []


def _packages(info: UpgradeInfo, goal: Goal) -> list[Problem]:
    """Whether packages of the target can come: edition and distribution."""
    if goal.installs:
        return []
    if not info.packages:
        return [rules.UPGRADE_NO_PACKAGES.problem()]
    found = []
    wanted, installed = edition_of(info.candidate) or goal.edition, info.edition
    if installed and wanted and wanted != installed:
        found.append(rules.UPGRADE_EDITION_CHANGES.problem(installed=installed, wanted=wanted, target=goal.shown))
    known = within(release_of(info.candidate), goal.target) or minor(info.release) == minor(goal.target)
    name, version = info.distribution.id, info.distribution.version_id
    if not known and not supports(goal.target, name, version):
        found.append(rules.UPGRADE_DISTRIBUTION.problem(target=goal.shown, distribution=name, version=version))
    return found
