# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""OpenNebula's package repository as a host sees it: the emulator's packages in its shape, signed with a new key.

python -m tests.hosts.repository DIRECTORY [RELEASE …] makes DIRECTORY/packages and DIRECTORY/key.asc.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from . import opennebula
from .commands import ROOT, HostsError, run


def missing() -> str | None:
    """Why no repository can be made here, None if it can."""
    absent = [name for name in ("dpkg-deb", "gpg", "gpg-agent") if not shutil.which(name)]
    return f"a package repository needs {', '.join(absent)}: apt-get install dpkg gpg gpg-agent" if absent else None


def make(directory: Path, *versions: str) -> None:
    """Make it anew, of one release (the usual one) or several, with a key that is good for this time only."""
    packages = directory / "packages"
    shutil.rmtree(packages, ignore_errors=True)
    words = [f"--version={version}" for version in versions or (opennebula.VERSION,)]
    run([sys.executable, ROOT / "tests/emulator/packages.py", *words, "--output", packages])
    release = packages / "dists/stable/Release"
    # Short: below it is the socket of gpg's agent, whose path has 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="gpg-") as home:
        gpg = ["gpg", "--homedir", home, "--batch", "--yes", "--quiet"]
        try:
            run([*gpg, "--passphrase", "", "--quick-gen-key", "repository@example.org", "ed25519", "sign", "never"])
            run([*gpg, "--clearsign", "--output", release.with_name("InRelease"), release])
            run([*gpg, "--armor", "--yes", "--output", directory / "key.asc", "--export"])
        finally:
            run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=False)


if __name__ == "__main__":
    reason = missing()
    if reason:
        sys.exit(reason)
    try:
        make(Path(sys.argv[1]), *sys.argv[2:])
    except HostsError as error:
        sys.exit(str(error))
