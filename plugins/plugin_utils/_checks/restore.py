# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of restoring a server from a backup: pure checks of what frontend_info found."""

from __future__ import annotations

from collections.abc import Mapping

from ...module_utils._problems import backup as rules
from ...module_utils._problems import frontend as frontend_rules
from ...module_utils._problems.database import DRIVER_MISSING
from ...module_utils._problems.problem import Problem
from ...module_utils._problems.upgrade import UPGRADE_OPEN
from .._model.backup import SavedZone
from .._model.declared import Federation, Zone
from .._model.facts import NOT_EXAMINED, Frontend, HostFacts
from .._model.release import database_version


def refuse_server(host_facts: HostFacts, saved: SavedZone, backup: str, check: bool = False) -> list[Problem]:
    """All that keeps a server from being restored, without its place. In `check` mode nothing was installed on it."""
    if host_facts.unreachable:
        return [frontend_rules.HOST_UNREACHABLE.problem(detail=host_facts.unreachable)]
    if host_facts.error or host_facts.examined is None:
        detail = host_facts.error or "it was not looked at"
        return [frontend_rules.NOT_EXAMINED.problem(detail=detail, what_to_do=host_facts.remedy or "Run again.")]
    frontend = host_facts.frontend
    if not frontend.installed:
        return [] if check else [frontend_rules.NOT_INSTALLED.problem(path=frontend.conf.path)]
    if frontend.conf.error:
        return [frontend_rules.CONF_UNREADABLE.problem(detail=frontend.conf.error, path=frontend.conf.path)]
    return _busy(frontend, backup) or _storage(frontend, saved)


def _busy(frontend: Frontend, backup: str) -> list[Problem]:
    """Something else that was begun."""
    for journal in ("journal", "upgrade", "restore"):
        if journal in frontend.unread:
            return [frontend_rules.JOURNAL_UNREADABLE.problem(detail=frontend.unread[journal])]
    if frontend.upgrade:
        opened = frontend.upgrade
        return [UPGRADE_OPEN.problem(release=opened.to_release, opened_at=opened.opened_at)]
    if frontend.journal:
        return [rules.BACKUP_JOIN_OPEN.problem(opened_at=frontend.journal.opened_at)]
    restore = frontend.restore
    if restore and restore.is_open and restore.id != backup:
        return [rules.RESTORE_OTHER_OPEN.problem(backup=restore.id, opened_at=restore.opened_at)]
    return []


def _storage(frontend: Frontend, saved: SavedZone) -> list[Problem]:
    """Whether the backup's database can live there."""
    database = frontend.database
    if database.driver_missing:
        return [DRIVER_MISSING.problem(detail=database.error)]
    if frontend.conf.backend != saved.backend:
        return [rules.RESTORE_BACKEND.problem(found=frontend.conf.backend, saved=saved.backend)]
    resumed = frontend.restore is not None and frontend.restore.is_open
    if database.error and not resumed:
        return [rules.RESTORE_NOT_READABLE.problem(detail=database.error)]
    found = []
    if database.charset and saved.charset and database.charset != saved.charset:
        found.append(rules.RESTORE_CHARSET.problem(found=database.charset, saved=saved.charset))
    needed = database_version(frontend.oned_version)
    if needed and saved.shared_version and needed != saved.shared_version:
        found.append(
            rules.RESTORE_VERSION.problem(
                release=frontend.oned_version,
                needed=needed,
                saved=saved.shared_version,
                saved_release=saved.release,
            )
        )
    return found


def newer_slave(zone: Zone, host_facts: HostFacts | None, saved: SavedZone, backup: str) -> Problem | None:
    """Why a slave that is not restored keeps its master, whose backup is `saved`, from being restored."""
    frontend = (host_facts or NOT_EXAMINED).examined
    if frontend is None or frontend.database.error:
        reason = (host_facts or NOT_EXAMINED).unreachable or "it could not be examined."
        return rules.RESTORE_SLAVE_UNSEEN.problem(zone=zone.label, reason=reason)
    if frontend.conf.mode != "SLAVE":
        return None
    if frontend.restore and not frontend.restore.is_open and frontend.restore.id == backup:
        return None
    index = frontend.database.log.last_federated_index
    if index is None or (saved.federated_index or 0) >= index:
        return None
    return rules.RESTORE_MASTER_OLDER.problem(zone=zone.label, found=index, saved=saved.federated_index)


def lost_by_master(federation: Federation, facts: Mapping[str, HostFacts], saved: SavedZone) -> Problem | None:
    """Why the master that runs cannot give a slave its tables."""
    host = federation.master_host
    frontend = facts.get(host, NOT_EXAMINED).examined
    if frontend is None or not frontend.serves or (frontend.restore is not None and frontend.restore.is_open):
        return rules.RESTORE_MASTER_AWAY.problem(host=host, master=federation.master)
    record = frontend.zone(saved.zone_id)
    if record is None:
        return rules.RESTORE_ZONE_GONE.problem(zone_id=saved.zone_id, name=saved.label)
    return None
