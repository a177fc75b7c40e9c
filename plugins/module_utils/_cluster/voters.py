# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The zone's record in the database of a server that is about to start, as another server of the zone tells it.

oned reads at its start which servers vote. A copy of the leader's database that is older than the server's own entry
lacks it: alone with the leader, the new server would need no vote at all, and lead without the newest records as soon
as a heartbeat is late. The record itself follows in the log; that it is there already does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from .._api.client import client_for
from .._api.documents import DocumentError, zone_from_xml
from .._database.base import Session, Text
from .._database.open import frontend_database
from .._database.schema import text
from .._errors import DatabaseError
from .._frontend.journal import host_lock
from .._frontend.layout import Frontend
from .._recovery.backup import refuse_running


def copy_voters(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do what module zone_voters is asked: {"changed", "servers", "diff"}. Raises OnefedError."""
    zone_id = params["zone_id"]
    described = client_for(params, frontend).read(partial(_of_zone, zone_id), "one.zone.info", zone_id, False)
    with host_lock(frontend, check_mode=check_mode):
        database = frontend_database(frontend, params)
        with database.reading() as session:
            known = _body(session, zone_id)
        if known is None and not check_mode:
            raise DatabaseError(
                f"The database {database.name} has no zone {zone_id}. Restore that of its leader first."
            )
        if known != described and not check_mode:
            refuse_running(frontend, database, "write to")
            body = database.literal(Text(described.encode()))
            with database.writing() as session:
                session.execute(f"UPDATE zone_pool SET body = {body} WHERE oid = {zone_id}")
    before, after = (zone_from_xml(body)["servers"] if body else [] for body in (known, described))
    return {"changed": known != described, "servers": after, "diff": {"before": before, "after": after}}


def _of_zone(zone_id: int, xml: str) -> str:
    """A zone's document as it is: oned writes the same text into its database."""
    described = zone_from_xml(xml)["id"]
    if described != zone_id:
        raise DocumentError(f"it describes zone {described} rather than {zone_id}")
    return xml


def _body(session: Session, zone_id: int) -> str | None:
    if "zone_pool" not in session.tables():
        return None
    return next((text(row[0]) for row in session.query(f"SELECT body FROM zone_pool WHERE oid = {zone_id}")), None)
