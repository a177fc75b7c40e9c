# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``onedb``: versions, backups, restores, upgrades and checks of the database."""

from __future__ import annotations

import getopt
import getpass
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .. import client
from ..paths import Layout, current
from ..tools import lens, migrate
from ..tools.backend import Backend
from ..tools.errors import FAILURE, ToolError
from ..tools.fsck import Fsck
from ..tools.mysql import MysqlBackend
from ..tools.sqlite import SqliteBackend
from ..versions import Release
from .common import CommandError, credentials, endpoint

_PROBE_SECONDS = 15
_VALUED = {"-s": "sqlite", "-t": "type", "-S": "server", "-P": "port", "-u": "user", "-p": "passwd", "-d": "dbname",
           "-b": "backup", "--sqlite": "sqlite", "--type": "type", "--server": "server", "--port": "port",
           "--username": "user", "--password": "passwd", "--dbname": "dbname", "--encoding": "encoding",
           "--backup": "backup"}
_FLAGS = {"-f": "force", "--force": "force", "--federated": "federated", "-v": "verbose", "--verbose": "verbose",
          "--no-backup": "no_backup", "--dry": "dry", "-h": "help", "--help": "help", "-V": "version",
          "--version": "version"}
# Options of a connection, by the names of oned.conf.
_CONNECTION = {"server": "SERVER", "port": "PORT", "user": "USER", "passwd": "PASSWD", "dbname": "DB_NAME"}
_HELP = """## USAGE
onedb <command> [<args>] [<options>]

## COMMANDS
   * backup [<file>]
        Writes the database, or with --federated its shared tables, to a file
   * fsck
        Looks for contradictions, and repairs them; --dry only looks
   * history
        Lists the versions that the shared tables had
   * restore <file>
        Reads back what backup wrote
   * upgrade
        Brings the tables to the version of this release
   * version
        Shows the versions of the tables. Status 0: as required, 1: no database, 2: older, 3: newer, 255: else

## OPTIONS
     -v, --verbose  -f, --force  -b, --backup file  --no-backup  --federated  --dry
     -s, --sqlite file  -t, --type type  -S, --server host  -P, --port port
     -u, --username user  -p, --password pass  -d, --dbname dbname  --encoding charset
"""


@dataclass
class Onedb:
    """One call of the command."""

    layout: Layout
    release: Release
    options: dict[str, str]

    def flag(self, name: str) -> bool:
        return name in self.options

    def backend(self) -> Backend:
        """The database that the options name; without any, the one of oned.conf.

        :raises ToolError: if there is none.
        """
        found: dict[str, str] = dict(self.options)
        if "sqlite" in found:
            found["type"] = "sqlite"
        elif "type" not in found:
            # Any option of a connection means MySQL, and oned.conf is not asked for the rest.
            if set(_CONNECTION) & set(found):
                found["type"] = "mysql"
            else:
                found |= self._from_conf()
        kind = found.get("type")
        if kind == "sqlite":
            return SqliteBackend(found.get("sqlite", str(self.layout.database)), self.layout.var)
        if kind != "mysql":
            raise ToolError("DB BACKEND must be sqlite or mysql.")
        return MysqlBackend(self.layout.var, found.get("server"), found.get("port"), found.get("user"),
                            _password(found), found.get("dbname"), found.get("encoding"))

    def _from_conf(self) -> dict[str, str]:
        try:
            text = self.layout.conf.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return {}
        found = {}
        for name, key in {"type": "BACKEND", **_CONNECTION}.items():
            values = [value for section in lens.sections(text, "DB") or [] for one, value in section if one == key]
            if len(values) > 1:
                raise ToolError("Unable to parse oned.conf: too many matches for path expression")
            if values:
                found[name] = lens.clean(values[0])
        return found

    def check_stopped(self) -> None:
        """:raises ToolError: if oned has a lock, or anything answers where the client's commands would ask."""
        if os.path.exists(self._lock()):
            raise ToolError(f"First stop OpenNebula. Lock file found: {self._lock()}")
        try:
            session = credentials()
        except CommandError as error:
            raise ToolError(str(error)) from error
        # Not the address of this oned, but where the user's commands go: behind a floating address that is another
        # server, and a restore is refused for no reason.
        try:
            if client.call(endpoint(), "one.system.version", [session], _PROBE_SECONDS)[0]:
                raise ToolError(f"OpenNebula found listening on '{endpoint()}'")
        except client.CallError:
            return

    def _lock(self) -> str:
        return self.layout.lock.replace("//", "/")


def _password(found: dict[str, str]) -> str:
    """Of the options, of the environment, or asked for.

    :raises ToolError: if there is nobody to ask.
    """
    known = found.get("passwd") or os.environ.get("ONE_DB_PASSWORD")
    if known:
        return known
    if sys.stdin.isatty():
        return getpass.getpass("MySQL Password: ").strip()
    print("MySQL Password: ", end="", flush=True)
    line = sys.stdin.readline()
    if not line:
        raise ToolError("undefined method `strip' for nil:NilClass")
    return line.strip()


def main(arguments: list[str], release: Release) -> int:
    try:
        options, words = _parse(arguments)
    except getopt.GetoptError as error:
        sys.stderr.write(f"invalid option: {error.opt}\n")
        return FAILURE
    call = Onedb(current(), release, options)
    commands = {"version": version, "history": history, "backup": backup, "restore": restore, "upgrade": upgrade,
                "fsck": fsck}
    if "help" in options or not words:
        print(_HELP)
        return 0
    if "version" in options:
        print(release.banner)
        return 0
    if words[0] not in commands:
        sys.stderr.write(f"Command '{words[0]}' not found\n")
        print(_HELP)
        return 0
    try:
        return commands[words[0]](call, words[1:])
    except ToolError as error:
        sys.stdout.flush()
        sys.stderr.write(f"{error}\n")
        return error.status


def _parse(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    short = "".join(name[1] + (":" if name in _VALUED else "") for name in (*_VALUED, *_FLAGS) if len(name) == 2)
    long = [name[2:] + ("=" if name in _VALUED else "") for name in (*_VALUED, *_FLAGS) if name.startswith("--")]
    found, words = getopt.gnu_getopt(arguments, short, long)
    return {_VALUED.get(name) or _FLAGS[name]: value for name, value in found}, words


def _argument(words: list[str], command: str) -> str:
    if not words:
        raise ToolError(f"Command {command} requires one parameter to run")
    return words[0]


def version(call: Onedb, words: list[str]) -> int:
    found = call.backend().versions()
    release = call.release
    if call.flag("verbose"):
        for label, number, wanted, stamp, comment in (
                ("Shared tables version:   ", found.shared, release.shared, found.shared_time, found.shared_comment),
                ("Local tables version:    ", found.local, release.local, found.local_time, found.local_comment)):
            print(f"{label}{number}\nRequired version:        {wanted}\n"
                  f"Timestamp: {time.strftime('%m/%d %H:%M:%S', time.localtime(stamp))}\nComment:   {comment}\n")
        if found.is_slave:
            print("This database is a federation slave\n")
    else:
        print(f"Shared: {found.shared}\nLocal:  {found.local}\nRequired shared version: {release.shared}\n"
              f"Required local version:  {release.local}")
    if migrate.outdated(found, release):
        print(f"\nUpdate required. Expected DB version is:\nLocal:  {release.local}\nShared: {release.shared}")
        return 2
    if migrate.newer(found, release):
        print("\nWARNING: Source version is lower than DB version")
        return 3
    return 0


def history(call: Onedb, words: list[str]) -> int:
    for number, stamp, comment in call.backend().rows("SELECT version, timestamp, comment FROM db_versioning"):
        print(f"Version:   {number}\nTimestamp: {time.strftime('%m/%d %H:%M:%S', time.localtime(stamp))}\n"
              f"Comment:   {comment}\n")
    return 0


def backup(call: Onedb, words: list[str]) -> int:
    """Takes no notice of a running oned."""
    backend = call.backend()
    federated = call.flag("federated")
    target = words[0] if words else backend.backup_file(federated)
    if not call.flag("force") and Path(target).exists():
        raise ToolError(f"File {target} exists, backup aborted. Use -f to overwrite.")
    backend.backup(target, federated)
    return 0


def restore(call: Onedb, words: list[str]) -> int:
    source = _argument(words, "restore")
    backend = call.backend()
    if not Path(source).exists():
        raise ToolError(f"File {source} doesn't exist, backup restoration aborted.")
    call.check_stopped()
    backend.restore(source, call.flag("force"), call.flag("federated"))
    return 0


def upgrade(call: Onedb, words: list[str]) -> int:
    backend = call.backend()
    call.check_stopped()
    return migrate.upgrade(backend, call.layout, call.release, call.flag("verbose"), call.options.get("backup"),
                           call.flag("no_backup"), call.flag("force"))


def fsck(call: Onedb, words: list[str]) -> int:
    backend = call.backend()
    found = backend.versions()
    if call.flag("verbose"):
        migrate.show_versions(found)
        print()
    dry = call.flag("dry")
    if not dry:
        call.check_stopped()
    release = call.release
    if (found.shared, found.local) != (release.shared, release.local):
        raise ToolError(f"Version mismatch: fsck file is for version\nShared: {release.shared}, Local: "
                        f"{release.local}\n\nCurrent database is version\nShared: {found.shared}, Local: "
                        f"{found.local}\n")
    if not dry:
        target = call.options.get("backup") or backend.backup_file(False)
        if Path(target).exists() and not call.flag("force"):
            raise ToolError(f"File {target} exists, backup aborted. Use -f to overwrite.")
        backend.backup(target, False)
    connection = backend.connect()
    try:
        errors = Fsck(connection, found.is_slave, dry, Path(call.layout.log) / "onedb-fsck.log").run()
    finally:
        connection.close()
    return 1 if errors and release.since("7.2") else 0
