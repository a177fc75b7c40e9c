# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Filling an empty database: the tables first, then the objects that every zone begins with.

Each pool fills itself if it never gave out an id, so a database that has tables only (``oned -i``) gets its objects
at the first normal start.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from . import schema, users, vdcs
from .acl import ALL, GROUP, kinds
from .auth import ONEADMIN_GID, SERVER_ADMIN, USERS_GID, sha256
from .context import Context
from .database import Database
from .objects import ALL_RESOURCES, Group, Vdc, Zone
from .paths import read_one_auth
from .pool import PoolError
from .quotas import EMPTY
from .template import Template, cdata
from .versions import Release

# Ids below 100 are for the system's own objects.
LAST_SYSTEM_ID = 99


class BootstrapError(Exception):
    """The daemon cannot start; the text goes to its log."""


def create_log(database: Database) -> None:
    for statement in (f"CREATE TABLE IF NOT EXISTS {schema.LOGDB}", *schema.indexes("logdb")):
        database.execute(statement)


def create_local_tables(database: Database, release: Release) -> None:
    for table in schema.local_tables(release):
        database.execute(f"CREATE TABLE IF NOT EXISTS {table}")
    for statement in schema.indexes("vm_pool"):
        database.execute(statement)
    database.execute(f"CREATE TABLE {schema.POOL_CONTROL}")
    database.execute(f"CREATE TABLE {schema.LOCAL_VERSIONS}")
    database.execute("INSERT INTO local_db_versioning (oid, version, timestamp, comment, is_slave) VALUES "
                     f"(0, '{release.local}', {int(time.time())}, '{release.banner} daemon bootstrap', '0')")
    database.execute(f"CREATE TABLE IF NOT EXISTS {schema.SYSTEM_ATTRIBUTES}")
    for kind in ("USER", "GROUP"):
        root = f"DEFAULT_{kind}_QUOTAS"
        database.execute(f"INSERT INTO system_attributes (name, body) VALUES ('{root}','<{root}>{EMPTY}</{root}>')")


def create_shared_tables(database: Database, release: Release) -> None:
    for table in schema.shared_tables():
        database.execute(f"CREATE TABLE IF NOT EXISTS {table}")
    database.execute(f"CREATE TABLE {schema.SHARED_VERSIONS}")
    database.execute("INSERT INTO db_versioning (oid, version, timestamp, comment) VALUES "
                     f"(0, '{release.shared}', {int(time.time())}, '{release.banner} daemon bootstrap')")


def fill(context: Context) -> None:
    """Create what is missing. A slave creates nothing of what is federated.

    :raises BootstrapError: if it cannot be created.
    """
    if not context.is_slave and context.acl.last_oid() == -1:
        _default_rules(context)
    _fill_local(context, "cluster_pool", [_cluster()], LAST_SYSTEM_ID)
    if not context.is_slave:
        if context.groups.last_oid() == -1:
            _default_groups(context)
        if context.users.get(0) is None:
            _default_users(context)
    datastores = [_datastore(context, oid) for oid in range(3)]
    _fill_local(context, "datastore_pool", datastores, LAST_SYSTEM_ID)
    if not context.is_slave:
        if context.zones.last_oid() == -1:
            _default_zone(context)
        if context.vdcs.last_oid() == -1:
            _default_vdc(context)
    _fill_local(context, "secgroup_pool", [_security_group()], LAST_SYSTEM_ID)
    if not context.is_slave:
        _fill(context, "marketplace_pool", _markets(context), LAST_SYSTEM_ID, context.write_federated)


def _default_rules(context: Context) -> None:
    creatable = kinds("VM", "IMAGE", "TEMPLATE", "DOCUMENT", "SECGROUP", "VMGROUP", "BACKUPJOB")
    context.acl.add(GROUP | USERS_GID, ALL | creatable, 8, ALL)
    context.acl.add(ALL, ALL | kinds("ZONE"), 1, ALL)
    context.acl.add(ALL, ALL | kinds("MARKETPLACE", "MARKETPLACEAPP"), 1, ALL)


def _default_groups(context: Context) -> None:
    users.store_group(context, Group(name="oneadmin"))
    users.store_group(context, Group(name="users", template=Template([("SUNSTONE", {
        "DEFAULT_VIEW": "cloud", "VIEWS": "cloud", "GROUP_ADMIN_DEFAULT_VIEW": "groupadmin",
        "GROUP_ADMIN_VIEWS": "groupadmin,cloud"})])))
    context.groups.set_last_oid(LAST_SYSTEM_ID)


def _default_users(context: Context) -> None:
    """Create oneadmin as one_auth says, and the server administrator with a new secret in its files."""
    try:
        name, colon, password = read_one_auth().partition(":")
    except OSError as error:
        raise BootstrapError(f"Error reading one_auth: {error}") from error
    if not colon:
        raise BootstrapError("Wrong format must be <username>:<password>")
    if name == SERVER_ADMIN:
        raise BootstrapError(f"The name '{SERVER_ADMIN}' is reserved")
    secret = secrets.token_hex(32)
    directory = context.layout.auth_directory
    directory.mkdir(mode=0o700, exist_ok=True)
    for file_name in context.release.auth_files:
        path = directory / file_name
        if path.exists():
            raise BootstrapError(
                f"Password file {context.layout.var}/.one/{file_name} already exists but OpenNebula is boostraping "
                "the database. Check your database configuration in oned.conf.")
        path.touch(mode=0o600)
        path.write_text(f"{SERVER_ADMIN}:{secret}\n", encoding="utf-8")
    try:
        users.create_user(context, name, password, "core", [ONEADMIN_GID])
    except PoolError as error:
        raise BootstrapError(f"Error creating oneadmin user: {error}") from error
    users.create_user(context, SERVER_ADMIN, sha256(secret), "server_cipher", [ONEADMIN_GID])


def _default_zone(context: Context) -> None:
    federation = context.conf.vector("FEDERATION")
    endpoint, grpc = federation.get("MASTER_ONED", ""), federation.get("MASTER_ONED_GRPC", "")
    if not endpoint and not grpc:
        endpoint = f"http://localhost:{context.conf.single('PORT')}/RPC2"
        if context.release.grpc:
            grpc = f"localhost:{context.conf.single('GRPC_PORT')}"
    template = Template([(name, value) for name, value in (("ENDPOINT", endpoint), ("ENDPOINT_GRPC", grpc)) if value])
    context.zones.allocate(Zone(name="OpenNebula", template=template))
    context.zones.set_last_oid(LAST_SYSTEM_ID)


def _default_vdc(context: Context) -> None:
    vdc = Vdc(name="default", template=Template([(
        "DESCRIPTION", "New groups are put into this VDC, which gives them what every group may use. Take a group out "
                       "of it before you give the group a VDC of its own.")]))
    context.vdcs.allocate(vdc)
    vdcs.add_group(context, vdc, USERS_GID)
    vdcs.add_resource(context, vdc, "CLUSTER", context.zone_id, ALL_RESOURCES)
    context.vdcs.update(vdc)
    context.vdcs.set_last_oid(LAST_SYSTEM_ID)


# -- objects of a zone, as documents -------------------------------------------------------------------------------

# Name, document, and the columns group_u and other_u.
_Row = tuple[str, str, int, int]


def _fill_local(context: Context, table: str, rows: list[_Row], last: int) -> None:
    _fill(context, table, rows, last, context.logdb.execute)


def _fill(context: Context, table: str, rows: list[_Row], last: int, execute: Callable[[str], int]) -> None:
    """Store the first objects of a pool that never gave out an id."""
    if context.logdb.query(f"SELECT last_oid FROM pool_control WHERE tablename='{table}'"):
        return
    escape = context.logdb.database.escape
    for oid, (name, body, group_u, other_u) in enumerate(rows):
        execute(f"REPLACE INTO pool_control (tablename, last_oid) VALUES ('{table}',{oid})")
        execute(f"INSERT INTO {table} (oid, name, body, uid, gid, owner_u, group_u, other_u) VALUES "
                f"({oid},'{name}','{escape(body)}',0,0,1,{group_u},{other_u})")
    execute(f"REPLACE INTO pool_control (tablename, last_oid) VALUES ('{table}',{last})")


def _head(oid: int, name: str) -> str:
    return (f"<ID>{oid}</ID><UID>0</UID><GID>0</GID><UNAME>oneadmin</UNAME><GNAME>oneadmin</GNAME>"
            f"<NAME>{name}</NAME>")


def _permissions(bits: str) -> str:
    """Nine digits: use, manage, admin of owner, group, others."""
    names = [f"{who}_{what}" for who in ("OWNER", "GROUP", "OTHER") for what in "UMA"]
    inner = "".join(f"<{name}>{bit}</{name}>" for name, bit in zip(names, bits, strict=True))
    return f"<PERMISSIONS>{inner}</PERMISSIONS>"


def _cluster() -> _Row:
    template = Template([("RESERVED_CPU", ""), ("RESERVED_MEM", "")])
    return ("default", "<CLUSTER><ID>0</ID><NAME>default</NAME><HOSTS></HOSTS><DATASTORES><ID>0</ID><ID>1</ID>"
                       f"<ID>2</ID></DATASTORES><VNETS></VNETS>{template.to_xml()}</CLUSTER>", 0, 0)


_DATASTORES = (("system", 1, "-", "SYSTEM_DS"), ("default", 0, "fs", "IMAGE_DS"), ("files", 2, "fs", "FILE_DS"))


def _datastore(context: Context, oid: int) -> _Row:
    name, kind, driver, label = _DATASTORES[oid]
    new = not context.release.is_6
    transfer = "local" if new else "ssh"
    template = Template([("ALLOW_ORPHANS", "FORMAT" if new else "YES"), ("RESTRICTED_DIRS", "/"),
                         ("SAFE_DIRS", "/var/tmp"), ("TM_MAD", transfer), ("TYPE", label)])
    if new:
        template.add("PERSISTENT_SNAPSHOTS", "YES")
    if label == "SYSTEM_DS":
        template.add("SHARED", "NO")
        live = ("DS_LIVE_MIGRATE", "DS_MIGRATE_SNAP") if context.release.since("7.2") else ()
        for attribute in ("DS_MIGRATE", *live):
            template.add(attribute, "YES")
    else:
        for attribute, value in (("CLONE_TARGET", "SYSTEM"), ("LN_TARGET", "SYSTEM"), ("DS_MAD", driver)):
            template.add(attribute, value)
    if label != "FILE_DS":
        template.add("DISK_TYPE", "FILE")
    base = f"{context.conf.single('DATASTORE_LOCATION')}/{oid}"
    body = (f"<DATASTORE>{_head(oid, name)}{_permissions('110100000')}<DS_MAD>{cdata(driver)}</DS_MAD>"
            f"<TM_MAD>{cdata(transfer)}</TM_MAD><BASE_PATH>{cdata(base)}</BASE_PATH><TYPE>{kind}</TYPE>"
            "<DISK_TYPE>0</DISK_TYPE><STATE>0</STATE><CLUSTERS><ID>0</ID></CLUSTERS><TOTAL_MB>0</TOTAL_MB>"
            f"<FREE_MB>0</FREE_MB><USED_MB>0</USED_MB><IMAGES></IMAGES>{template.to_xml()}</DATASTORE>")
    return name, body, 1, 0


def _security_group() -> _Row:
    template = Template([
        ("DESCRIPTION", "Belongs to every network unless it is taken out; it lets all traffic pass."),
        ("RULE", {"PROTOCOL": "ALL", "RULE_TYPE": "OUTBOUND"}), ("RULE", {"PROTOCOL": "ALL", "RULE_TYPE": "INBOUND"})])
    body = (f"<SECURITY_GROUP>{_head(0, 'default')}{_permissions('111100100')}<UPDATED_VMS></UPDATED_VMS>"
            "<OUTDATED_VMS></OUTDATED_VMS><UPDATING_VMS></UPDATING_VMS><ERROR_VMS></ERROR_VMS>"
            f"{template.to_xml()}</SECURITY_GROUP>")
    return "default", body, 1, 1


def _markets(context: Context) -> list[_Row]:
    return [_market(context, 0, "OpenNebula Public", "one", 0, "Public marketplace of OpenNebula Systems"),
            _market(context, 1, "Linux Containers", "linuxcontainers", 1, "Images of linuxcontainers.org")]


def _market(context: Context, oid: int, name: str, driver: str, state: int, description: str) -> _Row:
    template = Template([("DESCRIPTION", description), ("MARKET_MAD", driver)])
    body = (f"<MARKETPLACE>{_head(oid, name)}<STATE>{state}</STATE><MARKET_MAD>{cdata(driver)}</MARKET_MAD>"
            f"<ZONE_ID>{cdata(str(context.zone_id))}</ZONE_ID><TOTAL_MB>0</TOTAL_MB><FREE_MB>0</FREE_MB>"
            f"<USED_MB>0</USED_MB><MARKETPLACEAPPS></MARKETPLACEAPPS>{_permissions('111100100')}"
            f"{template.to_xml()}</MARKETPLACE>")
    return name, body, 1, 1
