# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures: a zone, a federation, zones to break, and objects that are deleted after the check."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from .api import Api, Refused
from .federation import Federation, OwnFederation, Saved, federate
from .frontend import Frontend, Spoilable, Zone
from .servers import Server, Stored, installed, private, store
from .targets import EMULATOR, Emulator, Target, Unavailable, targets

_TARGETS = targets(os.environ)


@pytest.fixture(scope="session", params=_TARGETS, ids=[each.name for each in _TARGETS])
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    if isinstance(request.param, Emulator) and not EMULATOR.exists():
        pytest.skip("there is no tests/emulator/install.py")
    yield request.param
    request.param.close()


@pytest.fixture(scope="session")
def zone(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frontend]:
    """A zone that answers. Checks leave it as they found it."""
    if not target.makes_zones:
        try:
            given = target.given_zone()
        except Unavailable as reason:
            pytest.skip(str(reason))
        if given.api.mode() == "SLAVE":
            pytest.skip("ONE_URL is a slave's: give the master's there, and the slave's as ONE_SLAVE_URL")
        yield given
        return
    made = target.new_zone(tmp_path_factory.mktemp("zone"), "one")
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def api(zone: Frontend) -> Api:
    return zone.api


@pytest.fixture(scope="session")
def one(api: Api) -> Any:
    """The same through pyone."""
    return api.pyone


@pytest.fixture(scope="session")
def version(zone: Frontend) -> str:
    return zone.version


@pytest.fixture(scope="session")
def own(zone: Frontend) -> Zone:
    """The zone, if it is of our own: it may be disabled for a moment."""
    if not isinstance(zone, Zone):
        pytest.skip("disturbs users: only on zones of our own (the emulator, or ONE_SCRATCH)")
    return zone


@pytest.fixture(scope="session")
def standalone(zone: Frontend) -> Frontend:
    if zone.api.mode() != "STANDALONE":
        pytest.skip("the given zone belongs to a federation")
    return zone


@pytest.fixture(scope="session")
def reached(zone: Frontend) -> Frontend:
    """The zone, its machine included: files and SQLite database can be read."""
    if not zone.has_shell:
        pytest.skip("neither ONE_SHELL nor ONE_DATABASE is set")
    if not zone.shell.exists(zone.paths.database):
        pytest.skip("the zone does not use SQLite")
    return zone


@pytest.fixture(scope="session")
def federation(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    """A master and one slave. Checks leave it replicating."""
    if target.makes_zones:
        made = federate(target, tmp_path_factory.mktemp("federation"))
        yield made
        made.stop()
        return
    try:
        given = Federation(target.given_zone(), target.given_slave())
    except Unavailable as reason:
        pytest.skip(str(reason))
    if (given.master.api.mode(), given.slave.api.mode()) != ("MASTER", "SLAVE"):
        pytest.skip("ONE_URL and ONE_SLAVE_URL are not a master and a slave")
    yield given
    given.unmark()
    given.caught_up(limit=60)


@pytest.fixture(scope="session")
def master(federation: Federation) -> Frontend:
    return federation.master


@pytest.fixture(scope="session")
def slave(federation: Federation) -> Frontend:
    return federation.slave


@pytest.fixture(scope="module")
def saved(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Saved]:
    if not target.makes_zones:
        pytest.skip("breaks things: only on zones of our own (the emulator, or ONE_SCRATCH)")
    made = Saved(federate(target, tmp_path_factory.mktemp("replication")))
    yield made
    made.pair.stop()


@pytest.fixture
def pair(saved: Saved) -> Iterator[OwnFederation]:
    """A federation that is healthy to begin with."""
    yield saved.pair
    try:
        for zone in (saved.pair.master, saved.pair.slave):
            if not zone.running:
                zone.start()
        saved.pair.replicates(limit=0.3)
    except (AssertionError, Refused):
        saved.mend()


@pytest.fixture(scope="session")
def spoilable(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Spoilable:
    if not target.makes_zones:
        pytest.skip("breaks things: only on zones of our own (the emulator, or ONE_SCRATCH)")
    zone = target.new_zone(tmp_path_factory.mktemp("stopped"), "zone").start()
    zone.stop()
    return Spoilable(zone)


@pytest.fixture
def stopped(spoilable: Spoilable) -> Iterator[Zone]:
    """A standalone zone that has run once; it may be spoilt."""
    zone = spoilable.fresh()
    yield zone
    zone.stop()


@pytest.fixture
def unborn(stopped: Zone) -> Zone:
    """The same without a database and what comes with it."""
    stopped.shell.must(
        f"cd {shlex.quote(stopped.location)}/var && rm -f one.db config oned.log && "
        "find .one -type f ! -name one_auth -delete"
    )
    return stopped


@pytest.fixture(scope="session")
def private_server() -> Iterator[Server]:
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(private())
        except Unavailable as reason:
            pytest.skip(str(reason))
        yield server


@pytest.fixture(scope="session")
def server(target: Target, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A MariaDB server that may be stopped."""
    if isinstance(target, Emulator):
        yield request.getfixturevalue("private_server")
        return
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(installed(target))
        except Unavailable as reason:
            pytest.skip(str(reason))
        yield server


@pytest.fixture(scope="session")
def started(server: Server, target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    """A zone on MariaDB that runs, standalone. Checks leave it as they found it."""
    made = store(server, target, tmp_path_factory.mktemp("stored"), "zone")
    made.zone.start()
    yield made
    made.zone.stop()


@pytest.fixture(scope="session")
def stored_spoilable(server: Server, target: Target, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return store(server, target, tmp_path_factory.mktemp("spoilt"), "zone")


@pytest.fixture
def empty(stored_spoilable: Stored) -> Iterator[Stored]:
    """A zone with an empty database on MariaDB; it may be spoilt."""
    stored_spoilable.renew()
    stored_spoilable.configure()
    stored_spoilable.zone.federate("STANDALONE")
    yield stored_spoilable
    stored_spoilable.zone.stop()


class Made:
    """Objects of a check, deleted after it, the newest first."""

    def __init__(self) -> None:
        self._undo: list[tuple[Api, str, int]] = []
        self._serial = itertools.count()

    def name(self) -> str:
        return f"conf-{secrets.token_hex(4)}"

    def _note(self, api: Api, method: str, number: int) -> int:
        self._undo.append((api, method, number))
        return number

    def user(
        self, api: Api, name: str | None = None, password: str = "pw", driver: str = "", groups: tuple[int, ...] = ()
    ) -> int:
        number = api.call("one.user.allocate", name or self.name(), password, driver, list(groups))
        return self._note(api, "one.user.delete", number)

    def group(self, api: Api, name: str | None = None) -> int:
        return self._note(api, "one.group.delete", api.call("one.group.allocate", name or self.name()))

    def vdc(self, api: Api, name: str | None = None) -> int:
        return self._note(api, "one.vdc.delete", api.call("one.vdc.allocate", f'NAME="{name or self.name()}"'))

    def zone(self, api: Api, name: str | None = None, template: str = "") -> int:
        # The address is reserved for documentation: nothing can listen there.
        text = f'NAME="{name or self.name()}"\nENDPOINT="http://192.0.2.9:2633/RPC2"\n{template}'
        return self._note(api, "one.zone.delete", api.call("one.zone.allocate", text))

    def rule(self, api: Api, *words: str) -> int:
        return self._note(api, "one.acl.delrule", api.call("one.acl.addrule", *words))

    def undo(self) -> None:
        # What the check itself has deleted is refused here, which does no harm: no id is used twice. A group that was
        # made after its members takes the second round.
        for _dummy in range(2):
            for api, method, number in reversed(self._undo):
                api.raw(method, number)


@pytest.fixture
def made() -> Iterator[Made]:
    objects = Made()
    yield objects
    objects.undo()
