# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A database as the master of a federation needs it, or a slave.

A master reads the records that it sends to others by `log_index = fed_index` (src/raft/ReplicaThread.cc and
LogDB::get_log_record of OpenNebula). In the log of a slave the two differ, and its local records have numbers of their
own: with such a log a new master would send other zones a wrong record, or none.

A zone of several servers takes its log from one of them, and the others are copies of it, see log_end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .._errors import DatabaseError
from .base import Session, Value
from .log_end import end_log, log_position, new_term
from .schema import LOG, NOT_FEDERATED, one_row, set_is_slave, versions, zone_ids
from .standalone import ALONE

# Further than any log of a federation is long: rows step aside by it, so that no two have one number meanwhile.
_ASIDE = 10**12


@dataclass(frozen=True)
class Role:
    """What of a database depends on its role.

    `federated_index` is that of the newest federated record, None without any; `misplaced` is the number of records
    that a master would not find; `zone_ids` are those of all zones it knows.
    """

    is_slave: bool
    federated_index: int | None
    misplaced: int
    zone_ids: tuple[int, ...] = ()

    @property
    def is_master(self) -> bool:
        """Whether a master can work with it."""
        return not self.is_slave and not self.misplaced

    @property
    def is_alone(self) -> bool:
        """Whether it is a standalone zone's, which nobody else is in the records of."""
        return not self.is_slave and self.federated_index is None and self.zone_ids == (ALONE,)


def read_role(session: Session) -> Role:
    """The role of a database that an oned has filled. Raises DatabaseError."""
    is_slave = versions(session)["is_slave"]
    if is_slave is None:
        raise DatabaseError("The database does not tell whether it is a slave's: start oned once to fill it.")
    misplaced = _count(session, f"fed_index < {NOT_FEDERATED} AND log_index <> fed_index")
    newest = one_row(session, f"SELECT MAX(fed_index) FROM {LOG} WHERE fed_index < {NOT_FEDERATED}")[0]
    index = None if newest is None else _number(newest)
    return Role(bool(is_slave), index, misplaced, tuple(zone_ids(session)))


def become_master(session: Session, zone_id: int | None = None, server_ids: Mapping[int, int] | None = None) -> None:
    """Make the database a master's. Raises DatabaseError when its log cannot be one.

    `server_ids` are new ids of servers of its own zone, `zone_id`, by the ones that they have: oned sends nothing to
    the zone whose id is that of the leading server (ReplicaManager::add_replica_thread).

    Local records go: their changes are in the tables, and other servers of the zone get a copy of this one. Those that
    were not carried out go, too: nobody was told that they were.
    """
    federated = f"fed_index < {NOT_FEDERATED}"
    total, distinct, last, pending = (
        _number(value)
        for value in one_row(
            session,
            "SELECT COUNT(*), COUNT(DISTINCT fed_index), COALESCE(MAX(fed_index), 0), COALESCE(SUM(applied = 0), 0)"
            f" FROM {LOG} WHERE {federated}",
        )
    )
    if not total:
        raise DatabaseError("Its log holds no federated record: it cannot go on where the master ended.")
    if total != distinct or last >= _ASIDE:
        raise DatabaseError(
            f"Its log holds {total} federated records with {distinct} different indexes up to {last}: it is damaged."
        )
    if pending:
        raise DatabaseError(f"Its log holds {pending} federated records that were not carried out.")
    term = new_term(session)
    session.execute(f"DELETE FROM {LOG} WHERE NOT {federated}")
    session.execute(f"UPDATE {LOG} SET log_index = log_index + {_ASIDE}")
    session.execute(f"UPDATE {LOG} SET log_index = fed_index")
    session.execute(f"UPDATE {LOG} SET term = {term}")
    end_log(session, [last + 1], term, log_position(session)[1])
    for old, new in (server_ids or {}).items():
        _renumber(session, zone_id, old, new)
    session.execute(set_is_slave(False))


def _renumber(session: Session, zone_id: int | None, old: int, new: int) -> None:
    """Give a server of the zone's record another id. Others get the record with the next change of it."""
    tag, other = (f"<ID><![CDATA[{number}]]></ID>" for number in (old, new))
    replaced = f"REPLACE(body, '{tag}', '{other}')"
    times = f"(LENGTH(body) - LENGTH(REPLACE(body, '{tag}', ''))) / {len(tag)}"
    if _number(one_row(session, f"SELECT COUNT(*) FROM zone_pool WHERE oid = {zone_id} AND {times} = 1")[0]) != 1:
        raise DatabaseError(f"The record of zone {zone_id} does not list one server with id {old}.")
    session.execute(f"UPDATE zone_pool SET body = {replaced} WHERE oid = {zone_id}")


def become_slave(session: Session) -> None:
    """Mark the database as a slave's. Its log stays: a slave looks for federated records by `fed_index`."""
    session.execute(set_is_slave(True))


def _count(session: Session, condition: str) -> int:
    return _number(one_row(session, f"SELECT COUNT(*) FROM {LOG} WHERE {condition}")[0])


def _number(value: Value) -> int:
    return int(value or 0)
