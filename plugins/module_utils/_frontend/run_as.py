# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Runs OpenNebula's own programs with the rights and the environment of oned's account."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from typing import IO

from .._errors import FrontendError
from .layout import Frontend

OUTPUT_BYTES = 65536


@dataclass(frozen=True)
class Ended:
    """A program that has ended; what it left running may still add to its output."""

    code: int
    file: IO[bytes]

    def output(self) -> str:
        # Not read(): the position belongs to whoever writes there.
        return os.pread(self.file.fileno(), OUTPUT_BYTES, 0).decode("utf-8", "replace")


def run_as_oned(frontend: Frontend, command: list[str], timeout: float) -> Ended:
    """Run a program to its end. Raises FrontendError when it cannot be run or does not end in time."""
    uid, gid = frontend.ids()
    account = pwd.getpwuid(uid)

    def become_oned() -> None:
        if os.geteuid() == 0 and uid != 0:
            os.initgroups(account.pw_name, gid)
            os.setgid(gid)
            os.setuid(uid)

    # A file, not a pipe: an oned that is started this way keeps the output open as long as it runs.
    output = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the result
    try:
        # AnsibleModule.run_command has no time limit, and no account or session but the module's own.
        code = subprocess.run(  # pylint: disable=ansible-bad-function
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=frontend.location or "/",
            env=_environment(frontend, account),
            preexec_fn=become_oned,
            # So that it outlives the connection by which Ansible came.
            start_new_session=True,
            timeout=timeout,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        raise FrontendError(f"{' '.join(command)} did not end within {timeout:g} s.") from None
    except (OSError, subprocess.SubprocessError) as error:
        raise FrontendError(f"Cannot run {' '.join(command)} as {account.pw_name}: {error}.") from error
    return Ended(code, output)


def _environment(frontend: Frontend, account: pwd.struct_passwd) -> dict[str, str]:
    path = os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    environment = {
        "PATH": path,
        "LANG": "C.UTF-8",
        "HOME": account.pw_dir,
        "USER": account.pw_name,
        "LOGNAME": account.pw_name,
    }
    if frontend.location:
        environment.update(
            PATH=f"{frontend.location}/bin:{path}",
            ONE_LOCATION=frontend.location,
            # Without it oned takes the file from the account's home, which several installs may share.
            ONE_AUTH=frontend.one_auth,
        )
    return environment
