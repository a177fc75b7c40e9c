# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What quotas of users and of groups have in common."""

from __future__ import annotations

from ..context import Context
from ..gate import ACTION, Failure
from ..quotas import UNLIMITED, QuotaError, Quotas, merge
from .shared import template_of


def default_quotas(context: Context, kind: str) -> str:
    """The document of this zone's default quotas, for USER or GROUP."""
    rows = context.logdb.query(f"SELECT body FROM system_attributes WHERE name = 'DEFAULT_{kind}_QUOTAS'")
    return str(rows[0][0]) if rows else ""


def update_default(context: Context, kind: str, text: str) -> str:
    root = f"DEFAULT_{kind}_QUOTAS"
    inner = default_quotas(context, kind).removeprefix(f"<{root}>").removesuffix(f"</{root}>")
    try:
        body = f"<{root}>{merge(inner, template_of(text, ACTION), context.release, UNLIMITED)}</{root}>"
    except QuotaError as error:
        raise Failure(ACTION, str(error)) from error
    context.logdb.execute(
        f"UPDATE system_attributes SET body = '{context.logdb.database.escape(body)}' WHERE name = '{root}'")
    return body


def set_quota(quotas: Quotas, oid: int, text: str) -> None:
    """:raises Failure: ACTION for a text that is no quota template."""
    try:
        quotas.set(oid, template_of(text, ACTION))
    except QuotaError as error:
        raise Failure(ACTION, str(error)) from error


def pool_xml(kind: str, bodies: list[tuple[int, str]], beside: list[dict[int, str]], defaults: str) -> str:
    """A pool's document: after each object what other tables hold of it, as siblings."""
    inner = "".join(body + "".join(table.get(oid, "") for table in beside) for oid, body in bodies)
    return f"<{kind}_POOL>{inner}{defaults}</{kind}_POOL>"
