# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The servers of one zone on hosts: which of them leads, who has the floating address, what each of them knows.

Nothing here waits long for a server, because it may be dead, or wait for others itself.
"""

from __future__ import annotations

import http.client
import re
import socket
import time
import xmlrpc.client
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from .api import Api, connected
from .commands import HostsError
from .host import Host
from .lab import Lab
from .opennebula import PORT

# STATE of one.zone.raftstatus: include/RaftManager.h
SOLO, CANDIDATE, FOLLOWER, LEADER = range(4)
PATIENCE = 3.0  # seconds for an answer
WRITE_PATIENCE = 30.0  # seconds in which a write has to be done, which waits for a majority
# 15 s and an election after its start a server stands for election, and elections may be lost several times.
SETTLE_SECONDS = 90.0
POLL = 0.2
UNANSWERED = (OSError, HostsError, http.client.HTTPException, xmlrpc.client.Error)


@dataclass(frozen=True)
class RaftState:
    """What a server says of itself; `index` is that of its newest record, `commit` of the newest that counts."""

    server_id: int
    state: int
    term: int
    index: int
    commit: int


class Cluster:
    """One zone's hosts, in the inventory's order, and its floating address without prefix, if it has one."""

    def __init__(self, lab: Lab, name: str, hosts: Sequence[Host], floating: str | None) -> None:
        self.lab, self.name, self.hosts, self.floating = lab, name, list(hosts), floating

    @property
    def url(self) -> str:
        """The zone's endpoint."""
        return f"http://{self.floating}:{PORT}/RPC2" if self.floating else self.hosts[0].url

    @property
    def session(self) -> str:
        """ "user:password" of the zone's oneadmin, read past everything that may be dead."""
        return (self.hosts[0].root / "var/lib/one/.one/one_auth").read_text(encoding="utf-8").strip()

    def host(self, name: str) -> Host:
        return next(host for host in self.hosts if host.name == name)

    def running(self) -> list[Host]:
        return [host for host in self.hosts if host.machine.leader()]

    def ask(self, server: str, method: str, *arguments: Any, seconds: float = PATIENCE) -> Any:
        """Call a server by its name, or the zone's endpoint with "". Raises UNANSWERED, AssertionError if refused."""
        address = self.host(server).address if server else self.floating or self.hosts[0].address

        def connect() -> socket.socket:
            connection = connected(self.lab, address)
            connection.settimeout(seconds)
            return connection

        return Api(f"http://{address}:{PORT}/RPC2", self.session, connect).call(method, *arguments)

    def create_user(self, name: str, server: str = "") -> None:
        self.ask(server, "one.user.allocate", name, "a-password", "", [], seconds=WRITE_PATIENCE)

    def users(self, server: str = "") -> set[str]:
        return set(re.findall(r"<USER>.*?<NAME>(.*?)</NAME>", self.ask(server, "one.userpool.info"), re.DOTALL))

    def raft_states(self) -> dict[str, RaftState | None]:
        """By server; None of one that does not answer."""
        found: dict[str, RaftState | None] = {}
        for host in self.hosts:
            try:
                text = self.ask(host.name, "one.zone.raftstatus")
            except (*UNANSWERED, AssertionError):
                found[host.name] = None
                continue
            told = dict(re.findall(r"<(\w+)>(-?\d+)</\1>", text))
            names = ("SERVER_ID", "STATE", "TERM", "LOG_INDEX", "COMMIT")
            found[host.name] = RaftState(*(int(told[name]) for name in names))
        return found

    def leader(self) -> str:
        """The server that leads. Raises AssertionError if there is not exactly one."""
        raft_states = self.raft_states()
        leaders = [name for name, state in raft_states.items() if state and state.state == LEADER]
        assert len(leaders) == 1, f"zone {self.name}: {raft_states}"
        return leaders[0]

    def followers(self) -> list[str]:
        leader = self.leader()
        return [host.name for host in self.hosts if host.name != leader]

    def vip_holders(self) -> list[str]:
        """The hosts that have the floating address and are not switched off."""
        show = ["ip", "-4", "-o", "address", "show"]
        return [host.name for host in self.running() if f" {self.floating}/" in host.exec(show).stdout]

    def illness(self, without: Collection[str] = ()) -> str:
        """Why the zone is not well, servers in `without` left aside; "" if it is."""
        before, raft_states = self.raft_states(), self.raft_states()
        asked = {name: state for name, state in raft_states.items() if name not in without}
        leading = [name for name, state in asked.items() if state and state.state == LEADER]
        led = before[leading[0]] if len(leading) == 1 else None
        if led is None:
            return f"{raft_states}"
        for state in asked.values():
            # Who writes goes on meanwhile: what the leader had a moment ago is what the others must have now.
            if state is None or state.state not in (LEADER, FOLLOWER) or state.index < led.index:
                return f"{before}, then {raft_states}"
        holders = self.vip_holders() if self.floating else []
        wanted = leading if self.floating else []
        return "" if holders == wanted else f"floating address at {holders}, leader is {wanted}"

    def await_well(self, without: Collection[str] = (), seconds: float = SETTLE_SECONDS) -> str:
        """Wait until one server leads and has the address, and the others follow it; the leader's name.

        Needs writes in the zone meanwhile: a follower may lag behind until the next one.
        """
        end = time.monotonic() + seconds
        while True:
            illness = self.illness(without)
            if not illness:
                return self.leader()
            assert time.monotonic() < end, f"zone {self.name} was not well within {seconds:.0f} s: {illness}"
            time.sleep(POLL)

    def touch(self) -> None:
        """A write that only this zone sees, as soon as its endpoint takes it."""
        deadline = time.monotonic() + WRITE_PATIENCE
        while True:
            try:
                self.ask("", "one.cluster.update", 0, f'TOUCHED="{time.monotonic()}"', 1, seconds=WRITE_PATIENCE)
                return
            # A zone that has not elected a leader refuses.
            except (*UNANSWERED, AssertionError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL)
