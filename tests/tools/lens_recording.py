# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What OpenNebula's Augeas lens reads in many texts, as augtool tells: recorded once, and judged by wherever tests run.

The lens (oned.aug) comes with OpenNebula alone, neither with Augeas nor with a distribution. Where it is at hand:

    ONEFED_ROOTFS=/srv/opennebula-7.4 python -m tests.tools.lens_recording     # writes the recording anew
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

RECORDING = Path(__file__).resolve().parents[1] / "unit/fixtures/oned_lens.json"
LENS = Path(os.environ.get("ONEFED_ROOTFS", "/nonexistent")) / "usr/share/augeas/lenses/oned.aug"
SEED = 20261130
# Texts are put together from these; one in ten or so is readable.
PIECES = (
    ["A = 1\n", 'B = "x"\n', "# c\n", "\n", "A = [ B = 1 ]\n", 'A = [\n  B = "2",\n  C = 3\n]\n', "A = [ B = 1 ] # c\n"]
    + ["A = 1 # c\n", 'A = "a\\b"\n', 'A = "a\\\\b"\n', "A = a,b\n", "A =\n", "A = []\n", "A = 1\r\n", 'A = "x"\r\n']
    + ["A", " ", "=", "1", '"', "#", "[", "]", ",", "\n", "\\", ";", "\t", "b c", '"x y"', "B=2", "é", "'q'", "-1"]
)
RANDOM, DATABASES = 900, 400
# What onedb wants of the file: a DB with these, in the ways in which people write them.
KEYS = ("BACKEND", "SERVER", "PORT", "USER", "PASSWD", "DB_NAME")
VALUES = ["mysql", '"mysql"', "0", '"a b"', '""', "'q'", '"it\'s"', '"a#b"', "a,b", '"a,b"']
VALUES += ['"a\\"b"', '"a\\\\b"', '"é"']
BEFORE = ("", "# c\n", "PORT = 2633\n", "\n", 'LOG = [ SYSTEM = "file" ]\n', "DB = [ TIMEOUT = 1 ]\n", "DB = 1\n")
NAMES = ("DB", "DB", "DB", "DB", "db", "Db", "DATABASE")
BETWEEN = (", ", ",\n", ",\n  ", " ,", ", # c\n", "\n,")

# A file as the lens reads it: attributes with their values as they are written, vectors with a list of the same.
Tree = list[tuple[str, Any]]


def texts() -> list[str]:
    """The same ones each time."""
    chance = random.Random(SEED)
    mixed = ["".join(chance.choices(PIECES, k=chance.randint(1, 6))) for _number in range(RANDOM)]
    return list(dict.fromkeys([*mixed, *(_database(chance) for _number in range(DATABASES))]))


def _database(chance: random.Random) -> str:
    keys = chance.sample(KEYS, k=chance.randint(1, 4))
    keys += [chance.choice(keys)] if chance.random() < 0.15 else []
    between = chance.choice(BETWEEN)
    keys = [key.lower() if chance.random() < 0.05 else key for key in keys]
    pairs = between.join(f"{key} = {chance.choice(VALUES)}" for key in keys)
    end = chance.choice(("\n", "\n", "\n", " # c\n", "\n# d\n"))
    return f"{chance.choice(BEFORE)}{chance.choice(NAMES)} = [ {pairs} ]{end}"


def missing() -> str:
    """Why augtool cannot be asked here; empty if it can."""
    if not LENS.is_file():
        return "ONEFED_ROOTFS names no OpenNebula with its lens"
    return "" if shutil.which("augtool") else "there is no augtool here"


def read_by_augtool(files: Sequence[str]) -> list[Tree | None]:
    """What the lens reads in each text; None where it cannot read it to its end."""
    with tempfile.TemporaryDirectory() as folder:
        for number, text in enumerate(files):
            (Path(folder) / f"conf-{number:05}").write_bytes(text.encode())
        commands = ["set /augeas/load/Oned/lens Oned.lns", "set /augeas/load/Oned/incl /conf-*", "load"]
        done = subprocess.run(
            ["augtool", "--noautoload", "--noload", f"--root={folder}", f"--include={LENS.parent}"],
            input="\n".join([*commands, "dump-xml /files", "match /augeas/files/*"]) + "\n",
            check=True,
            capture_output=True,
            text=True,
            timeout=300,
        )
    dump, end, seen = done.stdout.rpartition("</augeas>\n")
    assert len(seen.splitlines()) == len(files), "augtool looked at all of them"
    read = {node.get("label"): _tree(node) for node in ElementTree.fromstring(dump + end).findall("node/node")}
    # A file that cannot be read is missing.
    return [read.get(f"conf-{number:05}") for number in range(len(files))]


def _tree(node: ElementTree.Element) -> Tree:
    """Comments, as the lens calls them, are left out."""
    inner = [(child.get("label", ""), child) for child in node.findall("node") if child.get("label") != "#comment"]
    return [(name, value if (value := child.findtext("value")) is not None else _tree(child)) for name, child in inner]


def recorded() -> dict[str, Tree | None]:
    """What stands in the recording, by text."""
    found = json.loads(RECORDING.read_text(encoding="utf-8"))["texts"]
    return {text: None if tree is None else _plain(tree) for text, tree in found}


def _plain(tree: Sequence[Any]) -> Tree:
    return [(name, value if isinstance(value, str) else _plain(value)) for name, value in tree]


def write(found: Sequence[tuple[str, Tree | None]]) -> None:
    """One text a line."""
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in found)
    RECORDING.write_text(f'{{"texts": [\n{lines}\n]}}\n', encoding="utf-8")


def main() -> int:
    reason = missing()
    if reason:
        print(f"{reason}; nothing is written.", file=sys.stderr)
        return 1
    files = texts()
    write(list(zip(files, read_by_augtool(files), strict=True)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
