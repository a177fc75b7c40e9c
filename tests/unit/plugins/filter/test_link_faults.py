# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter link_faults reads what roles recorded of hosts, also of those that were lost before."""

from __future__ import annotations

from typing import Any

from planned import federated, make_plan, topology

from ansible_collections.onefed.opennebula.plugins.filter.link_faults import link_faults

SECRET = {"federation_tls": True, "federation_tls_passphrase": "only-for-this-test"}
HOSTS = {
    "madrid-1": {"ansible_host": "192.0.2.11", "zone_role": "master", **SECRET},
    "paris-1": {"ansible_host": "192.0.2.31", **SECRET},
}


def faults(**recorded: Any) -> dict[str, list[str]]:
    what = topology("federation", {"madrid": ["madrid-1"], "paris": ["paris-1"]}, HOSTS)
    found = dict(zip(HOSTS, ({"frontend": one} for one in federated()), strict=True))
    fact = {"facts": {}, "result": {"links": "present"}}
    hostvars: dict[str, Any] = {"madrid-1": {"onefed": fact}, "paris-1": recorded}
    return link_faults(what, make_plan(what, found, list(found)), hostvars)


def test_a_host_that_has_its_proxy_is_no_fault() -> None:
    assert faults(onefed={"facts": {}, "result": {"links": "present"}}) == {}


def test_a_host_that_was_lost_has_no_proxy() -> None:
    assert faults() == {"paris": ["paris-1 has no TLS proxy: The host was lost, or the run could not finish."]}
