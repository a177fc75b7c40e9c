# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a snapshot of a running master costs, ours and the stock tool's, however much else its log holds."""

from __future__ import annotations

import base64
import contextlib
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.prove.master import Master, emulated
from tests.tools import mariadb

LOCAL_RECORDS = (0, 10_000, 250_000)  # the last: half of what oned keeps by default (LOG_RETENTION)
FEDERATED_RECORDS = 1000  # as many as a snapshot of ours carries by default
RECORD = 450  # bytes of a record's compressed SQL; 600 in base64
NOT_FEDERATED = 2**64 - 1
ROUNDS = 3
_FIRST = 10_000_000  # an index that oned will not come to meanwhile
_BATCH = 2000


@dataclass
class Cost:
    """Of one tool: seconds (the median of some runs) and bytes of the file."""

    seconds: float
    size: int


def measure(take: Callable[[Path], Any], folder: Path) -> Cost:
    seconds, size = [], 0
    for number in range(ROUNDS):
        path = folder / f"snapshot{number}.sql"
        began = time.monotonic()
        take(path)
        seconds.append(time.monotonic() - began)
        size = path.stat().st_size
        path.unlink()
    return Cost(sorted(seconds)[ROUNDS // 2], size)


def fill(server: mariadb.Server, first: int, federated: Iterable[int]) -> None:
    """Append records to the log, each with its federated index."""
    insert = "INSERT INTO opennebula.logdb (log_index, term, sqlcmd, timestamp, fed_index, applied) VALUES "
    rows: Iterator[tuple[Any, ...]] = (
        (index, 0, base64.b64encode(os.urandom(RECORD)).decode(), int(time.time()), fed_index, 1)
        for index, fed_index in enumerate(federated, first)
    )
    with contextlib.closing(server.admin()) as connection, connection.cursor() as cursor:
        while batch := list(itertools.islice(rows, _BATCH)):
            marks = ",".join(["(%s,%s,%s,%s,%s,%s)"] * len(batch))
            cursor.execute(insert + marks, [value for row in batch for value in row])


def rows(master: Master, server: mariadb.Server, folder: Path) -> Iterator[str]:
    """One line for each length of the log."""
    heads = ("ours s", "stock s", "stock/ours", "ours MB", "stock MB", "stock/ours")
    yield "local records " + "".join(f"{head:>12}" for head in heads)
    connection = server.admin()
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(f"SELECT MAX(fed_index) FROM opennebula.logdb WHERE fed_index <> {NOT_FEDERATED}")
        newest = cursor.fetchone()[0]
    fill(server, _FIRST, range(newest + 1, newest + 1 + FEDERATED_RECORDS))
    there = 0
    for count in LOCAL_RECORDS:
        fill(server, _FIRST + FEDERATED_RECORDS + there, itertools.repeat(NOT_FEDERATED, count - there))
        there = count
        ours, stock = measure(master.snapshot, folder), measure(master.stock_snapshot, folder)
        yield (
            f"{count:<14}{ours.seconds:12.2f}{stock.seconds:12.2f}{stock.seconds / ours.seconds:12.1f}"
            f"{ours.size / 1e6:12.2f}{stock.size / 1e6:12.2f}{stock.size / ours.size:12.1f}"
        )


def bench() -> None:
    """Print what snapshots of an emulated master on a real MariaDB cost."""
    if mariadb.missing():
        print(f"SKIPPED snapshots: {mariadb.missing()}")
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        # Traversable for the master's own account, which the stock tool runs as.
        folder.chmod(0o711)
        server = stack.enter_context(mariadb.serving(folder / "db", mariadb.READ_COMMITTED))
        for row in rows(stack.enter_context(emulated(folder / "zone", server)), server, folder):
            print(row, flush=True)
