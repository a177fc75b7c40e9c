# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The database of a federation slave as a zone of its own needs it.

A standalone oned always is zone 0 (src/nebula/Nebula.cc of OpenNebula). So everything that names the zone by its id in
the federation names zone 0 afterwards, and what belongs to other zones goes: their records, access rules that hold in
them, their resources in VDCs, their marketplaces with apps. Users, groups and all local tables stay. No local table
holds the id of a zone.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from .._api.documents import DocumentError, number, parse_xml
from .._errors import DatabaseError
from .base import Database, Session, Text, Value
from .log_end import end_log, log_position, new_term
from .schema import LOG, POOL_CONTROL, first_row, set_is_slave, text, zone_ids

ALONE = 0
# OpenNebula's own marketplaces have ids below: every new zone has them, and nobody writes to them.
_FIRST_OWN_MARKET = 100
# What the counter of zones says of a new OpenNebula: ids below 100 are its own.
_LAST_SYSTEM_ID = 99
# In rules: one zone, and the kind "zone" with one object (include/AclRule.h, PoolObjectSQL.h).
_ONE, _MASK = 2**32, 2**32 - 1
_ZONE_OBJECT = (0x10 << (32 + 11)) | _ONE
_ENTRY = re.compile(r"<(CLUSTER|HOST|DATASTORE|VNET)><ZONE_ID>(-?\d+)</ZONE_ID>(<\1_ID>-?\d+</\1_ID>)</\1>")
_ZONE_ID = re.compile(r"<ZONE_ID>(?:<!\[CDATA\[)?-?\d+(?:\]\]>)?</ZONE_ID>")
_TEMPLATE = "<TEMPLATE>"


def become_standalone(session: Session, database: Database, zone_id: int) -> None:
    """Make the database one of a standalone zone, which `zone_id` was in the federation. Raises DatabaseError.

    `session` writes to `database`, bytes as they are stored.
    """
    if zone_id not in zone_ids(session):
        raise DatabaseError(f"It has no record of zone {zone_id}: it is no copy of the federation's tables.")
    _markets(session, database, zone_id)
    _vdcs(session, database, zone_id)
    _rules(session, zone_id)
    _zone(session, database, zone_id)
    _log(session)
    session.execute(set_is_slave(False))


def _log(session: Session) -> None:
    """Empty it, as its records are other zones' too; several servers go on after the newest, in a new term."""
    term, (last, at) = new_term(session), log_position(session)
    session.execute(f"DELETE FROM {LOG}")
    if term:
        end_log(session, [last + 1, last + 2], term, at)


def _zone(session: Session, database: Database, zone_id: int) -> None:
    session.execute(f"DELETE FROM zone_pool WHERE oid <> {zone_id}")
    body = _body(first_row(session, f"SELECT body FROM zone_pool WHERE oid = {zone_id}"))
    begins = f"<ZONE><ID>{zone_id}</ID>"
    if not body.startswith(begins):
        raise DatabaseError(f"The record of zone {zone_id} does not begin with its id: it is not OpenNebula's.")
    _store(session, database, "zone_pool", zone_id, f"<ZONE><ID>{ALONE}</ID>{body[len(begins) :]}")
    session.execute(f"UPDATE zone_pool SET oid = {ALONE} WHERE oid = {zone_id}")
    session.execute(f"UPDATE {POOL_CONTROL} SET last_oid = {_LAST_SYSTEM_ID} WHERE tablename = 'zone_pool'")


def _rules(session: Session, zone_id: int) -> None:
    """Rules that hold in one zone, and rules on one zone: of all others they go."""
    own = _ONE | zone_id
    one_zone = f"zone < {2 * _ONE} AND zone >= {_ONE}"
    session.execute(f"DELETE FROM acl WHERE {one_zone} AND zone <> {own}")
    session.execute(f"UPDATE acl SET zone = {_ONE | ALONE} WHERE zone = {own}")
    # The number of a kind with one object, less the object's id.
    on_a_zone = f"resource >= {_ZONE_OBJECT} AND resource <= {_ZONE_OBJECT | _MASK}"
    session.execute(f"DELETE FROM acl WHERE {on_a_zone} AND resource <> {_ZONE_OBJECT | zone_id}")
    session.execute(f"UPDATE acl SET resource = {_ZONE_OBJECT | ALONE} WHERE resource = {_ZONE_OBJECT | zone_id}")


def _vdcs(session: Session, database: Database, zone_id: int) -> None:
    for oid, body in _bodies(session, "vdc_pool"):
        resources, begins, rest = body.partition(_TEMPLATE)

        def moved(entry: re.Match[str]) -> str:
            kind, zone, resource = entry.groups()
            return f"<{kind}><ZONE_ID>{ALONE}</ZONE_ID>{resource}</{kind}>" if int(zone) == zone_id else ""

        after = _ENTRY.sub(moved, resources) + begins + rest
        wanted = [(kind, ALONE, resource) for kind, zone, resource in _entries(body) if zone == zone_id]
        if _entries(after) != wanted:
            raise DatabaseError(f"The resources of VDC {oid} are not written as OpenNebula does.")
        if after != body:
            _store(session, database, "vdc_pool", oid, after)


def _entries(body: str) -> list[tuple[str, int, int]]:
    vdc = _parsed(body, "VDC")
    return [
        (entry.tag, number(entry, "ZONE_ID"), number(entry, f"{entry.tag}_ID"))
        for kind in ("CLUSTERS", "HOSTS", "DATASTORES", "VNETS")
        for entry in vdc.iterfind(f"{kind}/*")
    ]


def _markets(session: Session, database: Database, zone_id: int) -> None:
    """The zone's own become zone 0's, as OpenNebula's own do; those of other zones go, and their apps."""
    kept = set()
    for oid, body in _bodies(session, "marketplace_pool"):
        if oid < _FIRST_OWN_MARKET or _zone_of(body) == zone_id:
            kept.add(oid)
            _move(session, database, "marketplace_pool", oid, body)
        else:
            session.execute(f"DELETE FROM marketplace_pool WHERE oid = {oid}")
    for oid, body in _bodies(session, "marketplaceapp_pool"):
        if number(_parsed(body, "app"), "MARKETPLACE_ID", -1) in kept:
            _move(session, database, "marketplaceapp_pool", oid, body)
        else:
            session.execute(f"DELETE FROM marketplaceapp_pool WHERE oid = {oid}")


def _move(session: Session, database: Database, table: str, oid: int, body: str) -> None:
    if _zone_of(body) == ALONE:
        return
    after = _ZONE_ID.sub(f"<ZONE_ID><![CDATA[{ALONE}]]></ZONE_ID>", body, count=1)
    if _zone_of(after) != ALONE:
        raise DatabaseError(f"Row {oid} of {table} does not tell its zone as OpenNebula does.")
    _store(session, database, table, oid, after)


def _zone_of(body: str) -> int:
    return number(_parsed(body, "marketplace"), "ZONE_ID", -1)


def _parsed(body: str, what: str) -> ElementTree.Element:
    try:
        return parse_xml(body, f"a {what}")
    except DocumentError as error:
        raise DatabaseError(f"It cannot be made a standalone zone's: {error}") from error


def _bodies(session: Session, table: str) -> list[tuple[int, str]]:
    return [
        (int(row[0] or 0), _body(row[1:])) for row in list(session.query(f"SELECT oid, body FROM {table} ORDER BY oid"))
    ]


def _body(row: tuple[Value, ...] | None) -> str:
    """A document with its bytes as they are stored, whatever they are."""
    value = row[0] if row else None
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else text(value)


def _store(session: Session, database: Database, table: str, oid: int, body: str) -> None:
    value = database.literal(Text(body.encode("utf-8", "surrogateescape")))
    session.execute(f"UPDATE {table} SET body = {value} WHERE oid = {oid}")
