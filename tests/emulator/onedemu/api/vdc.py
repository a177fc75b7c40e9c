# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``one.vdc.*`` and ``one.vdcpool.info``"""

from __future__ import annotations

from collections.abc import Callable

from .. import vdcs
from ..auth import Permissions
from ..context import Context
from ..gate import ACTION, INTERNAL, NO_EXISTS, Failure, Request, method
from ..objects import ALL_RESOURCES, RESOURCE_KINDS, Vdc
from ..pool import PoolError, check_name
from . import shared

_TABLES = {"CLUSTER": "cluster_pool", "HOST": "host_pool", "DATASTORE": "datastore_pool", "VNET": "network_pool"}
_KINDS = {"CLUSTER": "CLUSTER", "HOST": "HOST", "DATASTORE": "DATASTORE", "VNET": "NET"}


@method("one.vdc.allocate", "VDC", "s", proxied=True)
def allocate(request: Request, text: str) -> int:
    context = request.context
    template = shared.template_of(text, INTERNAL)
    request.authorize(("CREATE", Permissions("VDC", uid=request.caller.uid)))
    name = template.take("NAME")
    try:
        check_name(context.release, name)
        other = context.vdcs.by_name(name)
        if other is not None:
            raise PoolError(f"NAME is already taken by Vdc {other.oid}.")
        return context.vdcs.allocate(Vdc(name=name, template=template))
    except PoolError as error:
        raise Failure(INTERNAL, str(error)) from error


@method("one.vdc.delete", "VDC", "i", proxied=True)
def delete(request: Request, oid: int) -> int:
    context = request.context
    vdc = shared.authorized(request, context.vdcs, oid, "ADMIN")
    if oid < 100:
        raise Failure(ACTION, "Cannot delete VDC. System VDCs (ID < 100) cannot be deleted.")
    for gid in sorted(vdc.groups):
        vdcs.delete_group(context, vdc, gid)
    try:
        context.vdcs.drop(vdc)
    except PoolError as error:
        raise Failure(ACTION, f"Cannot delete VDC. {error}") from error
    context.acl.delete_about("VDC", oid)
    return oid


@method("one.vdc.update", "VDC", "is?i", proxied=True)
def update(request: Request, oid: int, text: str, append: int = 0) -> int:
    return shared.update_template(request, request.context.vdcs, oid, text, append, "MANAGE")


@method("one.vdc.rename", "VDC", "is", proxied=True)
def rename(request: Request, oid: int, name: str) -> int:
    return shared.rename(request, request.context.vdcs, oid, name, "MANAGE")


@method("one.vdc.info", "VDC", "i?b", disabled=True)
def info(request: Request, oid: int, decrypt: bool = False) -> str:
    return shared.authorized(request, request.context.vdcs, oid, "USE").to_xml()


@method("one.vdcpool.info", "VDC", disabled=True)
def pool_info(request: Request) -> str:
    where = shared.where_clause(request, "VDC", shared.ALL, -1, -1)
    bodies = request.context.vdcs.bodies(where, shared.descending(request))
    return "<VDC_POOL>" + "".join(body for _dummy, body in bodies) + "</VDC_POOL>"


def _change(request: Request, vdc: Vdc, change: Callable[..., None], *arguments: object) -> int:
    try:
        change(request.context, vdc, *arguments)
    except PoolError as error:
        raise Failure(INTERNAL, str(error)) from error
    request.context.vdcs.update(vdc)
    return vdc.oid


@method("one.vdc.addgroup", "VDC", "ii", proxied=True)
def add_group(request: Request, oid: int, gid: int) -> int:
    vdc = shared.find(request.context.vdcs, oid)
    group = shared.find(request.context.groups, gid, "GROUP")
    request.authorize(("ADMIN", shared.permissions(vdc)), ("ADMIN", shared.permissions(group)))
    return _change(request, vdc, vdcs.add_group, gid)


@method("one.vdc.delgroup", "VDC", "ii", proxied=True)
def delete_group(request: Request, oid: int, gid: int) -> int:
    vdc = shared.find(request.context.vdcs, oid)
    request.authorize(("ADMIN", shared.permissions(vdc)), ("ADMIN", Permissions("GROUP", gid)))
    return _change(request, vdc, vdcs.delete_group, gid)


def _exists(context: Context, kind: str, oid: int) -> bool:
    return bool(context.logdb.query(f"SELECT oid FROM {_TABLES[kind]} WHERE oid = {oid}"))


def _register(kind: str) -> None:
    """The methods of one kind of resource."""
    @method(f"one.vdc.add{kind.lower()}", "VDC", "iii", proxied=True)
    def add(request: Request, oid: int, zone_id: int, resource: int) -> int:
        context = request.context
        vdc = shared.find(context.vdcs, oid)
        zone = shared.find(context.zones, zone_id, "ZONE")
        # Resources of other zones are not known here, and not checked.
        if resource != ALL_RESOURCES and zone_id == context.zone_id and not _exists(context, kind, resource):
            raise Failure(NO_EXISTS, oid=resource, kind=_KINDS[kind])
        request.authorize(("ADMIN", shared.permissions(vdc)), ("ADMIN", shared.permissions(zone)))
        return _change(request, vdc, vdcs.add_resource, kind, zone_id, resource)

    @method(f"one.vdc.del{kind.lower()}", "VDC", "iii", proxied=True)
    def delete_one(request: Request, oid: int, zone_id: int, resource: int) -> int:
        vdc = shared.find(request.context.vdcs, oid)
        request.authorize(("ADMIN", shared.permissions(vdc)))
        return _change(request, vdc, vdcs.delete_resource, kind, zone_id, resource)


for _kind in RESOURCE_KINDS:
    _register(_kind)
