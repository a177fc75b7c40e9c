# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Gives the servers in a zone's record other endpoints, all at once.

No call changes one of them, but the master takes a zone's whole record by one.zone.updatedb: it is what a slave that
got or lost a server sends there itself (src/rm/api/ZoneAPI.cc, SharedAPI::update_db). Ids stay, so that nobody joins
or leaves Raft. An oned calls the servers that it knew at its start, or when it last stood for election
(src/raft/RaftManager.cc): each has to be restarted before an old endpoint falls silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable, TypeVar

from .._api.client import Client
from .._api.documents import attributes_of, parse_xml
from .._api.raft import identity, in_doubt, not_done, patiently
from .._api.template_xml import attributes_xml
from .._errors import OnefedError
from .._host.deadline import Deadline
from .._resources.zone import check_endpoint

POLL_SECONDS = 0.25
Record = dict[str, Any]
Value = TypeVar("Value")


@dataclass
class EndpointsWriter:
    """The servers of one zone, `endpoints` by id. `timeout` limits everything, in seconds."""

    client: Client
    zone_id: int
    endpoints: Mapping[int, str]
    check_mode: bool
    timeout: float

    def __post_init__(self) -> None:
        self.deadline = Deadline.after(self.timeout)

    def write(self) -> dict[str, Any]:
        """Write the record at the master; at a slave, wait until it has come from there. Raises OnefedError."""
        for endpoint in self.endpoints.values():
            check_endpoint(endpoint)
        master = self._patiently(lambda: identity(self.client.within(self.deadline))).master
        before = self._patiently(self._record)
        after = self._wanted(before)
        differs = _servers(before) != _servers(after)
        if differs and not self.check_mode:
            if not master:
                self._call(after)
            self._await(after, master)
        shown = {str(one["ID"]): one["ENDPOINT"] for one in _servers(after)}
        old = {str(one["ID"]): one.get("ENDPOINT", "") for one in _servers(before)}
        return {
            "changed": differs and not master,
            "endpoints": shown,
            "diff": {"before": {"endpoints": old}, "after": {"endpoints": old if master else shown}},
        }

    def _record(self) -> Record:
        return self.client.within(self.deadline).read(_record_from_xml, "one.zone.info", self.zone_id, False)

    def _wanted(self, before: Record) -> Record:
        """The record with the new endpoints and nothing else changed. Raises OnefedError for an unknown server."""
        listed = {int(one["ID"]): one for one in _servers(before)}
        missing = sorted(set(self.endpoints) - set(listed))
        if missing:
            raise OnefedError(
                f"Zone {self.zone_id} has no server {', '.join(map(str, missing))} at {self.client.url}, but "
                f"{', '.join(map(str, sorted(listed))) or 'none'}. Nothing was changed. Correct the ids."
            )
        after = [{**one, "ENDPOINT": self.endpoints.get(number, one.get("ENDPOINT"))} for number, one in listed.items()]
        return {**before, "SERVER_POOL": {"SERVER": after}}

    def _call(self, after: Record) -> None:
        """Write the record; whether a call that was not answered was carried out, the next reading tells."""
        while True:
            try:
                there = self.client.within(self.deadline, most=self.timeout)
                there.call("one.zone.updatedb", self.zone_id, attributes_xml(after, "ZONE"))
                return
            except OnefedError as error:
                if in_doubt(error):
                    return
                if not not_done(error) or not self.deadline.poll(POLL_SECONDS):
                    raise

    def _await(self, after: Record, master: str | None) -> None:
        """Wait until the asked oned shows the new endpoints. Raises OnefedError."""
        while _servers(self._patiently(self._record)) != _servers(after):
            if not self.deadline.poll(POLL_SECONDS):
                why = (
                    f"It has not come from the master, {master}: replication to the zone stands still."
                    if master
                    else "The zone may have no majority of running servers, and the change may still happen."
                )
                raise OnefedError(
                    f"{self.client.url} did not show the new endpoints in the record of zone {self.zone_id} within "
                    f"{self.timeout:g} s. {why} Run playbook status, mend what it tells, and run again."
                )

    def _patiently(self, read: Callable[[], Value]) -> Value:
        """The value of a call that changes nothing, made again while nobody leads or answers."""
        return patiently(read, self.deadline, POLL_SECONDS)


def _record_from_xml(xml: str) -> Record:
    return attributes_of(parse_xml(xml, "a zone"))


def _servers(record: Record) -> list[Record]:
    """The servers in a record, in its order, as it has them."""
    pool = record.get("SERVER_POOL")
    found = pool.get("SERVER", []) if isinstance(pool, dict) else []
    return found if isinstance(found, list) else [found]
