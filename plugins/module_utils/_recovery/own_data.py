# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Nothing that came after the plan is lost: what a zone has of its own, read again once its oned stands still.

Between preflight and the stop of its oned a zone goes on working. No decision was made about what was created there
meanwhile; the federation's tables would replace it without a word. Such a zone is kept out before anything is changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from .._database.base import Session
from .._database.open import frontend_database, identity
from .._database.own_data import OWNED, bodies, limits, own_objects, owners
from .._database.schema import is_bootstrapped, log_position
from .._errors import FrontendError
from .._frontend.journal import Journal
from .._frontend.layout import Frontend
from .._host.files import read_bytes, write_bytes
from .._resources.acl import Rule
from .._resources.quotas import DEFAULT, UNLIMITED, limits_of
from .._service import oned

FILE = "own_data.json"
REFUSE, DISCARD, IMPORT, RESEED = ("refuse", "discard", "import", "reseed")
# Steps of a journal after which the tables are the master's, until a rollback is complete.
_REPLACED = ("restoring", "restored")
REVERTED = "reverted"
_LABELS = {"vdcs": "VDCs", "acls": "ACL rules", "marketplace_apps": "marketplace apps", "vms": "machines"}
# Tokens come and go with logins; that a group has a member, the member says too.
_FLEETING = re.compile(r"<LOGIN_TOKEN>.*?</LOGIN_TOKEN>|<USERS>.*?</USERS>", re.DOTALL)
_DOCUMENTS = {"users": "user_pool", "groups": "group_pool", "vdcs": "vdc_pool"}
_OWNED_BY_ALL = {"marketplaces": "marketplace_pool", "marketplace_apps": "marketplaceapp_pool"}
_WHOLE = {"user": "users", "group": "groups"}

# By kind and id: name, and a mark that is another one when what counts of the object has changed.
Inventory = dict[str, dict[str, list[str]]]


@dataclass(frozen=True)
class Planned:
    """What the plan was based on: option `own_data` of module join_journal. `known` is in the shape of NO_OWN_DATA."""

    action: str = REFUSE
    known: Mapping[str, Any] = field(default_factory=dict)
    zones: list[Mapping[str, Any]] = field(default_factory=list)
    is_slave: bool | None = None
    federated_index: int | None = None

    @classmethod
    def of(cls, option: Mapping[str, Any] | None) -> Planned:
        return cls(**{name: value for name, value in (option or {}).items() if value is not None})


def note(frontend: Frontend, journal: Journal, login: Mapping[str, Any]) -> None:
    """Write down in the join's folder what the zone has now, as its identities are about to be written down.

    Raises DatabaseError, FrontendError.
    """
    with frontend_database(frontend, login).reading() as session:
        content = {"inventory": _inventory(session), **identity(session)}
    path = os.path.join(journal.directory, FILE)
    try:
        write_bytes(path, json.dumps(content).encode(), frontend.state_attributes)
    except OSError as error:
        raise FrontendError(f"Cannot write {path}: {error.strerror or error}.") from error


def verify(
    frontend: Frontend, journal: Journal, planned: Planned, applied: Mapping[str, int | None], login: Mapping[str, Any]
) -> list[str]:
    """Compare the database of a stopped oned with what the plan was based on, and with what was noted for an import.

    Returns lines that tell what goes beyond the plan, as it may with `discard`. Raises FrontendError that names all
    that is new, or changed, and nobody has decided on. Tables that are the master's already are not looked at.
    `applied` holds, for each other server of the zone, the newest record that it has carried out.
    """
    if oned.is_running(frontend):
        raise FrontendError("oned runs, so what the zone has of its own is not settled yet. Stop oned first.")
    if _replaced(journal):
        return []
    with frontend_database(frontend, login).reading() as session:
        if not is_bootstrapped(session):
            return []
        _refuse(journal, _lacks(log_position(session.query)["last_applied"], applied), _AGAIN)
        now = identity(session)
        if planned.action == IMPORT:
            noted = _read(journal)
            found = _changes(noted["inventory"], _inventory(session)) + _another_zone(noted, now)
            _refuse(journal, found, _AGAIN)
            return []
        own = own_objects(session)
    if planned.action == RESEED and now["federated_index"] != planned.federated_index:
        # The master wrote meanwhile, by replication, and has all of it.
        return []
    came = _beyond(planned.known, own)
    another = _another_zone({"zones": planned.zones, "is_slave": planned.is_slave}, now)
    if planned.action == DISCARD:
        _refuse(journal, another, _AGAIN)
        return came
    _refuse(journal, came + another, _AGAIN if planned.action == RESEED else _DECIDE)
    return []


_AGAIN = "Run again, and let no user work in the zone meanwhile."
_DECIDE = (
    "Decide on it and run again: zone_import: true keeps what is the zone's own, zone_discard: true lets it go (a full "
    "backup is kept)."
)


def _refuse(journal: Journal, found: list[str], remedy: str) -> None:
    if found:
        raise FrontendError(
            f"Zone {journal.zone_name} has changed since the run looked at it, before its oned stopped: "
            f"{'; '.join(found)}. Joining would lose that, so the zone is kept out; nothing of it was changed. {remedy}"
        )


def _lacks(mine: int | None, applied: Mapping[str, int | None]) -> list[str]:
    """Servers that followed another leader meanwhile. A leader is never behind those that follow it."""
    return [
        f"{name} has carried out records of the zone's log up to {index}, and this server, which led, up to {mine}"
        for name, index in applied.items()
        if index is not None and index > (-1 if mine is None else mine)
    ]


def _replaced(journal: Journal) -> bool:
    """Whether the shared tables may be the master's by now."""
    reached = [step["step"] for step in journal.steps if step["step"] in (*_REPLACED, REVERTED)]
    return bool(reached) and reached[-1] != REVERTED


def _read(journal: Journal) -> dict[str, Any]:
    path = os.path.join(journal.place, FILE)
    try:
        noted: dict[str, Any] = json.loads(read_bytes(path).decode("utf-8"))
        return {name: noted[name] for name in ("inventory", "zones", "is_slave")}
    except (OSError, ValueError, KeyError) as error:
        raise FrontendError(
            f"What zone {journal.zone_name} had when its identities were written down cannot be read from {path}: "
            f"{error}. The zone is kept out; nothing of it was changed. {_AGAIN}"
        ) from error


def _inventory(session: Session) -> Inventory:
    """All that an import takes along."""
    documents = {kind: bodies(session, table) for kind, table in _DOCUMENTS.items()}
    found = {
        kind: {oid: (name, _digest(body)) for oid, (name, body) in objects.items()}
        for kind, objects in documents.items()
    }
    own = own_objects(session)
    found["acls"] = {oid: (_rule(words), words) for oid, words in own["acls"].items()}
    for kind, table in _OWNED_BY_ALL.items():
        found[kind] = {oid: seen for oid, seen in owners(session, table).items() if oid in own[kind]}
    found.update({kind: owners(session, table) for kind, table in OWNED.items()})
    inventory = {kind: {str(oid): list(seen) for oid, seen in objects.items()} for kind, objects in found.items()}
    return {**inventory, "quotas": _limits(session, documents)}


def _limits(session: Session, documents: Mapping[str, Mapping[int, tuple[str, str]]]) -> dict[str, list[str]]:
    found = {}
    for kind, oid, body in limits(session):
        try:
            set_to = limits_of(ElementTree.fromstring(body), UNLIMITED if oid is None else DEFAULT)
        except (ElementTree.ParseError, ValueError):
            continue  # OpenNebula cannot read it either
        name = "default" if oid is None else documents[_WHOLE[kind]].get(oid, (str(oid), ""))[0]
        if set_to:
            found[f"{kind} {oid}"] = [f"of {kind} {name}", json.dumps(set_to, sort_keys=True)]
    return found


def _digest(body: str) -> str:
    return hashlib.sha256(_FLEETING.sub("", body).encode("utf-8", "surrogateescape")).hexdigest()


def _rule(words: str) -> str:
    return Rule(*(int(word, 16) for word in words.split())).text()


def _changes(noted: Mapping[str, Mapping[str, list[str]]], now: Inventory) -> list[str]:
    """What is new, changed or gone, in lines by kind. It is no loss that objects which have an owner are gone."""
    found = {}
    for kind, objects in now.items():
        before = noted.get(kind, {})
        found[kind] = [
            objects[oid][0] + (" (changed)" if oid in before else "")
            for oid in objects
            if objects[oid] != before.get(oid)
        ]
        if kind not in OWNED:
            found[kind] += [f"{before[oid][0]} (gone)" for oid in before if oid not in objects]
    return _lines(found)


def _beyond(known: Mapping[str, Any], own: Mapping[str, Mapping[int, str]]) -> list[str]:
    """What the zone has that is not in `known`, of which rules and apps are counted: the newest of them are new."""
    found = {}
    for kind, objects in own.items():
        names = [_rule(words) for words in objects.values()] if kind == "acls" else list(objects.values())
        before = known.get(kind) or []
        found[kind] = names[before:] if isinstance(before, int) else [name for name in names if name not in set(before)]
    return _lines(found)


def _lines(found: Mapping[str, Iterable[str]]) -> list[str]:
    return [f"{_LABELS.get(kind, kind)} {', '.join(names)}" for kind, names in found.items() if names]


def _another_zone(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Whether the database is another zone's than it was. Before the first start of oned it was nobody's."""
    if not before["zones"]:
        return []
    was, known = (_named(side["zones"]) for side in (before, now))
    differences = [] if was == known else [f"its database knew {was} and knows {known}"]
    if bool(before["is_slave"]) != bool(now["is_slave"]):
        differences.append(f"its database is {'' if now['is_slave'] else 'not '}marked as a slave's now")
    return differences


def _named(zones: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(f"zone {zone['id']} {zone['name']} ({zone['endpoint'] or 'no endpoint'})" for zone in zones)
