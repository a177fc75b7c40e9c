# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What oned.conf says on a server of a zone of several servers (Raft): pure."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from .document import STOCK_VECTORS

# OpenNebula's own hook, 6.4 to 7.4; oned looks for it below remotes/hooks of its var folder.
HOOK = "raft/vip.sh"
LEADER, FOLLOWER = "RAFT_LEADER_HOOK", "RAFT_FOLLOWER_HOOK"
HOOKS = {LEADER: "leader", FOLLOWER: "follower"}
_NUMBER = re.compile(r"[0-9]+")

Data = Mapping[str, Any]


def ha_vectors(
    vectors: Mapping[str, Mapping[str, str]], server_id: int | None, floating: Data | None
) -> dict[str, dict[str, str] | None]:
    """The vectors of oned.conf for server `server_id`, as module oned_conf takes them; None removes one.

    `vectors` are those of the file as frontend_info tells them, `floating` the zone's floating address as topology has
    it; without `server_id` that is left out. RAFT's numbers stay as they are, stock ones where a number is missing,
    which oned would take from uninitialised memory. A hook of the site's own stays if it is given this address, or if
    there is none.
    """
    given = vectors.get("RAFT") or {}
    wanted: dict[str, dict[str, str] | None] = {
        "RAFT": {
            name: given[name] if _NUMBER.fullmatch(given.get(name, "")) else stock
            for name, stock in STOCK_VECTORS["RAFT"].items()
        }
    }
    if server_id is not None:
        wanted["FEDERATION"] = {"SERVER_ID": str(server_id)}
    for name, action in HOOKS.items():
        hook = hook_of(vectors.get(name))
        if not floating:
            if is_stock(hook):
                wanted[name] = None
        elif not serves(hook, floating):
            wanted[name] = {"COMMAND": HOOK, "ARGUMENTS": f"{action} {floating['interface']} {floating['cidr']}"}
    return wanted


def hook_of(pairs: Mapping[str, str] | None) -> dict[str, str] | None:
    """A hook's vector as frontend_info tells it: {"command", "arguments"}; None without a command, as for oned."""
    if not pairs or not pairs.get("COMMAND"):
        return None
    return {"command": pairs["COMMAND"], "arguments": pairs.get("ARGUMENTS", "")}


def is_stock(hook: Data | None) -> bool:
    """Whether a hook runs OpenNebula's vip.sh, which also starts and stops companions of oned."""
    return hook is not None and os.path.basename(hook["command"]) == os.path.basename(HOOK)


def serves(hook: Data | None, floating: Data) -> bool:
    """Whether a hook is given this floating address; vip.sh takes pairs of interface and address."""
    words = hook["arguments"].split() if hook else []
    return (floating["interface"], floating["cidr"]) in list(zip(words, words[1:]))
