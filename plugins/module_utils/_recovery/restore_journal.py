# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The journal of a restore on the front-end: opened before the first change, closed when oned runs again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import FrontendError
from .._frontend.journal import Journal, check_id, former_companions, host_lock
from .._frontend.layout import Frontend
from .._frontend.restore_journal import RestoreJournal
from .._frontend.upgrade_journal import refuse_during_upgrade
from .._service import companions, oned
from .._service.managers import manager_of


def manage(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do what module restore_journal is asked: {"changed", "journal", "services"}.

    `services` are those that closing started, as companions.bring_up() returns them.
    """
    action = {"opened": _open, "updated": _update, "closed": _close}[params["state"]]
    with host_lock(frontend, check_mode=check_mode):
        return {"services": [], **action(frontend, params, check_mode)}


def _open(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    journal = RestoreJournal.load(frontend)
    if journal and journal.id == params["id"]:
        return {"changed": False, "journal": journal.public()}
    if journal:
        raise FrontendError(
            f"The restore of backup {journal.id} is in progress on this front-end, so that of {params['id']} cannot "
            f"begin. Run playbook restore with -e restore_from={journal.id}, which completes it."
        )
    refuse_during_upgrade(frontend, "a restore")
    join = Journal.load(frontend)
    if join:
        raise FrontendError(
            f"A join ({join.id}) is in progress on this front-end, so no restore can begin. Run playbook federate, "
            "which completes it, and run again."
        )
    original = {
        "running": oned.is_running(frontend),
        "enabled": manager_of(frontend).enabled(),
        "companions": companions.running(frontend),
    }
    journal = RestoreJournal.begun(frontend, params["id"], params["zone_name"], original)
    if not check_mode:
        journal.save(frontend)
    return {"changed": True, "journal": journal.public()}


def _update(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    journal = RestoreJournal.load(frontend)
    if not journal:
        if check_mode:
            return {"changed": True, "journal": None}
        raise FrontendError("No restore is open on this front-end. Run playbook restore again, which opens one.")
    check_id(journal.id, params["id"])
    changed = journal.reach(params["step"])
    if changed and not check_mode:
        journal.save(frontend)
    return {"changed": changed, "journal": journal.public()}


def _close(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    journal = RestoreJournal.load(frontend)
    if not journal:
        return {"changed": check_mode, "journal": None}
    check_id(journal.id, params["id"])
    services = []
    if not check_mode:
        # While the journal is open, a run that is killed here starts them again when it is repeated.
        services = companions.bring_up(frontend, former_companions(journal.original))
        journal.close(frontend)
    return {"changed": True, "journal": journal.public(), "services": services}
