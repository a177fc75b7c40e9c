# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""OpenNebula's database: which one a front-end uses, and what is in it. SQL stands in this
package only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._api.documents import DocumentError, zone_from_xml
from .._errors import DatabaseError
from .._frontend.layout import Frontend
from .._oned_conf.document import Document
from .base import Database, Session
from .own_data import NO_OWN_DATA, own_data
from .schema import (
    EMPTY_LOG,
    FEDERATED_ROWS,
    digest,
    is_bootstrapped,
    log_rows,
    log_state,
    pools_behind,
    recent_indexes,
    text,
    versions,
)

# OpenNebula's own default when oned.conf has no DB section.
_DEFAULT_BACKEND = "sqlite"


def open_database(frontend: Frontend, document: Document, login: Mapping[str, Any] | None = None) -> Database:
    """The database that oned uses with this oned.conf. It is not touched yet. Raises DatabaseError.

    `login` holds options of the fragment of that name, which count instead of what oned.conf says.
    """
    backend = (document.vector("DB") or {}).get("BACKEND", _DEFAULT_BACKEND)
    # Each where it is needed: all that a module imports is compiled whenever it runs.
    if backend == "sqlite":
        from .sqlite import SqliteDatabase

        return SqliteDatabase(frontend.sqlite_file)
    if backend == "mysql":
        from .login import login_of
        from .mysql import MysqlDatabase

        return MysqlDatabase(login_of(document, login), frontend)
    raise DatabaseError(f"{frontend.conf} names the database backend {backend!r}; oned knows sqlite and mysql only.")


def frontend_database(frontend: Frontend, login: Mapping[str, Any] | None = None) -> Database:
    """The database of this front-end, as its oned.conf names it, or the options of the fragment `login` in `login`."""
    return open_database(frontend, Document.load(frontend.conf), login)


def describe(database: Database) -> dict[str, Any]:
    """What database_info documents, from one read-only transaction. Raises DatabaseError.

    A database that no oned has filled yet has `bootstrapped` false, and empty values for what it lacks.
    """
    description: dict[str, Any] = {
        "backend": database.backend,
        "name": database.name,
        "server": database.server(),
        "size": database.size(),
        "charset": None,
        "columns": {},
        "bootstrapped": False,
        "shared_version": None,
        "local_version": None,
        "is_slave": None,
        "log": {"rows": 0, "has_keys": False, **EMPTY_LOG, "recent_federated_indexes": []},
        "pool_control_behind": [],
        "tables": {},
        "zones": [],
        "own": NO_OWN_DATA,
    }
    if database.exists():
        with database.reading() as session:
            description.update(charset=session.charset(), **versions(session))
            if is_bootstrapped(session):
                description.update(_content(session))
    return description


def _content(session: Session) -> dict[str, Any]:
    return {
        "bootstrapped": True,
        "columns": session.text_columns(),
        "log": {
            "rows": log_rows(session),
            **log_state(session),
            "recent_federated_indexes": recent_indexes(session),
            "has_keys": session.log_has_keys(),
        },
        "pool_control_behind": pools_behind(session),
        "tables": {selection.table: digest(session, selection) for selection in FEDERATED_ROWS},
        "zones": _zones(session),
        "own": own_data(session),
    }


def contents(session: Session) -> dict[str, Any] | None:
    """What tells whether copies of several zones fit each other, as describe() has it; None of an empty database.

    `federated_index` is that of the newest federated record, `tables` holds digests of the shared tables by name.
    """
    known = versions(session)
    if not is_bootstrapped(session):
        return None
    return {
        "charset": session.charset(),
        **known,
        "federated_index": log_state(session)["last_federated_index"],
        "tables": {selection.table: digest(session, selection)["sha256"] for selection in FEDERATED_ROWS},
        "zones": _zones(session),
    }


def identity(session: Session) -> dict[str, Any]:
    """Which zone's database it is: {"zones", "is_slave", "federated_index"}, as describe() has them.

    `federated_index` is that of the newest federated record, None without any.
    """
    return {
        "zones": _zones(session),
        "is_slave": versions(session)["is_slave"],
        "federated_index": log_state(session)["last_federated_index"],
    }


def _zones(session: Session) -> list[dict[str, Any]]:
    bodies = [text(row[0]) for row in session.query("SELECT body FROM zone_pool ORDER BY oid")]
    try:
        zones = [zone_from_xml(body) for body in bodies]
    except DocumentError as error:
        raise DatabaseError(f"A record in the table zone_pool is not understood: {error}. Correct its body.") from None
    return [{key: zone[key] for key in ("id", "name", "endpoint", "servers")} for zone in zones]
