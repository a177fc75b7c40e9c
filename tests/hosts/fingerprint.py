# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Runs on a host: prints what a plan must not change, one line for each thing.

Files with owner, mode and digest; which daemons run, since when, and whether they start at boot; the databases' content
but for what a running oned writes by itself.
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from pathlib import Path

# Not all of /var/lib/one: a real oned goes on making folders of datastores after its start.
TREES = ("/etc/one", "/var/lib/one/.one", "/var/lib/onefed", "/etc/apt", "/etc/mysql", "/etc/sudoers.d")
UNITS = ("opennebula", "mariadb", "ssh")


def files() -> dict[str, str]:
    found = {}
    for tree in TREES:
        for directory, names, file_names in os.walk(tree):
            for name in (".", *names, *file_names):
                path = Path(directory) / name
                status = path.lstat()
                text = f"{stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid}"
                if stat.S_ISREG(status.st_mode):
                    text += f" {hashlib.sha256(path.read_bytes()).hexdigest()}"
                found[str(path)] = text
    return found


def output(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def units() -> dict[str, str]:
    properties = "--property=ActiveState,MainPID,ExecMainStartTimestampMonotonic,UnitFileState"
    return {unit: " ".join(output("systemctl", "show", properties, unit).split()) for unit in UNITS}


def databases() -> dict[str, str]:
    tables = ("user_pool", "group_pool", "zone_pool", "acl", "vdc_pool", "pool_control", "local_db_versioning")
    if Path("/var/lib/one/one.db").exists():
        dumps = {table: output("sqlite3", "-readonly", "/var/lib/one/one.db", f".dump {table}") for table in tables}
    else:
        dumps = {table: output("mariadb-dump", "--skip-comments", "--compact", "opennebula", table) for table in tables}
    return {table: hashlib.sha256(text.encode()).hexdigest() if text else "none" for table, text in dumps.items()}


if __name__ == "__main__":
    for kind in (files(), units(), databases()):
        print("\n".join(f"{name}: {state}" for name, state in sorted(kind.items())))
