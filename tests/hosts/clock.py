# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A host whose clock is wrong. All hosts share the kernel's clock: what programs are told of it is shifted.

libfaketime shifts it for everything that systemd starts from then on (oned, MariaDB), a module of Python's own for what
Ansible runs there: with libfaketime frontend_info ended with EINVAL.
"""

from __future__ import annotations

from typing import Any

from .host import Host

_INTERPRETER, _FOLDER = "/usr/local/bin/python3-wrong-clock", "/usr/local/lib/wrong-clock"


def library(host: Host) -> str | None:
    """libfaketime as the host has it; None on a root file system without it."""
    found = next(host.root.glob("usr/lib/*/faketime/libfaketime.so.1"), None)
    return f"/{found.relative_to(host.root)}" if found else None


def shift(host: Host, seconds: int) -> dict[str, Any]:
    """Put the clock forward (or back); variables by which Ansible, too, is told the time there.

    The monotonic clock, by which programs wait, goes on as it was, as it does on a real machine.
    """
    told = f"LD_PRELOAD={library(host)} FAKETIME={seconds:+d}s FAKETIME_DONT_FAKE_MONOTONIC=1"
    files = {
        "/etc/systemd/system/service.d/wrong-clock.conf": f"[Service]\nEnvironment={told}\n",
        f"{_FOLDER}/sitecustomize.py": f"import time\nright = time.time\ntime.time = lambda: right() + {seconds}\n",
        _INTERPRETER: f'#!/bin/sh\nexec env PYTHONPATH={_FOLDER} /usr/bin/python3 "$@"\n',
    }
    for path, text in files.items():
        host.exec(["install", "-D", "-m", "755", "/dev/stdin", path], stdin=text)
    host.exec(["systemctl", "daemon-reload"])
    host.exec(["systemctl", "try-restart", "mariadb", "opennebula"], timeout=180)
    return {"ansible_python_interpreter": _INTERPRETER}
