# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Whether a zone and the master reach each other. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import frontend as checks

Data = Mapping[str, Any]


def connectivity_problems(topology: Data, zone: Data, frontend: Data, master: Data) -> list[checks.Problem]:
    """Whether zone and master reach each other."""
    master_zone = topology["zones"][topology["master"]]
    there = _path(topology, zone, master_zone, master)
    back = _path(topology, master_zone, zone, frontend)
    return checks.path_problems(frontend["probes"].get(there.endpoint), there) + checks.path_problems(
        master["probes"].get(back.endpoint), back
    )


def _path(topology: Data, start: Data, end: Data, target: Data) -> checks.Path:
    """The path from zone `start` to zone `end`, whose front-end is `target`."""
    source, host = start["host"], end["host"]
    return checks.Path(
        source=source,
        source_address=topology["hosts"][source]["address"],
        label=end["label"],
        target=host,
        target_address=topology["hosts"][host]["address"],
        endpoint=end["reached_at"],
        # An API that is starting, or about to move to another port or address, is not expected to answer there yet.
        serves=checks.serves(target) and not _moves(target, topology["hosts"][host]),
        firewall=target["firewall"],
    )


def _moves(frontend: Data, host: Data) -> bool:
    conf = frontend["conf"]
    return (host["port"] or int(conf["port"])) != int(conf["port"]) or (
        host["listen_address"] or conf["listen_address"]
    ) != conf["listen_address"]
