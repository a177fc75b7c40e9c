# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Runs other people's programs with the rights and the environment of oned's account, never with root's.

OpenNebula's own lie in oned's folders, and a client of a database reads option files and loads plugins: what they do is
not ours to know. They get neither a descriptor nor a group of ours, but what is passed to them, by its number: as
/dev/fd/N they open what their account could not, and nobody can lay anything in its place.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Union

from .._errors import FrontendError
from .._host.account import groups_of
from .._host.deadline import Deadline
from .layout import Frontend

OUTPUT_BYTES = 65536
POLL = 0.1
# Nothing that such a program makes is for others.
UMASK = 0o077
Stream = Union[int, IO[bytes], None]


@dataclass(frozen=True)
class Ended:
    """A program that has ended; what it left running may still add to its output."""

    code: int
    file: IO[bytes]

    def output(self) -> str:
        # Not read(): the position belongs to whoever writes there.
        return os.pread(self.file.fileno(), OUTPUT_BYTES, 0).decode("utf-8", "replace")


def start_as_oned(
    frontend: Frontend,
    command: Sequence[str],
    *,
    stdin: Stream = subprocess.DEVNULL,
    stdout: Stream = subprocess.DEVNULL,
    stderr: Stream = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
    umask: int = UMASK,
) -> subprocess.Popen[bytes]:
    """Start a program with oned's ids and groups alone, in a session of its own.

    The streams are as Popen's. The program inherits the descriptors `pass_fds` under their numbers and no other; one
    that was opened for reading can be given to it as /dev/fd/N (its position is shared: seek to the beginning first).
    To an anonymous file (os.memfd_create) that holds for another account only if fchmod lets it: /dev/fd/N is opened
    anew. `environment` adds to oned's. Raises FrontendError when it cannot be run.
    """
    uid, gid = frontend.ids()
    account = pwd.getpwuid(uid)
    ids: dict[str, Any] = {}
    if os.geteuid() == 0 and uid != 0:
        ids = {"user": uid, "group": gid, "extra_groups": list(groups_of(uid, gid))}
    try:
        # AnsibleModule.run_command has no time limit, no descriptors, and no account or session but the module's own.
        return subprocess.Popen(  # pylint: disable=ansible-bad-function
            list(command),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=tuple(pass_fds),
            cwd=frontend.location or "/",
            env={**_environment(frontend, account), **(environment or {})},
            umask=umask,
            # So that it outlives the connection by which Ansible came.
            start_new_session=True,
            **ids,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise FrontendError(f"Cannot run {' '.join(command)} as {account.pw_name}: {error}.") from error


def run_as_oned(
    frontend: Frontend, command: list[str], timeout: float, meanwhile: Callable[[], None] | None = None
) -> Ended:
    """Run a program to its end, and call `meanwhile` until then every now and then.

    Raises FrontendError when it cannot be run or does not end in time.
    """
    # A file, not a pipe: an oned that is started this way keeps the output open as long as it runs.
    output = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the result
    # OpenNebula's own programs make files for others as well, as they do when an administrator runs them.
    process = start_as_oned(frontend, command, stdout=output, stderr=output, umask=0o022)
    deadline = Deadline.after(timeout)
    try:
        while meanwhile and process.poll() is None and deadline.left:
            meanwhile()
            deadline.poll(POLL)
        return Ended(process.wait(deadline.left), output)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise FrontendError(f"{' '.join(command)} did not end within {timeout:g} s.") from None


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
