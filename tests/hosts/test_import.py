# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A zone on a host with systemd, nftables and MariaDB joins with its users, and nobody reaches it before all is theirs.

ONEFED_ALL_FAULTS=1 runs them (make test-import).
"""

from __future__ import annotations

import contextlib
import http.client
import os
import threading
import xmlrpc.client
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.tools.playbooks import Run, wait_for
from tests.tools.task_hooks import TaskHooks
from tests.zones.crowd import Crowd, Endpoint, Person, Size, fill, strangers
from tests.zones.picture import Names, Picture, differences

from . import requirements
from .api import server
from .federation import FEDERATED, Federation, Zone
from .lab import Lab
from .test_faults import at_next

pytestmark = [
    pytest.mark.skipif(bool(requirements.missing()), reason=str(requirements.missing())),
    pytest.mark.skipif(not os.environ.get("ONEFED_ALL_FAULTS"), reason="extra: make test-import runs it"),
]
SIZE = Size(users=15, groups=4, vdcs=2, rules=10, templates=16, images=8, vms=4, others=2)
OWNED = ("vm_pool", "image_pool", "network_pool", "template_pool", "document_pool")
# Changes with the first image's owner; some machines have theirs by then, and no template has.
GIVEN_AWAY = "SELECT SUM(uid * (oid + 1) * (oid + 1)) FROM opennebula.image_pool"
# A module's Python reads it from its standard input, so that its command has no more words.
KILL_MODULE = ("sh", "-c", "until pkill -KILL -x -f '/usr/bin/python3[.0-9]*'; do sleep 0.02; done")


@dataclass
class Imported:
    """Master madrid with strangers in it, standalone lyon full of people, and what lyon was like before."""

    federation: Federation
    crowd: Crowd
    before: dict[str, Any]

    @property
    def lyon(self) -> Zone:
        return self.federation["lyon"]

    def run(self, at: dict[str, Callable[[], Any]] | None = None) -> Run:
        """Federate; `at` maps the ends of task names to what happens right before such a task."""
        path = self.federation.folder / "hooks"
        with TaskHooks(path, at or {}) as hooks:
            run = self.federation.run("federate", ONEFED_HOOKS=str(path))
        print(run.output)  # shown if the test fails
        assert not hooks.unused, f"these tasks never began: {list(hooks.unused)}"
        return run

    def assert_joined(self) -> Names:
        """All is as it was by the names that the plan tells, and a second run changes nothing."""
        self.federation.assert_federated("lyon")
        (path,) = (self.federation.folder / "imports").glob("federation/lyon/*/plan.yml")
        plan = yaml.safe_load(path.read_text(encoding="utf-8"))
        zones = ElementTree.fromstring(self.federation.master.call("one.zonepool.info")).iterfind("ZONE")
        names = Names.of_plan(plan, next(int(z.findtext("ID", "")) for z in zones if z.findtext("NAME") == "lyon"))
        assert len([old for old, new in names.users.items() if old != new]) > 3
        assert plan["references"]["changing"] > 1
        picture = Picture(endpoint(self.lyon), self.crowd, names, endpoint(self.federation.master))
        assert differences(self.before, picture.take()) == []
        again = self.run()
        assert (again.code, again.tasks("changed")) == (0, set())
        return names


def endpoint(zone: Zone) -> Endpoint:
    """The zone as its oneadmin, whose password a join changes, and as others."""
    return Endpoint(
        zone.host.url, zone.api.session, lambda url: server(url, lambda: zone.lab.connect(zone.host.address, 2633))
    )


@pytest.fixture(scope="module")
def frozen(hosts: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imported]:
    with Lab.temporary("import") as lab:
        federation = Federation.create(lab, tmp_path_factory.mktemp("import"), "mariadb", ("madrid", "lyon"))
        lyon = endpoint(federation["lyon"])
        crowd = fill(lyon, SIZE)
        strangers(endpoint(federation.master), crowd, colliding=5)
        before = Picture(lyon, crowd).take()
        lab.freeze()
        yield Imported(federation, crowd, before)


@pytest.fixture
def joining(frozen: Imported, tmp_path: Path) -> Imported:
    """The two zones, running, as if nothing had happened to them yet."""
    federation = frozen.federation
    federation.variables["lyon"] = {"zone_import": True, "zone_import_conflicts": "rename"}
    federation.folder = tmp_path
    federation.settings["federation_import_directory"] = str(tmp_path / "imports")
    federation.lab.reset()
    for zone in federation.zones.values():
        wait_for(zone.answers, f"{zone.name} to answer", 60)
    return frozen


class Outsider:
    """Somebody who asks a zone's API from elsewhere again and again, with every name that he might have.

    `asked` and `answered` count his calls by `phase`, those at a change of it excepted.
    """

    def __init__(self, zone: Zone, *sessions: str) -> None:
        self.zone, self.sessions, self.phase = zone, sessions, "before"
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._ask_on, daemon=True)

    def __enter__(self) -> Outsider:
        self._thread.start()
        self.await_calls()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._thread.join()

    def enter(self, phase: str) -> None:
        self.phase = phase

    def await_calls(self) -> None:
        """Until every session was tried in this phase."""
        wait_for(lambda: self.asked[self.phase] >= len(self.sessions), f"calls when {self.phase}", 60)

    def _ask_on(self) -> None:
        while not self._end.wait(0.1):
            for session in self.sessions:
                phase, answer = self.phase, self.answer(session)
                if phase == self.phase:
                    self.asked[phase] += 1
                    self.answered[phase] += answer is not None

    def answer(self, session: str) -> list[Any] | None:
        """What oned says, a refusal as well; None if nobody answers."""
        url, address = self.zone.host.url, self.zone.host.address
        with contextlib.suppress(OSError, http.client.HTTPException, xmlrpc.client.ProtocolError):
            answer: list[Any] = server(url, lambda: self.zone.lab.connect(address, 2633)).one.user.info(session, -1)
            return answer
        return None


def somebody(crowd: Crowd) -> Person:
    """Who has a password, a name that somebody at the master has as well, and another id there."""
    return next(person for number, person in enumerate(crowd.people.values()) if number % 3 == 0 and usable(person))


def usable(person: Person) -> bool:
    return person.driver == "core" and person.enabled


def test_nobody_reaches_a_zone_until_everybody_has_what_was_his(joining: Imported) -> None:
    person = somebody(joining.crowd)
    old, new = f"{person.name}:{person.secret}", f"{person.name}_lyon:{person.secret}"
    with Outsider(joining.lyon, old, new) as outsider:

        def enter(phase: str) -> None:
            # What follows has to wait until it was tried.
            outsider.enter(phase)
            outsider.await_calls()

        at = {
            "Write down the zone's identities": lambda: enter("closed"),
            "Prove replication to and from the master": lambda: enter("running"),
            "Open the zone's API to everybody": lambda: outsider.enter("opening"),
        }
        assert joining.run(at).code == 0
        enter("open")
        assert outsider.answer(old) != outsider.answer(new)
        mine = outsider.answer(new)
    assert [outsider.answered[phase] for phase in ("closed", "running")] == [0, 0]
    assert min(outsider.asked[phase] for phase in ("closed", "running")) >= 2
    assert min(outsider.answered[phase] for phase in ("before", "open")) >= 2
    assert mine is not None and mine[0] is True, mine
    assert joining.assert_joined().users[person.name] == f"{person.name}_lyon"


def owners(zone: Zone) -> dict[str, list[list[Any]]]:
    return {table: zone.rows(f"SELECT oid, uid, gid FROM {table} ORDER BY oid") for table in OWNED}


def test_an_import_that_is_killed_leaves_nothing_and_is_repeated(joining: Imported) -> None:
    madrid, lyon = joining.federation.master, joining.lyon
    person, whose = somebody(joining.crowd), owners(lyon)
    seen: dict[str, Any] = {}
    at = {
        "Create the zones at the master": lambda: seen.update(master=madrid.tables()),
        "Give all objects and quotas to their owners": lambda: at_next(lyon.host, GIVEN_AWAY, KILL_MODULE),
        "Stop oned and its companions": lambda: seen.update(owners=owners(lyon)),
    }
    run = joining.run(at)
    assert run.code != 0
    assert seen["owners"] != whose
    assert "lyon, lyon-1: did not join and was returned to what it was" in " ".join(run.output.split())
    wait_for(lyon.answers, "lyon to answer again", 60)
    assert owners(lyon) == whose
    answer = Outsider(lyon).answer(f"{person.name}:{person.secret}")
    assert answer is not None and answer[0] is True, answer
    assert differences(joining.before, Picture(endpoint(lyon), joining.crowd).take()) == []
    left = lyon.host.exec(["sh", "-c", "nft list tables; find /etc/systemd -name '*onefed*'"]).stdout
    assert "onefed" not in left
    after = madrid.tables()
    assert "<NAME>lyon</NAME>" not in madrid.call("one.zonepool.info")
    for table in set(FEDERATED) - {"zone_pool"}:
        assert after[table] == seen["master"][table]
    assert joining.run().code == 0
    joining.assert_joined()
