# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A federation with a bit of everything, for the status page."""

from __future__ import annotations

from typing import Any

import observed

from ansible_collections.onefed.opennebula.plugins.module_utils._health.health import health

RUNS = 60
EVERY = 300
VIP_URL = "http://192.0.2.30:2633/RPC2"


def federation(now: int) -> dict[str, Any]:
    """madrid; paris with three servers, one of them silent and one behind; lyon, which stands still; kyoto."""
    three = (
        observed.member("paris-1", 31, 0, 100, "leader"),
        observed.member("paris-2", 32, 1, 100, log_index=37),
        observed.silent("paris-3", 33, id=2),
    )
    lyon = observed.server("lyon", 41, 101, index=500, first_index=500)
    zones = (
        observed.zone(0, "madrid", observed.server("madrid", 11, 0)),
        observed.zone(100, "paris", *three, endpoint=VIP_URL),
        observed.zone(101, "lyon", lyon),
        observed.zone(102, "kyoto", observed.server("kyoto", 51, 102)),
    )
    single = {"madrid": 11, "lyon": 41, "kyoto": 51}
    urls = {name: f"http://192.0.2.{number}:2633/RPC2" for name, number in single.items()}
    servers = {f"paris-{number}": f"http://192.0.2.3{number}:2633/RPC2" for number in (1, 2, 3)}
    paris = {"name": "paris", "endpoint": VIP_URL, "servers": servers, "address": "192.0.2.30"}
    declared = [{**paris, "vip_holders": ["paris-1"], "unread": []}]
    declared += [{"name": name, "endpoint": url, "servers": {name: url}} for name, url in urls.items()]
    return health(observed.federation(*zones), None, now, True, declared)


def history(now: int) -> list[dict[str, Any]]:
    """What the last checks found: all indexes rise, until lyon stands still."""
    runs = []
    for number in range(RUNS):
        index = observed.INDEX - (RUNS - 1 - number) * 3 // 2
        still = number >= RUNS - 5
        zones = {name: {"index": index, "lag": 0} for name in ("madrid", "paris", "kyoto")}
        zones["lyon"] = {"index": min(index, 500), "lag": index - min(index, 500) if still else 0}
        runs.append({"time": now - (RUNS - 1 - number) * EVERY, "zones": zones})
    return runs
