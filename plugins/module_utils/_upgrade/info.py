# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""All that an upgrade has to know of a front-end. A part that cannot be read is None, and why stands in the errors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Callable

from .._api.client import Client
from .._api.documents import raft_from_xml, version_of
from .._api.local import local_url, read_one_auth
from .._database.base import Database
from .._database.open import frontend_database
from .._database.position import has_log, position
from .._database.schema import versions
from .._errors import OnefedError
from .._facts.frontend import installed_version
from .._frontend.journal import await_quiet
from .._frontend.layout import Frontend
from .._frontend.upgrade_journal import UpgradeJournal
from . import onecfg_status, onedb, packages
from .zone import busy_machines, hosts

# A backup, and what the migration itself needs; the rest is room for the configuration.
COPIES = 2
ROOM = 64 * 2**20
_LEADING = ("solo", "leader")


def examine(frontend: Frontend, target: str | None, timeout: float, login: Mapping[str, Any] | None) -> dict[str, Any]:
    """What module upgrade_info documents. `timeout` is in seconds, per call. Holds no secret."""
    await_quiet(frontend)
    errors: list[str] = []

    def part(read: Callable[[], Any]) -> Any:
        try:
            return read()
        except OnefedError as error:
            if str(error) not in errors:
                errors.append(str(error))
            return None

    stored = part(lambda: _stored(frontend_database(frontend, login))) or dict.fromkeys(
        ("versions", "size", "position")
    )
    closed = part(lambda: UpgradeJournal.closed(frontend))
    journal = part(lambda: UpgradeJournal.load(frontend))
    return {
        "release": installed_version(frontend),
        **_asked(frontend, timeout, part),
        "required": part(lambda: onedb.required(frontend)),
        "stored": stored["versions"],
        "packages": part(lambda: packages.installed(frontend)),
        "candidates": part(lambda: packages.candidates(frontend, target)) or {},
        "distribution": packages.distribution(),
        "onecfg": onecfg_status.status(frontend),
        "disk": _disk(frontend, stored["size"] or 0),
        "database_size": stored["size"],
        "login_passes": part(lambda: onedb.login_passes(frontend, login)),
        "journal": journal.public() if journal else None,
        "closed": closed.id if closed else None,
        "closed_journal": closed.public() if closed else None,
        "written": _written(closed, stored["position"]),
        "errors": errors,
    }


def _stored(database: Database) -> dict[str, Any]:
    found: dict[str, Any] = {"versions": None, "size": database.size(), "position": None}
    if database.exists():
        with database.reading() as session:
            known = versions(session)
            if known["local_version"]:
                found["versions"] = {
                    "shared": known["shared_version"],
                    "local": known["local_version"],
                    "is_slave": known["is_slave"],
                }
            found["position"] = position(session) if has_log(session) else None
    return found


def _asked(frontend: Frontend, timeout: float, part: Callable[[Callable[[], Any]], Any]) -> dict[str, Any]:
    """{"running", "machines", "hypervisors"}: what oned says, all None when it does not answer."""
    unknown: dict[str, Any] = dict.fromkeys(("running", "machines", "hypervisors"))
    try:
        client = Client(local_url(frontend), *read_one_auth(frontend.one_auth), timeout=timeout)
        running = client.read(version_of, "one.system.version")
        raft = client.read(raft_from_xml, "one.zone.raftstatus")
    except OnefedError:
        # It may well have been stopped, or stand empty; frontend_info says why it does not answer.
        return unknown
    if raft["state_name"] not in _LEADING:
        return {**unknown, "running": running}
    enabled = part(lambda: sorted(one for one, is_enabled in hosts(client).items() if is_enabled))
    return {"running": running, "machines": part(lambda: busy_machines(client)), "hypervisors": enabled}


def _disk(frontend: Frontend, size: int) -> dict[str, Any]:
    needed = COPIES * size + ROOM
    try:
        # The folder itself comes with the first change.
        room = os.statvfs(os.path.dirname(frontend.state_dir))
    except OSError:
        return {"free": None, "needed": needed}
    return {"free": room.f_bavail * room.f_frsize, "needed": needed}


def _written(closed: UpgradeJournal | None, now: dict[str, Any] | None) -> bool | None:
    if closed is None or closed.position is None or now is None:
        return None
    return closed.position != now
