# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter shut_out compares what was found after the rules came with what preflight recorded."""

from __future__ import annotations

from planned import MASTER_URL, federated, make_plan, topology

from ansible_collections.onefed.opennebula.plugins.filter.shut_out import shut_out

HOSTS = {
    "madrid-1": {"ansible_host": "192.0.2.11", "zone_role": "master", "federation_firewall": True},
    "paris-1": {"ansible_host": "192.0.2.31", "federation_firewall": True},
}


def test_a_host_that_is_refused_from_now_on_is_named() -> None:
    what = topology("federation", {"madrid": ["madrid-1"], "paris": ["paris-1"]}, HOSTS)
    found = dict(zip(HOSTS, ({"frontend": one} for one in federated()), strict=True))
    made = make_plan(what, found, list(found))
    hostvars = {host: {"onefed": {"facts": one}} for host, one in found.items()}
    assert shut_out(what, made, hostvars, found) == {}
    paris = {**found["paris-1"]["frontend"]}
    paris["probes"] = {**paris["probes"], MASTER_URL: {"state": "refused", "detail": ""}}
    assert shut_out(what, made, hostvars, {**found, "paris-1": {"frontend": paris}}) == {"madrid-1": ["paris-1"]}
    assert shut_out(what, made, hostvars, {**found, "paris-1": {}}) == {}
