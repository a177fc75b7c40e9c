# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Booting a root directory as a machine: systemd-nspawn without its manager, in a network namespace made before."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .commands import HostsError, run

CGROUPS = Path("/sys/fs/cgroup")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BOOT_SECONDS = 90
STOP_SECONDS = 120  # services have 90 s by default
# What it gives its own processes has to be entered before systemd-nspawn starts: it keeps the group it is in.
_ENTER = 'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done; shift; exec "$@"'


def cgroup_trees() -> list[Path]:
    """The hierarchies that a systemd wants a group of its own in; none where they may not be written."""
    if (CGROUPS / "cgroup.controllers").exists():
        trees = [CGROUPS]
    else:
        trees = [tree for tree in (CGROUPS / "systemd", CGROUPS / "unified") if tree.is_dir()]
    return trees if all(os.access(tree, os.W_OK) for tree in trees) else []


@dataclass(frozen=True)
class Machine:
    """One machine. `key` is unique on this computer; `root` is its mounted root directory."""

    key: str
    name: str
    root: Path
    namespace: Path
    console: Path

    @property
    def _cgroups(self) -> list[Path]:
        return [tree / self.key for tree in cgroup_trees()]

    def supervisor(self) -> int | None:
        """The process of systemd-nspawn. Looked up, not remembered: whoever started it may be gone."""
        wanted = f"--directory={self.root}".encode()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                    if words[0].endswith(b"systemd-nspawn") and wanted in words:
                        return int(entry.name)
        return None

    def leader(self) -> int | None:
        """The machine's process 1, as numbered outside; None if it is off."""
        supervisor = self.supervisor()
        if supervisor is None:
            return None
        with contextlib.suppress(OSError):
            for child in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split():
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return int(child)
        return None

    def start(self) -> None:
        """Switch it on; `wait` waits for it to be up."""
        self._sweep()
        for group in self._cgroups:
            group.mkdir(parents=True)
        nspawn = ["systemd-nspawn", "--boot", "--register=no", "--keep-unit", "--settings=no", "--quiet"]
        nspawn += [f"--machine={self.name}", f"--directory={self.root}", f"--network-namespace-path={self.namespace}"]
        nspawn += ["--capability=CAP_NET_ADMIN,CAP_NET_RAW", "--kill-signal=SIGRTMIN+4", "--console=read-only"]
        nspawn += ["--link-journal=no", "--resolv-conf=off", "--timezone=off"]
        shell = ["setsid", "--fork", "sh", "-c", f'exec </dev/null >>"$0" 2>&1; {_ENTER}', self.console]
        environment = {"PATH": PATH, "LANG": "C.UTF-8", "SYSTEMD_NSPAWN_LOCK": "0"}
        run([*shell, *self._cgroups, "--", *nspawn], environment=environment)

    def wait(self) -> str:
        """Wait until all that starts at boot has started; "running", or "degraded" where some unit failed."""
        end = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < end:
            if self.leader():
                state = run(self.inside(["systemctl", "is-system-running", "--wait"]), check=False).stdout.strip()
                if state in ("running", "degraded"):
                    return state
            time.sleep(0.1)
        raise HostsError(f"{self.name} was not up after {BOOT_SECONDS} s; its console:\n{self._last_words()}")

    def stop(self, kill: bool = False) -> None:
        """Shut it down in good order, or with `kill` as when the power fails."""
        leader, supervisor = self.leader(), self.supervisor()
        with contextlib.suppress(ProcessLookupError):
            if kill and leader:
                os.kill(leader, signal.SIGKILL)
            elif supervisor:
                os.kill(supervisor, signal.SIGTERM)  # systemd-nspawn passes it on as --kill-signal
        self._gone(15 if kill else STOP_SECONDS)
        supervisor = self.supervisor()
        if supervisor:
            os.kill(supervisor, signal.SIGKILL)
            self._gone(15)
        self._sweep()

    def inside(self, argv: Sequence[str], user: str = "root") -> list[str]:
        """The command that runs `argv` inside, as `user`, with a clean environment. It needs no network."""
        leader = self.leader()
        if leader is None:
            raise HostsError(f"{self.name} is off")
        become = [] if user == "root" else ["runuser", "-u", user, "--"]
        home = {"root": "/root", "oneadmin": "/var/lib/one"}.get(user, f"/home/{user}")
        clean = ["env", "-i", "-C", home, f"HOME={home}", f"USER={user}", f"PATH={PATH}", "LANG=C.UTF-8"]
        return ["nsenter", f"--target={leader}", "--all", "--", *become, *clean, *argv]

    def _gone(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while self.supervisor() and time.monotonic() < end:
            time.sleep(0.05)

    def _last_words(self) -> str:
        return self.console.read_text(errors="replace")[-2000:] if self.console.exists() else "(nothing)"

    def _sweep(self) -> None:
        for group in self._cgroups:
            for directory, _names, _files in os.walk(group, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(directory)
