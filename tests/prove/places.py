# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Where secrets belong on a host, all that was written beside that, and the secrets themselves."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.hosts.federation import Zone
from tests.hosts.host import Host
from tests.prove.processes import Seen

TEMPORARY = ("tmp", "run", "dev/shm")  # file systems of their own on a host, in its memory
# In user_pool: hashes of passwords, and tokens that stand for one.
_HASH = re.compile(r"<(PASSWORD|TOKEN_PASSWORD|TOKEN)>(?:<!\[CDATA\[)?(.+?)(?:\]\]>)?</\1>")
_NAME = re.compile(r"<NAME>(?:<!\[CDATA\[)?(.+?)(?:\]\]>)?</NAME>")


@dataclass(frozen=True)
class Home:
    """Files that may hold secrets as long as they belong to these accounts and have no more than this mode."""

    path: re.Pattern[str]
    owners: tuple[str, ...]
    groups: tuple[str, ...]
    mode: int


HOMES = (
    Home(re.compile(r"/etc/one/oned\.conf[^/]*"), ("root", "oneadmin"), ("oneadmin",), 0o640),
    Home(re.compile(r"/var/lib/one/\.one/[^/]+"), ("oneadmin",), ("oneadmin",), 0o600),
    # Ours: journal, backups, the snapshot to undo a join with.
    Home(re.compile(r"/var/lib/onefed/.+"), ("root",), ("root",), 0o600),
    Home(re.compile(r"/var/lib/one/one\.db(-journal|-wal|-shm)?"), ("oneadmin",), ("oneadmin",), 0o640),
    Home(re.compile(r"/var/lib/mysql/.+"), ("mysql",), ("mysql",), 0o660),
)


def secrets(zone: Zone) -> dict[str, str]:
    """The secrets of a front-end as they are now, by names that do not tell them."""
    host = zone.host
    found = {
        f"oneadmin's first password on {host.name}": host.spec.password,
        f"database password of {host.name}": host.spec.database_password,
    }
    for path in sorted((host.root / "var/lib/one/.one").iterdir()):
        content = path.read_text(encoding="utf-8").strip()
        user, colon, password = content.partition(":")
        found[f"{path.name} of {host.name}"] = password if colon and path.name.endswith("_auth") else content
    for (body,) in zone.rows("SELECT body FROM user_pool ORDER BY oid"):
        account = _NAME.search(body)
        for kind, value in _HASH.findall(body):
            found[f"{kind} of {account and account[1]} in the database of {host.name}"] = value
    return {name: secret for name, secret in found.items() if secret}


def written(host: Host, since: float) -> Iterator[Seen]:
    """Every file of the host that changed since then (epoch) unless secrets belong there, and its journal."""
    accounts, groups = _names(host.root / "etc/passwd"), _names(host.root / "etc/group")
    leader = host.machine.leader()
    assert leader, f"{host.name} is off"
    inside = Path(f"/proc/{leader}/root")
    for top, shown in [(host.root, Path("/"))] + [(inside / name, Path("/") / name) for name in TEMPORARY]:
        for path, status in files(top, since):
            name = str(shown / path.relative_to(top))
            owner, group = accounts.get(status.st_uid, "?"), groups.get(status.st_gid, "?")
            mode = stat.S_IMODE(status.st_mode)
            if not at_home(name, owner, group, mode):
                with contextlib.suppress(FileNotFoundError):
                    yield Seen(f"{host.name}:{name} ({owner}:{group} {mode:04o})", path.read_bytes())
    journal = host.exec(["journalctl", "--no-pager", "--output=export"]).stdout
    yield Seen(f"journal of {host.name}", journal.encode("utf-8", "surrogateescape"))


def at_home(path: str, owner: str, group: str, mode: int) -> bool:
    """Whether a file may hold secrets."""
    return any(
        home.path.fullmatch(path) and owner in home.owners and group in home.groups and not mode & ~home.mode
        for home in HOMES
    )


def files(top: Path, since: float) -> Iterator[tuple[Path, os.stat_result]]:
    """Regular files on the file system of `top` whose content, name or mode changed since then."""
    device = os.stat(top).st_dev
    for folder, folders, names in os.walk(top):
        with contextlib.suppress(FileNotFoundError):
            folders[:] = [name for name in folders if os.lstat(f"{folder}/{name}").st_dev == device]
        for name in names:
            path = Path(folder, name)
            with contextlib.suppress(FileNotFoundError):
                status = path.lstat()
                if stat.S_ISREG(status.st_mode) and status.st_ctime >= since:
                    yield path, status


def on_controller(folders: Iterable[Path], since: float) -> Iterator[Seen]:
    """Every file below these directories of this computer that changed since then."""
    for top in folders:
        for path, status in files(top, since):
            with contextlib.suppress(OSError):  # of another user of this computer, who removed it meanwhile
                yield Seen(f"controller:{path} ({stat.S_IMODE(status.st_mode):04o})", path.read_bytes())


def _names(path: Path) -> dict[int, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {int(line.split(":")[2]): line.split(":")[0] for line in lines if line.count(":") > 1}
