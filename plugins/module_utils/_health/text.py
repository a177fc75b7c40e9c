# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The state of a federation as lines for a human."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._errors import printable

_RIGHT = ("ID", "TERM", "LOG", "BEHIND", "INDEX", "LAG")


def status_text(federation: Mapping[str, Any]) -> list[str]:
    """An aligned table of all servers, then the verdict and every problem with its remedy."""
    rows = [_row(zone, server) for zone in federation["zones"] for server in zone["servers"]]
    errors = [one for one in federation["problems"] if one["severity"] == "error"]
    warnings = [one for one in federation["problems"] if one["severity"] != "error"]
    verdict = "healthy" if federation["healthy"] else "not healthy"
    beyond = [zone["name"] for zone in federation["zones"] if not zone["checked"]]
    left_out = [
        *([f"Not checked: {', '.join(beyond)}."] if beyond else []),
        *([] if federation["tables_read"] else ["Tables were not compared."]),
    ]
    lines = [
        *_table(rows, _left_out(federation["zones"])),
        "",
        " ".join(
            [f"The federation is {verdict}: {_count(errors, 'error')}, {_count(warnings, 'warning')}.", *left_out]
        ),
        *(line for one in [*errors, *warnings] for line in _problem(one)),
    ]
    # Names, endpoints and errors are what members of the federation say they are.
    return [printable(line) for line in lines]


def _left_out(zones: Sequence[Mapping[str, Any]]) -> set[str]:
    """Columns that would be empty: Raft's while no zone is highly available, floating addresses where none is."""
    raft = any(server["id"] >= 0 for zone in zones for server in zone["servers"])
    floating = any(zone["floating"] for zone in zones)
    return {*(() if raft else ("TERM", "LOG", "BEHIND")), *(() if floating else ("ADDRESS",))}


def _row(zone: Mapping[str, Any], server: Mapping[str, Any]) -> dict[str, str]:
    index = {"empty": "empty", "none": "none"}.get(server["federated_log"], server["index"])
    differing = server["digests_differ"]
    data = None if differing is None else ("differs" if differing else "equal")
    if zone["is_master"] and server["database"]:
        data = "reference"
    holds = {True: (zone["floating"] or {}).get("address"), None: "unknown" if zone["floating"] else None}
    cells = {
        "ZONE": zone["name"],
        "ID": zone["id"],
        "SERVER": server["name"],
        "ENDPOINT": server["endpoint"],
        "VERSION": server["version"],
        "MODE": server["mode"],
        "STATE": server["raft_state"] if server["reachable"] else "unreachable",
        "TERM": server["term"],
        "LOG": server["log_index"],
        "BEHIND": server["log_lag"],
        "ADDRESS": holds.get(server["has_vip"]),
        "INDEX": index,
        "LAG": server["lag"],
        "DATA": data,
    }
    return {title: "-" if cell is None else printable(str(cell)) for title, cell in cells.items()}


def _table(rows: Sequence[Mapping[str, str]], left_out: set[str]) -> list[str]:
    # A federation has a zone at least, the asked one's, and a zone a server.
    titles = [title for title in rows[0] if title not in left_out]
    lines = []
    widths = {title: max(len(title), *(len(row[title]) for row in rows)) for title in titles}
    for row in [{title: title for title in titles}, *rows]:
        cells = [
            row[title].rjust(widths[title]) if title in _RIGHT else row[title].ljust(widths[title]) for title in titles
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _count(found: Sequence[Any], noun: str) -> str:
    return f"{len(found) or 'no'} {noun}{'' if len(found) == 1 else 's'}"


def _problem(one: Mapping[str, Any]) -> list[str]:
    where = one["zone"] if one["server"] in (None, one["zone"]) else f"{one['zone']}, {one['server']}"
    return [f"{one['severity'].upper()} {one['code']} ({where}): {one['text']}", f"    {one['remedy']}"]
