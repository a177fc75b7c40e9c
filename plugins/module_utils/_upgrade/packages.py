# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What the package manager of a host knows of OpenNebula's packages. It is asked, never told to do anything."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Sequence

from .._frontend.layout import Frontend
from .._host.command import find_program, run_command
from .._host.os_release import os_release
from .._versions import numbers

PATTERN = "opennebula*"
PACKAGE = "opennebula"
# Community migrators are a package of their own.
MIGRATION = "opennebula-migration"
# Asking may read all indexes of a slow disk.
SECONDS = 60.0


def installed(frontend: Frontend) -> dict[str, str]:
    """Versions of the installed packages by name; nothing for what is not from packages. Raises FrontendError."""
    if frontend.location:
        return {}
    if find_program("dpkg-query"):
        shown = _ask(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\\n", PATTERN])
        found = _pairs(line[len("installed ") :] for line in shown if line.startswith("installed "))
        if found:
            return found
    if find_program("rpm"):
        return _pairs(_ask(["rpm", "-qa", "--queryformat", "%{NAME} %{VERSION}-%{RELEASE}\\n", PATTERN]))
    return {}


def candidates(frontend: Frontend, target: str | None) -> dict[str, str]:
    """By name the newest versions for `target` (of all, without) that can be installed, of the packages that are
    installed and of those that migrate the database. Raises FrontendError.
    """
    names = sorted({PACKAGE, MIGRATION, *installed(frontend)})
    if frontend.location:
        return {}
    if find_program("apt-cache"):
        # In falling order: opennebula | 7.4.0-1 | https://… Packages
        lines = [line.split("|") for line in _ask(["apt-cache", "madison", *names])]
        found = [(line[0].strip(), line[1].strip()) for line in lines if len(line) > 1]
    elif find_program("dnf"):
        # From what was fetched before: to ask takes no network. opennebula.x86_64 7.4.0-1.el9 opennebula
        listed = [line.split() for line in _ask(["dnf", "-q", "-C", "list", "--showduplicates", *names])]
        found = [(line[0].rpartition(".")[0], line[1]) for line in listed if len(line) > 1]
        found = [(name, version) for name, version in found if name in names]
        found.sort(key=lambda pair: numbers(pair[1]), reverse=True)
    else:
        found = []
    newest: dict[str, str] = {}
    for name, version in found:
        if target is None or is_of(version, target):
            newest.setdefault(name, version)
    return newest


def is_of(version: str, target: str) -> bool:
    """Whether a package's version, such as 7.4.0-1, is one of the release `target`, such as 7.4, 7.4.0 or 7.4.0-1."""
    plain = version.rpartition(":")[2]
    return plain == target or bool(re.match(re.escape(target) + r"[.+~-]", plain))


def distribution() -> dict[str, str]:
    """{"id", "version_id"} of os-release, empty where it does not say."""
    found = os_release()
    return {key: found.get(key.upper(), "") for key in ("id", "version_id")}


def _ask(command: Sequence[str]) -> list[str]:
    answer: subprocess.CompletedProcess[str] = run_command(command, SECONDS)
    # They end with an error when there is no such package at all.
    return answer.stdout.splitlines()


def _pairs(lines: Iterable[str]) -> dict[str, str]:
    pairs = (line.split() for line in lines)
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
