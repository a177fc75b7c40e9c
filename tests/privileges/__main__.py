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
from tests.tools import mariadb

HELD = "was held"
# Far more than any call takes here. Longer waits somebody for a pipe.
SECONDS, HELD_SECONDS = 15.0, 3.0
NAMESPACES = ("--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
# What is laid in the place of what is there before a run, or comes with it; every trick has a turn of its own.
LAID = (
    (stage.VAR / ".one", ("orders", "closed")),
    (stage.VAR / ".one" / "one_auth", ("secret", "pipe")),
    (stage.VAR / ".one" / "sunstone_auth", ("secret", "pipe")),
    # Where the state lay in earlier releases.
    (stage.VAR / "onefed", ("orders", "closed")),
    (stage.VAR / "onefed" / "lock", ("secret", "pipe")),
    (stage.VAR / "onefed" / "journal.json", ("secret", "pipe")),
    (stage.BACKUPS, ("closed",)),
    (stage.BACKUPS / "full.copy", ("secret", "pipe")),
    (stage.BACKUPS / "undo.sql", ("pipe",)),
    (stage.BACKUPS / "role.copy", ("secret", "pipe")),
    (stage.BACKUPS / "tls", ("closed", "orders")),
    (stage.CONF_BACKUPS[1], ("secret", "pipe")),
    (stage.VAR / "one.db", ("secret", "pipe")),
    (stage.VAR / "one.db-journal", ("pipe",)),
    (stage.VAR / "remotes", ("closed",)),
    (stage.VAR / ".ssh" / "authorized_keys", ("secret",)),
    (stage.LOG / "oned.log", ("pipe",)),
    (stage.LURE, ("secret", "closed", "orders")),
)


def main(arguments: list[str]) -> int:
    """The violations as JSON on the last line; exit status 1 with any."""
    if len(arguments) == 1:
        with tempfile.TemporaryDirectory(prefix="onefed-privileges-") as name:
            command = [sys.executable, "-m", "tests.privileges", arguments[0], name]
            return subprocess.run(["unshare", *NAMESPACES, *command], check=False).returncode
    seconds, folder = float(arguments[0]), Path(arguments[1])
    sys.path.insert(0, str(Path(__file__).parents[2] / ".build"))
    stage.build(folder)
    calls.load()
    found = quiet(folder) + laid(folder) + swapped(folder, seconds)
    reason = mariadb.missing()
    if reason:
        print(f"not attacked: programs of a database server ({reason})")
    else:
        with mariadb.serving(folder / "server") as server:
            found += quiet(folder, server) + swapped(folder, seconds, server)
    print(json.dumps(sorted(set(found))))
    return 1 if found else 0


def quiet(folder: Path, server: mariadb.Server | None = None) -> list[str]:
    """Without an attack every module does its work, else the attack would be one on nothing."""
    stage.reset(folder, server)
    with attacker.listening():
        ended = list(calls.turn(SECONDS))
    broken = [each for each in ended if each.failed and not each.call.asks_oned]
    found = [f"{each.call} failed without an attack: {each.text}" for each in broken]
    return found + ([] if "oneadmin:own" in attacker.heard() else ["no module asked the oned of this host anything"])


def laid(folder: Path) -> list[str]:
    """Each path replaced once, for a whole turn."""
    found = []
    for path, trick in [(path, trick) for path, tricks in LAID for trick in tricks]:
        stage.reset(folder)
        lay(path, trick)
        found += [f"{text} ({path}: {trick})" for text in watched_turn(SECONDS)]
    return found


def lay(path: Path, trick: str) -> None:
    with attacker.as_oned():
        attacker.clear(path)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        attacker.lay(trick, path)


def swapped(folder: Path, seconds: float, server: mariadb.Server | None = None) -> list[str]:
    """In the midst of turns everything is replaced again and again, or what comes is, at once."""
    found = []
    deadline, turns = time.monotonic() + seconds, 0
    # Each of the two at least once, however slow the machine is.
    while turns < 2 or time.monotonic() < deadline:
        stage.reset(folder, server)
        turns += 1
        with attacker.snatching() if turns % 2 else attacker.swapping(turns):
            # Between a look at the files of a database and SQLite's own, a pipe can be laid that holds the run. It is
            # one more way in which oned's account can keep its own zone from joining, and gives it nothing.
            found += [f"{text} (swapped)" for text in watched_turn(HELD_SECONDS) if not text.endswith(HELD)]
    print(f"{turns} turns with everything swapped")
    return found


def watched_turn(patience: float) -> list[str]:
    seen = watch.Watch()
    found = []
    with attacker.listening():
        for each in calls.turn(patience):
            if each.text is None:
                found.append(f"{each.call.module} {each.call.options.get('state', '')} {HELD}")
            found += watch.shown(each.text or "")
    return found + watch.shown(attacker.heard()) + watch.ran_as_root() + seen.violations()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
