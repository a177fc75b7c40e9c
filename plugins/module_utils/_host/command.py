# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the programs of this host with the rights of the module. What is OpenNebula's own runs as oned: see run_as."""

from __future__ import annotations

import os
import shutil
import subprocess
import textwrap
from collections.abc import Mapping, Sequence

from .._errors import FrontendError

COMMAND_SECONDS = 30.0
# Folders of administrators' programs are not in every account's PATH. An empty entry would be the current folder.
PATH = os.pathsep.join((os.environ.get("PATH") or os.defpath, "/usr/sbin", "/sbin"))
SHOWN = 120  # characters of a command in an error
_SELF_CONTAINED = "For a self-contained OpenNebula set oned_location."
_INSTEAD = {"systemctl": _SELF_CONTAINED, "journalctl": _SELF_CONTAINED}


def find_program(name: str) -> str | None:
    """Path of a program of this host, administrators' included; None when it is not installed."""
    return shutil.which(name, path=PATH)


def run_command(
    command: Sequence[str], timeout: float = COMMAND_SECONDS, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, without input and with its words in English.

    `environment` replaces the module's own. Raises FrontendError when the program cannot be run, or has not ended
    after `timeout` seconds; it is killed then. Its exit status is the caller's to judge.
    """
    shown = textwrap.shorten(" ".join(command), SHOWN, placeholder=" …")
    try:
        # AnsibleModule.run_command knows no time limit, and this is below all that knows Ansible.
        return subprocess.run(  # pylint: disable=ansible-bad-function
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0"} if environment is None else environment,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        remedy = _INSTEAD.get(command[0], "Install it.")
        raise FrontendError(f"There is no {command[0]} on this host. {remedy}") from None
    except subprocess.TimeoutExpired:
        raise FrontendError(f"{shown} did not answer within {timeout:g} s.") from None
    except (OSError, subprocess.SubprocessError) as error:
        raise FrontendError(f"Cannot run {shown}: {error}.") from error
