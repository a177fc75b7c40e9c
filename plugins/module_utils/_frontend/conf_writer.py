# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Brings an oned.conf to the values that a task wants, with backup and diff, and a backup back into its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._errors import ConfigError
from .._host.files import Attributes, backup_name, is_backup_name
from .._oned_conf.document import Document, apply, write_atomically
from .._oned_conf.secrets import SECRET_NAMES, masked
from .journal import Journal, host_lock
from .layout import Frontend


@dataclass(frozen=True)
class Request:
    """The options of module oned_conf. `hidden` says whether the task keeps its options out of all logs."""

    attributes: Mapping[str, Any]
    vectors: Mapping[str, Any]
    path: str | None
    backup: bool
    hidden: bool


def configure(frontend: Frontend, request: Request, check_mode: bool) -> dict[str, Any]:
    """{"changed", "path", "backup_file", "lens_problems", "diff"}; the diff masks secrets."""
    _refuse_secrets_in_logs(request)
    path = request.path or frontend.conf
    with host_lock(frontend, check_mode=check_mode):
        before = Document.load(path)
        after = apply(before, request.attributes, request.vectors, check_mode)
        changed = after.text != before.text
        backup = None
        if changed and not check_mode:
            backup = backup_name(path) if request.backup else None
            write_atomically(path, after.text, backup)
            if path == frontend.conf:
                Journal.note(frontend, "configured")
    return _result(path, before, after, changed, backup)


def restore(frontend: Frontend, path: str | None, backup_file: str, keep: bool, check_mode: bool) -> dict[str, Any]:
    """Put a backup that configure() made back, with its owner and mode; what configure() returns.

    With `keep` the file that is replaced becomes a backup itself. Raises ConfigError for what is no backup of it.
    """
    path = path or frontend.conf
    with host_lock(frontend, check_mode=check_mode):
        _refuse_what_is_no_backup(path, backup_file)
        before, after = Document.load(path), Document.load(backup_file)
        changed = after.text != before.text or Attributes.of(path, follow=True) != Attributes.of(backup_file)
        kept = None
        if changed and not check_mode:
            kept = backup_name(path) if keep else None
            write_atomically(path, after.text, kept, like=backup_file)
    return _result(path, before, after, changed, kept)


def _result(path: str, before: Document, after: Document, changed: bool, backup: str | None) -> dict[str, Any]:
    return {
        "changed": changed,
        "path": path,
        "backup_file": backup,
        "lens_problems": after.lens_problems(),
        "diff": {
            "before_header": path,
            "before": masked(before),
            "after_header": path,
            "after": masked(after, before),
        },
    }


def _refuse_secrets_in_logs(request: Request) -> None:
    if request.hidden:
        return
    given = [str(name).upper() for name in request.attributes]
    given += [str(key).upper() for pairs in request.vectors.values() if isinstance(pairs, Mapping) for key in pairs]
    for name in SECRET_NAMES:
        if name in given:
            raise ConfigError(
                f"{name} is a secret, and Ansible logs the options of a task on the host. "
                "Set no_log: true on the task. Nothing was written."
            )


def _refuse_what_is_no_backup(path: str, backup_file: str) -> None:
    try:
        named_so = is_backup_name(backup_file, path)
        found = named_so and Attributes.of(backup_file)
    except OSError as error:
        raise ConfigError(f"Cannot read {backup_file}: {error.strerror or error}. Nothing was changed.") from error
    if not named_so:
        raise ConfigError(
            f"{backup_file} is not a backup of {path}. Set backup_file to what oned_conf returned as backup_file "
            f"when it changed {path}. Nothing was changed."
        )
    if not found:
        raise ConfigError(
            f"There is no regular file {backup_file}, so {path} stays as it is. Set backup_file to one of the backups "
            f"beside it."
        )
