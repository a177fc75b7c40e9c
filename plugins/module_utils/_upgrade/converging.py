# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Brings the configuration to what a new release expects, as far as that can be done without its owner."""

from __future__ import annotations

import calendar
import os
import re
import time
from typing import Any

from .._errors import ConfigError
from .._frontend import auth_files
from .._frontend.layout import Frontend
from .._frontend.upgrade_journal import UpgradeJournal
from .._host.signals import interruptible
from .._host.tree import FILE
from .._oned_conf.document import Document, apply
from .._oned_conf.raft_hooks import HOOKS
from .._oned_conf.secrets import MASK, SECRET_NAMES
from .._server_files.archive import Entry, opened_archive
from .._server_files.changes import CONF, Change, carry_out, conf_to, described, saved_conf
from .._server_files.roots import AUTH
from .._versions import numbers
from . import onecfg, onecfg_status
from .configuration import check, roots

# What of oned.conf is this site's, whatever a package or onecfg made of it.
KEPT = ("FEDERATION", "DB", *HOOKS)
# Files of the server administrator by the release that began to need them, and those of which they are copies.
NEEDED = {"oneform_auth": [7, 2], "oneks_auth": [7, 4]}
SOURCES = ("sunstone_auth", "onegate_auth", "oneflow_auth")
# How package managers call a new release's file beside the one that they kept.
BESIDE = (".dpkg-dist", ".dpkg-new", ".ucf-dist", ".rpmnew")
_STEP = "configured"


def converge(frontend: Frontend, journal: UpgradeJournal, timeout: float, check_mode: bool) -> dict[str, Any]:
    """{"changed", "paths", "report", "onecfg", "diff"}. Raises OnefedError."""
    check(frontend, journal)
    with interruptible("Bringing the configuration up to date"):
        # A run that goes on finds no updates any more.
        found = None
        if not check_mode and onecfg_status.has_updates(onecfg_status.status(frontend)["status"]):
            found = onecfg.upgrade(frontend, journal, timeout)
        changes = found.changes if found else []
        conf = _conf_change(frontend, journal, [change for change in changes if change.path == CONF])
        changes = [
            *(change for change in changes if change.path != CONF),
            *conf,
            *_missing_auth_files(frontend, journal),
        ]
        if not check_mode:
            carry_out(frontend, roots(frontend), changes)
            if found and found.version:
                onecfg.note(found.version)
            if journal.reach(_STEP):
                journal.save(frontend)
    return {**described(changes), "report": report(frontend, journal), "onecfg": found.said if found else None}


def report(frontend: Frontend, journal: UpgradeJournal) -> dict[str, Any]:
    """{"stock", "unknown", "new", "refused"}: how oned.conf and the new release's own differ.

    `stock` is None, and nothing is compared, where that is not known.
    """
    try:
        own = Document.load(frontend.conf)
    except ConfigError as error:
        return {"stock": None, "unknown": [], "new": {}, "refused": [str(error)]}
    path = _stock(frontend, journal)
    if path is None:
        return {"stock": None, "unknown": [], "new": {}, "refused": own.lens_problems()}
    stock = Document.load(path)
    ours, theirs = ({entry.name for entry in document.entries} for document in (own, stock))
    # What stands there as a comment is an example of what may be set.
    named = theirs | {name.upper() for name in re.findall(r"(?m)^[ \t]*#[ \t#]*([A-Za-z_]\w*)[ \t]*=", stock.text)}
    return {
        "stock": path,
        "unknown": sorted(ours - named),
        "new": {name: _shown(stock, name) for name in sorted(theirs - ours)},
        "refused": own.lens_problems(),
    }


def _stock(frontend: Frontend, journal: UpgradeJournal) -> str | None:
    """The new release's own oned.conf, None where it is not known."""
    opened = calendar.timegm(time.strptime(journal.opened_at, "%Y-%m-%dT%H:%M:%SZ"))
    for path in (f"{frontend.conf}{ending}" for ending in BESIDE):
        # An older one was left by an earlier upgrade.
        if os.path.isfile(path) and os.stat(path).st_ctime >= opened:
            return path
    shared = f"{frontend.location}/share" if frontend.location else "/usr/share/one"
    own = os.path.join(shared, "conf", "oned.conf")
    if os.path.isfile(own):
        return own
    # Where the operator had changed nothing, the package put its own in the place.
    with opened_archive(journal.archive) as archive:
        changed = saved_conf(archive) != Document.load(frontend.conf).text
    return frontend.conf if changed else None


def _shown(document: Document, name: str) -> Any:
    value = document.get(name)
    if value is not None:
        return MASK if name in SECRET_NAMES else value
    return {key: MASK if key in SECRET_NAMES else text for key, text in (document.vector(name) or {}).items()}


def _conf_change(frontend: Frontend, journal: UpgradeJournal, changes: list[Change]) -> list[Change]:
    """The change of oned.conf: to what onecfg made of it, else as it is, with what is this site's as it was saved."""
    with opened_archive(journal.archive) as archive:
        saved, now = Document.parse(saved_conf(archive)), Document.load(frontend.conf)
    wanted = Document.parse(changes[0].text) if changes else now
    different = {name: saved.vector(name) for name in KEPT if saved.vector(name) != wanted.vector(name)}
    if different:
        wanted = apply(wanted, {}, different, check_mode=True)
    return conf_to(wanted.text, now)


def _missing_auth_files(frontend: Frontend, journal: UpgradeJournal) -> list[Change]:
    """The files that the new release's services need and that a first start alone makes, as copies of their like.

    onedb makes them as well, on servers whose database it migrates.
    """
    release = numbers(journal.to_release)[:2]
    present = auth_files.names(frontend)
    source = next((name for name in SOURCES if name in present), None)
    if source is None:
        return []
    content = auth_files.read_all(frontend)[source].encode()
    return [
        Change(f"{AUTH}/{name}", None, Entry(FILE, auth_files.MODE, "oned", "oned"), content)
        for name, since in NEEDED.items()
        if release >= since and name not in present
    ]
