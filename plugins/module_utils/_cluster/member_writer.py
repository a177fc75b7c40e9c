# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Adds, removes and resets servers of a highly available zone, and never waits longer than it was given.

addserver and delserver are no calls to repeat lightly: OpenNebula's leader counts its servers up or down each time, and
the second addserver of a slave waits for ever while replication to its zone is broken (src/rm/api/ZoneAPI.cc). So a
call is made again only when it surely was not carried out; else the zone is read until it shows what came of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

from .._api.client import Client, probe
from .._api.documents import zones_from_xml
from .._api.parallel import in_parallel
from .._api.raft import Identity, identity, in_doubt, not_done, patiently, status
from .._api.template import render
from .._errors import ApiError, OnefedError
from .._host.deadline import Deadline
from .members import (
    WantedServer,
    check_free,
    check_own_zone,
    check_removable,
    find_server,
)

Zone = dict[str, Any]

POLL_SECONDS = 0.25
_AT_MASTER = "Cannot update zone at federation master"


@dataclass
class ServerWriter:
    """One server of the zone whose oned the client asks. `timeout` limits everything, in seconds."""

    client: Client
    wanted: WantedServer
    check_mode: bool
    timeout: float
    zone_id: int | None = None
    force: bool = False
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.deadline = Deadline.after(self.timeout)

    def present(self) -> dict[str, Any]:
        """Add the server unless it is listed."""
        self.wanted.check()
        own, zone, zones = self._zone()
        found = find_server(zone["servers"], self.wanted)
        if found is not None:
            self._warn_of_name(found)
            return self._result(zone, zone["servers"], found)
        attributes = self.wanted.addition()
        check_free(zones, zone, self.wanted)
        if self.check_mode:
            new = {"id": None, "name": self.wanted.name, "endpoint": self.wanted.endpoint}
            new["endpoint_grpc"] = self.wanted.endpoint_grpc or None
            return self._result(zone, [*zone["servers"], new], new)
        if self._unfinished(own, zone):
            after = self._await(zone, self._listed, self._waiting(own, zone))
        else:
            if zone["servers"] and not self.force:
                self._check_stopped()
            after = self._write("one.zone.addserver", zone, render({"SERVER": attributes}), own, self._listed)
        return self._result(zone, after["servers"], find_server(after["servers"], self.wanted))

    def _check_stopped(self) -> None:
        """Refuse a further server whose oned runs already, as part of something else. Raises OnefedError."""
        there = self.client.at(self.wanted.endpoint or "")
        if (
            probe(there.url, there.within(self.deadline).timeout, there.validate_certs, there.ca_path)["state"]
            == "open"
        ):
            raise OnefedError(
                f"{self.wanted.label} was not added: an oned runs at {there.url} already. It is no copy of the zone's "
                "leader, and as soon as it is listed its answers make the leader step down. Stop it, copy the leader's "
                "database to it, add it, and start it then; or set force."
            )

    def absent(self) -> dict[str, Any]:
        """Remove the server if it is listed."""
        own, zone = self._zone()[:2]
        unfinished = None if self._listed(zone) else self._unfinished(own, zone)
        if unfinished:
            # Else it would come to be a server when it is long forgotten, and count for every majority.
            zone = unfinished if self.check_mode else self._await(zone, self._listed, self._waiting(own, zone))
        found = find_server(zone["servers"], self.wanted)
        if found is None:
            return self._result(zone, zone["servers"], None)
        answers = in_parallel(self._state, zone["servers"])
        states = {server["id"]: answer for server, answer in zip(zone["servers"], answers)}
        check_removable(zone["servers"], found, states, self.force)
        if states[found["id"]] is not None:
            self.warnings.append(
                f'The oned of server "{found["name"]}" still runs. A server that is not listed stands for election and '
                "makes its old leader step down: stop it."
            )
        after = {**zone, "servers": [server for server in zone["servers"] if server["id"] != found["id"]]}
        if not self.check_mode:
            self._await_master(own)
            after = self._write("one.zone.delserver", zone, found["id"], own, lambda now: _lacks(now, found["id"]))
        return self._result(zone, after["servers"], None)

    def reset(self) -> dict[str, Any]:
        """Let the leader send a follower what comes after its own last record, as after a restore of its database."""
        zone = self._zone()[1]
        found = find_server(zone["servers"], self.wanted)
        if found is None:
            raise OnefedError(
                f'Zone "{zone["name"]}" has no {self.wanted.label}, so nothing was reset. Its servers: {_names(zone)}.'
            )
        here = self._patiently(lambda: _asked(self.client.within(self.deadline)))
        if here["raft_state"] != "leader":
            raise OnefedError(
                f"one.zone.resetserver was not called at {self.client.url}: that server is {here['raft_state']}. Ask "
                "the zone's leader; module zone_server_info shows which server leads."
            )
        if here["server_id"] == found["id"]:
            raise OnefedError(f'Server "{found["name"]}" leads its zone; only a follower can be reset.')
        if not self.check_mode:
            self._patiently(
                lambda: self.client.within(self.deadline).call("one.zone.resetserver", zone["id"], found["id"])
            )
        return {**self._result(zone, zone["servers"], found), "changed": True}

    def _zone(self) -> tuple[Identity, Zone, list[Zone]]:
        """Whose oned is asked, the zone as it knows it, and all zones."""
        own = self._patiently(lambda: identity(self.client.within(self.deadline)))
        zones = self._patiently(lambda: self._zones(self.client))
        zone_id = own.zone_id if self.zone_id is None else self.zone_id
        return own, check_own_zone(zones, own.zone_id, zone_id, self.client.url), zones

    def _zones(self, client: Client) -> list[Zone]:
        return client.within(self.deadline).read(zones_from_xml, "one.zonepool.info")

    def _reread(self, client: Client, zone_id: int) -> Zone | None:
        """The zone as an endpoint knows it now; None when it does not tell."""
        try:
            return next((zone for zone in self._zones(client) if zone["id"] == zone_id), None)
        except OnefedError:
            return None

    def _patiently(self, read: Callable[[], Any]) -> Any:
        """The value of a call that changes nothing, made again while nobody leads or answers."""
        return patiently(read, self.deadline, POLL_SECONDS)

    def _listed(self, zone: Zone) -> bool:
        return find_server(zone["servers"], self.wanted) is not None

    def _state(self, server: Mapping[str, Any]) -> str | None:
        """The server's Raft state, None when it does not tell it."""
        if not server["endpoint"]:
            return None
        state: str | None = status(self.client.at(server["endpoint"]).within(self.deadline)).get("raft_state")
        return state

    def _write(self, method: str, zone: Zone, argument: Any, own: Identity, shown: Callable[[Zone], bool]) -> Zone:
        """Call `method` once, unless it surely was not carried out; returns the zone that shows its effect."""
        while True:
            try:
                # The call is what may hang: it gets all the time there is.
                self.client.within(self.deadline, most=self.timeout).call(method, zone["id"], argument)
            except OnefedError as error:
                if in_doubt(error):
                    return self._await(zone, shown, self._unanswered(error, own, zone, shown))
                if isinstance(error, ApiError) and _AT_MASTER in error.text and method == "one.zone.delserver":
                    raise OnefedError(
                        f"{error}. The leader stopped replicating to that server all the same and counts one server "
                        "less: let another server lead (restart the leader's oned), then run this again."
                    ) from None
                if not not_done(error) or not self.deadline.poll(POLL_SECONDS):
                    raise
                continue
            return self._await(zone, shown, lambda: self._unseen(method, own, zone, shown))

    def _await(self, zone: Zone, shown: Callable[[Zone], bool], otherwise: Callable[[], str]) -> Zone:
        """The zone as soon as the asked oned shows the effect. Raises OnefedError with the text of `otherwise`."""
        while True:
            now = self._reread(self.client, zone["id"])
            if now is not None and shown(now):
                return now
            if not self.deadline.poll(POLL_SECONDS):
                raise OnefedError(otherwise())

    def _unfinished(self, own: Identity, zone: Zone) -> Zone | None:
        """The zone at the master, if that lists the server and the asked slave does not: an earlier call waits."""
        there = self._reread(self.client.at(own.master), zone["id"]) if own.master else None
        return there if there is not None and self._listed(there) else None

    def _await_master(self, own: Identity) -> None:
        """Wait until a slave's master takes writes: a delserver that fails there leaves the leader miscounting."""
        if own.master:
            master = self.client.at(own.master)
            self._patiently(lambda: master.within(self.deadline).call("one.system.version"))

    def _waiting(self, own: Identity, zone: Zone) -> Callable[[], str]:
        return lambda: (
            f'The federation master at {own.master} already lists {self.wanted.label} of zone "{zone["name"]}", but '
            f"{self.client.url} did not within {self.timeout:g} s: an earlier one.zone.addserver waits there until the "
            "zone gets a federated record. Nothing more was called. " + _REPAIR
        )

    def _unanswered(
        self, error: OnefedError, own: Identity, zone: Zone, shown: Callable[[Zone], bool]
    ) -> Callable[[], str]:
        return lambda: f"{error}. It may still happen. " + self._known(own, zone, shown)

    def _unseen(self, method: str, own: Identity, zone: Zone, shown: Callable[[Zone], bool]) -> str:
        return (
            f"{method} at {self.client.url} was carried out, but that oned did not show it within {self.timeout:g} s. "
            + self._known(own, zone, shown)
        )

    def _known(self, own: Identity, zone: Zone, shown: Callable[[Zone], bool]) -> str:
        """What can be said of a change that the asked oned does not show."""
        here = self._reread(self.client, zone["id"])
        if own.master:
            there = self._reread(self.client.at(own.master), zone["id"])
            if there is None:
                return f"The federation master at {own.master} does not tell either: start it, then run this again."
            if shown(there):
                return (
                    f"The federation master at {own.master} has the change, this zone has not: replication to it "
                    "stands still. " + _REPAIR
                )
            return f"The federation master at {own.master} has not got it: run this again. " + _WRITES
        if here is None:
            return "That oned does not tell its servers now. " + _WRITES
        return f"Its servers now: {_names(here)}. " + _WRITES

    def _warn_of_name(self, found: Mapping[str, Any]) -> None:
        if self.wanted.name is not None and found["name"] != self.wanted.name:
            self.warnings.append(
                f'The server at {found["endpoint"]} is listed as "{found["name"]}", not "{self.wanted.name}". '
                "OpenNebula cannot rename it; remove it and add it again if the name matters."
            )

    def _result(self, zone: Zone, after: list[Any], server: Mapping[str, Any] | None) -> dict[str, Any]:
        before = zone["servers"]
        return {
            "changed": before != after,
            "created": len(after) > len(before),
            "server": dict(server) if server else None,
            "servers": after,
            "zone_id": zone["id"],
            "diff": {"before": {"servers": before}, "after": {"servers": after}},
        }


_REPAIR = (
    "Repair it (module federation_info tells what is wrong), make a federated write (module replication_probe), and "
    "run this again: it then finds the server."
)
_WRITES = "A zone without a majority of running servers takes no write: module zone_server_info tells."


def _lacks(zone: Zone, server_id: int) -> bool:
    return all(server["id"] != server_id for server in zone["servers"])


def _names(zone: Zone) -> str:
    return ", ".join(f'{server["id"]} "{server["name"]}"' for server in zone["servers"]) or "none"


def _asked(client: Client) -> dict[str, Any]:
    """What a server tells of itself. Raises OnefedError when it does not."""
    client.call("one.zone.raftstatus")
    return status(client)


def write_server(client: Client, params: Mapping[str, Any], check_mode: bool) -> tuple[dict[str, Any], list[str]]:
    """Bring a zone's list of servers to what the options of module zone_server say; its result and warnings."""
    wanted = WantedServer(
        name=params["name"],
        endpoint=params["endpoint"],
        endpoint_grpc=params["endpoint_grpc"],
        server_id=params["server_id"],
        allow_loopback=params["allow_loopback"],
    )
    writer = ServerWriter(client, wanted, check_mode, params["timeout"], params["zone_id"], params["force"])
    act = {"present": writer.present, "absent": writer.absent, "reset": writer.reset}[params["state"]]
    return act(), writer.warnings
