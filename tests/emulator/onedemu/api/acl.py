# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``one.acl.*``"""

from __future__ import annotations

import re

from ..acl import INDIVIDUAL, AclError
from ..auth import Permissions
from ..gate import INTERNAL, Failure, Request, method


def _authorize(request: Request) -> None:
    request.authorize(("MANAGE", Permissions("ACL")))


def _hex(text: str) -> int:
    """A hexadecimal number as C++ reads it: what stands at the beginning, else 0."""
    match = re.match(r"\s*([+-]?)(?:0[xX])?([0-9a-fA-F]+)", text)
    return int(match[1] + match[2], 16) if match else 0


@method("one.acl.addrule", "ACL", "sss?s", proxied=True)
def add_rule(request: Request, user: str, resource: str, rights: str, zone: str = "") -> int:
    """Without a zone the rule is for the zone of the oned that executes this: the master's, if called on a slave."""
    _authorize(request)
    zone_word = _hex(zone) if zone else INDIVIDUAL | request.context.zone_id
    try:
        return request.context.acl.add(_hex(user), _hex(resource), _hex(rights), zone_word)
    except AclError as error:
        raise Failure(INTERNAL, str(error)) from error


@method("one.acl.delrule", "ACL", "i", proxied=True)
def del_rule(request: Request, oid: int) -> int:
    _authorize(request)
    try:
        request.context.acl.delete(oid)
    except AclError as error:
        raise Failure(INTERNAL, str(error)) from error
    return oid


@method("one.acl.info", "ACL", anywhere=False)
def info(request: Request) -> str:
    _authorize(request)
    return "<ACL_POOL>" + "".join(rule.to_xml() for rule in request.context.acl.rules()) + "</ACL_POOL>"
