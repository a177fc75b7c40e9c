# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Hypervisor hosts as records: made, switched on and off, deleted. Nobody monitors them, and no machine runs there."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

from ..auth import Permissions
from ..context import Context
from ..gate import ACTION, ALLOCATE, INTERNAL, Failure, Request, method
from ..pool import PoolError, check_name
from ..template import Template, cdata
from . import ownership
from .local import pool_reader, read_object, reader
from .owned import next_oid

INIT, MONITORED, DISABLED, OFFLINE = 0, 2, 4, 8
_ENABLE, _DISABLE, _OFFLINE = range(3)
_DEFAULT_CLUSTER = 0
_SHARE = ("<HOST_SHARE><MEM_USAGE>0</MEM_USAGE><CPU_USAGE>0</CPU_USAGE><TOTAL_MEM>0</TOTAL_MEM><TOTAL_CPU>0</TOTAL_CPU>"
          "<MAX_MEM>0</MAX_MEM><MAX_CPU>0</MAX_CPU><RUNNING_VMS>0</RUNNING_VMS><VMS_THREAD>1</VMS_THREAD>"
          "<DATASTORES></DATASTORES><PCI_DEVICES></PCI_DEVICES><NUMA_NODES></NUMA_NODES></HOST_SHARE>")


def _check_hostname(name: str) -> None:
    """:raises PoolError: unless it is a name that a machine can have."""
    if not 1 < len(name) < 64:
        raise PoolError("Invalid HOSTNAME, HOSTNAME length should be greater than 1, but smaller than 64 characters")
    if name[0] in "-._":
        raise PoolError(f"Invalid HOSTNAME, first character can't be '{name[0]}'")
    bad = re.search(r"[^A-Za-z0-9._-]", name)
    if bad:
        raise PoolError(f"Invalid HOSTNAME, '{bad[0]}' is invalid character for a HOSTNAME")
    if name[-1] in "-._":
        raise PoolError(f"Invalid HOSTNAME, last character can't be '{name[-1]}'")


@method("one.host.allocate", "HOST", "sss?i")
def allocate(request: Request, name: str, information: str, virtualization: str, cluster: int = -1) -> int:
    context = request.context
    request.authorize(("CREATE", Permissions("HOST", uid=request.caller.uid)))
    cluster = _DEFAULT_CLUSTER if cluster == -1 else cluster
    found = ElementTree.fromstring(read_object(request, "CLUSTER", "cluster_pool", cluster, "ADMIN"))
    escape = context.logdb.database.escape
    try:
        _check_hostname(name)
        check_name(context.release, name)
        for word, value in (("IM", information), ("VMM", virtualization)):
            if not value:
                raise PoolError(f"{word}_MAD_NAME cannot be empty.")
        taken = context.logdb.query(f"SELECT oid FROM host_pool WHERE name = '{escape(name)}'")
        if taken:
            raise PoolError(f"NAME is already taken by HOST {taken[0][0]}.")
    except PoolError as error:
        raise Failure(ALLOCATE, str(error)) from error
    oid = next_oid(context, "host_pool")
    template = Template([("IM_MAD", information), ("RESERVED_CPU", ""), ("RESERVED_MEM", ""),
                         ("VM_MAD", virtualization)])
    body = (f"<HOST><ID>{oid}</ID><NAME>{name}</NAME><STATE>{INIT}</STATE><PREV_STATE>{INIT}</PREV_STATE>"
            f"<IM_MAD>{cdata(information)}</IM_MAD><VM_MAD>{cdata(virtualization)}</VM_MAD>"
            f"<CLUSTER_ID>{cluster}</CLUSTER_ID><CLUSTER>{found.findtext('NAME')}</CLUSTER>{_SHARE}<VMS></VMS>"
            f"{template.to_xml()}<MONITORING></MONITORING></HOST>")
    context.logdb.execute(
        "INSERT INTO host_pool (oid, name, body, state, uid, gid, owner_u, group_u, other_u, cid) VALUES "
        f"({oid},'{escape(name)}','{escape(body)}',{INIT},0,0,1,0,0,{cluster})")
    _in_cluster(context, cluster, lambda ids: [*ids, oid])
    return oid


def _in_cluster(context: Context, cluster: int, change: Callable[[list[int]], list[int]]) -> None:
    """Change which hosts a cluster's document names."""
    rows = context.logdb.query(f"SELECT body FROM cluster_pool WHERE oid = {cluster}")
    if not rows:
        return
    body = str(rows[0][0])
    inner = re.search(r"<HOSTS>(.*?)</HOSTS>", body)
    ids = change([int(found) for found in re.findall(r"<ID>(\d+)</ID>", inner[1] if inner else "")])
    new = "<HOSTS>" + "".join(f"<ID>{oid}</ID>" for oid in sorted(ids)) + "</HOSTS>"
    after = context.logdb.database.escape(re.sub(r"<HOSTS>.*?</HOSTS>", new, body, count=1))
    context.logdb.execute(f"UPDATE cluster_pool SET body = '{after}' WHERE oid = {cluster}")


@method("one.host.status", "HOST", "ii")
def status(request: Request, oid: int, wanted: int) -> int:
    """Enable (0), disable (1) or set offline (2). Who was enabled is known again when the host is monitored."""
    context = request.context
    body = read_object(request, "HOST", "host_pool", oid, "ADMIN")
    root = ElementTree.fromstring(body)
    known = root.findtext("STATE") == str(DISABLED) and root.findtext("HOST_SHARE/TOTAL_CPU") not in (None, "0")
    state = {_ENABLE: MONITORED if known else INIT, _DISABLE: DISABLED, _OFFLINE: OFFLINE}.get(wanted)
    if state is None:
        raise Failure(INTERNAL, "Wrong status code")
    after = context.logdb.database.escape(ownership.replace(body, "STATE", str(state)))
    context.logdb.execute(f"UPDATE host_pool SET body = '{after}', state = {state} WHERE oid = {oid}")
    return oid


@method("one.host.delete", "HOST", "i")
def delete(request: Request, oid: int) -> int:
    context = request.context
    root = ElementTree.fromstring(read_object(request, "HOST", "host_pool", oid, "ADMIN"))
    if root.findtext("HOST_SHARE/RUNNING_VMS") != "0":
        raise Failure(ACTION, "Cannot delete host. Can not remove a host with running VMs")
    context.logdb.execute(f"DELETE FROM host_pool WHERE oid = {oid}")
    _in_cluster(context, int(root.findtext("CLUSTER_ID") or -1), lambda ids: [each for each in ids if each != oid])
    return oid


reader("one.host.info", "HOST", "host_pool")
pool_reader("one.hostpool.info", "HOST", "HOST_POOL", "host_pool", filtered=False)
