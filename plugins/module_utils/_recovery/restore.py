# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Restoring what was backed up on a front-end: a federated snapshot, or a full copy of a database."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .._database.open import frontend_database
from .._frontend.journal import Journal, host_lock
from .._frontend.layout import Frontend
from .._host.large_files import remove_partial
from .._host.signals import interruptible
from .._snapshot.snapshot import EQUAL, NEWER, restore_snapshot
from .backup import refuse_running, save_replaced
from .seals import verify_seal


def restore_federated(
    frontend: Frontend,
    src: str,
    restore_as: str,
    zone_id: int | None,
    check_mode: bool,
    login: Mapping[str, Any] | None = None,
    backup: str | None = None,
    upgrades: bool = False,
) -> dict[str, Any]:
    """Restore `src` into the front-end's database and say what changed, with a diff that holds no secret.

    What is replaced is saved in `backup` first, unless that is there. With `upgrades` the tables of `src` may have
    newer versions than the database's.

    In check mode a snapshot that the run has not made yet is only known to change something.
    """
    if check_mode and not os.path.lexists(src):
        return {"changed": True}
    with host_lock(frontend, check_mode=check_mode), interruptible("The restore of the federated tables"):
        database = frontend_database(frontend, login)
        if not check_mode:
            refuse_running(frontend, database, "restore into")
            if backup:
                save_replaced(frontend, database, backup)
        journal = Journal.load(frontend)
        result = restore_snapshot(
            database,
            src,
            restore_as,
            zone_id,
            check_mode,
            log_is_saved=journal is not None and bool(journal.public()["backups"]["undo"]),
            note=lambda step: Journal.note(frontend, step),
            differing=NEWER if upgrades else EQUAL,
        )
    return {**result, "database": database.name, "diff": {"before": result["before"], "after": result["after"]}}


def restore_database(
    frontend: Frontend, src: str, check_mode: bool, login: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Make the front-end's database what the full copy `src` holds: {"changed", "database", "rows"}, rows by table.

    In check mode a copy that the run has not made yet is only known to change something.
    """
    database = frontend_database(frontend, login)
    result: dict[str, Any] = {"changed": True, "database": database.name, "rows": {}}
    if check_mode:
        if os.path.lexists(src):
            verify_seal(frontend, src)
            result["rows"] = database.check_copy(src)
        return result
    with host_lock(frontend), interruptible("The restore of the database"):
        refuse_running(frontend, database, "restore")
        remove_partial(frontend.state_dir)
        # What must be known before anything is touched: afterwards the database is not what it was.
        verify_seal(frontend, src)
        result["rows"] = database.check_copy(src)
        Journal.note(frontend, "restoring")
        database.replace_by(src, result["rows"])
        Journal.note(frontend, "restored")
    return result
