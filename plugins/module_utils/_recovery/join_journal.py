# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A join's journal on the front-end: opened before the first change, reverted from, closed when all is done.

What joins is a zone, or a server of one.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from typing import Any

from .._database.open import describe, open_database
from .._errors import FrontendError
from .._frontend import auth_files
from .._frontend.journal import Journal, check_id, former_companions, host_lock
from .._frontend.layout import Frontend
from .._frontend.upgrade_journal import refuse_during_upgrade
from .._host.clock import stamp, utc_now
from .._host.files import Attributes, exists, read_bytes, remove_file, sync_folder, write_bytes
from .._oned_conf.document import STOCK_VECTORS, Document
from .._service import companions, oned
from . import own_data
from .own_data import REVERTED

CONF = "oned.conf"
# What it takes to open a journal, by kind.
NEEDED = {
    "zone": ("zone_name", "zone_endpoint", "master_endpoint", "zone_existed"),
    "server": ("zone_name", "zone_endpoint", "server_endpoint", "server_existed"),
}


def manage(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do what module join_journal is asked: {"changed", "journal", "services", "discarded"}.

    The journal is None when none is open. `services` are those that closing started, as companions.bring_up() returns
    them; `discarded` are lines, see own_data.verify().
    """
    actions = {"opened": _open, "noted": _note, "verified": _verify}
    action = {**actions, "updated": _update, "reverted": _revert, "closed": _close}[params["state"]]
    with host_lock(frontend, check_mode=check_mode):
        return {"services": [], "discarded": [], **action(frontend, params, check_mode)}


def _open(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    journal = Journal.load(frontend)
    if journal:
        asked = (params["kind"], params["zone_name"])
        if params["zone_name"] is not None and asked != (journal.kind, journal.zone_name):
            raise FrontendError(
                f"A join of {_what(journal.kind, journal.zone_name)} is in progress on this front-end, so none of "
                f"{_what(*asked)} can begin. Give it its former zone_name and let it join, or put it back "
                f"with join_journal: state=reverted. Its files are in {journal.directory}."
            )
        return {"changed": False, "journal": {**journal.public(), "resumed": True}}
    missing = [name for name in NEEDED[params["kind"]] if params[name] is None]
    if missing:
        raise FrontendError(f"No join is open on this front-end; to open one, set {', '.join(missing)}.")
    refuse_during_upgrade(frontend, f"the join of {_what(params['kind'], params['zone_name'])}")
    journal = _new(frontend, params)
    if not check_mode:
        _save_files(frontend, journal)
        journal.save(frontend)
    return {"changed": True, "journal": {**journal.public(), "resumed": False}}


def _what(kind: str, zone: str) -> str:
    return f"a server of zone {zone!r}" if kind == "server" else f"zone {zone!r}"


def _new(frontend: Frontend, params: Mapping[str, Any]) -> Journal:
    zone = re.sub(r"[^A-Za-z0-9._-]", "_", params["zone_name"])
    number = 1
    stem = name = f"{stamp()}-{zone}-server" if params["kind"] == "server" else f"{stamp()}-{zone}"
    while exists(os.path.join(frontend.state_dir, "joins", name)):
        number += 1
        name = f"{stem}-{number}"
    now = utc_now()
    return Journal(
        id=name,
        directory=os.path.join(frontend.state_dir, "joins", name),
        zone_name=params["zone_name"],
        zone_endpoint=params["zone_endpoint"],
        master_endpoint=params["master_endpoint"] or "",
        zone_existed=params["zone_existed"] or params["kind"] == "server",
        zone_id=params["zone_id"],
        opened_at=now,
        original=_original(frontend, params),
        files=dict.fromkeys([CONF, *_fireedge_conf(frontend), *auth_files.names(frontend)]),
        steps=[{"step": "opened", "at": now}],
        kind=params["kind"],
        server_endpoint=params["server_endpoint"],
        server_existed=bool(params["server_existed"]),
        server_id=params["server_id"],
    )


def _original(frontend: Frontend, login: Mapping[str, Any]) -> dict[str, Any]:
    document = Document.load(frontend.conf)
    database = describe(open_database(frontend, document, login))
    federation = document.vector("FEDERATION") or STOCK_VECTORS["FEDERATION"]
    return {
        "running": oned.is_running(frontend),
        "mode": federation.get("MODE", "").upper(),
        "bootstrapped": database["bootstrapped"],
        "is_slave": database["is_slave"],
        "companions": companions.running(frontend),
    }


def _fireedge_conf(frontend: Frontend) -> list[str]:
    path = frontend.fireedge_conf
    return [os.path.basename(path)] if exists(path) else []


def _source(frontend: Frontend, name: str) -> str:
    """Where a saved file belongs: itself, or a link to it, which stays."""
    for path in (frontend.conf, frontend.fireedge_conf):
        if name == os.path.basename(path):
            return path
    return os.path.join(frontend.auth_dir, name)


def _save_files(frontend: Frontend, journal: Journal) -> None:
    """Copy the files that a join changes into the journal's folder, and note their modes in the journal."""
    try:
        frontend.make_dir(journal.directory)
        for name in journal.files:
            source = _source(frontend, name)
            attributes = Attributes.of(source, follow=True)
            if attributes:
                write_bytes(_copy(journal, name), read_bytes(source, follow=True), frontend.state_attributes)
                journal.files[name] = attributes.mode
        for folder in (os.path.dirname(journal.directory), frontend.state_dir, os.path.dirname(frontend.state_dir)):
            sync_folder(folder)
    except OSError as error:
        raise FrontendError(f"Cannot save files in {journal.directory}: {error.strerror or error}.") from error


def _copy(journal: Journal, name: str) -> str:
    return os.path.join(journal.place, name)


def _opened(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> Journal | None:
    """The open journal, which must be there; None in check mode where it was only predicted."""
    journal = Journal.load(frontend)
    if not journal:
        if check_mode and params["id"]:
            return None
        raise FrontendError("No join is open on this front-end, so there is no journal to update. Open one first.")
    check_id(journal.id, params["id"])
    return journal


def _note(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    journal = _opened(frontend, params, check_mode)
    if journal and not check_mode:
        own_data.note(frontend, journal, params)
    return {"changed": True, "journal": journal.public() if journal else None}


def _verify(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    journal = _opened(frontend, params, check_mode)
    discarded: list[str] = []
    # In check mode oned was not stopped, so what it has is not settled.
    if journal and not check_mode:
        planned = own_data.Planned.of(params["own_data"])
        discarded = own_data.verify(frontend, journal, planned, params["applied"], params)
    return {"changed": False, "journal": journal.public() if journal else None, "discarded": discarded}


def _update(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    journal = _opened(frontend, params, check_mode)
    if not journal:
        return {"changed": True, "journal": None}
    before = (journal.zone_id, journal.server_id, journal.step)
    if params["zone_id"] is not None:
        journal.zone_id = params["zone_id"]
    if params["server_id"] is not None:
        journal.server_id = params["server_id"]
    if params["step"]:
        journal.reach(params["step"])
    changed = before != (journal.zone_id, journal.server_id, journal.step)
    if changed and not check_mode:
        journal.save(frontend)
    return {"changed": changed, "journal": journal.public()}


def _revert(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    journal = Journal.load(frontend)
    if not journal:
        return {"changed": False, "journal": None}
    check_id(journal.id, params["id"])
    if oned.is_running(frontend) and not check_mode:
        raise FrontendError("oned runs with the files that are to be put back. Stop it first.")
    altered = [name for name in _touched(frontend, journal) if not _as_saved(frontend, journal, name)]
    changed = bool(altered) or journal.step != REVERTED
    journal.reach(REVERTED)
    if changed and not check_mode:
        try:
            for name in altered:
                _put_back(frontend, journal, name)
        except OSError as error:
            raise FrontendError(
                f"Cannot put the files of {journal.directory} back: {error.strerror or error}. Run this again."
            ) from error
        journal.save(frontend)
    return {"changed": changed, "journal": journal.public()}


def _touched(frontend: Frontend, journal: Journal) -> list[str]:
    """The files of old, and the auth files that came with the join."""
    # The journal may come from a folder of oned's account (former_state), so no other name in it counts.
    configuration = [CONF, *_fireedge_conf(frontend)]
    known = [name for name in journal.files if name in configuration or auth_files.is_name(name)]
    return list(dict.fromkeys([*known, *auth_files.names(frontend)]))


def _as_saved(frontend: Frontend, journal: Journal, name: str) -> bool:
    found = Attributes.of(_source(frontend, name), follow=True)
    mode = journal.files.get(name)
    if found is None or mode is None:
        return found is None and mode is None
    return found.mode == mode and read_bytes(_source(frontend, name), follow=True) == _saved(journal, name)


def _saved(journal: Journal, name: str) -> bytes:
    try:
        return read_bytes(_copy(journal, name))
    except OSError as error:
        raise FrontendError(f"Cannot read the saved file {_copy(journal, name)}: {error.strerror or error}.") from error


def _put_back(frontend: Frontend, journal: Journal, name: str) -> None:
    path = _source(frontend, name)
    mode = journal.files.get(name)
    if mode is None:
        remove_file(path)
        return
    # Nobody may run a configuration file, whatever somebody wrote into the journal.
    mode &= stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH
    now = Attributes.of(path, follow=True)
    uid, gid = (now.uid, now.gid) if now else frontend.ids()
    write_bytes(path, _saved(journal, name), Attributes(uid, gid, mode), like=path if now else None, follow=True)


def _close(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    journal = Journal.load(frontend)
    if not journal:
        # In check mode the journal to close was only predicted.
        return {"changed": check_mode and bool(params["id"]), "journal": None}
    check_id(journal.id, params["id"])
    services = []
    if not check_mode:
        # While the journal is open, a run that is killed here starts them again when it is repeated.
        services = companions.bring_up(frontend, former_companions(journal.original))
        journal.close(frontend)
    return {"changed": True, "journal": journal.public(), "services": services}
