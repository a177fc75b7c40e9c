# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``oned``"""

from __future__ import annotations

import getopt
import os
import signal
import sys
from collections.abc import Callable

from .. import daemon
from ..paths import Layout, current
from ..versions import Release

FAILURE = 255
_USAGE = "Usage: oned [-h] [-v] [-f] [-i]\n"
_OPTIONS = """
SYNOPSIS
  Runs the emulated OpenNebula daemon

OPTIONS
  -v, --version\tshow the version
  -h, --help\tshow this text
  -f, --foreground\tstay in the foreground
  -i, --init-db\tcreate the tables of the database, and leave
"""


def main(arguments: list[str], release: Release) -> int:
    try:
        options, _dummy = getopt.gnu_getopt(arguments, "vhif", ["version", "help", "foreground", "init-db"])
    except getopt.GetoptError as error:
        sys.stderr.write(f"oned: {error}\n{_USAGE}")
        return FAILURE
    layout = current()
    foreground = False
    for option in [name for name, _value in options]:
        if option in ("-v", "--version"):
            print(f"{release.banner}\nEmulated; not the work of OpenNebula Systems.")
            return 0
        if option in ("-h", "--help"):
            print(_USAGE + _OPTIONS, end="")
            return 0
        if option in ("-i", "--init-db"):
            code = _guarded(lambda: daemon.initialize(layout, release))
            # Releases before 7.4 tell of no failure here but by their words.
            return code if release.since("7.4") else 0
        foreground = True
    return _serve(layout, release, foreground)


def _serve(layout: Layout, release: Release, foreground: bool) -> int:
    try:
        os.close(os.open(layout.lock, os.O_CREAT | os.O_EXCL, 0o640))
    except OSError:
        sys.stderr.write(f"Error: Cannot start oned, opening lock file {layout.lock}\n")
        return FAILURE
    if not foreground:
        if os.fork():
            return 0
        os.setsid()
    try:
        os.chdir(layout.var)
        code = _guarded(lambda: daemon.run(layout, release))
    except daemon.Aborted:
        # The lock stays behind, as after any violent death.
        sys.stderr.flush()
        signal.signal(signal.SIGABRT, signal.SIG_DFL)
        os.abort()
    os.unlink(layout.lock)
    # Threads that still wait for something must not delay the end.
    os._exit(code)


def _guarded(action: Callable[[], None]) -> int:
    try:
        action()
    except daemon.StartError as error:
        sys.stdout.flush()
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
        return FAILURE
    return 0
