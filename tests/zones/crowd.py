# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A zone with years of users behind it, made over plain XML-RPC: emulated or real, the same for the same seed.

`fill` makes users of three drivers, groups, VDCs, access rules, quotas, a marketplace and objects with owners;
`strangers` makes users of a federation whose ids and some of whose names are those of the zone's. What anybody can see
and do afterwards is told by `picture.py`.
"""

from __future__ import annotations

import random
import threading
import xmlrpc.client
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable
from xml.etree import ElementTree

PRIVATE_KEY = 'BEGIN KEY\nline "2" of a\\key\nEND KEY'
# Rights that a rule may give, as its numbers: use, manage, both, create.
_RIGHTS = (1, 2, 3, 8)
_ONE, _GROUP, _ALL = 1 << 32, 2 << 32, 4 << 32
_VM, _NET, _IMAGE, _USER, _TEMPLATE, _DATASTORE, _DOCUMENT = (
    bit << 32 for bit in (0x10, 0x40, 0x80, 0x100, 0x200, 0x1000, 0x4000)
)
_SECGROUP, _MARKETPLACE, _APP = (bit << 32 for bit in (0x10000, 0x80000, 0x100000))
# What is made of each kind: the text of its template, what else allocate takes, and how many there are.
OBJECTS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "template": ('NAME="{}"\nCPU="1"\nMEMORY="128"', ()),
    "image": ('NAME="{}"\nTYPE="DATABLOCK"\nSIZE="1"', (1,)),
    "vm": ('NAME="{}"\nCPU="0.5"\nMEMORY="64"', (True,)),
    "vn": ('NAME="{}"\nVN_MAD="bridge"\nBRIDGE="b"', (-1,)),
    "secgroup": ('NAME="{}"', ()),
    "document": ('NAME="{}"\nBODY="{{\\"DISK\\": {{\\"IMAGE_UNAME\\": \\"ana-000\\"}}}}"', (101,)),
    "vmgroup": ('NAME="{}"\nROLE=[NAME="r"]', ()),
    "vntemplate": ('NAME="{}"\nVN_MAD="bridge"', ()),
}


@dataclass(frozen=True)
class Size:
    """How many of everything. `templates` and `images` are those of 500 together in the full scenario."""

    users: int = 200
    groups: int = 20
    vdcs: int = 5
    rules: int = 60
    templates: int = 250
    images: int = 250
    vms: int = 50
    others: int = 8

    def of(self, kind: str) -> int:
        return {"template": self.templates, "image": self.images, "vm": self.vms}.get(kind, self.others)


@dataclass
class Endpoint:
    """An oned, called with somebody's credentials (`user:secret`); connections are kept, one for each thread.

    `server` makes a connection to a URL.
    """

    url: str
    session: str = field(repr=False)
    server: Callable[[str], Any] = xmlrpc.client.ServerProxy
    _local: threading.local = field(default_factory=threading.local, repr=False)

    def ask(self, session: str, method: str, *arguments: Any) -> list[Any]:
        """The whole answer to somebody's call."""
        if not hasattr(self._local, "proxy"):
            self._local.proxy = self.server(self.url)
        answer: list[Any] = getattr(self._local.proxy, method)(session, *arguments)
        return answer

    def call(self, method: str, *arguments: Any) -> Any:
        """The value of an answer, or AssertionError with OpenNebula's text."""
        answer = self.ask(self.session, method, *arguments)
        assert answer[0], f"{method}: {answer[1]}"
        return answer[1]


@dataclass(frozen=True)
class Person:
    """One user; `secret` is a password for the driver core, else what the driver goes by.

    Who is `plain` is in the group "users" only and has no attributes: he may be in a federation as the same person.
    """

    name: str
    driver: str
    secret: str = field(repr=False)
    enabled: bool
    groups: Sequence[int]
    plain: bool
    id: int


@dataclass(frozen=True)
class Crowd:
    """Who is in a zone that `fill` has filled: people by name, and the names of their groups by id."""

    people: dict[str, Person]
    groups: dict[int, str]


def fill(zone: Endpoint, size: Size = Size(), seed: int = 1) -> Crowd:
    """Fill a fresh zone, as its oneadmin."""
    chance = random.Random(seed)  # noqa: S311 - it is to be the same each time
    call = zone.call
    groups = {1: "users", **{_group(zone, chance, number): _group_name(number) for number in range(size.groups)}}
    people = {person.name: person for person in _people(zone, chance, size, list(groups))}
    by_id = list(people.values())
    for gid in [gid for gid in groups if gid > 1][::2]:
        members = [person for person in by_id if gid in person.groups]
        if members:
            call("one.group.addadmin", gid, members[0].id)
    _objects(zone, chance, size, by_id)
    _vdcs(zone, chance, size, [gid for gid in groups if gid > 1])
    _rules(zone, chance, size, by_id, list(groups))
    _quotas(zone, chance, by_id, [gid for gid in groups if gid > 1])
    _market(zone, next(person for person in by_id if person.driver == "core" and person.enabled))
    return Crowd(people, groups)


def _group_name(number: int) -> str:
    return f"équipe-{number:02d}" if number % 7 == 0 else f"team-{number:02d}"


def _group(zone: Endpoint, chance: random.Random, number: int) -> int:
    gid: int = zone.call("one.group.allocate", _group_name(number))
    if chance.random() < 0.5:
        zone.call("one.group.update", gid, f'SUNSTONE=[DEFAULT_VIEW="cloud",VIEWS="cloud,groupadmin"]\nCOST="{gid}"', 0)
    return gid


def _people(zone: Endpoint, chance: random.Random, size: Size, groups: list[int]) -> Iterator[Person]:
    for number in range(size.users):
        driver = ("core", "core", "core", "x509", "ssh")[number % 5]
        name = f"{('ana', 'jürgen', 'li', 'o.k', 'zoë')[number % 7 % 5]}-{number:03d}"
        secret = {"core": f"pass:{number}-\"'<&>", "x509": f"/C=ES/CN={number}", "ssh": f"AAAAB3NzaC1yc2E{number}=="}
        plain = number % 10 == 5
        member = [1] if plain else chance.sample(groups, min(len(groups), chance.choice((1, 1, 2, 3))))
        oid = zone.call("one.user.allocate", name, secret[driver], driver, member)
        enabled = plain or number % 11 != 3
        if not enabled:
            zone.call("one.user.enable", oid, False)
        if not plain and number % 2:
            key = PRIVATE_KEY.replace('"', '\\"')
            token = f'TOKEN_PASSWORD="{number:064x}"\n' if number % 3 else ""
            text = f'EMAIL="{name}@example.org"\nSUNSTONE=[LANG="es_ES"]\n{token}SSH_PRIVATE_KEY="{key}"'
            zone.call("one.user.update", oid, text, 1)
        yield Person(name, driver, secret[driver], enabled, tuple(member), plain, oid)


def _objects(zone: Endpoint, chance: random.Random, size: Size, people: list[Person]) -> None:
    """Objects of all kinds. Most people have one of the same name, so that names collide while owners change."""
    for kind, (text, more) in OBJECTS.items():
        owners = chance.sample(people, len(people))
        for number in range(size.of(kind)):
            person, own_name = owners[number % len(owners)], f"{kind} {number}"
            oid = zone.call(f"one.{kind}.allocate", text.format(own_name), *more)
            zone.call(f"one.{kind}.chown", oid, person.id, chance.choice(person.groups))
            if number % 5:
                zone.call(f"one.{kind}.rename", oid, f"{kind}-{number // len(owners)}")
            bits = (1, 1, 0, *chance.choice(((0, 0, 0), (1, 0, 0), (1, 1, 0))), chance.choice((0, 0, 0, 1)), 0, 0)
            if bits[3:] != (0,) * 6:
                zone.call(f"one.{kind}.chmod", oid, *bits)
            if kind == "template" and number % 6 == 1:
                zone.call("one.template.update", oid, _references(*chance.sample(people, 3)), 1)
            if kind in ("template", "image") and number % 40 == 7:
                zone.call(f"one.{kind}.lock", oid, 2 + number % 2)


def _references(first: Person, second: Person, third: Person) -> str:
    """What of others a template uses by their names and ids."""
    return (
        f'DISK=[IMAGE="image-0",IMAGE_UNAME="{first.name}",READONLY=""]\nDISK=[IMAGE="image-0",IMAGE_UID="{second.id}"]\n'
        f'NIC=[NETWORK="vn-0",NETWORK_UNAME="{third.name}"]\n'
        f'CONTEXT=[FILES_DS="$FILE[IMAGE=\\"image-0\\", IMAGE_UNAME=\\"{second.name}\\"]",PASSWORD="a secret"]'
    )


def _vdcs(zone: Endpoint, chance: random.Random, size: Size, groups: list[int]) -> None:
    networks = _ids(zone, "one.vnpool.info", -2, -1, -1)
    for number in range(size.vdcs):
        oid = zone.call("one.vdc.allocate", f'NAME="vdc-{number}"\nNOTE="number {number}"')
        for gid in chance.sample(groups, min(4, len(groups))):
            zone.call("one.vdc.addgroup", oid, gid)
        zone.call("one.vdc.addcluster", oid, 0, (0, -10)[number % 2])
        zone.call("one.vdc.adddatastore", oid, 0, number % 3)
        for network in chance.sample(networks, min(2, len(networks))):
            zone.call("one.vdc.addvnet", oid, 0, network)
    # New groups are in the default VDC; some were taken out of it.
    for gid in groups[::3]:
        zone.call("one.vdc.delgroup", 0, gid)


def _ids(zone: Endpoint, method: str, *arguments: int) -> list[int]:
    root = ElementTree.fromstring(zone.call(method, *arguments))
    return sorted(int(each.findtext("ID", "")) for each in root if each.find("ID") is not None)


def _rules(zone: Endpoint, chance: random.Random, size: Size, people: list[Person], groups: list[int]) -> None:
    """Rules of users and groups on one object, on a group's, or on all, in this zone or in all zones."""
    made: set[tuple[int, int, int, int]] = set()
    while len(made) < size.rules:
        person, gid = chance.choice(people), chance.choice(groups)
        who = chance.choice((_ONE | person.id, _GROUP | gid))
        kinds = chance.choice((_TEMPLATE, _IMAGE, _VM, _NET, _TEMPLATE | _IMAGE, _DATASTORE, _DOCUMENT, _SECGROUP))
        most = {_TEMPLATE: size.templates, _IMAGE: size.images, _VM: size.vms}.get(kinds, 1)
        choices = [(_ONE | chance.randrange(most), _ONE), (_GROUP | chance.choice(groups), _ALL)]
        if len(made) % 10 == 0:
            # Rare, for such rules drown the others.
            choices = [(_ALL, chance.choice((_ONE, _ALL)))]
        elif len(made) % 10 == 5:
            kinds, choices = _USER, [(_ONE | chance.choice(people).id, _ONE)]
        which, zone_word = chance.choice(choices)
        rule = (who, kinds | which, chance.choice(_RIGHTS), zone_word)
        answer = zone.ask(zone.session, "one.acl.addrule", *(f"{word:x}" for word in rule))
        # Some are what VDCs or earlier ones gave.
        assert answer[0] or "already exists" in answer[1], answer
        if answer[0]:
            made.add(rule)


def _quotas(zone: Endpoint, chance: random.Random, people: list[Person], groups: list[int]) -> None:
    """Limits above, at and below what is used: only who changes nothing may be beyond his limit."""
    zone.call("one.userquota.update", 'VM=[VMS="20",CPU="50"]')
    zone.call("one.groupquota.update", 'DATASTORE=[ID="1",IMAGES="400"]')
    for person in people[::3]:
        vms, images = chance.choice((0, 1, 2, -2)), chance.choice((1, 2, 10))
        text = f'VM=[VMS="{vms}",CPU="4.5"]\nDATASTORE=[ID="1",IMAGES="{images}",SIZE="1000"]'
        zone.call("one.user.quota", person.id, text)
    for gid in groups[::2]:
        zone.call("one.group.quota", gid, f'VM=[VMS="{chance.choice((1, 5, 40))}",MEMORY="4096"]')


def _market(zone: Endpoint, publisher: Person) -> None:
    """A marketplace with an app that a user has published himself."""
    call = zone.call
    shelf = 'NAME="shelf"\nMARKET_MAD="http"\nBASE_URL="http://x.example.org/"\nPUBLIC_DIR="/var/tmp"'
    market = call("one.market.allocate", shelf)
    rule = (_ONE | publisher.id, _MARKETPLACE | _APP | _ALL, 1 | 8, _ONE)
    call("one.acl.addrule", *(f"{word:x}" for word in rule))
    app = 'NAME="recipe"\nORIGIN_ID="0"\nTYPE="VMTEMPLATE"\nAPPTEMPLATE64="eA=="\nVERSION="1.0"'
    answer = zone.ask(f"{publisher.name}:{publisher.secret}", "one.marketapp.allocate", app, market)
    assert answer[0], answer[1]
    call("one.marketapp.allocate", app.replace("recipe", "second"), market)


def strangers(master: Endpoint, crowd: Crowd, colliding: int = 10, same: Sequence[str] = ()) -> dict[str, str]:
    """Users and groups of a federation with the ids of the crowd's; the first ones with their names, too.

    `same` are people of the crowd who are in the federation as well, with the same password. Returns with what oned is
    called as everybody, by name.
    """
    names, sessions = list(crowd.people), {}
    for number in range(len(crowd.people) // 2):
        name = names[number * 3] if number < colliding else f"stranger-{number}"
        if name not in same:
            master.call("one.user.allocate", name, f"strange-{number}", "core", [])
            sessions[name] = f"{name}:strange-{number}"
    for name in same:
        person = crowd.people[name]
        master.call("one.user.allocate", name, person.secret, person.driver, [1])
        sessions[name] = f"{name}:{person.secret}"
    for number, name in enumerate(list(crowd.groups.values())[1:7]):
        master.call("one.group.allocate", name if number < 2 else f"strange-team-{number}")
    return sessions
