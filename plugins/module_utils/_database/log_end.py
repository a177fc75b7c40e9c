# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The end of the log of a database with which the servers of a zone begin anew.

Servers compare their logs by the index and the term of records (src/raft/RaftManager.cc, ZoneAPI::replicate_log and
ZoneAPI::vote of OpenNebula). So a log that begins anew ends with a term that no server has seen before: one that is
back with the old log does not fit, whatever its indexes are, and is not elected.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterable

from .base import Session, Value
from .schema import LOG, NOT_FEDERATED, one_row

# What a record does, which is none of a change: nothing. OpenNebula refuses an empty one.
_NOTHING = "UPDATE logdb SET applied = '1' WHERE log_index = 0"
_RAFT_STATE = "name = 'RAFT_STATE'"
_TERM = re.compile(rb"<TERM>(?:<!\[CDATA\[)?([0-9]{1,9})")


def new_term(session: Session) -> int:
    """A term that no server of the zone has seen; 0 where servers never elected a leader."""
    found = one_row(session, f"SELECT MAX(term) FROM {LOG}")[0]
    newest = max(_number(found), _raft_term(session))
    return newest + 1 if newest else 0


def log_position(session: Session) -> tuple[int, int]:
    """Index of the newest record, and the newest time of one in seconds; 0 in an empty log."""
    index, at = one_row(session, f"SELECT MAX(log_index), MAX(timestamp) FROM {LOG}")
    return _number(index), _number(at)


def end_log(session: Session, indexes: Iterable[int], term: int, at: int) -> None:
    """End the log with records of this zone alone that change nothing, carried out C(at) that second, in a new `term`.

    A server reads a record together with the one before it, so that the last two have to be there.
    """
    packed = base64.b64encode(zlib.compress(_NOTHING.encode())).decode()
    for index in indexes:
        session.execute(
            f"INSERT INTO {LOG} (log_index, term, sqlcmd, timestamp, fed_index, applied)"
            f" VALUES ({index}, {term}, '{packed}', {at}, {NOT_FEDERATED}, 1)"
        )
    state = f"<TEMPLATE><TERM><![CDATA[{term}]]></TERM><VOTEDFOR><![CDATA[-1]]></VOTEDFOR></TEMPLATE>"
    if term:
        session.execute(f"UPDATE system_attributes SET body = '{state}' WHERE {_RAFT_STATE}")


def goes_on(session: Session) -> bool:
    """Whether servers of a zone can go on after the newest record: it has the one before it, and their newest term.

    So has the log of one that never elected a leader.
    """
    term, (last, _at) = new_term(session), log_position(session)
    if not term:
        return True
    newest = list(session.query(f"SELECT term FROM {LOG} WHERE log_index >= {last - 1} ORDER BY log_index"))
    return len(newest) == 2 and _number(newest[1][0]) + 1 == term and _raft_term(session) in (0, term - 1)


def begin_anew(session: Session) -> None:
    """Let servers of a zone go on after the newest record, whatever log it is of."""
    last, at = log_position(session)
    end_log(session, [last + 1, last + 2], new_term(session), at)


def _raft_term(session: Session) -> int:
    """The term in which the server voted last, attribute RAFT_STATE of RaftManager; 0 without any."""
    for (body,) in session.query(f"SELECT body FROM system_attributes WHERE {_RAFT_STATE}"):
        found = _TERM.search(body if isinstance(body, bytes) else b"")
        return int(found[1]) if found else 0
    return 0


def _number(value: Value) -> int:
    return int(value or 0)
