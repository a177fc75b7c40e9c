# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Draw what the first run on a fresh demo prints, see `make picture-of-run`: docs/images/run.svg.

It is drawn as text, so that it can be read at any size, selected, and looked through by a screen reader.
"""

from __future__ import annotations

import re
import subprocess
import sys
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "images" / "run.svg"
COMMAND, NEXT = "== ansible-playbook", "== A new user"
HEADINGS = ("$ ", "ZONE ", "Zones ", "Recap", "The federation is")
ESCAPES = re.compile(r"\x1b\[[\d;]*m")
# What stands out: by weight, and by a colour that has the contrast of text on both grounds.
PLAIN, CHANGED, PLANNED, HEADING = "plain", "changed", "planned", "heading"
LINE_HEIGHT, CHARACTER, MARGIN, SIZE = 18, 7.85, 16, 13
STYLE = """
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; }
.ground { fill: #fbfbfa; stroke: #c9c9c4; } .plain { fill: #24292f; } .heading { fill: #24292f; font-weight: bold; }
.changed { fill: #7a4b00; } .planned { fill: #0b5c3b; }
@media (prefers-color-scheme: dark) {
  .ground { fill: #16181b; stroke: #3a3e44; } .plain { fill: #d6d9dd; } .heading { fill: #ffffff; }
  .changed { fill: #f0b75a; } .planned { fill: #6fd3a0; }
}
"""


def lines_of_run(printed: str, root: Path = ROOT) -> list[str]:
    """The lines of `make demo` from the command to the summary's end. Paths of this machine become an operator's."""
    lines = [line.rstrip() for line in ESCAPES.sub("", printed).splitlines()]
    begin = next(number for number, line in enumerate(lines) if line.startswith(COMMAND))
    end = next(number for number, line in enumerate(lines) if line.startswith(NEXT))
    shown = "\n".join(["$ " + lines[begin].removeprefix("== "), *lines[begin + 1 : end]]).rstrip()
    return shown.replace(f"{root}/", "").splitlines()


def kind(line: str) -> str:
    """How a line is shown."""
    if line.startswith("  ~ "):
        return PLANNED
    if ": changed, " in line:
        return CHANGED
    if line.startswith(HEADINGS) or re.match(r"[\d:]{8}  \S", line):
        return HEADING
    return PLAIN


def draw(lines: list[str]) -> str:
    """The picture."""
    width = round(2 * MARGIN + CHARACTER * max(map(len, lines)))
    height = 2 * MARGIN + LINE_HEIGHT * len(lines)
    text = [
        f'<text class="{kind(line)}" x="{MARGIN}" y="{MARGIN + SIZE + number * LINE_HEIGHT}" '
        f'xml:space="preserve" textLength="{CHARACTER * len(line):.1f}">{escape(line)}</text>'
        for number, line in enumerate(lines)
        if line
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
            "<!-- Copyright (c) onefed contributors; SPDX-License-Identifier: BSD-2-Clause -->",
            "<title>A run of playbook federate on the demo: the plan, the steps of each zone, the summary</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="ground" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>',
            *text,
            "</svg>",
            "",
        ]
    )


def main() -> int:
    for target in ("demo-down", "demo"):
        done = subprocess.run(["make", target], cwd=ROOT, check=False, capture_output=True, text=True)
        if done.returncode:
            print(done.stdout + done.stderr, file=sys.stderr)
            return done.returncode
    PICTURE.write_text(draw(lines_of_run(done.stdout)), encoding="utf-8")
    subprocess.run(["make", "demo-down"], cwd=ROOT, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
