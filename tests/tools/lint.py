# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Run every linter, each whether or not the one before it was content. `make test-lint` calls it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Under its full name, so that its modules have one name wherever they are imported from.
COLLECTION = ".build/ansible_collections/onefed/opennebula"
LINTERS = {
    "ruff": ["ruff", "check", "."],
    "mypy": ["mypy", f"{COLLECTION}/plugins", "tests", "extensions"],
    "mypy of plugins": ["mypy", "--strict", f"{COLLECTION}/plugins"],
    "yamllint": ["yamllint", "--strict", "."],
    "ansible-lint": ["ansible-lint", "--offline", "--nocolor", "--strict", "--profile", "production"],
    "antsibull-docs": ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "."],
    "antsibull-changelog": ["antsibull-changelog", "lint"],
    "licences": ["reuse", "lint"],
    "licence of plugins": [sys.executable, "tests/tools/check_licences.py"],
}


def main() -> int:
    failed = []
    for name, command in LINTERS.items():
        print(f"--- {name}", flush=True)
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"Not content: {', '.join(failed)}")
    print(f"{len(LINTERS) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
