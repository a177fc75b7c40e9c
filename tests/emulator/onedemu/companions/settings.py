# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the services beside oned are, and what their configuration files say.

The credentials are read once, at start, by all but FireEdge, which reads them for every login. So a service that runs
on after its file was replaced is refused by oned, and looks well to systemd.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..paths import Layout
from ..versions import Release

ENDPOINT = "http://localhost:2633/RPC2"


@dataclass(frozen=True)
class Companion:
    """One service.

    ``unit`` without "opennebula-". ``auth`` is the file that it reads, ``needs`` the one that its unit insists on;
    ``port`` is the stock one, 0 if it does not listen; ``stem`` begins the names of its files.
    """

    unit: str
    stem: str
    description: str
    auth: str
    needs: str
    port: int = 0
    host: str = "127.0.0.1"
    only_6: bool = False
    since: str = "6.10"
    # Packages that it comes with; most have one of their own.
    package: str = ""

    @property
    def log(self) -> str:
        return f"{self.stem}.log"

    @property
    def conf(self) -> str:
        return "sched.conf" if self.unit == "scheduler" else f"{self.stem}-server.conf"

    def exists_in(self, release: Release) -> bool:
        return release.since(self.since) and (release.is_6 or not self.only_6)


COMPANIONS = {companion.unit: companion for companion in (
    Companion("hem", "onehem", "Hook Execution Service", "one_auth", "", package="opennebula"),
    Companion("scheduler", "sched", "Cloud Scheduler Daemon", "one_auth", "one_auth", only_6=True,
              package="opennebula"),
    Companion("flow", "oneflow", "Flow Service", "oneflow_auth", "oneflow_auth", 2474),
    Companion("gate", "onegate", "Gate Service", "onegate_auth", "onegate_auth", 5030),
    Companion("fireedge", "fireedge", "FireEdge Server", "sunstone_auth", "sunstone_auth", 2616, "0.0.0.0"),
    Companion("sunstone", "sunstone", "Web UI Server", "sunstone_auth", "sunstone_auth", 9869, "0.0.0.0",
              only_6=True),
    # OneForm insists on a file of its own, and then reads OneFlow's.
    Companion("form", "oneform", "Form Service", "oneflow_auth", "oneform_auth", 13013, since="7.2"),
    Companion("ks", "oneks", "Kubernetes Service", "oneks_auth", "oneks_auth", 10780, since="7.4"),
)}


def companions(release: Release) -> list[Companion]:
    return [companion for companion in COMPANIONS.values() if companion.exists_in(release)]


@dataclass(frozen=True)
class Conf:
    """The few values of a configuration file that matter here. ``zone`` is FireEdge's default zone, if it has one."""

    endpoint: str
    host: str
    port: int
    zone: dict[str, str]

    @classmethod
    def read(cls, path: Path, companion: Companion) -> Conf:
        """:raises OSError: if there is no file."""
        text = path.read_text(encoding="utf-8")
        endpoint = _value(text, "one_xmlrpc") or _value(text, "ONE_XMLRPC") or ENDPOINT
        host = _value(text, "host") or _value(text, "bind") or companion.host
        return cls(endpoint, host, int(_value(text, "port") or companion.port), _block(text, "default_zone"))


def _value(text: str, name: str) -> str:
    """The first value of that name: ``:name: value``, ``name: value`` or ``NAME = value``, whatever it belongs to."""
    match = re.search(rf"^[ ]*:?{name}[ ]*[:=][ ]*(?:'([^'\n]*)'|\"([^\"\n]*)\"|([^#\n]*))", text, re.MULTILINE)
    return next((part.strip() for part in match.groups() if part is not None), "") if match else ""


def _block(text: str, name: str) -> dict[str, str]:
    """The values that stand indented below a name."""
    match = re.search(rf"^{name}:[ ]*(?:#.*)?\n((?:[ ]+.*\n?)+)", text, re.MULTILINE)
    names = re.findall(r"^[ ]+(\w+):", match[1], re.MULTILINE) if match else []
    return {key: _value(match[1], key) for key in names} if match else {}


def read_auth(layout: Layout, companion: Companion) -> str:
    """The first line of the service's credentials.

    :raises OSError: if there is no such file.
    """
    path = layout.auth_directory / companion.auth
    return path.read_text(encoding="utf-8").split("\n", 1)[0]
