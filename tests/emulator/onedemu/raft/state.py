# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Term and vote of a server, which survive its end: row RAFT_STATE of system_attributes."""

from __future__ import annotations

from xml.etree import ElementTree

from ..conf import to_int
from ..database import DatabaseError
from ..logdb import LogDB
from ..template import Template, from_element

_ROW = "RAFT_STATE"


class Ballot:
    """``voted_for`` is -1 while there is no vote in this term."""

    def __init__(self, logdb: LogDB) -> None:
        self._logdb = logdb
        rows = logdb.query(f"SELECT body FROM system_attributes WHERE name = '{_ROW}'")
        if rows and rows[0][0]:
            stored = from_element(ElementTree.fromstring(rows[0][0]))
            self.term = to_int(stored.single("TERM"), 0)
            self.voted_for = to_int(stored.single("VOTEDFOR"), -1)
            return
        self.term = 0
        self.voted_for = -1
        try:
            logdb.execute("INSERT INTO system_attributes (name, body) VALUES "
                          f"('{_ROW}','<MESSAGE>bootstrap state</MESSAGE>')")
        except DatabaseError:
            # A server that starts among others may not write: it never gets the row, and forgets its votes.
            return
        self.store()

    def store(self) -> None:
        """Write the row past the log: every server has its own."""
        body = Template([("TERM", str(self.term)), ("VOTEDFOR", str(self.voted_for))]).to_xml()
        try:
            self._logdb.execute_local(f"UPDATE system_attributes SET body ='{body}' WHERE name = '{_ROW}'")
        except DatabaseError:
            return
