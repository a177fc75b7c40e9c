# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Check that plugins which run inside Ansible name the GPL. That each file names a licence is for `reuse lint`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADER_BYTES = 1024  # a header stands at the top, below at most a #! line
# REUSE-IgnoreStart
GPL = "SPDX-License-Identifier: GPL-3.0-or-later"
# REUSE-IgnoreEnd
# Plugins import Ansible's GPL code; module_utils and tests may be used elsewhere, hence BSD.
FOLDERS = ("modules", "action", "callback", "filter", "inventory", "doc_fragments")


def without_gpl(root: Path = ROOT) -> list[str]:
    """The plugins of these kinds that do not name the GPL, by their paths from `root`."""
    plugins = sorted(path for folder in FOLDERS for path in (root / "plugins" / folder).glob("**/*.py"))
    headers = {path: path.read_bytes()[:HEADER_BYTES].decode("utf-8", "replace") for path in plugins}
    return [str(path.relative_to(root)) for path, header in headers.items() if header and GPL not in header]


def main() -> int:
    found = without_gpl()
    print("\n".join(f"{path}: plugins of this kind are GPL" for path in found) or "Each plugin names the GPL.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
