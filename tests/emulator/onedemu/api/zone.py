# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``one.zone.*`` and ``one.zonepool.info``"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from xml.etree import ElementTree

from .. import client
from ..acl import INDIVIDUAL
from ..auth import Permissions
from ..gate import (
    ACTION,
    ALLOCATE,
    AUTHORIZATION,
    INTERNAL,
    Failure,
    Request,
    method,
)
from ..objects import Zone
from ..pool import PoolError, check_name
from ..raft.peers import servers_of
from ..template import Vector
from . import shared

_POLL_SECONDS = 0.25


@method("one.zone.allocate", "ZONE", "s", proxied=True)
def allocate(request: Request, text: str) -> int:
    context = request.context
    if not context.is_master:
        raise Failure(ALLOCATE, "New zones can only be created at federation master")
    template = shared.template_of(text, INTERNAL)
    request.authorize(("CREATE", Permissions("ZONE", uid=request.caller.uid)))
    name = template.take("NAME")
    try:
        check_name(context.release, name)
        other = context.zones.by_name(name)
        if other is not None:
            raise PoolError(f"NAME is already taken by Zone {other.oid}.")
        endpoint = template.single("ENDPOINT")
        template.remove("SERVER")
        oid = context.zones.allocate(
            Zone(name=name, template=template), "" if endpoint else "ENDPOINT not present in template.")
    except PoolError as error:
        raise Failure(INTERNAL, str(error)) from error
    zone = context.zones.get(oid)
    if zone is not None and context.replicas is not None:
        context.replicas.add_zone(zone)
    return oid


@method("one.zone.delete", "ZONE", "i", proxied=True)
def delete(request: Request, oid: int) -> int:
    context = request.context
    zone = shared.authorized(request, context.zones, oid, "ADMIN")
    if oid < 100:
        raise Failure(ACTION, "Cannot delete zone. System Zones (ID < 100) cannot be deleted.")
    try:
        context.zones.drop(zone)
    except PoolError as error:
        raise Failure(ACTION, f"Cannot delete zone. {error}") from error
    context.acl.delete_where(lambda rule: rule.zone == INDIVIDUAL | oid)
    if context.replicas is not None:
        context.replicas.delete_zone(oid)
    context.acl.delete_about("ZONE", oid)
    return oid


@method("one.zone.update", "ZONE", "is?i", proxied=True)
def update(request: Request, oid: int, text: str, append: int = 0) -> int:
    return shared.update_template(request, request.context.zones, oid, text, append, "MANAGE", _keep_endpoint)


def _keep_endpoint(zone: Zone) -> None:
    if not zone.template.single("ENDPOINT"):
        zone.template.replace("ENDPOINT", "-")
    zone.template.remove("SERVER")


@method("one.zone.rename", "ZONE", "is", proxied=True)
def rename(request: Request, oid: int, name: str) -> int:
    return shared.rename(request, request.context.zones, oid, name, "MANAGE")


@method("one.zone.info", "ZONE", "i?b", disabled=True)
def info(request: Request, oid: int, decrypt: bool = False) -> str:
    return shared.authorized(request, request.context.zones, oid, "USE").to_xml()


@method("one.zonepool.info", "ZONE", disabled=True)
def pool_info(request: Request) -> str:
    where = shared.where_clause(request, "ZONE", shared.ALL, -1, -1)
    bodies = request.context.zones.bodies(where, shared.descending(request))
    return "<ZONE_POOL>" + "".join(body for _dummy, body in bodies) + "</ZONE_POOL>"


# -- servers of the zone: asked of the zone itself -----------------------------------------------------------------


def _own_zone(request: Request, oid: int, elsewhere: str) -> Zone:
    """The zone that this daemon serves. In newer releases every refusal reads the same, be it for want of a row."""
    context = request.context
    if oid != context.zone_id:
        raise Failure(ACTION, elsewhere)
    try:
        return shared.authorized(request, context.zones, oid, "ADMIN")
    except Failure as failure:
        if not context.release.rewritten:
            raise
        raise Failure(AUTHORIZATION, failure.text, failure.oid) from failure


def _store(request: Request, zone: Zone) -> None:
    """Store the changed zone: here, or on a slave at the master, from where it comes back by replication."""
    context = request.context
    if not context.is_slave:
        context.zones.update(zone)
        return
    try:
        answer = context.call_master("one.zone.updatedb", zone.oid, zone.to_xml())
        error = "" if answer[0] else str(answer[1])
    except client.CallError as problem:
        error = str(problem)
    if error:
        text = f"Cannot update zone at federation master: {error}"
        context.log.error("ReM", text)
        raise Failure(ACTION, text)


@method("one.zone.addserver", "ZONE", "is", unlocked=True)
def add_server(request: Request, oid: int, text: str) -> int:
    context = request.context
    with _own(request):
        zone = _own_zone(request, oid, "Servers have to be added through the target zone endpoints")
        server = shared.template_of(text, ACTION).vector("SERVER")
        if server is None:
            raise Failure(ACTION, "SERVER not found in template" if context.release.rewritten else "")
        server_id = _add_server(zone, server, context.release.grpc)
        _store(request, zone)
    if context.is_slave and len(zone.servers) == 2:
        _wait_for_server(request, oid, server_id)
    context.raft.add_server(server_id, servers_of(zone)[server_id])
    return oid


def _own(request: Request) -> AbstractContextManager[object]:
    """Held while the own zone is changed; a slave's changes are the master's, who takes its own lock."""
    return nullcontext() if request.context.is_slave else request.context.locked("ZONE")


def _add_server(zone: Zone, server: Vector, grpc: bool) -> int:
    if not server.get("NAME"):
        raise Failure(ACTION, "Missing NAME in SERVER")
    if not server.get("ENDPOINT") and not (grpc and server.get("ENDPOINT_GRPC")):
        raise Failure(ACTION, f"Missing ENDPOINT {'or ENDPOINT_GRPC ' if grpc else ''}in SERVER")
    server_id = max((int(known.get("ID", -1)) for known in zone.servers), default=-1) + 1
    zone.servers.append({**server, "ID": str(server_id)})
    return server_id


def _wait_for_server(request: Request, oid: int, server_id: int) -> None:
    """Wait, for ever if need be, until the second server came back from the master."""
    while not request.context.stopping.wait(_POLL_SECONDS):
        zone = request.context.zones.get(oid)
        if zone is not None and any(server.get("ID") == str(server_id) for server in zone.servers):
            return


@method("one.zone.delserver", "ZONE", "ii", unlocked=True)
def delete_server(request: Request, oid: int, server_id: int) -> int:
    with _own(request):
        zone = _own_zone(request, oid, "Servers have to be deleted through the target zone endpoints")
        kept = [server for server in zone.servers if server.get("ID") != str(server_id)]
        if len(kept) == len(zone.servers):
            raise Failure(ACTION, "SERVER not found in zone")
        zone.servers = kept
        request.context.raft.remove_server(server_id)
        _store(request, zone)
    return oid


@method("one.zone.resetserver", "ZONE", "ii")
def reset_server(request: Request, oid: int, server_id: int) -> int:
    """Takes it that a follower has all records. Any number is taken for one."""
    _own_zone(request, oid, "Servers have to be deleted through the target zone endpoints")
    request.context.raft.reset_server(server_id)
    return oid


@method("one.zone.enable", "ZONE", "ib", disabled=True, unlocked=True)
def enable(request: Request, oid: int, enabled: bool) -> int:
    context = request.context
    with _own(request):
        zone = _own_zone(
            request, oid, "Enable/disable mode have to be set through the target zone endpoints")
        zone.disabled = not enabled
        _store(request, zone)
    context.zone_disabled = zone.disabled
    return oid


@method("one.zone.updatedb", "ZONE", "is", on_slave=False)
def update_db(request: Request, oid: int, body: str) -> int:
    """Take over a zone's document as a slave changed it."""
    if not request.caller.is_oneadmin:
        raise Failure(AUTHORIZATION)
    shared.find(request.context.zones, oid)
    try:
        zone = Zone.from_xml(body)
    except (ValueError, ElementTree.ParseError) as error:
        raise Failure(INTERNAL, "Cannot update object from XML") from error
    if zone.oid != oid:
        raise Failure(INTERNAL, "Consistency check failed")
    request.context.zones.update(zone)
    return oid
