# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Proof of replication: a marker written at one endpoint is read at others.

Equal federated indexes alone prove nothing: a slave that takes part in no replication keeps an old one, and one that
lags behind a restarted master stands still until the next federated write, which the marker is.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Callable

from .._api.client import Client
from .._api.documents import raft_from_xml, zone_from_xml
from .._api.parallel import in_parallel
from .._api.raft import patiently
from .._api.template import render
from .._errors import ApiError, OnefedError
from .._host.deadline import Deadline
from .._resources.zone import PROBE_ATTRIBUTE

POLL_SECONDS = 0.1
# An election in the writer's zone, during which it refuses writes, takes a few seconds.
REMOVAL_SECONDS = 15.0


@dataclass
class Reader:
    """One endpoint that has to show the marker. `seconds` is None until it did; `reason` is what it showed last."""

    client: Client
    seconds: float | None = None
    index: int | None = None
    reason: str = ""


@dataclass
class Probe:
    """A marker on zone `zone_id`, written through `writer`, to be seen at `urls`.

    `timeout` limits, in seconds, first the wait for the marker, then the wait for equal federated indexes.
    """

    writer: Client
    zone_id: int
    urls: Sequence[str]
    timeout: float
    marker: str = field(default_factory=lambda: uuid.uuid4().hex)

    def run(self) -> dict[str, Any]:
        """Seconds until each reader showed the marker, and the federated index that the writer ended with.

        The marker is removed whatever happens. Raises OnefedError that names every reader that failed.
        """
        if self._patiently(lambda: self._raft(self.writer))["federated_log"] == "none":
            raise OnefedError(
                f"The oned at {self.writer.url} takes part in no federation, so there is no replication to prove. "
                "Set MODE in the section FEDERATION of its oned.conf to MASTER or SLAVE and restart it."
            )
        readers = [Reader(self.writer.at(url)) for url in dict.fromkeys(self.urls or [self.writer.url])]
        self._marked(readers)
        self._demand([reader for reader in readers if reader.seconds is None], "did not show the marker", readers)
        target = self._raft(self.writer)["fedlog_index"]
        equal = in_parallel(lambda reader: self._await_index(reader, target), readers)
        behind = [reader for reader, reached in zip(readers, equal) if not reached]
        self._demand(behind, "showed the marker, but not the writer's federated index", readers)
        return {"seconds": {reader.client.url: reader.seconds for reader in readers}, "index": target}

    def _marked(self, readers: Sequence[Reader]) -> None:
        """Write the marker, let the readers find it, and remove it again."""
        leftover = ""
        try:
            written = True
            started = time.monotonic()
            try:
                marker = render({PROBE_ATTRIBUTE: self.marker})
                self._patiently(lambda: self.writer.call("one.zone.update", self.zone_id, marker, 1))
                in_parallel(lambda reader: self._await_marker(reader, started), readers)
            except ApiError:
                # Refused, so not written; a write that got no answer may still happen.
                written = False
                raise
            finally:
                leftover = self._remove() if written else ""
        except OnefedError as error:
            raise OnefedError(f"{error} {leftover}".rstrip()) from None
        if leftover:
            raise OnefedError(leftover)

    def _patiently(self, call: Callable[[], Any]) -> Any:
        """The value of a call that may be repeated, made again while nobody answers or leads."""
        return patiently(call, Deadline.after(self.timeout), POLL_SECONDS)

    def _remove(self) -> str:
        """Drop the marker; returns what is wrong when that was not possible."""
        problem = ""

        def dropped() -> bool:
            nonlocal problem
            try:
                template = self._template(self.writer)
                template.pop(PROBE_ATTRIBUTE, None)
                self.writer.call("one.zone.update", self.zone_id, render(template), 0)
            except OnefedError as error:
                problem = str(error)
                return False
            return True

        if Deadline.after(REMOVAL_SECONDS).wait_until(dropped, POLL_SECONDS):
            return ""
        return (
            f"The marker {PROBE_ATTRIBUTE} could not be removed from zone {self.zone_id}: {problem}. "
            "It does no harm; the next probe of that zone removes it."
        )

    def _await_marker(self, reader: Reader, started: float) -> None:
        def shown() -> bool:
            reader.reason = "it shows the zone without it"
            try:
                found = self._template(self._patient(reader, deadline)).get(PROBE_ATTRIBUTE)
            except OnefedError as error:
                reader.reason = str(error)
                return False
            return bool(found == self.marker)

        deadline = Deadline(started + self.timeout)
        if deadline.wait_until(shown, POLL_SECONDS):
            reader.seconds = round(time.monotonic() - started, 3)

    def _await_index(self, reader: Reader, target: int) -> bool:
        def reached() -> bool:
            reader.reason = "it is not there yet"
            try:
                reader.index = self._raft(self._patient(reader, deadline))["fedlog_index"]
                if reader.index is None or reader.index < target:
                    return False
                # Other writes go on meanwhile; only an index that the writer never had is wrong.
                if reader.index == target or reader.index <= self._raft(self.writer)["fedlog_index"]:
                    return True
                reader.reason = "it holds records that the writer never had"
                return False
            except OnefedError as error:
                reader.reason = str(error)
                return False

        deadline = Deadline.after(self.timeout)
        return deadline.wait_until(reached, POLL_SECONDS)

    def _patient(self, reader: Reader, deadline: Deadline) -> Client:
        """The reader's client with no more time than is left, but enough for one answer."""
        return reader.client.at(reader.client.url, min(reader.client.timeout, max(deadline.left, 1.0)))

    def _template(self, client: Client) -> dict[str, Any]:
        template: dict[str, Any] = client.read(zone_from_xml, "one.zone.info", self.zone_id, False)["template"]
        return template

    @staticmethod
    def _raft(client: Client) -> dict[str, Any]:
        return client.read(raft_from_xml, "one.zone.raftstatus")

    def _demand(self, failed: Sequence[Reader], what: str, readers: Sequence[Reader]) -> None:
        if not failed:
            return
        writer_index = self._index_text(self.writer)
        lines = [
            f"  {reader.client.url} (federated index {self._index_text(reader.client)}) {what}: {reader.reason}"
            for reader in failed
        ]
        raise OnefedError(
            f"Replication from {self.writer.url} (federated index {writer_index}) was not proved at {len(failed)} of "
            f"{len(readers)} endpoints within {self.timeout:g} s:\n" + "\n".join(lines) + "\n"
            "Module federation_info tells what is wrong and what to do."
        )

    def _index_text(self, client: Client) -> str:
        try:
            raft = self._raft(client)
        except OnefedError:
            return "unknown"
        return str(raft["fedlog_index"]) if raft["federated_log"] == "filled" else str(raft["federated_log"])
