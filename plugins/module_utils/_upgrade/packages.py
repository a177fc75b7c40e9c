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

PATTERN = "opennebula*"
PACKAGE = "opennebula"
# Asking may read all indexes of a slow disk.
SECONDS = 60.0
_OS_RELEASE = "/etc/os-release"


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


def candidate(frontend: Frontend, target: str | None) -> str | None:
    """The newest version of the package opennebula for `target` (of all, without) that can be installed, None without.

    Raises FrontendError.
    """
    if frontend.location:
        return None
    if find_program("apt-cache"):
        # In falling order: opennebula | 7.4.0-1 | https://… Packages
        versions = [line.split("|")[1].strip() for line in _ask(["apt-cache", "madison", PACKAGE]) if "|" in line]
    elif find_program("dnf"):
        # From what was fetched before: to ask takes no network. opennebula.x86_64 7.4.0-1.el9 opennebula
        listed = _ask(["dnf", "-q", "-C", "list", "--showduplicates", PACKAGE])
        versions = [line.split()[1] for line in listed if line.startswith(f"{PACKAGE}.")]
        versions.sort(key=_number, reverse=True)
    else:
        versions = []
    return next((version for version in versions if target is None or is_of(version, target)), None)


def is_of(version: str, target: str) -> bool:
    """Whether a package's version, such as 7.4.0-1, is one of the release `target`, such as 7.4, 7.4.0 or 7.4.0-1."""
    plain = version.rpartition(":")[2]
    return plain == target or bool(re.match(re.escape(target) + r"[.+~-]", plain))


def distribution() -> dict[str, str]:
    """{"id", "version_id"} of os-release, empty where it does not say."""
    try:
        with open(_OS_RELEASE, encoding="utf-8") as stream:
            found = dict(line.strip().split("=", 1) for line in stream if "=" in line and not line.startswith("#"))
    except (OSError, ValueError):
        found = {}
    return {key: found.get(key.upper(), "").strip("\"'") for key in ("id", "version_id")}


def _ask(command: Sequence[str]) -> list[str]:
    answer: subprocess.CompletedProcess[str] = run_command(command, SECONDS)
    # They end with an error when there is no such package at all.
    return answer.stdout.splitlines()


def _pairs(lines: Iterable[str]) -> dict[str, str]:
    pairs = (line.split() for line in lines)
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _number(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]
