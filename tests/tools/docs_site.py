# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Build the documentation site, see `make docs`: pages of docs/, and one for each plugin and role.

A warning is an error.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.tools import own_tools

ROOT = Path(__file__).resolve().parents[2]
DOCS, PLACE = ROOT / "docs", ROOT / ".cache" / "docs"
# Pages that antsibull-docs writes; Git ignores them.
REFERENCE = DOCS / "reference"
COLLECTION = "onefed.opennebula"
CONTENTS = re.compile(r"^\.\. contents::\n(?: +:.*\n)+", re.MULTILINE)


def install() -> Path:
    """The folder of the site's own tools."""
    return own_tools.install(DOCS / "requirements.txt", PLACE)


def build(tools: Path) -> Path:
    """The site's folder. Raises CalledProcessError for a page that is wrong."""
    environment = {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build"),
    }
    shutil.rmtree(REFERENCE, ignore_errors=True)
    REFERENCE.mkdir()
    shape = ("--squash-hierarchy", "--fail-on-error", "--no-add-antsibull-docs-version")
    plugins = ["antsibull-docs", "collection", "--use-current", *shape, "--dest-dir", str(REFERENCE), COLLECTION]
    subprocess.run(plugins, cwd=ROOT, env=environment, check=True)
    suit_the_theme()
    site = PLACE / "html"
    shutil.rmtree(site, ignore_errors=True)
    pages = ["sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "-d", str(PLACE / "doctrees")]
    subprocess.run([*pages, str(DOCS), str(site)], cwd=ROOT, env=environment, check=True)
    return site


def suit_the_theme() -> None:
    """Take out the contents that antsibull-docs writes into pages: Furo has its own and shows these as an error. And
    give titles the dash that they have two hyphens for.
    """
    for page in REFERENCE.glob("*.rst"):
        text = page.read_text(encoding="utf-8")
        page.write_text(CONTENTS.sub("", text).replace(" -- ", " – ", 1), encoding="utf-8")


def main() -> int:
    try:
        site = build(install())
    except subprocess.CalledProcessError as error:
        print(f"The site could not be built: {Path(error.cmd[0]).name} ended with {error.returncode}.", file=sys.stderr)
        return 1
    print(f"The site is built: {site.relative_to(ROOT)}/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
