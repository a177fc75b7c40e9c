# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What users of a zone notice while a bench does something to it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.hosts.cluster import Cluster

FEDERATED_WRITE, WRITE_IN_THE_ZONE = "one.user.update", "one.cluster.update"


@contextlib.contextmanager
def watching(cluster: Cluster, url: str, write: str, session: str = "") -> Iterator[dict[str, float]]:
    """Watch one of a zone's endpoints for the length of the block; what was seen is in the value after it.

    As oneadmin, or as somebody else with a `session` of theirs ("user:password").
    """
    watch = str(Path(__file__).with_name("watch.py"))
    command = ["ip", "netns", "exec", cluster.lab.network.namespace(), sys.executable, "-I", watch, url, write]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout
    process.stdin.write(f"{session or cluster.session}\n")
    process.stdin.flush()
    assert process.stdout.readline(), "watch.py did not start"
    seen: dict[str, float] = {}
    try:
        yield seen
    finally:
        seen.update(json.loads(process.communicate(timeout=90)[0]))
