# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Running commands of this machine, and where hosts are kept."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LABS = ROOT / ".cache" / "hosts" / "labs"  # of this checkout, wherever its images are


class HostsError(Exception):
    """Something about the hosts did not work; the text tells what was tried and what was answered."""


def cache() -> Path:
    """Where images are kept: $ONEFED_CACHE, else below the checkout. Several checkouts may share them."""
    return Path(os.environ.get("ONEFED_CACHE") or ROOT / ".cache" / "hosts").resolve()


def run(
    argv: Sequence[object],
    *,
    check: bool = True,
    stdin: str = "",
    timeout: float = 600,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; its output is returned, and told by the HostsError if `check` and it failed."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env={**os.environ, **(environment or {})},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise HostsError(f"{' '.join(words)} did not end within {timeout:.0f} s") from error
    if check and done.returncode:
        said = (done.stdout + done.stderr).strip()[-3000:]
        raise HostsError(f"{' '.join(words)} ended with {done.returncode}: {said}")
    return done
