# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The journal of an upgrade on the front-end: opened before the first change, closed when all is done."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from .._database.open import frontend_database
from .._database.position import has_log, position
from .._errors import FrontendError
from .._facts.frontend import installed_version
from .._frontend.journal import Journal, check_id, former_companions, host_lock
from .._frontend.layout import Frontend
from .._frontend.upgrade_journal import UpgradeJournal, folder_of
from .._host.clock import utc_now
from .._lockdown import lockdown
from .._recovery.seals import set_aside
from .._service import companions, oned
from .._service.managers import manager_of
from . import packages

# Steps at which the former release is still installed, and nothing of it has changed but that it stands still.
STOPPED = ("stopped", "saved")
_NAMED = ("id", "zone_name", "method", "from_release", "to_release", "part", "slave")


def manage(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do what module upgrade_journal is asked: {"changed", "journal", "services"}.

    The journal is None when none is open. `services` are those that closing started, as companions.bring_up() returns
    them.
    """
    action = {"opened": _open, "updated": _update, "closed": _close, "reopened": _reopen}[params["state"]]
    with host_lock(frontend, check_mode=check_mode):
        return {"services": [], **action(frontend, params, check_mode)}


def opened(frontend: Frontend) -> UpgradeJournal:
    """The open journal. Raises FrontendError without one."""
    journal = UpgradeJournal.load(frontend)
    if not journal:
        raise FrontendError(
            "No upgrade is open on this front-end. Open one first: module upgrade_journal with state: opened."
        )
    return journal


def _open(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    journal = _already_open(frontend, params["id"])
    if journal:
        changed = _begin_anew(frontend, journal, check_mode)
        if journal.step == "opened" and journal.part != params["part"]:
            # Nothing has stopped, so another server may lead the zone by now.
            journal.part, changed = params["part"], True
            if not check_mode:
                journal.save(frontend)
        return {"changed": changed, "journal": {**journal.public(), "resumed": True}}
    _refuse_join(frontend)
    if UpgradeJournal.closed(frontend, params["id"]):
        raise FrontendError(f"The upgrade {params['id']} has ended on this front-end. Give the new upgrade another id.")
    now = utc_now()
    journal = UpgradeJournal(
        **{name: params[name] for name in _NAMED},
        directory=folder_of(frontend, params["id"]),
        opened_at=now,
        original=_original(frontend),
        packages=packages.installed(frontend),
        steps=[{"step": "opened", "at": now}],
    )
    if not check_mode:
        journal.save(frontend)
    return {"changed": True, "journal": {**journal.public(), "resumed": False}}


def _begin_anew(frontend: Frontend, journal: UpgradeJournal, check_mode: bool) -> bool:
    """Forget a stop after which oned runs again, as with the host after a loss of power; whether it does.

    What it has written since is not in the copy of the database, which is kept under another name.
    """
    if journal.step not in STOPPED or not oned.is_running(frontend):
        return False
    if installed_version(frontend) not in (None, journal.from_release):
        # The packages came, and it was killed before it was noted: they are to go on the way back.
        return False
    if not check_mode:
        copy = journal.database()
        if copy:
            stamp = re.sub(r"[^0-9TZ]", "", utc_now())
            set_aside(frontend, copy, f"earlier-{stamp}-{os.path.basename(copy)}")
        # Nothing is put back from a copy that is none any more.
        journal.steps = [one for one in journal.steps if one["step"] != "saved"]
        journal.move("opened")
        journal.save(frontend)
    return True


def _already_open(frontend: Frontend, wanted: str) -> UpgradeJournal | None:
    journal = UpgradeJournal.load(frontend)
    if journal and journal.id != wanted:
        raise FrontendError(
            f"The upgrade {journal.id} (from {journal.from_release} to {journal.to_release}) is in progress on this "
            f"front-end, so {wanted} cannot begin. Run playbook upgrade with -e oned_install_version="
            f"{journal.to_release}, which completes it; or run playbook upgrade_rollback, which takes it back."
        )
    return journal


def _refuse_join(frontend: Frontend) -> None:
    join = Journal.load(frontend)
    if join:
        raise FrontendError(
            f"A join ({join.id}) is in progress on this front-end, so no upgrade can begin. Run playbook federate, "
            "which completes it, and run again."
        )


def _original(frontend: Frontend) -> dict[str, Any]:
    return {
        "running": oned.is_running(frontend),
        "enabled": manager_of(frontend).enabled(),
        "companions": companions.running(frontend),
        "lockdown": os.path.lexists(lockdown.UNIT.path),
    }


def _update(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    journal = UpgradeJournal.load(frontend)
    if not journal and check_mode and params["id"]:
        return {"changed": True, "journal": None}
    journal = opened(frontend)
    check_id(journal.id, params["id"])
    changed = bool(params["step"]) and journal.reach(params["step"])
    for name in ("hypervisors", "federated_index"):
        if params[name] is not None and params[name] != getattr(journal, name):
            setattr(journal, name, params[name])
            changed = True
    if changed and not check_mode:
        journal.save(frontend)
    return {"changed": changed, "journal": journal.public()}


def _close(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    journal = UpgradeJournal.load(frontend)
    if not journal:
        # In check mode the journal to close was only predicted.
        return {"changed": check_mode and bool(params["id"]), "journal": None}
    check_id(journal.id, params["id"])
    services = []
    if not check_mode:
        # While the journal is open, a run that is killed here starts them again when it is repeated.
        services = companions.bring_up(frontend, former_companions(journal.original))
        database = frontend_database(frontend, params)
        if database.exists():
            with database.reading() as session:
                journal.position = position(session) if has_log(session) else None
        journal.close(frontend)
    return {"changed": True, "journal": journal.public(), "services": services}


def _reopen(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    journal = _already_open(frontend, params["id"])
    if journal:
        changed = _begin_anew(frontend, journal, check_mode)
        return {"changed": changed, "journal": {**journal.public(), "resumed": True}}
    _refuse_join(frontend)
    journal = UpgradeJournal.closed(frontend, params["id"])
    if not journal:
        raise FrontendError(
            f"There is no upgrade {params['id']} on this front-end, so none can be taken back. It would have left its "
            f"journal in {folder_of(frontend, params['id'])}: correct the id."
        )
    if not check_mode:
        journal.reopen(frontend)
    return {"changed": True, "journal": {**journal.public(), "resumed": False}}
