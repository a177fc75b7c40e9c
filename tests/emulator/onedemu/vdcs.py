# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Virtual data centers: groups, resources, and the rules that a VDC makes of them."""

from __future__ import annotations

from .acl import ALL, CLUSTER, GROUP, INDIVIDUAL, RIGHTS, TYPES, AclError
from .context import Context
from .objects import ALL_RESOURCES, RESOURCE_KINDS, Vdc
from .pool import PoolError

DEFAULT_VDC = 0
_NAMES = {"CLUSTER": "CLUSTER", "HOST": "HOST", "DATASTORE": "DATASTORE", "VNET": "NET"}


def _grants(context: Context, kind: str) -> list[tuple[int, int]]:
    """Resource type and rights that a VDC gives on resources of a kind, as oned.conf says."""
    wanted = {"CLUSTER": [("HOST", "CLUSTER_HOST"), ("NET", "CLUSTER_NET"), ("DATASTORE", "CLUSTER_DATASTORE")],
              "HOST": [("HOST", "HOST")], "VNET": [("NET", "VNET")], "DATASTORE": [("DATASTORE", "DATASTORE")]}[kind]
    grants = []
    for name, section in wanted:
        rights = 0
        for word in context.conf.single(f"DEFAULT_VDC_{section}_ACL").split("+"):
            rights |= RIGHTS.get(word.strip().upper(), 0)
        if rights:
            grants.append((TYPES[name], rights))
    return grants


def _selector(kind: str, oid: int) -> int:
    if oid == ALL_RESOURCES:
        return ALL
    return (CLUSTER if kind == "CLUSTER" else INDIVIDUAL) | oid


def _add_rules(context: Context, kind: str, gid: int, zone: int, oid: int) -> None:
    for resource, rights in _grants(context, kind):
        try:
            context.acl.add(GROUP | gid, resource | _selector(kind, oid), rights, INDIVIDUAL | zone)
        except AclError as error:
            context.log.error("VDC", str(error))


def _delete_rules(context: Context, kind: str, gid: int, zone: int, oid: int) -> None:
    for resource, rights in _grants(context, kind):
        try:
            context.acl.delete_same(GROUP | gid, resource | _selector(kind, oid), rights, INDIVIDUAL | zone)
        except AclError as error:
            context.log.error("VDC", str(error))


def add_group(context: Context, vdc: Vdc, gid: int) -> None:
    """:raises PoolError: if it is in the VDC already."""
    if gid in vdc.groups:
        raise PoolError(f"Group {gid} is already assigned to the VDC {vdc.oid}")
    vdc.groups.add(gid)
    for kind in RESOURCE_KINDS:
        for zone, oid in sorted(vdc.resources[kind]):
            _add_rules(context, kind, gid, zone, oid)


def delete_group(context: Context, vdc: Vdc, gid: int) -> None:
    """:raises PoolError: if it is not in the VDC."""
    if gid not in vdc.groups:
        raise PoolError(f"Group {gid} is not assigned to the VDC {vdc.oid}")
    vdc.groups.discard(gid)
    for kind in RESOURCE_KINDS:
        for zone, oid in sorted(vdc.resources[kind]):
            _delete_rules(context, kind, gid, zone, oid)


def add_resource(context: Context, vdc: Vdc, kind: str, zone: int, oid: int) -> None:
    """Adding all resources of a zone takes the single ones out.

    :raises PoolError: if it is in the VDC already.
    """
    if (zone, oid) in vdc.resources[kind]:
        raise PoolError(f"{_NAMES[kind]} {oid} from Zone {zone} is already assigned to the VDC")
    vdc.resources[kind].add((zone, oid))
    for gid in sorted(vdc.groups):
        _add_rules(context, kind, gid, zone, oid)
    if oid == ALL_RESOURCES:
        for other in [o for z, o in sorted(vdc.resources[kind]) if z == zone and o != ALL_RESOURCES]:
            delete_resource(context, vdc, kind, zone, other)


def delete_resource(context: Context, vdc: Vdc, kind: str, zone: int, oid: int) -> None:
    """:raises PoolError: if it is not in the VDC."""
    if (zone, oid) not in vdc.resources[kind]:
        raise PoolError(f"{_NAMES[kind]} {oid} from Zone {zone} is not assigned to the VDC ")
    vdc.resources[kind].discard((zone, oid))
    for gid in sorted(vdc.groups):
        _delete_rules(context, kind, gid, zone, oid)
