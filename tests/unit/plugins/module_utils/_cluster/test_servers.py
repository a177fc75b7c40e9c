# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which server of a zone is meant, and what must not be done to it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._cluster.members import (
    WantedServer,
    check_free,
    check_own_zone,
    check_removable,
    find_server,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import OnefedError


def url(number: int) -> str:
    return f"http://192.0.2.{number}:2633/RPC2"


SERVERS: list[dict[str, Any]] = [
    {"id": number, "name": f"paris-{number}", "endpoint": url(31 + number), "endpoint_grpc": None}
    for number in range(3)
]
PARIS = {"id": 100, "name": "paris", "endpoint": url(30), "servers": SERVERS}
LYON = {"id": 101, "name": "lyon", "endpoint": url(40), "servers": [{**SERVERS[0], "endpoint": url(41)}]}


@pytest.mark.parametrize(
    "wanted",
    [
        WantedServer(endpoint="http://192.0.2.32:2633/RPC2/"),
        WantedServer(name="another", endpoint=url(32)),
        WantedServer(server_id=1),
        WantedServer(name="paris-1"),
        WantedServer(name="paris-1", server_id=1),
    ],
)
def test_a_server_is_found_by_its_endpoint_else_its_id_else_its_name(wanted: WantedServer) -> None:
    found = find_server(SERVERS, wanted)
    assert found is not None
    assert found["name"] == "paris-1"


def test_a_server_that_is_not_listed_is_not_found() -> None:
    assert find_server(SERVERS, WantedServer(name="paris-9", endpoint=url(39))) is None


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (WantedServer(name="paris-1", endpoint=url(39)), f"listed with the endpoint {url(32)} rather than {url(39)}"),
        (WantedServer(server_id=1, endpoint=url(33)), "has the id 2, not 1"),
    ],
)
def test_what_fits_different_servers_is_refused(wanted: WantedServer, reason: str) -> None:
    with pytest.raises(OnefedError, match=reason):
        find_server(SERVERS, wanted)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (WantedServer(name=" x"), "begins or ends with a blank"),
        (WantedServer(endpoint="http://127.0.0.1:2633/RPC2"), "loopback"),
        (WantedServer(endpoint_grpc="localhost:2634"), "endpoint_grpc localhost:2634 is a loopback"),
        (WantedServer(endpoint="http://192.0.2.1:2633/"), "RPC2"),
        (WantedServer(endpoint_grpc="http://192.0.2.1/RPC2"), "not a gRPC endpoint"),
    ],
)
def test_what_would_never_work_is_refused(wanted: WantedServer, reason: str) -> None:
    with pytest.raises(OnefedError, match=reason):
        wanted.check()


def test_servers_on_one_machine_may_have_loopback_addresses() -> None:
    WantedServer(name="a", endpoint="http://127.0.0.1:2633/RPC2", allow_loopback=True).check()


def test_a_server_is_added_by_name_and_endpoint() -> None:
    assert WantedServer("a", url(1)).addition() == {"NAME": "a", "ENDPOINT": url(1)}
    assert WantedServer("a", url(1), "192.0.2.1:2634").addition()["ENDPOINT_GRPC"] == "192.0.2.1:2634"
    with pytest.raises(OnefedError, match='no server "a". Set endpoint to add it'):
        WantedServer("a").addition()
    with pytest.raises(OnefedError, match="no server 4 at http.*. Set name to add it"):
        WantedServer(None, url(1), server_id=4).addition()


@pytest.mark.parametrize("number", [40, 41])
def test_what_another_zone_has_is_not_added(number: int) -> None:
    with pytest.raises(OnefedError, match='belongs to zone "lyon" \\(id 101\\) and was not added'):
        check_free([PARIS, LYON], PARIS, WantedServer("x", url(number)))
    check_free([PARIS, LYON], PARIS, WantedServer("x", url(30)))


def test_servers_are_managed_by_their_own_zone() -> None:
    assert check_own_zone([PARIS, LYON], 100, 100, url(31))["name"] == "paris"
    with pytest.raises(OnefedError, match=f"endpoint of its own, such as {url(40)}; {url(31)} belongs to zone 100"):
        check_own_zone([PARIS, LYON], 100, 101, url(31))
    with pytest.raises(OnefedError, match="knows no zone 7"):
        check_own_zone([PARIS], 100, 7, url(31))
    with pytest.raises(OnefedError, match="ZONE_ID 7, but its database knows no such zone"):
        check_own_zone([PARIS], 7, 7, url(31))


def states(*given: str | None) -> dict[int, str | None]:
    return dict(enumerate(given))


def test_a_follower_and_a_silent_server_can_be_removed() -> None:
    check_removable(SERVERS, SERVERS[2], states("leader", "follower", "follower"))
    check_removable(SERVERS, SERVERS[2], states("leader", "follower", None))
    # The last but one of two is never needed for a majority of one.
    check_removable(SERVERS[:2], SERVERS[1], states("leader", None))


def test_the_last_server_is_never_removed() -> None:
    with pytest.raises(OnefedError, match="is the last server of its zone"):
        check_removable(SERVERS[:1], SERVERS[0], states("leader"), force=True)


def test_a_leader_is_removed_by_force_only() -> None:
    with pytest.raises(OnefedError, match='Server "paris-0" \\(id 0\\) leads its zone .* Hand over first'):
        check_removable(SERVERS, SERVERS[0], states("leader", "follower", "follower"))
    check_removable(SERVERS, SERVERS[0], states("leader", "follower", "follower"), force=True)


def test_a_server_that_the_majority_needs_is_removed_by_force_only() -> None:
    with pytest.raises(OnefedError, match="of the 2 servers that stay only 1 run, no majority"):
        check_removable(SERVERS, SERVERS[2], states("leader", None, "follower"))
    check_removable(SERVERS, SERVERS[2], states("leader", None, "follower"), force=True)
