# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Check that what runs inside Ansible, and each test that imports it, names the GPL, as Ansible asks of collections.

That each file names a licence is for `reuse lint`.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADER_BYTES = 1024  # a header stands at the top, below at most a #! line
# REUSE-IgnoreStart
GPL = "SPDX-License-Identifier: GPL-3.0-or-later"
# REUSE-IgnoreEnd
# Plugins import Ansible's GPL code; module_utils may be used elsewhere, hence BSD.
FOLDERS = ("modules", "action", "callback", "filter", "inventory", "doc_fragments", "plugin_utils")
# Code of Ansible or of these folders, but for module_utils.
_IMPORT = re.compile(
    r"^\s*(?:from|import) (?:ansible\.(?!module_utils)|ansible(?= import)|"
    r"ansible_collections\.onefed\.opennebula\.plugins(?!\.module_utils)\b)",
    re.MULTILINE,
)


def without_gpl(root: Path = ROOT) -> list[str]:
    """The plugins of these kinds that do not name the GPL, and tests that import them, by their paths from `root`."""
    plugins = sorted(path for folder in FOLDERS for path in (root / "plugins" / folder).glob("**/*.py"))
    tests = [path for path in sorted((root / "tests").glob("**/*.py")) if _IMPORT.search(path.read_text("utf-8"))]
    headers = {path: path.read_bytes()[:HEADER_BYTES].decode("utf-8", "replace") for path in (*plugins, *tests)}
    return [str(path.relative_to(root)) for path, header in headers.items() if header and GPL not in header]


def main() -> int:
    found = without_gpl()
    told = "\n".join(f"{path}: plugins of this kind, and tests that import them, are GPL" for path in found)
    print(told or "Each plugin, and each test that imports one, names the GPL.")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
