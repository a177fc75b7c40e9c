# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``one.system.*``"""

from __future__ import annotations

import base64
from typing import Any

from ..auth import ONEADMIN_GID
from ..database import DatabaseError
from ..gate import ACTION, AUTHORIZATION, Failure, Request, method
from ..template import cdata


@method("one.system.version", "", disabled=True)
def version(request: Request) -> str:
    return request.context.release.code


@method("one.system.config", "", disabled=True)
def config(request: Request) -> str:
    return request.context.conf.to_xml(hide_database=request.caller.gid != ONEADMIN_GID)


@method("one.system.sql", "", "sb")
def sql(request: Request, command: str, federate: bool) -> int:
    """Run any SQL, with or without federating it."""
    context = request.context
    if not request.caller.is_oneadmin:
        raise Failure(AUTHORIZATION)
    if federate and context.is_slave:
        raise Failure(ACTION, "SQL command has to be executed on a master zone")
    try:
        if not federate:
            context.logdb.execute(command)
        elif context.replicas is not None:
            context.write_federated(command)
        else:
            context.logdb.execute_federated(command)
    except DatabaseError as error:
        raise Failure(ACTION, oid=-1) from error
    return 0


@method("one.system.sqlquery", "", "s")
def sqlquery(request: Request, command: str) -> str:
    """Run a query. Values that begin with "<" are sent in base64, under another name."""
    if not request.caller.is_oneadmin:
        raise Failure(AUTHORIZATION)
    try:
        names, rows = request.context.logdb.database.query_named(command)
    except DatabaseError as error:
        raise Failure(ACTION, oid=-1) from error
    result = "".join(f"<ROW>{''.join(map(_cell, names, row))}</ROW>" for row in rows)
    return f"<SQL_COMMAND><QUERY>{cdata(command)}</QUERY><RESULT>{result}</RESULT></SQL_COMMAND>"


def _cell(name: str, value: Any) -> str:
    text = "" if value is None else str(value)
    if text.startswith("<"):
        encoded = base64.b64encode(text.encode()).decode("ascii")
        return f"<{name}64>{cdata(encoded)}</{name}64>"
    return f"<{name}>{cdata(text)}</{name}>"
