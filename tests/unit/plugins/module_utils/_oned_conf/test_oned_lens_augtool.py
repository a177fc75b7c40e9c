# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What our reading of oned.conf takes for readable by OpenNebula's Augeas lens is what augtool reads with that lens.

onedb and onecfg read oned.conf with it. The lens is part of OpenNebula: it is taken from the root file system that
ONEFED_ROOTFS names.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.augeas_lens import readable_to

STOCK = "etc/one/oned.conf"
LENS = Path(os.environ.get("ONEFED_ROOTFS", "/nonexistent")) / "usr/share/augeas/lenses/oned.aug"
pytestmark = [
    pytest.mark.skipif(not LENS.is_file(), reason="ONEFED_ROOTFS names no OpenNebula with its lens"),
    pytest.mark.skipif(not shutil.which("augtool"), reason="there is no augtool here"),
]
FILES, SEED = 1500, 20261130
# Texts are put together from these; one in ten or so is readable.
PIECES = (
    ["A = 1\n", 'B = "x"\n', "# c\n", "\n", "A = [ B = 1 ]\n", 'A = [\n  B = "2",\n  C = 3\n]\n', "A = [ B = 1 ] # c\n"]
    + ["A = 1 # c\n", 'A = "a\\b"\n', 'A = "a\\\\b"\n', "A = a,b\n", "A =\n", "A = []\n", "A = 1\r\n", 'A = "x"\r\n']
    + ["A", " ", "=", "1", '"', "#", "[", "]", ",", "\n", "\\", ";", "\t", "b c", '"x y"', "B=2", "é", "'q'", "-1"]
)


def texts() -> list[str]:
    """The same ones each time."""
    chance = random.Random(SEED)
    return ["".join(chance.choices(PIECES, k=chance.randint(1, 6))) for _number in range(FILES)]


def read_by_augtool(files: list[str], root: Path) -> list[bool]:
    """Whether the lens reads each text to its end."""
    for number, text in enumerate(files):
        (root / f"conf-{number:05}").write_bytes(text.encode())
    commands = [
        "set /augeas/load/Oned/lens Oned.lns",
        "set /augeas/load/Oned/incl /conf-*",
        "load",
        "match /augeas/files//error",
        "match /augeas/files/*",
    ]
    done = subprocess.run(
        ["augtool", "--noautoload", "--noload", f"--root={root}", f"--include={LENS.parent}"],
        input="\n".join(commands) + "\n",
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    found = [word for word in done.stdout.split() if word.startswith("/augeas/files/conf-")]
    failed = {word.split("/")[3] for word in found if word.endswith("/error")}
    seen = {word.split("/")[3] for word in found}
    assert len(seen) == len(files), "augtool looked at all of them"
    return [f"conf-{number:05}" not in failed for number in range(len(files))]


def test_the_lens_reads_what_ours_says(tmp_path: Path) -> None:
    files = [(LENS.parents[4] / STOCK).read_text(encoding="utf-8"), *texts()]
    theirs = read_by_augtool(files, tmp_path)
    ours = [readable_to(text) == len(text) for text in files]
    assert theirs[0], "the stock file"
    assert 100 < sum(theirs) < len(files) - 100, "both kinds are there"
    assert [(text, yes) for text, yes, we in zip(files, theirs, ours, strict=True) if yes is not we] == []
