# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A private network: a bridge in a namespace of its own, where the controller is, and one namespace for each host."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .commands import HostsError, run

PREFIX = 24
NAMESPACES = Path("/run/netns")
ETC = Path("/etc/netns")  # where `ip netns exec` finds files that stand in for those of /etc
_LOCALHOST = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n"


def hosts_file(addresses: Mapping[str, str]) -> str:
    """/etc/hosts of everybody on the network."""
    return _LOCALHOST + "".join(f"{address} {name}\n" for name, address in addresses.items())


@dataclass(frozen=True)
class Network:
    """No route leads out of it. `key` is unique on this computer; the controller has the first address."""

    key: str
    base: str = "10.90.0"

    @property
    def controller(self) -> str:
        return f"{self.base}.1"

    def namespace(self, host: str = "") -> str:
        """Name of a host's namespace; of the controller's without one."""
        return f"{self.key}-{host}" if host else self.key

    def path(self, host: str) -> Path:
        return NAMESPACES / self.namespace(host)

    def up(self, addresses: Mapping[str, str]) -> None:
        """Make the network, or tell it the names again."""
        if not (NAMESPACES / self.key).exists():
            run(["ip", "netns", "add", self.key])
            self._ip(self.key, "link", "set", "lo", "up")
            self._ip(self.key, "link", "add", "br0", "type", "bridge")
            self._ip(self.key, "addr", "add", f"{self.controller}/{PREFIX}", "dev", "br0")
            self._ip(self.key, "link", "set", "br0", "up")
        folder = ETC / self.key
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hosts").write_text(hosts_file(addresses), encoding="utf-8")
        (folder / "resolv.conf").write_text("", encoding="utf-8")

    def attach(self, host: str, address: str) -> None:
        """Give a host its namespace, with eth0 and its address in it: they outlive its reboots."""
        if not address.startswith(f"{self.base}.") or address == self.controller:
            raise HostsError(f"{host}: {address} is no host's address on {self.base}.0/{PREFIX}")
        space = self.namespace(host)
        run(["ip", "netns", "add", space])
        self._ip(self.key, "link", "add", self._cable(address), "type", "veth", "peer", "name", "eth0", "netns", space)
        self._ip(self.key, "link", "set", self._cable(address), "master", "br0", "up")
        self.renew(host, address)
        for link in ("lo", "eth0"):
            self._ip(space, "link", "set", link, "up")

    def renew(self, host: str, address: str) -> None:
        """Let eth0 have no address but its own, as after a boot: the namespace keeps what was added to it."""
        space = self.namespace(host)
        self._ip(space, "addr", "flush", "dev", "eth0")
        self._ip(space, "addr", "add", f"{address}/{PREFIX}", "dev", "eth0")

    def cable(self, address: str, state: str) -> None:
        """Pull the cable of the host with this address ("down"), or put it in again ("up")."""
        self._ip(self.key, "link", "set", self._cable(address), state)

    def down(self) -> None:
        """Remove everything; what is not there is no trouble."""
        for namespace in (*NAMESPACES.glob(f"{self.key}-*"), NAMESPACES / self.key):
            run(["ip", "netns", "delete", namespace.name], check=False)
        shutil.rmtree(ETC / self.key, ignore_errors=True)

    def _cable(self, address: str) -> str:
        return f"port{address.rpartition('.')[2]}"

    def _ip(self, namespace: str, *words: str) -> None:
        run(["ip", "-n", namespace, *words])
