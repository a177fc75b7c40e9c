# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Whether OpenNebula's hooks can move a floating address on this host. They end with success even when they did not."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence

from .._errors import OnefedError
from .._frontend.layout import Frontend
from .._frontend.run_as import Ended, run_as_oned
from .._host.command import PATH
from .._host.systemctl import show
from .._oned_conf.raft_hooks import HOOK
from .._problems import vip as rules
from .._problems.problem import Problem
from .._service import companions
from .unit import Floating

SECONDS = 10.0
STATUS = "/proc/self/status"
# Bit of capabilities(7): who lacks it changes no address, not even as root.
CAP_NET_ADMIN = 12
# What vip.sh calls, and the packages that have it on Debian and RHEL.
TOOLS = {"bash": "bash", "flock": "util-linux", "ip": "iproute2 or iproute", "sudo": "sudo", "arping": ""}


def problems(frontend: Frontend, floating: Floating) -> list[Problem]:
    """What would keep vip.sh from setting or removing the address."""
    found = _script(frontend)
    missing = _missing_tools(frontend)
    found += [
        rules.HOOK_TOOL_MISSING.problem(hook=HOOK, tool=tool, user=frontend.user, how_to_install_it=_package(tool))
        for tool in missing
    ]
    version = None if "arping" in missing else _run(frontend, ["arping", "-V"])
    if version and "iputils" not in version.output():
        found.append(rules.HOOK_OTHER_ARPING.problem())
    if "sudo" not in missing:
        found += _rights(frontend, floating, missing)
    return found + _capability(frontend)


def _script(frontend: Frontend) -> list[Problem]:
    path = os.path.join(frontend.var, "remotes", "hooks", HOOK)
    if _ends_well(frontend, ["test", "-x", path]):
        return []
    return [rules.HOOK_MISSING.problem(path=path, user=frontend.user)]


def _missing_tools(frontend: Frontend) -> list[str]:
    return [tool for tool in TOOLS if not _ends_well(frontend, ["sh", "-c", 'command -v "$0"', tool])]


def _package(tool: str) -> str:
    return rules.HOOK_OTHER_ARPING.remedy if tool == "arping" else f"Install {TOOLS[tool]}."


def _rights(frontend: Frontend, floating: Floating, missing: Sequence[str]) -> list[Problem]:
    commands = [["ip", "address", verb, floating.cidr, "dev", floating.interface] for verb in ("add", "del")]
    commands += [["arping", "-c", "1", kind, "-I", floating.interface, floating.address] for kind in ("-U", "-A")]
    commands += [["systemctl", verb, unit] for unit in _units(frontend) for verb in ("start", "stop")]
    refused = [
        " ".join(command)
        for command in commands
        if command[0] not in missing and not _ends_well(frontend, ["sudo", "-n", "-l", "--", *command])
    ]
    if not refused:
        return []
    return [rules.HOOK_RIGHTS.problem(user=frontend.user, commands="; ".join(refused))]


def _units(frontend: Frontend) -> list[str]:
    return [] if frontend.location else companions.hook_units(frontend)


def _capability(frontend: Frontend) -> list[Problem]:
    if not _has_capability():
        return [rules.HOOK_CAPABILITY.problem()]
    if frontend.location:
        return []
    unit = show([frontend.service], "CapabilityBoundingSet,NoNewPrivileges")[frontend.service]
    found = []
    if unit.get("NoNewPrivileges") == "yes":
        found.append(rules.HOOK_NO_NEW_PRIVILEGES.problem(unit=frontend.service))
    if "cap_net_admin" not in unit.get("CapabilityBoundingSet", "cap_net_admin"):
        found.append(rules.HOOK_BOUNDED.problem(unit=frontend.service))
    return found


def _has_capability() -> bool:
    with open(STATUS, encoding="ascii", errors="replace") as file:
        bounds = re.search(r"^CapBnd:\s*([0-9a-f]+)", file.read(), re.MULTILINE)
    return not bounds or bool(int(bounds[1], 16) >> CAP_NET_ADMIN & 1)


def _ends_well(frontend: Frontend, command: list[str]) -> bool:
    ended = _run(frontend, command)
    return ended is not None and ended.code == 0


def _run(frontend: Frontend, command: list[str]) -> Ended | None:
    # systemd gives oned the administrators' programs, too, which an account may lack.
    with contextlib.suppress(OnefedError):
        return run_as_oned(frontend, ["env", f"PATH={PATH}", *command], SECONDS)
    return None
