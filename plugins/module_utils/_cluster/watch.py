# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Waits until the servers of one zone stand as demanded, and tells how they stand."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Callable

from .._api.client import Client
from .._api.documents import parse_xml, template_of, zones_from_xml
from .._api.parallel import in_parallel
from .._api.raft import UNKNOWN, Identity, Server, identity, in_doubt, not_done, status
from .._api.template import render
from .._errors import OnefedError
from .._health.cluster import raft_problems
from .._health.quorum import log_lag, raft_leader
from .._health.server import answer_problem
from .._host.deadline import Deadline
from .._resources.zone import PROBE_ATTRIBUTE

POLL_SECONDS = 0.5
# Cluster 0 is OpenNebula's own: it always exists and belongs to the zone alone, so that the federation sees no write.
_CLUSTER = 0


@dataclass
class Watch:
    """The zone of the oned that the client asks.

    `fallback` is the zone's identity when that oned does not tell it, `endpoints` are asked for the list of servers
    then. Servers whose id or name is in `excepted` may be down. `timeout` limits everything, in seconds.
    """

    client: Client
    timeout: float
    zone_id: int | None = None
    server_id: int | None = None
    excepted: Sequence[str] = ()
    endpoints: Sequence[str] = ()
    fallback: Identity | None = None
    marker: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        self.deadline = Deadline.after(self.timeout)
        # Where each server's log ended when it was read first, to see whether it moves.
        self._first: dict[int, int] = {}

    def until(self, goal: str, prove: bool = False) -> dict[str, Any]:
        """How the servers stand as soon as the goal is reached; for goal "none" at once.

        Goals: leader (the asked server leads and takes calls), healthy, caught_up (the server with `server_id`).
        With `prove` a write is made first, which moves followers that stand still only because nothing happens.
        Raises OnefedError when the time is up, with the state of every server.
        """
        if prove:
            self.look()
            self._prove()
        while True:
            seen = self.look()
            if goal == "none" or self._reached(goal, seen):
                return seen
            if not self.deadline.poll(POLL_SECONDS):
                raise OnefedError(self._unreached(goal, seen))

    def look(self) -> dict[str, Any]:
        """One reading: {"zone_id", "asked", "servers", "leader", "healthy", "problems"}."""
        asked, zone = in_parallel(lambda read: read(), [lambda: status(self.client.within(self.deadline)), self._zone])
        here = {**UNKNOWN, "id": -1, "name": "", "endpoint": self.client.url, **asked}
        if isinstance(zone, OnefedError):
            return self._shown(None, here, [], [str(zone)])
        listed = [{**UNKNOWN, **server} for server in zone["servers"]]
        for server, answer in zip(listed, in_parallel(self._ask, listed)):
            server.update(answer)
        self._read_again(listed)
        for server in listed:
            if server["log_index"] is not None:
                server["first_log_index"] = self._first.setdefault(server["id"], server["log_index"])
        own = [server for server in listed if server["id"] == here["server_id"]]
        here.update({"id": own[0]["id"], "name": own[0]["name"]} if own else {"name": zone["name"]})
        zone.update({"servers": listed or [here], "clustered": bool(listed)})
        found = [one for server in zone["servers"] for one in [answer_problem(zone, server)] if one]
        found += raft_problems(zone) if listed else []
        problems = [
            " ".join([f'Server "{one.where}":' if one.where else "The zone:", one.message])
            for one in found
            if not self._is_excepted(zone["servers"], one.where)
        ]
        return self._shown(zone["id"], here, zone["servers"], problems)

    def _shown(
        self, zone_id: int | None, asked: Server, servers: Sequence[Server], problems: list[str]
    ) -> dict[str, Any]:
        leader = raft_leader(servers)
        alone = len(servers) == 1 and servers[0]["raft_state"] == "solo" and servers[0]["id"] < 0
        return {
            "zone_id": zone_id,
            "asked": shown(asked, leader),
            "servers": [shown(server, leader) for server in servers],
            "leader": shown(leader, leader) if leader else None,
            "healthy": not problems and (alone or leader is not None),
            "problems": problems,
        }

    def _ask(self, server: Server) -> Server:
        if not server["endpoint"]:
            return {"error": "it has no XML-RPC endpoint"}
        return status(self.client.at(server["endpoint"]).within(self.deadline))

    def _read_again(self, servers: Sequence[Server]) -> None:
        """Followers that seem to lag may only have been asked before their leader: ask them once more, after it."""
        leader = raft_leader(servers)
        late = [server for server in servers if leader and log_lag(server, leader)]
        for server, answer in zip(late, in_parallel(self._ask, late)):
            if answer.get("raft_state"):
                server.update(answer)

    def _zone(self) -> Any:
        """The zone as the first endpoint that answers knows it, or the error of the asked one."""
        failure: OnefedError | None = None
        for url in dict.fromkeys([self.client.url, *self.endpoints]):
            there = self.client.at(url).within(self.deadline)
            try:
                zones = there.read(zones_from_xml, "one.zonepool.info")
                wanted = self._zone_id(there) if len(zones) != 1 else zones[0]["id"]
                zone = next((zone for zone in zones if zone["id"] == wanted), None)
                if zone is None:
                    raise OnefedError(f"The oned at {url} knows no zone {wanted}. Correct zone_id, or its ZONE_ID.")
            except OnefedError as error:
                failure = failure or error
                continue
            # What answered once is asked again when the asked one falls silent.
            known = [server["endpoint"] for server in zone["servers"] if server["endpoint"]]
            self.endpoints = list(dict.fromkeys([*self.endpoints, *known]))
            return zone
        return failure

    def _zone_id(self, there: Client) -> int:
        if self.zone_id is None:
            try:
                self.zone_id = identity(there).zone_id
            except OnefedError:
                # Between two leaders no server tells its configuration.
                if self.fallback is None:
                    raise
                return self.fallback.zone_id
        return self.zone_id

    def _is_excepted(self, servers: Sequence[Server], name: str | None) -> bool:
        return any(
            server["name"] == name and (str(server["id"]) in self.excepted or name in self.excepted)
            for server in servers
        )

    def _reached(self, goal: str, seen: dict[str, Any]) -> bool:
        if goal == "healthy":
            return seen["healthy"] and self._takes_calls()
        if goal == "leader":
            return seen["asked"]["state"] == "leader" and self._takes_calls()
        return any(
            server["id"] == self.server_id and server["state"] in ("leader", "follower") and server["lag"] == 0
            for server in seen["servers"]
        )

    def _takes_calls(self) -> bool:
        """Whether the zone's leader does; one that still applies records of its log refuses what is for leaders."""
        try:
            self.client.within(self.deadline).call("one.system.version")
        except OnefedError:
            return False
        return True

    def _prove(self) -> None:
        """Set and remove an attribute of the zone's default cluster. Raises OnefedError."""
        self._write({PROBE_ATTRIBUTE: self.marker}, 1)
        kept = self._patiently(lambda there: there.read(_attributes, "one.cluster.info", _CLUSTER))
        kept.pop(PROBE_ATTRIBUTE, None)
        self._write(kept, 0)

    def _write(self, attributes: dict[str, Any], append: int) -> None:
        try:
            self._patiently(lambda there: there.call("one.cluster.update", _CLUSTER, render(attributes), append))
        except OnefedError as error:
            hangs = (
                "It hangs when fewer than a majority of the servers run, and may still happen. "
                if in_doubt(error)
                else ""
            )
            states = "; ".join(_line(server) for server in self.look()["servers"])
            raise OnefedError(
                f"The write that proves the zone's log was not made within {self.timeout:g} s: {error}. {hangs}"
                f"The servers: {states or 'unknown'}. The attribute {PROBE_ATTRIBUTE} of cluster {_CLUSTER} does no "
                "harm; the next proof removes it."
            ) from None

    def _patiently(self, call: Callable[[Client], Any]) -> Any:
        """The value of a call that may be made again, and is, while nobody leads; it gets all the time there is."""
        while True:
            try:
                return call(self.client.within(self.deadline, most=self.timeout))
            except OnefedError as error:
                if not not_done(error) or not self.deadline.poll(POLL_SECONDS):
                    raise

    def _unreached(self, goal: str, seen: dict[str, Any]) -> str:
        wanted = {
            "leader": f"the oned at {self.client.url} led its zone",
            "healthy": "the zone was healthy",
            "caught_up": f"server {self.server_id} had caught up with its leader",
        }[goal]
        lines = [f"  {_line(server)}" for server in seen["servers"] or [seen["asked"]]]
        return "\n".join([f"{self.timeout:g} s passed before {wanted}. The servers:", *lines, *seen["problems"]])


def _attributes(xml: str) -> dict[str, Any]:
    return template_of(parse_xml(xml, "the default cluster"))


def _line(server: dict[str, Any]) -> str:
    if server["state"] is None:
        return f"{server['name'] or server['endpoint']}: {server['error']}"
    log = "" if server["log_index"] is None else f", log {server['log_index']}, behind by {server['lag']}"
    return f"{server['name'] or server['endpoint']}: {server['state']}, term {server['term']}{log}"


def shown(server: Server, leader: Server | None) -> dict[str, Any]:
    """A server as module zone_server_info returns it."""
    return {
        "id": server["id"],
        "name": server["name"],
        "endpoint": server["endpoint"],
        "reachable": server["reachable"],
        "error": server["error"],
        "state": server["raft_state"],
        "server_id": server["server_id"],
        "term": server["term"],
        "voted_for": server["voted_for"],
        "commit": server["commit"],
        "log_index": server["log_index"],
        "log_term": server["log_term"],
        "federated_index": server["index"],
        "lag": log_lag(server, leader),
    }
