# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A lab: hosts on a private network, and the way to them. Its state is its directory, so any process may go on with it.

with Lab.temporary("faults") as lab:
    lab.up(Spec("madrid-1", "10.90.0.11", database="mariadb", started=True), Spec("paris-1", "10.90.0.12"))
    lab["paris-1"].exec(["systemctl", "is-active", "opennebula"])
    lab["paris-1"].cut()
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from . import overlay
from .commands import LABS, ROOT, HostsError, run
from .host import Host, Spec, machine_at
from .image import USER
from .network import Network

_SSH_CONFIG = """Host *
  User {user}
  IdentityFile {directory}/id_ed25519
  IdentitiesOnly yes
  UserKnownHostsFile {directory}/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  ConnectTimeout 10
  ServerAliveInterval 5
  ServerAliveCountMax 3
  ProxyCommand {connect} %h %p
  ProxyUseFdpass yes
  ControlMaster auto
  ControlPersist 60
  ControlPath {sockets}/%C
"""


class Lab:
    """The lab of this name, whether it is up or not. Different names do not touch each other."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.directory = LABS / name
        # Labs of other checkouts may have the same name.
        self.network = Network(f"onefed-{hashlib.sha256(str(self.directory).encode()).hexdigest()[:8]}")

    @classmethod
    @contextlib.contextmanager
    def temporary(cls, name: str) -> Iterator[Lab]:
        """A lab that ends with the block; leftovers of those that were killed before it could are removed first."""
        for old in LABS.glob("*.[0-9]*"):
            if not Path(f"/proc/{old.name.rpartition('.')[2]}").exists():
                cls(old.name).down()
        lab = cls(f"{name}.{os.getpid()}")
        lab.down()  # process numbers come again
        try:
            yield lab
        finally:
            lab.down()

    @property
    def hosts(self) -> list[Host]:
        found = sorted((self.directory / "hosts").glob("*/spec.json"))
        return [Host.load(path.parent, self.network) for path in found]

    def __getitem__(self, name: str) -> Host:
        directory = self.directory / "hosts" / name
        if not (directory / "spec.json").exists():
            raise HostsError(f"lab {self.name} has no host {name}")
        return Host.load(directory, self.network)

    @property
    def addresses(self) -> dict[str, str]:
        return {host.name: host.address for host in self.hosts}

    @property
    def _sockets(self) -> Path:
        """Of connections that ssh keeps; a socket's path has 107 bytes at most."""
        return Path("/run") / self.network.namespace()

    @property
    def ssh_config(self) -> Path:
        return self.directory / "ssh_config"

    def up(self, *specs: Spec) -> list[Host]:
        """New hosts, booted and, where the specification says so, with oned running."""
        if not self.directory.exists():
            overlay.room(self.directory)
        key = self.directory / "id_ed25519"
        if not key.exists():
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"controller of {self.name}", "-f", key])
        self.network.up({**self.addresses, **{spec.name: spec.address for spec in specs}})
        authorized = key.with_suffix(".pub").read_text(encoding="utf-8")
        for spec in specs:
            if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", spec.name):
                raise HostsError(f"{spec.name} cannot be the name of a host")
            if (self.directory / "hosts" / spec.name).exists():
                raise HostsError(f"lab {self.name} has a host {spec.name} already")
            self.network.attach(spec.name, spec.address)
            Host(spec, self.directory / "hosts" / spec.name, self.network).create(authorized)
        self._publish()
        hosts = [self[spec.name] for spec in specs]
        self.boot(*hosts)
        with ThreadPoolExecutor(len(specs)) as pool:
            list(pool.map(Host.set_up, hosts))
        return hosts

    def boot(self, *hosts: Host) -> None:
        """Switch hosts on and wait until all are up."""
        for host in hosts:
            host.boot()
        for host in hosts:
            host.wait()

    def freeze(self) -> None:
        """Remember all hosts as they are now. They are off afterwards; `reset` boots them."""
        for host in self.hosts:
            host.freeze()

    def reset(self, *hosts: Host) -> None:
        """Let hosts (all without arguments) be as they were when the lab was frozen, and boot them."""
        hosts = hosts or tuple(self.hosts)
        for host in hosts:
            host.thaw()
        self.boot(*hosts)

    def controller(
        self, argv: Sequence[object], *, check: bool = True, timeout: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as the controller: on the hosts' network, where their names are known."""
        return run(["ip", "netns", "exec", self.network.namespace(), *argv], check=check, timeout=timeout)

    def connect(self, address: str, port: int) -> socket.socket:
        """A connection that the controller made, for use in this process. Raises OSError as the socket would."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            done = subprocess.run(
                [*self._connect_command, address, str(port)],
                stdout=theirs.fileno(),
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
            if done.returncode:
                raise OSError(done.stderr.strip())
            _sent, descriptors, _flags, _address = socket.recv_fds(ours, 1, 1)
        return socket.socket(fileno=descriptors[0])

    @property
    def _connect_command(self) -> list[str]:
        script = str(Path(__file__).with_name("connect.py"))
        return ["ip", "netns", "exec", self.network.namespace(), sys.executable, "-IS", script]

    def ssh(self, host: str, command: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command as the account that Ansible uses, the way Ansible does."""
        return run(["ssh", "-F", self.ssh_config, host, command], check=check)

    def module(self, host: str, name: str, options: dict[str, Any]) -> dict[str, Any]:
        """What a module of the collection returns on a host, its error too."""
        words: list[object] = [Path(sys.executable).parent / "ansible", "all", "-i", f"{host},", "-u", USER, "-b"]
        words += ["-m", f"onefed.opennebula.{name}", "-a", json.dumps(options)]
        environment = {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_SSH_ARGS": "-C",
            "ANSIBLE_SSH_COMMON_ARGS": f"-F '{self.ssh_config}'",
        }
        output = run(words, check=False, environment=environment).stdout
        found = re.search(rf"^{re.escape(host)} \| .*? => (\{{.*\}})", output, re.DOTALL | re.MULTILINE)
        assert found, output
        result: dict[str, Any] = json.loads(found[1])
        return result

    def down(self) -> None:
        """Remove hosts and network, whatever state a killed run left them in."""
        for directory in (self.directory / "hosts").glob("*"):
            machine_at(directory, self.network).stop(kill=True)
        for place in overlay.below(self.directory):
            overlay.unmount(place)
        for path in self._sockets.glob("*"):
            run(["ssh", "-o", f"ControlPath={path}", "-O", "exit", "-"], check=False)
        shutil.rmtree(self._sockets, ignore_errors=True)
        self.network.down()
        overlay.unmount(self.directory)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _publish(self) -> None:
        """Tell everybody the names; tell ssh the keys."""
        hosts, addresses = self.hosts, self.addresses
        for host in hosts:
            host.write_hosts_file(addresses)
        known = "".join(f"{host.name},{host.address} {host.public_key}\n" for host in hosts)
        (self.directory / "known_hosts").write_text(known, encoding="utf-8")
        connect = shlex.join(self._connect_command)
        self._sockets.mkdir(mode=0o700, exist_ok=True)
        text = _SSH_CONFIG.format(user=USER, directory=self.directory, connect=connect, sockets=self._sockets)
        self.ssh_config.write_text(text, encoding="utf-8")
