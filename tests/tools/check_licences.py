# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Check that each file names its licence, and that plugins which run inside Ansible name the GPL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADER_BYTES = 1024  # a header stands at the top, below at most a #! line
TAG = "SPDX-License-Identifier: "
GPL = "GPL-3.0-or-later"
# Plugins import Ansible's GPL code; module_utils and tests may be used elsewhere, hence BSD.
GPL_FOLDERS = ("modules", "action", "filter", "inventory", "doc_fragments")
# Texts, and files that cannot hold a comment or are written by a tool.
EXEMPT_NAMES = {".gitignore", "COPYING", "CHANGELOG.md", "changelog.yaml"}
EXEMPT_SUFFIXES = {".md", ".json", ".svg", ".png", ".conf", ".sql", ".xml", ".txt", ".db", ".in"}


def files() -> list[Path]:
    """What git knows, and what is new and not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def complaint(path: Path) -> str | None:
    parts = path.relative_to(ROOT).parts
    if path.name in EXEMPT_NAMES or path.suffix in EXEMPT_SUFFIXES or parts[0] == "LICENSES" or not path.stat().st_size:
        return None
    header = path.read_bytes()[:HEADER_BYTES].decode("utf-8", "replace")
    if TAG not in header:
        return f"no line '{TAG}…' at its top"
    if parts[0] == "plugins" and parts[1] in GPL_FOLDERS and TAG + GPL not in header:
        return f"plugins of this kind are {GPL}"
    return None


def main() -> int:
    complaints = [f"{path.relative_to(ROOT)}: {text}" for path in files() if (text := complaint(path))]
    print("\n".join(complaints) or "Each file names its licence.")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
