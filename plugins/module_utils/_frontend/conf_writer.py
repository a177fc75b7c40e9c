# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Brings an oned.conf to the values that a task wants, with backup and diff."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._errors import ConfigError
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
            backup = _backup_name(path) if request.backup else None
            write_atomically(path, after.text, backup)
            if path == frontend.conf:
                Journal.note(frontend, "configured")
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


def _backup_name(path: str) -> str:
    """A name beside the file itself that is not taken."""
    stem = name = f"{os.path.realpath(path)}.{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    number = 1
    while os.path.lexists(name):
        number += 1
        name = f"{stem}-{number}"
    return name
