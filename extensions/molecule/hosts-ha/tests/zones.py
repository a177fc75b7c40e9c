# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The zones that this scenario's inventory declares, on its hosts."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import yaml

from tests.hosts.cluster import UNANSWERED, Cluster
from tests.hosts.federation import Zone
from tests.hosts.lab import Lab
from tests.tools.playbooks import wait_for

LAB = Lab(os.environ["MOLECULE_SCENARIO_NAME"])
ARRIVAL_SECONDS = 60.0  # a user through a zone that is just electing a leader

_inventory = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"]) / "inventory/hosts.yml"
_groups = yaml.safe_load(_inventory.read_text(encoding="utf-8"))["federation"]["children"]
CLUSTERS = {
    name: Cluster(
        LAB,
        name,
        [LAB[host] for host in group["hosts"]],
        group.get("vars", {}).get("zone_vip", "").partition("/")[0] or None,
    )
    for name, group in _groups.items()
}
MASTER = next(name for name, group in _groups.items() if group.get("vars", {}).get("zone_role") == "master")
AVAILABLE = next(cluster for cluster in CLUSTERS.values() if len(cluster.hosts) > 1)
OTHERS = [cluster for cluster in CLUSTERS.values() if cluster is not AVAILABLE]
ZONE_OF = {host.name: cluster for cluster in CLUSTERS.values() for host in cluster.hosts}
# Each server by itself, for what stands in its own database.
SERVERS = {host.name: Zone(cluster.name, LAB, host) for cluster in CLUSTERS.values() for host in cluster.hosts}


def user_arrives(user: str, *without: str) -> None:
    """Wait until every server of every zone knows a user; those in `without` are not asked."""
    for name in ZONE_OF:
        if name not in without:
            wait_for(partial(knows, name, user), f"{user} on {name}", ARRIVAL_SECONDS)


def knows(server: str, user: str) -> bool:
    try:
        return user in ZONE_OF[server].users(server)
    except (*UNANSWERED, AssertionError):
        return False


def create_user(cluster: Cluster, name: str, server: str = "") -> None:
    """Create a user through a server or a zone's endpoint, as soon as somebody leads; twice is once."""

    def created() -> bool:
        try:
            cluster.create_user(name, server)
        except AssertionError as refusal:
            return "NAME is already taken" in str(refusal)  # an earlier try, whose answer was lost
        except UNANSWERED:
            return False
        return True

    wait_for(created, f"{cluster.name} to create {name}", ARRIVAL_SECONDS)
