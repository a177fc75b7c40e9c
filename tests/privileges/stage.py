# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A front-end as packages lay it out, in a mount namespace of its own, with canaries of root's beside it.

Nothing of this machine is changed: /etc is a copy; /var/lib, /var/log and /usr/local/share are empty.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from tests.tools import mariadb
from tests.unit.plugins.one_schema import BOOTSTRAP, SCHEMA

UID = GID = 64990
ETC, VAR, LOG = Path("/etc/one"), Path("/var/lib/one"), Path("/var/log/one")
# In /var/lib/one in earlier releases; the test must see both.
STATES = (Path("/var/lib/onefed"), VAR / "onefed")
BACKUPS = VAR / "backups"
# A configuration file in a folder of oned's account, and what module oned_conf would call backups of it and oned.conf.
OWN_CONF = BACKUPS / "own.conf"
CONF_BACKUPS = tuple(path.with_name(f"{path.name}.20250401T120000Z") for path in (ETC / "oned.conf", OWN_CONF))
RAN = VAR / "ran"
PORT = 2633
# Nobody but root may read it, as a password file, or enter it; and one in which root's programs look for orders.
SECRET_TEXT = "canary:CANARY-SECRET"
CANARIES = Path("/etc/canary")
SECRET, CLOSED, ORDERS = CANARIES / "secret", CANARIES / "closed", CANARIES / "orders.d"
_SQLITE = 'DB = [ BACKEND = "sqlite" ]'
_CONF = f"""PORT = {PORT}
LISTEN_ADDRESS = "127.0.0.1"
{_SQLITE}
FEDERATION = [ MODE = "SLAVE", ZONE_ID = 100, SERVER_ID = -1, MASTER_ONED = "http://127.0.0.1:{PORT}/RPC2" ]
"""
_SYSTEMCTL = """#!/bin/sh
# No unit runs here. A block of properties for each unit, as systemctl shows them.
[ "$1" = show ] || exit 0
properties=$3; shift 3
for unit in "$@"; do
    echo "Id=$unit"
    for name in $(echo "$properties" | tr , ' '); do
        case $name in
            Id) ;;
            LoadState) echo LoadState=loaded;;
            ActiveState) echo ActiveState=inactive;;
            SubState) echo SubState=dead;;
            MainPID) echo MainPID=0;;
            *) echo "$name=";;
        esac
    done
    echo
done
"""
_TABLES = f"""{SCHEMA}
{BOOTSTRAP.format(now=1700000000)}
INSERT INTO zone_pool VALUES (100, 'paris', '<ZONE><ID>100</ID><NAME>paris</NAME></ZONE>', 0, 0, 1, 0, 0);
INSERT INTO logdb (log_index, term, sqlcmd, timestamp, fed_index, applied)
    VALUES (1, 0, 'eJwDAAAAAAE=', 1700000000, 1, '1');
"""
# All in one file, as the distribution's program does; that takes a second, and every turn runs it.
_STORE = """#!/bin/sh
cat /usr/local/share/ca-certificates/*.crt >/etc/ssl/certs/ca-certificates.crt 2>/dev/null || true
"""
# Link to what OpenNebula's tool for the configuration lays into its work; without it the tool does what it is for.
LURE = VAR / "lure"
NOTE = Path("/etc/onecfg.conf")
_ONECFG = f"""#!/bin/sh
# onecfg status | onecfg upgrade --unprivileged --prefix ROOT
id -u >> {RAN}
if [ "$1" = status ]; then
    echo '--- Versions'; echo '- from 7.0.0 to 7.4.0'; exit 1
fi
echo 'GRPC_PORT = 2634' >> "$4/etc/one/oned.conf"
echo 'X = 2' > "$4/etc/one/new.conf"
case $(readlink {LURE}) in
{CLOSED}) rm -r "$4/etc/one"; ln -s {CLOSED} "$4/etc/one";;
{SECRET}) ln -sf {SECRET} "$4/etc/one/monitord.conf"; rm -r "$4/var/lib/one/remotes"; ln -s / "$4/var/lib/one/remotes";;
{ORDERS}) ln -sf {SECRET} "$ONECFG_ETC_DIR/onecfg.conf";;
esac
"""
# Whatever runs it leaves its account.
_HOOK = f"#!/bin/sh\nid -u >> {RAN}\n"


def build(folder: Path) -> None:
    """Lay everything out below `folder` and mount it where it belongs. For the first process of the namespaces."""
    _run("ip", "link", "set", "lo", "up")
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(folder))
    shutil.copytree("/etc", folder / "etc", symlinks=True, ignore_dangling_symlinks=True)
    places = {"etc": "/etc", "lib": "/var/lib", "log": "/var/log", "share": "/usr/local/share"}
    for name, place in places.items():
        (folder / name).mkdir(mode=0o755, exist_ok=True)
        _run("mount", "--bind", str(folder / name), place)
    with Path("/etc/passwd").open("a", encoding="ascii") as file:
        file.write(f"oneadmin:x:{UID}:{GID}::{VAR}:/bin/sh\n")
    with Path("/etc/group").open("a", encoding="ascii") as file:
        file.write(f"oneadmin:x:{GID}:\n")
    (folder / "bin").mkdir()
    program(folder / "bin" / "systemctl", _SYSTEMCTL)
    program(folder / "bin" / "update-ca-certificates", _STORE)
    os.environ["PATH"] = f"{folder / 'bin'}:{os.environ['PATH']}"
    (folder / "opennebula").mkdir()
    program(folder / "opennebula" / "onecfg", _ONECFG)
    _run("mount", "-t", "overlay", "-o", f"lowerdir={folder / 'opennebula'}:/usr/bin", "overlay", "/usr/bin")
    _database(folder / "one.db")
    CANARIES.mkdir()
    SECRET.write_text(f"{SECRET_TEXT}\n", encoding="ascii")
    SECRET.chmod(0o600)
    CLOSED.mkdir(mode=0o700)
    (CLOSED / "inside").write_text(f"{SECRET_TEXT}\n", encoding="ascii")
    (CLOSED / "inside").chmod(0o600)
    ORDERS.mkdir(mode=0o755)


def reset(folder: Path, server: mariadb.Server | None = None) -> None:
    """Make the front-end what it was, whatever was done to it; its database is on `server` if there is one."""
    for path in (ETC, VAR, LOG, *STATES):
        shutil.rmtree(path, ignore_errors=True)
    ETC.mkdir(mode=0o750)
    conf = _CONF.replace(_SQLITE, _on(server)) if server else _CONF
    for name, text in (("oned.conf", conf), ("fireedge-server.conf", "port: 2616\n"), ("monitord.conf", "X = 1\n")):
        (ETC / name).write_text(text, encoding="ascii")
        (ETC / name).chmod(0o640)
    CONF_BACKUPS[0].write_text(f"{conf}X = 2\n", encoding="ascii")
    CONF_BACKUPS[0].chmod(0o640)
    for path in (ETC, *ETC.iterdir()):
        os.chown(path, 0, GID)
    NOTE.write_text("---\nversion: 7.0.0\n", encoding="ascii")
    hooks = VAR / "remotes" / "hooks" / "raft"
    hooks.mkdir(parents=True)
    for path in (VAR / ".one", VAR / ".ssh", BACKUPS, LOG):
        path.mkdir(mode=0o700)
    shutil.copyfile(folder / "one.db", VAR / "one.db")
    OWN_CONF.write_text("X = 1\n", encoding="ascii")
    CONF_BACKUPS[1].write_text("X = 2\n", encoding="ascii")
    for name, content in (("one_auth", "oneadmin:own"), ("sunstone_auth", "serveradmin:own"), ("one_key", "key")):
        (VAR / ".one" / name).write_text(f"{content}\n", encoding="ascii")
        (VAR / ".one" / name).chmod(0o600)
    (VAR / ".ssh" / "authorized_keys").write_text("ssh-ed25519 AAAA oneadmin\n", encoding="ascii")
    (LOG / "oned.log").write_text("started\n", encoding="ascii")
    program(hooks / "vip.sh", _HOOK)
    for top in (VAR, LOG):
        for path in (top, *top.rglob("*")):
            os.chown(path, UID, GID, follow_symlinks=False)


def _on(server: mariadb.Server) -> str:
    """Give the server a new database of OpenNebula's, and say so as oned.conf does."""
    server.execute("DROP DATABASE IF EXISTS opennebula")
    server.create("opennebula", "oneadmin", "database-secret")
    connection = server.admin(database="opennebula", charset="utf8mb4")
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("SET sql_mode = 'PIPES_AS_CONCAT'")
        for statement in _TABLES.split(";\n"):
            if statement.strip():
                cursor.execute(statement)
    keys = f'SERVER = "127.0.0.1", PORT = {server.port}, USER = "oneadmin", PASSWD = "database-secret"'
    return f'DB = [ BACKEND = "mysql", {keys}, DB_NAME = "opennebula" ]'


def program(path: Path, text: str) -> None:
    path.write_text(text, encoding="ascii")
    path.chmod(0o755)


def _database(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(_TABLES)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
