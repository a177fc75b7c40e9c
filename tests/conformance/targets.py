# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the checks run against: the emulator, an installed OpenNebula, or a zone that is given (README.md)."""

from __future__ import annotations

import os
import re
import shlex
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .api import Api
from .frontend import Frontend, Paths, Zone
from .shell import Here, Shell
from .truth import since

EMULATOR = Path(__file__).resolve().parents[1] / "emulator" / "install.py"
PASSWORD = "conformance"
STOCK_PORT = 2633
# The newest that the emulator stands for; ONE_EMULATED names others.
EMULATED_VERSIONS = ("7.4",)
# From which release each is upgraded.
EMULATED_BEFORE = {"7.0": "6.10", "7.2": "7.0", "7.4": "7.0"}


def _unused_addresses() -> Iterator[str]:
    """Loopback addresses where nobody uses OpenNebula's port: each zone gets one, and the port stays the stock one."""
    network = 200 + os.getpid() % 50  # tests/zones has those below
    for host in range(1, 2**16):
        address = f"127.{network}.{host >> 8}.{host & 0xFF}"
        with socket.socket() as probe:
            # As servers do, so that closed connections of earlier zones do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, STOCK_PORT))
            except OSError:
                continue
        yield address


_ADDRESSES = _unused_addresses()


class Unavailable(Exception):
    """The target cannot do what a check needs; the text is the reason for skipping it."""


class Target:
    """Makes zones, or hands out the one that is given."""

    name: str
    makes_zones = True

    def new_zone(self, directory: Path, name: str) -> Zone:
        """A zone that has never been started."""
        raise NotImplementedError

    def close(self) -> None:
        """Remove what pytest does not remove."""

    def given_zone(self) -> Frontend:
        raise Unavailable("no zone is given: ONE_URL is not set")

    def given_slave(self) -> Frontend:
        raise Unavailable("no slave is given: ONE_SLAVE_URL is not set")


@dataclass
class Emulator(Target):
    version: str

    def __post_init__(self) -> None:
        self.name = f"emulator-{self.version}"

    def new_zone(self, directory: Path, name: str) -> Zone:
        address = next(_ADDRESSES)
        location = directory / name
        shell = Here()
        shell.must(
            f"{shlex.quote(sys.executable)} {shlex.quote(str(EMULATOR))} --version {self.version} "
            f"--location {shlex.quote(str(location))} --listen {address} --port {STOCK_PORT} --password {PASSWORD}"
        )
        return Zone(shell, str(location), self.version, address, STOCK_PORT, PASSWORD)


# A driver that starts, does nothing and knows no user: real ones cost start-up time, and the markets' would go out to
# the Internet.
_DRIVER = """#!/bin/sh
while read -r word number rest; do
    case $word in
        INIT) echo "INIT SUCCESS" ;;
        AUTHENTICATE) echo "AUTHENTICATE FAILURE $number unknown user" ;;
        FINALIZE) exit 0 ;;
    esac
done
"""


@dataclass
class Installed(Target):
    """OpenNebula's own programs on a host, run below directories of our own beside whatever runs there."""

    shell: Shell
    scratch: str
    address: str

    def __post_init__(self) -> None:
        said = self.shell.must("oned -v")
        number = re.search(r"(\d+\.\d+)\.\d+", said)
        assert number, f"no version in {said!r}"
        self.version = number.group(1)
        self.name = f"installed-{self.version}"
        self._stock = self.shell.read("/etc/one/oned.conf")
        self._made = 0

    def close(self) -> None:
        self.shell.must(f"rm -rf {shlex.quote(self.scratch)}/{os.getpid()}-*")

    def new_zone(self, directory: Path, name: str) -> Zone:
        self._made += 1
        location = f"{self.scratch}/{os.getpid()}-{directory.name}-{name}"
        # Room for ten processes beside each other, each with a hundred zones of two ports.
        port = 26000 + os.getpid() % 10 * 200 + self._made % 100 * 2
        zone = Zone(self.shell, location, self.version, self.address, port, PASSWORD)
        here = shlex.quote(location)
        drivers = " ".join(sorted(set(re.findall(r'^\s*EXECUTABLE\s*=\s*"([\w.-]+)"', self._stock, re.M))))
        self.shell.must(
            f"umask 022; mkdir -p {here}/bin {here}/etc {here}/lib/mads {here}/var/lock {here}/var/vms && "
            f"mkdir -m 700 {here}/var/.one && cd {here} && ln -s /usr/share/one share && "
            f"ln -s /usr/bin/oned /usr/bin/onedb bin && "
            "for each in /usr/lib/one/*; do test -e lib/${each##*/} || ln -s $each lib; done && cd lib/mads && "
            f"for each in {drivers}; do printf %s {shlex.quote(_DRIVER)} >$each; done && chmod 755 *"
        )
        self.shell.write(f"{zone.paths.auth}/one_auth", f"oneadmin:{PASSWORD}", "644")
        text = re.sub(r"^(PORT|GRPC_PORT)\b.*$", "", self._stock, flags=re.M)
        ports = f"PORT = {port}\n" + ("" if not since(self.version, "7.2") else f"GRPC_PORT = {port + 1}\n")
        zone.write_configuration(f"{text}\n{ports}")
        # The host's own database is none of ours.
        zone.set_vector("DB", {"BACKEND": "sqlite", "TIMEOUT": 2500})
        return zone


@dataclass
class Given(Target):
    environment: Mapping[str, str]
    makes_zones = False

    def __post_init__(self) -> None:
        self.name = "given"

    def given_zone(self) -> Frontend:
        return self._frontend("ONE_")

    def given_slave(self) -> Frontend:
        return self._frontend("ONE_SLAVE_")

    def _frontend(self, prefix: str) -> Frontend:
        """ONE_SLAVE_* falls back to ONE_* for the credentials: in a federation they are the same."""

        def variable(name: str, default: str = "") -> str:
            return self.environment.get(prefix + name) or default

        if not variable("URL"):
            raise Unavailable(f"{prefix}URL is not set")
        api = Api(
            variable("URL"),
            variable("USERNAME", self.environment.get("ONE_USERNAME", "oneadmin")),
            variable("PASSWORD", self.environment.get("ONE_PASSWORD", "")),
        )
        if variable("SHELL"):
            shell = Shell(tuple(shlex.split(variable("SHELL"))))
        elif variable("DATABASE"):
            shell = Here()
        else:
            return Frontend(api)
        if variable("LOCATION"):
            return Frontend(api, shell, Paths.below(variable("LOCATION")))
        return Frontend(api, shell, Paths.packaged(variable("DATABASE", "/var/lib/one/one.db")))


def targets(environment: Mapping[str, str]) -> list[Target]:
    if environment.get("ONE_SCRATCH"):
        shell = Shell(tuple(shlex.split(environment.get("ONE_SHELL", ""))))
        return [Installed(shell, environment["ONE_SCRATCH"], environment.get("ONE_SCRATCH_ADDRESS", "127.0.0.1"))]
    if environment.get("ONE_URL"):
        return [Given(environment)]
    return [Emulator(version) for version in environment.get("ONE_EMULATED", " ".join(EMULATED_VERSIONS)).split()]


def older(target: Target, environment: Mapping[str, str]) -> Target:
    """The release whose databases the target's is to upgrade.

    :raises Unavailable: if there is none.
    """
    if isinstance(target, Emulator):
        if target.version not in EMULATED_BEFORE:
            raise Unavailable(f"no release before {target.version} is emulated")
        return Emulator(EMULATED_BEFORE[target.version])
    if not environment.get("ONE_OLD_SCRATCH"):
        raise Unavailable("no older release is given: ONE_OLD_SHELL and ONE_OLD_SCRATCH are not set")
    shell = Shell(tuple(shlex.split(environment.get("ONE_OLD_SHELL", ""))))
    return Installed(shell, environment["ONE_OLD_SCRATCH"], environment.get("ONE_OLD_ADDRESS", "127.0.0.1"))
