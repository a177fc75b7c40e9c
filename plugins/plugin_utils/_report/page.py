# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a federation as one HTML page that asks nobody for anything. Pure; all values are escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from html import escape
from typing import Any

from .page_style import SCRIPT, STYLE
from .page_zones import ERROR, GOOD, WARNING, drawing, marked, text_of

Record = Mapping[str, Any]

_COLUMNS = {
    "Zone": "",
    "Server": "",
    "Endpoint": "",
    "Version": "",
    "Mode": "",
    "State": "",
    "Term": "number",
    "Log": "number",
    "Index": "number",
    "Lag": "number",
    "Tables": "",
}
_TABLES = {None: "not compared", False: "equal", True: "differ"}


def page(federation: Record, history: Sequence[Record], group: str) -> str:
    """The page for what federation_info returned, of inventory group `group`; the newest run of `history` is now."""
    now = datetime.fromtimestamp(history[-1]["time"], timezone.utc)
    title = "OpenNebula federation" if group == "federation" else f"Federation {escape(group)}"
    verdict = marked(GOOD, "healthy") if federation["healthy"] else marked(ERROR, "needs attention")
    old = marked(ERROR, "This page is old: the federation may be otherwise by now.")
    when = f'<time datetime="{now:%Y-%m-%dT%H:%M:%SZ}">{now:%Y-%m-%d %H:%M} UTC</time>'
    compared = "" if federation["tables_read"] else f"<p>{marked(WARNING, 'Tables were not compared.')}</p>"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: {"healthy" if federation["healthy"] else "needs attention"}</title>
<style>{STYLE}</style>
</head>
<body>
<a class="skip" href="#problems">Skip to the problems</a>
<header>
<h1>{title}</h1>
<p class="verdict">{verdict}</p>
<p>Checked {when} <span id="age" class="soft"></span></p>
<p id="stale" class="stale" role="status" hidden>{old}
Run playbook status again, or see why its timer does not run.</p>
{compared}</header>
<main>
<h2>Zones</h2>
{drawing(federation["zones"], history)}
<h2 id="problems" tabindex="-1">Problems</h2>
{_problems(federation["problems"])}
<h2 id="servers">Servers</h2>
<div class="scroll" role="region" aria-labelledby="servers" tabindex="0">
{_table(federation["zones"])}
</div>
</main>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _policy() -> str:
    """Nothing is loaded and nothing runs but what the collection has written into the page."""
    return f"default-src 'none'; style-src '{_hash(STYLE)}'; script-src '{_hash(SCRIPT)}'"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _problems(problems: Sequence[Record]) -> str:
    if not problems:
        return f"<p>{marked(GOOD, 'None.')}</p>"
    ordered = sorted(problems, key=lambda one: one["severity"] != ERROR)
    return f'<ul class="problems">{"".join(map(_problem, ordered))}</ul>'


def _problem(problem: Record) -> str:
    severity = ERROR if problem["severity"] == ERROR else WARNING
    where = escape(" / ".join(dict.fromkeys(one for one in (problem["zone"], problem["server"]) if one)))
    title = f"{marked(severity, severity.capitalize())} in {where}"
    return (
        f'<li class="card"><h3>{title}</h3><p>{escape(problem["text"])}</p>'
        f"<p><strong>What to do:</strong> {escape(problem['remedy'])}</p>"
        f'<p class="soft">Code <code>{escape(problem["code"])}</code></p></li>'
    )


def _table(zones: Sequence[Record]) -> str:
    head = "".join(f'<th scope="col"{_class(kind)}>{title}</th>' for title, kind in _COLUMNS.items())
    rows = "".join(_row(zone, server) for zone in zones for server in zone["servers"])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(zone: Record, server: Record) -> str:
    differing = server["digests_differ"]
    tables = "reference" if zone["is_master"] else _TABLES[None if differing is None else bool(differing)]
    state = text_of(server["raft_state"], "-") if server["reachable"] else "unreachable"
    numbers = (server[key] for key in ("term", "log_index", "index", "lag"))
    values = [escape(zone["name"]), escape(server["name"]), text_of(server["endpoint"], "-")]
    values += [text_of(server["version"], "-"), text_of(server["mode"], "-"), state]
    values += [*(text_of(number, "-") for number in numbers), tables]
    cells = [f"<td{_class(kind)}>{value}</td>" for value, kind in zip(values, _COLUMNS.values())]
    cells[1] = f'<th scope="row">{values[1]}</th>'
    return f"<tr>{''.join(cells)}</tr>"


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
