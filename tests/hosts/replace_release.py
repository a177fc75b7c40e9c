# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Runs on a host: OpenNebula's files are replaced by those of another release, as packages would replace them.

python3 replace_release.py VERSION takes the newest /srv/releases/VERSION*.tar.gz. Prints what it did, nothing where the
release is there already. Configuration that was changed stays, with the release's own beside it as .dpkg-dist.
"""

from __future__ import annotations

import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ARCHIVES = Path("/srv/releases")
CONF = "etc/one"
TREES = ("usr/lib/one", "usr/share/one", "var/lib/one/remotes", "usr/local/lib/site_ruby")
# Of remotes the operator's part stays.
KEPT = {"var/lib/one/remotes": "/etc"}
FILES = (
    *("usr/bin/one*", "usr/bin/mm_sched", "usr/bin/*-server", "usr/share/augeas/lenses/oned.aug"),
    *("usr/lib/systemd/system/opennebula*", "usr/lib/tmpfiles.d/opennebula*", "etc/sudoers.d/opennebula*"),
    *("etc/logrotate.d/opennebula*", "usr/lib/ruby/vendor_ruby/*opennebula*"),
)


def installed() -> str:
    """The release that is there, such as 7.0.2."""
    return subprocess.run(["oned", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]


def archive(version: str) -> Path:
    """The newest of that release, of which the first parts may be given, as packages are asked for."""
    wanted = version.rstrip("*-.")
    found = [path for path in ARCHIVES.glob("*.tar.gz") if f"{path.name}.".startswith(f"{wanted}.")]
    if not found:
        sys.exit(f"No release {wanted} in {ARCHIVES}: {', '.join(path.name for path in ARCHIVES.iterdir())}")
    return max(found, key=lambda path: [int(part) for part in path.name.removesuffix(".tar.gz").split(".")])


def replace(new: Path) -> None:
    """All programs, and what they load."""
    for tree in TREES:
        kept = [f"--exclude={KEPT[tree]}"] if tree in KEPT else []
        if (new / tree).exists():
            subprocess.run(["rsync", "-a", "--delete", *kept, f"{new / tree}/", f"/{tree}/"], check=True)
    for pattern in FILES:
        for old in Path("/").glob(pattern):
            if not (new / old.relative_to("/")).exists() and not (new / old.relative_to("/")).is_symlink():
                old.unlink() if not old.is_dir() else None
        for path in new.glob(pattern):
            target = Path("/") / path.relative_to(new)
            target.unlink(missing_ok=True)
            subprocess.run(["cp", "-a", str(path), str(target)], check=True)


def configure(old: Path, new: Path) -> None:
    """As dpkg: files that nobody changed are replaced, new ones added, changed ones kept."""
    for path in sorted((new / CONF).rglob("*")):
        name = path.relative_to(new)
        mine = Path("/") / name
        if path.is_dir():
            if not mine.exists():
                mine.mkdir()
                shutil.copystat(path, mine)
                subprocess.run(["chown", "--reference", str(path), str(mine)], check=True)
            continue
        stock = old / name
        unchanged = not mine.exists() or (stock.exists() and filecmp.cmp(mine, stock, shallow=False))
        if mine.exists() and filecmp.cmp(mine, path, shallow=False):
            continue
        target = mine if unchanged else mine.with_name(f"{mine.name}.dpkg-dist")
        subprocess.run(["cp", "-a", str(path), str(target)], check=True)


def main() -> None:
    wanted, before = archive(sys.argv[1]), installed()
    if f"{before}.tar.gz" == wanted.name:
        return
    with tempfile.TemporaryDirectory(dir=ARCHIVES) as folder:
        old, new = Path(folder, "old"), Path(folder, "new")
        for source, target in ((archive(before), old), (wanted, new)):
            target.mkdir()
            subprocess.run(["tar", "-xzpf", str(source), "-C", str(target)], check=True)
        replace(new)
        configure(old, new)
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    print(f"{before} -> {installed()}")


if __name__ == "__main__":
    main()
