# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Zones of several servers on MariaDB, made as the front-end HA guide says."""

from __future__ import annotations

import dataclasses
import re
import shlex
from dataclasses import dataclass, field

from .api import Api
from .frontend import Zone, wait_for
from .servers import Stored

# STATE of raftstatus.
CANDIDATE, FOLLOWER, LEADER = 1, 2, 3
# oned waits 15 s for a leader's word, and the election timeout after it.
ELECTION_LIMIT = 45.0
# Milliseconds without a leader: the second server of each zone is so slow that never it, but the third one stands.
PATIENCE = (2000, 6000, 2000)
# As vip.sh is called; notes its arguments and its standard input instead.
HOOK = '#!/bin/sh\necho "$@" "$(readlink /proc/self/fd/0)" >>"${0%/*}/called"\n'
PLACE = "eth9 192.0.2.30/24"


@dataclass
class Group:
    """The servers of one zone; ``running`` are those that were started, and not stopped since."""

    mode: str
    servers: list[Stored]
    zone_id: int = 0
    master: str = ""
    running: set[int] = field(default_factory=set)

    def zone(self, number: int) -> Zone:
        return self.servers[number].zone

    def api(self, number: int, timeout: float = 30) -> Api:
        return dataclasses.replace(self.zone(number).api, timeout=timeout)

    def server_text(self, number: int) -> str:
        return f'SERVER=[NAME="n{number}",ENDPOINT="{self.zone(number).endpoint}"]'

    def configure(self, number: int, alone: bool = False) -> None:
        """oned.conf of a server: of a zone of several ones, or *alone*."""
        zone = self.zone(number)
        zone.federate(self.mode, self.zone_id, self.master, -1 if alone else number)
        zone.set_vector("RAFT", {
            "LIMIT_PURGE": 100000, "LOG_RETENTION": 250000, "LOG_PURGE_TIMEOUT": 60,
            "ELECTION_TIMEOUT_MS": PATIENCE[number], "BROADCAST_TIMEOUT_MS": 500, "XMLRPC_TIMEOUT_MS": 1000})
        text = re.sub(r"^RAFT_\w+_HOOK = .*\n", "", zone.read_configuration(), flags=re.M)
        text += "".join(f'RAFT_{part.upper()}_HOOK = [ COMMAND = "conf.sh", ARGUMENTS = "{part} {PLACE}" ]\n'
                        for part in ("leader", "follower"))
        zone.write_configuration(text)
        hooks = f"{zone.location}/var/remotes/hooks"
        zone.shell.must(f"mkdir -p {shlex.quote(hooks)}")
        zone.shell.write(f"{hooks}/conf.sh", HOOK, "755")

    def hooks(self, number: int) -> list[str]:
        """The calls of a server's hooks."""
        return self.zone(number).shell.read(f"{self.zone(number).location}/var/remotes/hooks/called").splitlines()

    def start(self, number: int) -> None:
        self.zone(number).start()
        self.running.add(number)

    def stop(self, number: int) -> None:
        self.zone(number).stop()
        self.running.discard(number)

    def kill(self, number: int) -> None:
        self.zone(number).kill()
        self.running.discard(number)

    def becomes(self, number: int, state: int) -> None:
        wait_for(lambda: self.api(number).raft()["STATE"] == state, f"state {state} of {number}", ELECTION_LIMIT, 0.1)

    def copy(self, source: int, target: int) -> None:
        """What a follower needs: the leader's database and credentials."""
        here, there = self.servers[source], self.servers[target]
        here.server.copy(here.database, there.database)
        there.zone.shell.must(f"rm -rf {there.zone.location}/var/.one && "
                              f"cp -a {here.zone.location}/var/.one {there.zone.location}/var/")

    def grow(self, number: int) -> None:
        """One more server, after the leader 0."""
        self.copy(0, number)
        self.configure(number)
        assert self.api(0).raw("one.zone.addserver", self.zone_id, self.server_text(number)) == [True, self.zone_id, 0]
        self.start(number)
        self.becomes(number, FOLLOWER)
        self.write(0)
        self.equal()

    def write(self, number: int, name: str | None = None) -> int:
        """A change of this zone alone, asked of a server."""
        self._written = getattr(self, "_written", 0) + 1
        text = f'NAME="{name or f"t{self._written}"}"\nCPU=1\nMEMORY=64'
        return self.api(number).call("one.template.allocate", text)

    def equal(self, limit: float = 30) -> None:
        """Wait until all that run have the same log and have applied it."""

        def same() -> bool:
            rafts = [self.api(number).raft() for number in self.running]
            return len({(raft["LOG_INDEX"], raft["COMMIT"], raft["FEDLOG_INDEX"]) for raft in rafts}) == 1

        wait_for(same, "equal logs", limit, 0.1)

    def have(self, method: str, number: int) -> None:
        """Wait until each server that runs knows an object."""
        wait_for(lambda: all(self.api(server).raw(method, number)[0] for server in self.running),
                 f"{method}({number}) at {sorted(self.running)}", 20, 0.1)


def lines(zone: Zone, *texts: str) -> list[str]:
    """The lines of the log that contain one of the texts."""
    return [line for line in zone.log().splitlines() if any(text in line for text in texts)]
