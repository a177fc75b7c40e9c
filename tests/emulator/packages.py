# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Build Debian packages of the OpenNebula emulator and a repository of them; see README.md beside this file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from onedemu.debian import BuildError, build_repository  # noqa: E402
from onedemu.files import Settings  # noqa: E402
from onedemu.versions import RELEASES  # noqa: E402

PORT = 2633


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", dest="versions", action="append", choices=sorted(RELEASES), metavar="RELEASE",
                        help="release to be (default 7.4); can be given several times: all are in the repository")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="directory of the repository")
    options = parser.parse_args()
    releases = [RELEASES[name] for name in options.versions or ["7.4"]]
    settings = [Settings(each, "0.0.0.0", PORT, PORT + 1, None, "/usr/bin/python3") for each in releases]
    try:
        built = build_repository(settings, options.output)
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    codes = ", ".join(each.code for each in releases)
    print(f"{len(built)} packages of {codes} in {options.output}:", *(path.name for path in built))
    return 0


if __name__ == "__main__":
    sys.exit(main())
