# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Saves all of OpenNebula's configuration before an upgrade, and puts it back as it was."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

from .._errors import FrontendError
from .._frontend.layout import Frontend
from .._frontend.upgrade_journal import UpgradeJournal
from .._host.files import Attributes, exists, read_bytes
from .._host.large_files import appearing, remove_partial
from .._host.signals import interruptible
from .._host.tree import FILE, LINK
from .._recovery.seals import is_sealed, seal, verify_seal
from .._server_files.archive import ArchiveWriter, Entry, leads_out, opened_archive
from .._server_files.changes import CONF, Change, carry_out, conf_change, described, take_over
from .._server_files.roots import AUTH, ETC, REMOTES, Root, explained, rights_of
from .._server_files.roots import roots as server_roots
from .._server_files.sync import add_root
from .._service.oned import is_running

# What a way back replaced.
UPGRADED = "configuration-upgraded.tar"
# Steps before which nothing of an upgrade has touched a file.
_UNTOUCHED = ("opened", "stopped")


@dataclass(frozen=True)
class WholeRoot(Root):
    """A folder that is saved with all in it, and becomes what was saved.

    But not oned.conf, which may be a link, and what its owner cannot read.
    """

    def is_own(self, path: str) -> bool:
        if self.name == ETC and path == os.path.basename(CONF):
            return True
        full = os.path.join(self.path, path)
        if not self.as_oned or not os.path.lexists(full):
            return False
        return not os.access(full, os.R_OK, effective_ids=True, follow_symlinks=False)


def roots(frontend: Frontend) -> list[Root]:
    """The folders: the whole of etc, .one, and of the remotes what is configuration."""
    known = server_roots(frontend)
    found = [
        replace(known[ETC], mask=0o7777, mirror=True),
        replace(known[AUTH], mask=0o7777),
        replace(known[REMOTES], mask=0o7777, path=os.path.join(known[REMOTES].path, "etc")),
    ]
    return [WholeRoot(root.name, root.path, root.mask, root.mirror, root.as_oned) for root in found]


def save(frontend: Frontend, journal: UpgradeJournal, check_mode: bool) -> dict[str, Any]:
    """Write the archive unless it is there: {"changed", "left_out", "diff"}."""
    path = journal.archive
    result: dict[str, Any] = {"changed": True, "left_out": [], "diff": {"before": "", "after": f"{path}\n"}}
    if exists(path) and (is_sealed(frontend, path) or journal.step not in _UNTOUCHED):
        check(frontend, journal)
        return {**result, "changed": False, "diff": {"before": "", "after": ""}}
    if not check_mode:
        with interruptible("Saving the configuration"):
            write(frontend, path, result["left_out"])
            seal(frontend, path)
    return result


def check(frontend: Frontend, journal: UpgradeJournal) -> None:
    """Raise OnefedError unless the archive is there and as it was written."""
    if not exists(journal.archive):
        raise FrontendError(
            f"There is no archive of the configuration, {journal.archive}, so the configuration is not touched. "
            "Save it first: module upgrade_files with state: saved."
        )
    verify_seal(frontend, journal.archive)
    with opened_archive(journal.archive):
        pass


def write(frontend: Frontend, path: str, left_out: list[dict[str, str]]) -> None:
    """Write an archive of the configuration as it is, and what is not in it to `left_out`. Raises FrontendError."""
    with explained(f"make {os.path.dirname(path)}"):
        frontend.make_dir(os.path.dirname(path))
    remove_partial(os.path.dirname(path))
    with appearing(path) as stream:
        writer = ArchiveWriter(stream)
        for root in roots(frontend):
            with explained(f"read {root.path}"), rights_of(frontend, root):
                add_root(writer, frontend, root, left_out)
        with explained(f"read {frontend.conf}"):
            mode = Attributes.of(frontend.conf, follow=True)
            entry = Entry(FILE, mode.mode if mode else 0o640, "root", "oned")
            writer.add(CONF, entry, read_bytes(frontend.conf, follow=True))
        writer.close()


def restore(frontend: Frontend, journal: UpgradeJournal, check_mode: bool) -> dict[str, Any]:
    """Make the files what the archive has of them: {"changed", "paths", "diff"}."""
    check(frontend, journal)
    with opened_archive(journal.archive) as archive:
        changes: list[Change] = []
        for root in roots(frontend):
            with explained(f"read {root.path}"), rights_of(frontend, root):
                changes += [change for change in take_over(frontend, root, archive, []) if not _stays(change)]
        changes += conf_change(frontend, archive, None)
        if changes and not check_mode:
            if is_running(frontend):
                raise FrontendError("oned runs with the files that are to be put back. Stop it first.")
            with interruptible("Restoring the configuration"):
                kept = os.path.join(journal.directory, UPGRADED)
                if not exists(kept):
                    write(frontend, kept, [])
                carry_out(frontend, roots(frontend), changes)
    return described(changes)


def _stays(change: Change) -> bool:
    """Whether it is about what could not be saved, which is left alone."""
    before = change.before
    if change.after is not None or before is None:
        return False
    return before.kind == LINK and leads_out(change.path, before.target)
