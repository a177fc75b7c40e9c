# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""One host: what it is to be, its disk, and what can be done to it."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import image, network, opennebula, overlay
from .commands import run
from .machine import Machine
from .requirements import rootfs


@dataclass(frozen=True)
class Spec:
    """What a host is to be when it first boots.

    `version` None is a bare host, without OpenNebula. `database` is "sqlite" or "mariadb".
    `started`: oned runs, also after a boot, and so do the `companions` ("flow", "fireedge") that are installed; without
    it the zone has no database yet. `database_password` stands in oned.conf on MariaDB.
    """

    name: str
    address: str
    version: str | None = opennebula.VERSION
    database: str = "sqlite"
    started: bool = False
    companions: Sequence[str] = ()
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    database_password: str = opennebula.AWKWARD_PASSWORD


def machine_at(directory: Path, net: network.Network) -> Machine:
    """The machine of the host in this directory; there is one even if nothing else of the host is left."""
    name = directory.name
    return Machine(net.namespace(name), name, directory / "root", net.path(name), directory / "console.log")


class Host:
    """A host of a lab; everything about it lies below `directory`."""

    def __init__(self, spec: Spec, directory: Path, net: network.Network) -> None:
        self.spec = spec
        self.name, self.address = spec.name, spec.address
        self.directory = directory
        self.network = net
        self.root = directory / "root"
        self.machine = machine_at(directory, net)

    @classmethod
    def load(cls, directory: Path, net: network.Network) -> Host:
        return cls(Spec(**json.loads((directory / "spec.json").read_text(encoding="utf-8"))), directory, net)

    @property
    def has_opennebula(self) -> bool:
        return self.spec.version is not None or rootfs() is not None

    @property
    def uses_mariadb(self) -> bool:
        """Whether its MariaDB was set up for oned; on a bare host whoever installs OpenNebula does that."""
        return self.has_opennebula and self.spec.database == "mariadb"

    @property
    def url(self) -> str:
        return f"http://{self.address}:{opennebula.PORT}/RPC2"

    @property
    def public_key(self) -> str:
        """Type and key by which ssh knows it."""
        return " ".join((self.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text(encoding="utf-8").split()[:2])

    def create(self, authorized_key: str) -> None:
        """Make its disk, which has never booted."""
        self.directory.mkdir(parents=True, exist_ok=True)
        spec = self.directory / "spec.json"
        spec.write_text(json.dumps(asdict(self.spec)), encoding="utf-8")
        spec.chmod(0o600)
        self._discard("upper")
        self._discard("frozen")
        self._mount()
        root = self.root
        image.add_operator(root)
        files = {"etc/hostname": f"{self.name}\n", "etc/machine-id": f"{secrets.token_hex(16)}\n"}
        for name, text in files.items():
            (root / name).write_text(text, encoding="utf-8")
        for old in (root / "etc/ssh").glob("ssh_host_*"):
            old.unlink()
        key = root / "etc/ssh/ssh_host_ed25519_key"
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.name, "-f", key])
        ssh = root / "home" / image.USER / ".ssh"
        ssh.mkdir(mode=0o700, exist_ok=True)
        (ssh / "authorized_keys").write_text(authorized_key, encoding="utf-8")
        run(["chown", "-R", "--reference", ssh.parent, ssh])
        if self.has_opennebula:
            opennebula.write_one_auth(root, self.spec.password)
            opennebula.write_ssh_keys(root, self.name)
        if self.uses_mariadb:
            opennebula.use_mariadb(root, self.spec.database_password)
            opennebula.enable_mariadb(root)

    def write_hosts_file(self, addresses: Mapping[str, str]) -> None:
        (self.root / "etc/hosts").write_text(network.hosts_file(addresses), encoding="utf-8")

    def set_up(self) -> None:
        """What can only be done on the booted host, once."""
        if self.uses_mariadb:
            self.exec(["mariadb"], stdin=opennebula.database_sql(self.spec.database_password))
        if self.has_opennebula and self.spec.started:
            wanted = [f"opennebula-{name}" for name in self.spec.companions]
            units = [unit for unit in wanted if (self.root / f"usr/lib/systemd/system/{unit}.service").exists()]
            for unit in ("opennebula", *units):
                self.exec(["systemctl", "--quiet", "enable", "--now", unit])

    def exec(
        self,
        argv: Sequence[str],
        *,
        user: str = "root",
        stdin: str = "",
        check: bool = True,
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the host, past its network. With `check` a failure raises HostsError."""
        return run(self.machine.inside(argv, user), stdin=stdin, check=check, timeout=timeout)

    def boot(self) -> None:
        """Switch it on, with its cable in; `wait` waits for it."""
        self._mount()
        self.network.renew(self.name, self.address)
        self.mend()
        self.machine.start()

    def wait(self) -> str:
        return self.machine.wait()

    def cut(self) -> None:
        """Pull its network cable: packets are lost without a word, in both directions."""
        self.network.cable(self.address, "down")

    def mend(self) -> None:
        self.network.cable(self.address, "up")

    def power_off(self) -> None:
        """As when the power fails: nobody is told, nothing is flushed; the disk stays as it is."""
        self.cut()
        self.machine.stop(kill=True)

    def shut_down(self) -> None:
        self.machine.stop()

    def freeze(self) -> None:
        """Shut down and keep the disk as what `reset` returns to, as often as wanted."""
        self.shut_down()
        overlay.unmount(self.root)
        assert not (self.directory / "frozen").exists(), f"{self.name} is frozen already"
        (self.directory / "upper").rename(self.directory / "frozen")

    def thaw(self) -> None:
        """Forget what was written since `freeze`; the host is off then."""
        self.machine.stop(kill=True)
        self._discard("upper")
        self._mount()

    @property
    def frozen(self) -> bool:
        return (self.directory / "frozen").exists()

    def _mount(self) -> None:
        if not self.root.is_mount():
            frozen = [self.directory / "frozen"] if self.frozen else []
            overlay.mount([*frozen, *self._layers()], self.directory / "upper", self.root)

    def _layers(self) -> list[Path]:
        """What it was made on; it stays on that when the sources of an image change."""
        memory = self.directory / "layers"
        if not memory.exists():
            memory.write_text("\n".join(map(str, opennebula.layers(self.spec.version))), encoding="utf-8")
        return [Path(line) for line in memory.read_text(encoding="utf-8").splitlines()]

    def _discard(self, layer: str) -> None:
        overlay.unmount(self.root)
        for name in (layer, f"{layer}.work"):
            shutil.rmtree(self.directory / name, ignore_errors=True)
