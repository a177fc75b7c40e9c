# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The state of a federation as lines for a human."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

_HEADER = ("ZONE", "ID", "SERVER", "ENDPOINT", "VERSION", "MODE", "STATE", "INDEX", "LAG", "DATA")
_RIGHT = ("ID", "INDEX", "LAG")


def status_text(federation: Mapping[str, Any]) -> list[str]:
    """An aligned table of all servers, then the verdict and every problem with its remedy."""
    rows = [_row(zone, server) for zone in federation["zones"] for server in zone["servers"]]
    errors = [one for one in federation["problems"] if one["severity"] == "error"]
    warnings = [one for one in federation["problems"] if one["severity"] != "error"]
    verdict = "healthy" if federation["healthy"] else "not healthy"
    return [
        *_table([_HEADER, *rows]),
        "",
        f"The federation is {verdict}: {_count(errors, 'error')}, {_count(warnings, 'warning')}.",
        *(line for one in [*errors, *warnings] for line in _problem(one)),
    ]


def _row(zone: Mapping[str, Any], server: Mapping[str, Any]) -> tuple[str, ...]:
    state = server["raft_state"] if server["reachable"] else "unreachable"
    index = {"empty": "empty", "none": "none"}.get(server["federated_log"], server["index"])
    differing = server["digests_differ"]
    data = None if differing is None else ("differs" if differing else "equal")
    if zone["is_master"] and server["database"]:
        data = "reference"
    cells = (
        zone["name"],
        zone["id"],
        server["name"],
        server["endpoint"],
        server["version"],
        server["mode"],
        state,
        index,
        server["lag"],
        data,
    )
    return tuple("-" if cell is None else str(cell) for cell in cells)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if title in _RIGHT else cell.ljust(width)
            for cell, width, title in zip(row, widths, _HEADER)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _count(found: Sequence[Any], noun: str) -> str:
    return f"{len(found) or 'no'} {noun}{'' if len(found) == 1 else 's'}"


def _problem(one: Mapping[str, Any]) -> list[str]:
    where = one["zone"] if one["server"] in (None, one["zone"]) else f"{one['zone']}, {one['server']}"
    return [f"{one['severity'].upper()} {one['code']} ({where}): {one['text']}", f"    {one['remedy']}"]
