# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""one_auth of one server while oneadmin's password changes, and what goes on using what it read from there before.

What oned sends to other oneds it sends with one_auth as it is then, but the oned of a slave calls its master with what
it read at its start (servers of the zone, marketplaces, users who come with their first login), and so do the scheduler
until 6.10 and the hook manager.
"""

from __future__ import annotations

import os
from typing import Any

from .._api.client import AUTHENTICATION, Client
from .._api.local import local_url
from .._errors import ApiError, FrontendError, OnefedError
from .._frontend import auth_files
from .._frontend.layout import Frontend
from .._host.deadline import Deadline
from .._host.rights import rights_at
from .._oned_conf.document import Document
from .._service import companions, restart_needed
from .._service.managers import manager_of
from .._service.oned import ensure

POLL_SECONDS = 0.2
# Services that keep what they read from one_auth at their start; the others log in as serveradmin.
_READERS = ("opennebula-scheduler", "opennebula-hem")


def accept(frontend: Frontend, user: str, password: str, timeout: float) -> None:
    """Wait until the oned of this host accepts a password, `timeout` seconds at most. Raises FrontendError.

    It is asked for what every server answers itself, followers as well. A call with a password (not with a login token)
    also makes it forget the one that it had accepted before, which it keeps for SESSION_EXPIRATION_TIME seconds.
    """
    client = Client(local_url(frontend), user, password)
    deadline = Deadline.after(timeout)
    while True:
        try:
            client.call("one.zone.raftstatus")
            return
        except OnefedError as error:
            refused = isinstance(error, ApiError) and error.code == AUTHENTICATION
            if not deadline.poll(POLL_SECONDS):
                text = "refuses it: the master's change has not come here" if refused else f"does not answer: {error}"
                raise FrontendError(
                    f"oned at {client.url} was to accept {user}'s new secret within {timeout:g} s, but {text}. "
                    "See with playbook status whether this server follows its master and leader."
                ) from None


def adopt(frontend: Frontend, user: str, password: str, timeout: float, check_mode: bool) -> bool:
    """Let one_auth hold a password that oned accepts; whether it held another one. Raises FrontendError."""
    content = {"one_auth": f"{user}:{password}\n"}
    if check_mode:
        return bool(auth_files.write_all(frontend, content, check_mode))
    accept(frontend, user, password, timeout)
    changed = bool(auth_files.write_all(frontend, content, True))
    if changed:
        # Before the file, so that an interruption in between is not the end of it.
        if _is_slave(frontend):
            restart_needed.note(frontend, manager_of(frontend).pid(), check_mode)
        auth_files.write_all(frontend, content, check_mode)
    return changed


def restart(frontend: Frontend, due: bool, timeout: float, check_mode: bool) -> dict[str, Any]:
    """Restart what still uses an older one_auth: {"changed", "oned", "services"}, services as companions.restart().

    With `due` that is all that read it, in any case. Raises FrontendError when oned does not come back.
    """
    oned = _is_slave(frontend) and (due or restart_needed.is_noted(frontend, manager_of(frontend).pid()))
    units = [] if oned else _stale(frontend, due)
    services: list[dict[str, Any]] = []
    if not check_mode:
        if oned:
            services = ensure(frontend, "restarted", True, timeout, check_mode, with_companions=True)["services"]
        services += companions.restart(frontend, units)
    return {"changed": bool(oned or units), "oned": oned, "services": services}


def _is_slave(frontend: Frontend) -> bool:
    federation = Document.load(frontend.conf).vector("FEDERATION") or {}
    return federation.get("MODE", "").upper() == "SLAVE"


def _stale(frontend: Frontend, due: bool) -> list[str]:
    """The readers of one_auth that run since before it was written; with `due` all that run."""
    with rights_at(frontend.one_auth):
        written = os.stat(frontend.one_auth).st_mtime
    started = companions.started(frontend)
    return [unit for unit in _READERS if unit in started and (due or started[unit] <= written)]
