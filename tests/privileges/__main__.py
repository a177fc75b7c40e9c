# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Attack the modules for some seconds: python -m tests.privileges SECONDS [FOLDER].

Root's own first process of new mount, network and process namespaces does it; without FOLDER, make them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.privileges import attacker, calls, stage, watch

NAMESPACES = ("--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
# What is there before a run, or comes with it: each is laid once, with every trick that fits.
FOLDERS = (stage.VAR / ".one", stage.VAR / "onefed", stage.BACKUPS, stage.VAR / "remotes", stage.VAR / ".ssh")
FILES = (
    *(stage.VAR / ".one" / name for name in ("one_auth", "sunstone_auth", "one_key")),
    *(stage.VAR / "onefed" / name for name in ("lock", "journal.json", "outdated", "beside.json", "joins")),
    *(stage.BACKUPS / name for name in ("full.db", "undo.sql", "files.tar.gz")),
    *(stage.VAR / name for name in ("one.db", "one.db-journal", "one.db-wal")),
    *(stage.LOG / "oned.log", stage.VAR / ".ssh" / "authorized_keys"),
)


def main(arguments: list[str]) -> int:
    """The violations as JSON on the last line; exit status 1 with any."""
    if len(arguments) == 1:
        with tempfile.TemporaryDirectory(prefix="onefed-privileges-") as folder:
            command = [sys.executable, "-m", "tests.privileges", arguments[0], folder]
            return subprocess.run(["unshare", *NAMESPACES, *command], check=False).returncode
    seconds, folder = float(arguments[0]), Path(arguments[1])
    sys.path.insert(0, str(Path(__file__).parents[2] / ".build"))
    stage.build(folder)
    calls.load()
    found = quiet(folder) + laid(folder) + swapped(folder, seconds)
    print(json.dumps(sorted(set(found))))
    return 1 if found else 0


def quiet(folder: Path) -> list[str]:
    """Without an attack every module does its work, else the attack would be one on nothing."""
    stage.reset(folder)
    with attacker.listening():
        ended = list(calls.turn())
    found = [f"{each.call} failed without an attack: {each.text}" for each in ended if each.failed and not each.call.asks_oned]
    return found + ([] if "oneadmin:own" in attacker.heard() else ["no module asked the oned of this host anything"])


def laid(folder: Path) -> list[str]:
    """Each path replaced once, for a whole turn."""
    found = []
    tricks = [(path, trick) for path in FOLDERS for trick in ("closed", "orders")]
    tricks += [(path, trick) for path in FILES for trick in ("secret", "pipe")]
    for path, trick in tricks:
        stage.reset(folder)
        lay(path, trick)
        found += [f"{text} ({path}: {trick})" for text in watched_turn()]
    return found


def lay(path: Path, trick: str) -> None:
    with attacker.as_oned():
        attacker.clear(path)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        attacker.lay(trick, path)


def swapped(folder: Path, seconds: float) -> list[str]:
    """Everything replaced again and again, in the midst of turns."""
    found = []
    deadline, turns = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        stage.reset(folder)
        turns += 1
        with attacker.swapping(turns):
            found += [f"{text} (swapped)" for text in watched_turn()]
    print(f"{turns} turns with everything swapped")
    return found


def watched_turn() -> list[str]:
    seen = watch.Watch()
    found = []
    with attacker.listening():
        for each in calls.turn():
            if each.text is None:
                found.append(f"{each.call.module} {each.call.options.get('state', '')} was held")
            found += watch.shown(each.text or "")
    return found + watch.shown(attacker.heard()) + watch.ran_as_root() + seen.violations()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
