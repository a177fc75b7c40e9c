# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Whether hosts can be booted on this machine."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile

from . import machine, overlay

PACKAGES = {
    "apt-get": "apt",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "setsid": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "systemctl": "systemd",
    "systemd-nspawn": "systemd-container",
}


def missing() -> str | None:
    """Why no hosts can be booted here, in one line that says what to do; None if they can."""
    if platform.system() != "Linux":
        return "hosts need Linux with systemd-nspawn"
    if os.geteuid() != 0:
        return "hosts need root (systemd-nspawn, network namespaces): run it as root"
    needed = dict(PACKAGES)
    if rootfs():
        del needed["debootstrap"], needed["apt-get"]
    absent = sorted(name for name in needed if not shutil.which(name))
    if absent:
        packages = " ".join(sorted({needed[name] for name in absent}))
        return f"hosts need {', '.join(absent)}: apt-get install {packages}"
    probe = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "true"], capture_output=True, text=True, check=False
    )
    if probe.returncode:
        return f"hosts need namespaces, which this machine does not let us have: {probe.stderr.strip()}"
    if not machine.cgroup_trees():
        return "hosts need a writable /sys/fs/cgroup: in a container, run it privileged"
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        reason = overlay.unusable(folder)
    return f"hosts need the overlay file system: {reason}" if reason else None


def rootfs() -> str | None:
    """The root file system with an installed OpenNebula that is to be used instead of an image of ours."""
    return os.environ.get("ONEFED_ROOTFS") or None
