# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The programs of MariaDB and MySQL that copy and load databases: as oned's account, told nothing by anybody else."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence

from .._errors import DatabaseError
from .._frontend.layout import Frontend
from .._frontend.run_as import Stream, start_as_oned
from .login import Login

PATH = "/usr/local/bin:/usr/bin:/bin"
# Nobody's home: MySQL's programs take a login from ~/.mylogin.cnf whatever they are told.
ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
# By whether the server is MariaDB. Its own kind first: the other's works, but knows less.
DUMPERS = {True: ("mariadb-dump", "mysqldump"), False: ("mysqldump", "mariadb-dump")}
CLIENTS = {True: ("mariadb", "mysql"), False: ("mysql", "mariadb")}
# Where the programs' own plugins lie: Debian's and Ubuntu's MariaDB, that of the RHEL family, MySQL's.
_PLUGINS = ("/usr/lib/*/libmariadb3/plugin", "/usr/lib*/mariadb/plugin", "/usr/lib*/mysql/plugin")
_METHODS = ("caching_sha2_password", "client_ed25519", "sha256_password", "mysql_native_password")


def first_program(names: Sequence[str]) -> str | None:
    """Path of the first of these that is on this host."""
    found = (shutil.which(name, path=PATH) for name in names)
    return next((path for path in found if path), None)


def require_program(names: Sequence[str], verb: str, is_mariadb: bool) -> str:
    """Path of the first of these that is on this host. Raises DatabaseError that it cannot `verb` without."""
    found = first_program(names)
    if found:
        return found
    package = "mariadb-client" if is_mariadb else "mysql-client"
    raise DatabaseError(
        f"Cannot {verb} the database: neither {' nor '.join(names)} is on this host. Install the package {package} "
        f"({'mariadb' if is_mariadb else 'mysql'} in the RHEL family)."
    )


@contextlib.contextmanager
def started(
    frontend: Frontend,
    login: Login,
    command: Sequence[str],
    *,
    stdin: Stream = subprocess.DEVNULL,
    stdout: Stream = subprocess.DEVNULL,
    stderr: Stream = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, `command` being its path and options, that logs in to the database; killed at the block's end.

    Its option file has no name, so that nobody can put another in its place, and the program reads no other.
    """
    program, *options = command
    with _option_file(frontend, login) as descriptor:
        process = start_as_oned(
            frontend,
            [program, f"--defaults-file=/dev/fd/{descriptor}", *options, "--", login.name],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=[descriptor],
            environment=ENVIRONMENT,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    # What was not taken by a program that ended is of no use.
                    with contextlib.suppress(BrokenPipeError):
                        stream.close()


@contextlib.contextmanager
def _option_file(frontend: Frontend, login: Login) -> Iterator[int]:
    """Descriptor of an option file for oned's account alone, which opens it anew as /dev/fd/N."""
    descriptor = os.memfd_create("options")
    try:
        with os.fdopen(os.dup(descriptor), "wb") as stream, contextlib.ExitStack() as kept:
            stream.write(login.option_file() + kept.enter_context(_methods(login)))
            stream.flush()
            # The programs pass over a file that others may write to, as an anonymous one is at first.
            os.fchmod(descriptor, 0o400)
            if os.geteuid() == 0:
                os.fchown(descriptor, *frontend.ids())
            yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _methods(login: Login) -> Iterator[bytes]:
    """The option that confines a program to methods of logging in that keep the password to themselves.

    Those of MariaDB send it in clear text to any server that asks for that, by a plugin. Nobody but who runs it listens
    on a socket of this host, so any will do there.
    """
    if login.unix_socket:
        yield b""
        return
    with tempfile.TemporaryDirectory(prefix="onefed-") as folder:
        for name in _METHODS:
            for found in (path for pattern in _PLUGINS for path in glob.glob(f"{pattern}/{name}.so")):
                with contextlib.suppress(FileExistsError):
                    os.symlink(found, f"{folder}/{name}.so")
        os.chmod(folder, 0o755)
        yield b"plugin-dir=%s\n" % os.fsencode(folder)
