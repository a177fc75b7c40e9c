# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""All that is to be known of a front-end, read in one go. A part that is broken says so; the others still come."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Callable

from .._api.client import prober
from .._api.local import local_url, read_one_auth
from .._database.open import describe, open_database
from .._endpoints import ONED_PORT, host_of, port_of
from .._errors import DriverMissing, OnefedError
from .._frontend import auth_files
from .._frontend.journal import Journal, await_quiet
from .._frontend.layout import Frontend
from .._frontend.restore_journal import RestoreJournal
from .._frontend.run_as import run_as_oned
from .._frontend.upgrade_journal import UpgradeJournal
from .._host import network
from .._host.deadline import Deadline
from .._host.files import exists
from .._host.firewall import federation_rules, find_firewall
from .._lockdown import lockdown
from .._oned_conf.document import STOCK_VECTORS, Document, integer
from .._oned_conf.raft_hooks import HOOKS, hook_of
from .._oned_conf.secrets import scrub, secrets
from .._server_files import digests
from .._service import companions, fireedge, restart_needed
from .._service.managers import manager_of
from .._tls.paths import UNIT_FILE
from .._vip import hook, unit
from .oned import NO_ANSWERS, ask_oned

VERSION_SECONDS = 10.0
# A join keeps a copy of the database and one of its federated tables; the rest is room for the master's snapshot.
COPIES = 2
SNAPSHOT_ROOM = 64 * 2**20
_VERSION = re.compile(r"OpenNebula (\d[\w.]*)")


@dataclass
class Task:
    """Something that may wait for the network: `result` is None until it is done."""

    function: Callable[[], Any]
    result: Any = None

    def start(self) -> Task:
        # A daemon thread, so that a name server that never answers cannot keep the module from ending.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def _run(self) -> None:
        try:
            self.result = self.function()
        except Exception as error:
            self.result = {"state": "error", "detail": str(error)}

    def wait(self, deadline: Deadline) -> Any:
        self._thread.join(deadline.left)
        return self.result or {"state": "timeout", "detail": "there was no answer in the time that was left"}


def examine(
    frontend: Frontend,
    endpoints: Sequence[str],
    timeout: float,
    auth_key: str | None = None,
    login: Mapping[str, Any] | None = None,
    vip: unit.Floating | None = None,
    tls: Mapping[str, Any] | None = None,
    ports: Sequence[str] = (),
) -> dict[str, Any]:
    """The facts that module frontend_info documents. `timeout` is in seconds, per call. Holds no secret.

    With `auth_key`, which is one, the auth files can be compared with those of other front-ends, and so can the
    configuration. `login` holds options of the fragment of that name. With `vip` it is examined whether hooks can move
    that address, and who has it. `tls` holds how certificates are checked: `validate_certs` and `ca_path`, as Client.
    `ports` are places, host:port, of which it is told whether they accept a connection.
    """
    await_quiet(frontend)
    document, conf = _conf(frontend)
    hidden = secrets(document) if document else []
    # Started before the database is read, which takes its time too; files are read by this thread alone, because
    # reading the database changes the effective account of all threads.
    credentials, one_auth = _credentials(frontend)
    service = _service(frontend)
    version = installed_version(frontend)
    deadline = Deadline.after(4 * timeout)
    api = Task(lambda: ask_oned(_url(frontend), credentials, timeout)).start()
    probes = {url: Task(prober(url, timeout, **(tls or {}))).start() for url in dict.fromkeys(endpoints)}
    plain = {one: Task(partial(_accepted, one)).start() for one in ports}
    database = _database(frontend, document, login)
    answers = api.wait(deadline)
    facts = {
        "installed": frontend.installed,
        "oned_version": version,
        "conf": conf,
        "service": service,
        "api": {**NO_ANSWERS, **answers},
        "database": database,
        "auth_files": _guarded(lambda: auth_files.names(frontend)),
        "auth_files_fixed": _guarded(lambda: auth_files.fixed(frontend)),
        "auth_digests": _guarded(lambda: auth_files.digests(frontend, auth_key)) if auth_key else {},
        "one_auth": one_auth or {True: "ok", False: "rejected"}.get(answers.get("authenticated"), "unknown"),
        "disk": _disk(frontend, database),
        "time": time.time(),
        "journal": _guarded(lambda: _public(Journal.load(frontend))),
        "upgrade": _guarded(lambda: _public(UpgradeJournal.load(frontend))),
        "restore": _guarded(lambda: _public(RestoreJournal.load(frontend) or RestoreJournal.last(frontend))),
        "probes": {url: task.wait(deadline) for url, task in probes.items()},
        "open_ports": [one for one, task in plain.items() if task.wait(deadline) is True],
        "companions": _guarded(lambda: companions.installed(frontend)),
        "fireedge": fireedge.facts(frontend),
        "firewall": find_firewall(),
        **federation_rules(),
        "addresses": _guarded(network.addresses),
        "address_keeper": _guarded(unit.keeper),
        "lockdown": os.path.lexists(lockdown.UNIT.path),
        "has_links": os.path.lexists(UNIT_FILE),
        "vip_answers": network.answers(vip.interface, vip.address) if vip else None,
        "vip_hook": _guarded(lambda: _hook(frontend, vip)) if vip else None,
        "config_digests": _guarded(lambda: digests.digests(frontend, auth_key)) if auth_key else {},
    }
    scrubbed: dict[str, Any] = _scrubbed(facts, hidden)
    return scrubbed


def _accepted(place: str) -> bool:
    return network.accepts(host_of(place), port_of(place) or 0)


def _hook(frontend: Frontend, vip: unit.Floating) -> dict[str, Any]:
    return {"problems": [asdict(one) for one in hook.problems(frontend, vip)]}


def _conf(frontend: Frontend) -> tuple[Document | None, dict[str, Any]]:
    facts: dict[str, Any] = dict.fromkeys(_CONF_KEYS)
    facts.update(path=frontend.conf, vectors={}, lens_problems=[], **{name.lower(): None for name in HOOKS})
    try:
        document = Document.load(frontend.conf)
    except OnefedError as error:
        return None, {**facts, "error": str(error)}
    federation = {**STOCK_VECTORS["FEDERATION"], **(document.vector("FEDERATION") or {})}
    database = document.vector("DB") or {}
    backend = database.get("BACKEND", "sqlite")
    facts.update(
        mode=federation["MODE"].upper(),
        zone_id=integer(federation["ZONE_ID"], 0),
        server_id=integer(federation["SERVER_ID"], -1),
        master_oned=federation["MASTER_ONED"],
        port=integer(document.get("PORT"), ONED_PORT),
        listen_address=document.get("LISTEN_ADDRESS") or "0.0.0.0",
        grpc_listen_address=document.get("GRPC_LISTEN_ADDRESS") or "0.0.0.0",
        backend=backend,
        db_name=database.get("DB_NAME", "opennebula") if backend == "mysql" else None,
        vectors={name: document.vector(name) or {} for name in (*STOCK_VECTORS, *HOOKS)},
        **{name.lower(): hook_of(document.vector(name)) for name in HOOKS},
        lens_problems=document.lens_problems(),
    )
    return document, facts


_CONF_KEYS = (
    "path",
    "error",
    "mode",
    "zone_id",
    "server_id",
    "master_oned",
    "port",
    "listen_address",
    "grpc_listen_address",
    "backend",
    "db_name",
)


def _credentials(frontend: Frontend) -> tuple[tuple[str, str] | None, str | None]:
    """Name and password in one_auth, and what is wrong with the file if that is known already."""
    if not exists(frontend.one_auth):
        return None, "missing"
    try:
        return read_one_auth(frontend.one_auth), None
    except OnefedError:
        # Read as oned reads it: what root cannot read so, oned cannot either.
        known = os.geteuid() == 0 or os.access(frontend.one_auth, os.R_OK)
        return None, "rejected" if known else "unknown"


def _service(frontend: Frontend) -> dict[str, Any]:
    try:
        manager = manager_of(frontend)
        noted = restart_needed.is_noted(frontend, manager.pid())
        return {"state": manager.state(), "enabled": manager.enabled(), "restart_needed": noted, "error": None}
    except OnefedError as error:
        return {"state": "unknown", "enabled": None, "restart_needed": False, "error": str(error)}


def installed_version(frontend: Frontend) -> str | None:
    """What `oned -v` says, such as 7.4.0; None without oned, or when it does not say."""
    if not os.path.exists(frontend.oned):
        return None
    try:
        found = _VERSION.search(run_as_oned(frontend, [frontend.oned, "-v"], VERSION_SECONDS).output())
    except OnefedError:
        return None
    return found.group(1) if found else None


def _url(frontend: Frontend) -> str | None:
    try:
        return local_url(frontend)
    except OnefedError:
        return None


def _database(frontend: Frontend, document: Document | None, login: Mapping[str, Any] | None) -> dict[str, Any]:
    if document is None:
        return {"error": "oned.conf cannot be read, so it is not known which database is used."}
    try:
        database = open_database(frontend, document, login)
        return {**describe(database), **database.server_facts()}
    except DriverMissing as error:
        return {"error": str(error), "driver_missing": True, "package": error.package}
    except OnefedError as error:
        return {"error": str(error)}


def _disk(frontend: Frontend, database: dict[str, Any]) -> dict[str, Any]:
    """Room where backups go, in bytes, and how much of it a join needs."""
    # The state folder itself comes with the first change.
    folder = os.path.dirname(frontend.state_dir)
    try:
        room = os.statvfs(folder)
    except OSError as error:
        return {"free": 0, "needed": 0, "error": f"{folder}: {error.strerror}"}
    needed = COPIES * (database.get("size") or 0) + SNAPSHOT_ROOM
    return {"free": room.f_bavail * room.f_frsize, "needed": needed, "error": None}


def _public(journal: Journal | UpgradeJournal | RestoreJournal | None) -> dict[str, Any] | None:
    return journal.public() if journal else None


def _guarded(part: Callable[[], Any]) -> Any:
    try:
        return part()
    except OnefedError as error:
        return {"error": str(error)}


def _scrubbed(value: Any, hidden: Sequence[str], is_error: bool = False) -> Any:
    """`value` without credentials in URLs, and error texts without the secrets of oned.conf.

    Only those: a password that happens to be a zone's name must not alter the facts.
    """
    if isinstance(value, str):
        return scrub(value, hidden if is_error else ())
    if isinstance(value, dict):
        return {key: _scrubbed(item, hidden, is_error or key in _ERRORS) for key, item in value.items()}
    if isinstance(value, list):
        return [_scrubbed(item, hidden, is_error) for item in value]
    return value


_ERRORS = ("error", "errors", "detail", "lens_problems")
