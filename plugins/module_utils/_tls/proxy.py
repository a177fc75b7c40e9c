# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The TLS proxy of a server before a role installs it: what is there already, and what stands in its way."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from .._host.command import find_program
from .._host.sockets import listening_processes
from .._host.systemctl import show
from .paths import CHAIN, FOLDER, UNIT
from .trust import store_of_host

# Role secure_links writes it.
CONFIGURATION = "/etc/onefed/links.cfg"
_SYSTEMD = "/run/systemd/system"
_SELINUX = "/sys/fs/selinux"
# There where the kernel has IPv6, whether or not an interface uses it.
_IPV6 = "/proc/net/if_inet6"


def describe(port: int) -> dict[str, Any]:
    """What is there: {"missing", "configured", "ipv6", "selinux", "outdated", "problems"}.

    `missing` are names of packages, `configured` tells of our configuration of HAProxy. `outdated` is True when our
    unit runs with another certificate or configuration than there is now, as after a run that was interrupted between
    the two. `problems` are sentences.
    """
    problems = list(_problems(port))
    return {
        "missing": _missing(),
        "configured": os.path.exists(CONFIGURATION),
        "ipv6": os.path.exists(_IPV6),
        "selinux": os.path.isdir(os.path.join(_SELINUX, "booleans")),
        "outdated": not problems and _is_outdated(),
        "problems": problems,
    }


def _missing() -> list[str]:
    store = store_of_host()
    programs = {"haproxy": "haproxy", store.package: store.program[0]}
    return [package for package, program in programs.items() if find_program(program) is None]


def _problems(port: int) -> Iterator[str]:
    if os.geteuid() != 0:
        yield "Only root may install the TLS proxy of this host. Use become."
        return
    if not os.path.isdir(_SYSTEMD):
        yield "This host does not run systemd, which would start its TLS proxy. Put a proxy of your own before oned."
        return
    strangers = [one for one in listening_processes(port) if not one.is_of(UNIT)]
    if strangers:
        named = ", ".join(sorted({f"{one.name} (process {one.pid})" for one in strangers}))
        yield (
            f"Port {port}, which the TLS proxy of this host needs, is taken by {named}. Stop that program, or choose "
            "another port: oned_tls_port."
        )
    boolean = _text(os.path.join(_SELINUX, "booleans", "haproxy_connect_any"))
    if _text(os.path.join(_SELINUX, "enforce")) == "1" and boolean[:1] == "0":
        yield (
            "SELinux lets HAProxy use few ports on this host, and those of oned are not among them. Allow it, as root: "
            "setsebool -P haproxy_connect_any on"
        )


def _is_outdated() -> bool:
    """Whether a file of the proxy is newer than its last start or reload."""
    found = show([UNIT], "ActiveState,StateChangeTimestampMonotonic")[UNIT]
    if found.get("ActiveState") != "active":
        return False
    ago = time.monotonic() - int(found.get("StateChangeTimestampMonotonic") or 0) / 1e6
    loaded = time.time() - ago
    return any(_changed(path) > loaded for path in (CONFIGURATION, os.path.join(FOLDER, CHAIN)))


def _changed(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""
