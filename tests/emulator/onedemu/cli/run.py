# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The way from an installed script to its command."""

from __future__ import annotations

import importlib
import sys

from ..versions import RELEASES


def run(command: str, release: str, *arguments: str) -> None:
    """Run a command of an installation of that release, and exit with its status.

    :param arguments: what stands before the arguments of the call.
    """
    module = importlib.import_module(f".{command}", __package__)
    try:
        sys.exit(module.main([*arguments, *sys.argv[1:]], RELEASES[release]))
    except BrokenPipeError:
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
