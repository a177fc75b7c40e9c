# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a zone that was federated by hand or by another tool lacks, and how it is repaired without a new join. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ...module_utils._problems import database as rules
from ...module_utils._problems.frontend import AUTH_FILES_FIXED
from ...module_utils._problems.problem import Problem
from .._model.database import Database
from .._model.facts import Frontend
from .planned import Repair


def repair_of(database: Database, is_slave: bool) -> Repair:
    """What makes the database of a slave, or a master, whole."""
    if not database.bootstrapped:
        return Repair()
    return Repair(
        is_slave=is_slave if bool(database.is_slave) != is_slave else None,
        log_keys=None if database.log.has_keys else True,
        shared_pools=True if database.pool_control_behind else None,
    )


def needs_stop(database: Database, repair: Repair) -> bool:
    """Whether oned has to stand still for the repair: always with SQLite, whose file it keeps for itself."""
    return bool(repair.log_keys or (repair and database.backend == "sqlite"))


def describe_repair(database: Database, repair: Repair) -> list[str]:
    """The repair in words, with the problems that it ends."""
    tables = ", ".join(database.pool_control_behind)
    described = []
    if repair.is_slave is not None:
        rule = rules.IS_SLAVE_UNSET if repair.is_slave else rules.IS_SLAVE_SET
        described.append(("is_slave 0 -> 1" if repair.is_slave else "is_slave 1 -> 0", rule.problem()))
    if repair.log_keys:
        described.append(("logdb gets its primary key and indexes back", rules.LOG_WITHOUT_KEYS.problem()))
    if repair.shared_pools:
        described.append(("pool_control rises", rules.POOL_CONTROL_BEHIND.problem(tables=tables)))
    return [f"{change}: {problem.text} [{problem.code}]" for change, problem in described]


def auth_files_of(frontend: Frontend, master: Frontend) -> dict[str, str]:
    """Auth files of the master that a member has not as they are there: "missing" or "differs" by name.

    One whose digest is empty belongs to a service that the member does not have. Files that cannot be read on one
    side are not compared.
    """
    mine, theirs = frontend.auth_digests, master.auth_digests
    if any("auth_digests" in side.unread for side in (frontend, master)):
        return {}
    wanted = [name for name in sorted(theirs) if mine.get(name) not in (theirs[name], "") and theirs[name]]
    return {name: "differs" if name in mine else "missing" for name in wanted}


def fixed_files(frontend: Frontend, master: Frontend) -> list[Problem]:
    """Auth files that would have to become the master's, and cannot: links to what oned's account cannot replace."""
    fixed = frontend.auth_files_fixed
    names = [name for name in auth_files_of(frontend, master) if name in fixed]
    if not names:
        return []
    return [AUTH_FILES_FIXED.problem(files=", ".join(names))]


def describe_auth_files(files: Mapping[str, str]) -> list[str]:
    """The same in words."""
    listed = ", ".join(f"{name} ({state})" for name, state in files.items())
    return [f"auth files become the master's: {listed}"] if files else []
