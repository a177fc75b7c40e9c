# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The tables of OpenNebula's database, by release."""

from __future__ import annotations

from .versions import Release

_OBJECT = ("oid INTEGER PRIMARY KEY, name VARCHAR(128), body MEDIUMTEXT, uid INTEGER, gid INTEGER, owner_u INTEGER, "
           "group_u INTEGER, other_u INTEGER")

FEDERATED_TABLES = (
    "group_pool", "user_pool", "acl", "zone_pool", "vdc_pool", "marketplace_pool", "marketplaceapp_pool",
    "db_versioning")

POOL_CONTROL = "pool_control (tablename VARCHAR(32) PRIMARY KEY, last_oid BIGINT UNSIGNED)"
LOCAL_VERSIONS = ("local_db_versioning (oid INTEGER PRIMARY KEY, version VARCHAR(256), timestamp INTEGER, "
                  "comment VARCHAR(256), is_slave BOOLEAN)")
SYSTEM_ATTRIBUTES = "system_attributes (name VARCHAR(128) PRIMARY KEY, body MEDIUMTEXT)"
SHARED_VERSIONS = ("db_versioning (oid INTEGER PRIMARY KEY, version VARCHAR(256), timestamp INTEGER, "
                   "comment VARCHAR(256))")

# Table, name and columns of the indexes beside the keys. They are made without IF NOT EXISTS, which is why a second
# bootstrap of the same database fails.
INDEXES = (("logdb", "fed_index_idx", "fed_index"), ("logdb", "applied_idx", "applied"),
           ("vm_pool", "state_oid_idx", "state, oid"))
LOGDB = ("logdb (log_index BIGINT UNSIGNED PRIMARY KEY, term INTEGER, sqlcmd MEDIUMTEXT, timestamp INTEGER, "
         "fed_index BIGINT UNSIGNED, applied BOOLEAN)")


def indexes(table: str) -> list[str]:
    """The statements that make a table's indexes."""
    return [f"CREATE INDEX {name} on {on} ({columns});" for on, name, columns in INDEXES if on == table]


def _object(table: str, *more: str) -> str:
    return f"{table} ({', '.join((_OBJECT, *more))})"


def local_tables(release: Release) -> list[str]:
    """The tables of one zone alone, in the order of their creation."""
    resched = "" if release.is_6 else "resched INTEGER, "
    tables = [
        "vm_pool (oid INTEGER PRIMARY KEY, name VARCHAR(128), body MEDIUMTEXT, uid INTEGER, gid INTEGER, "
        f"state INTEGER, lcm_state INTEGER, {resched}owner_u INTEGER, group_u INTEGER, other_u INTEGER, "
        "short_body MEDIUMTEXT, body_json JSON)",
        "vm_monitoring (vmid INTEGER, last_poll INTEGER, body MEDIUMTEXT, PRIMARY KEY(vmid, last_poll))",
        "history (vid INTEGER, seq INTEGER, body MEDIUMTEXT, stime INTEGER, etime INTEGER,PRIMARY KEY(vid,seq))",
        "vm_showback (vmid INTEGER, year INTEGER, month INTEGER, body MEDIUMTEXT, PRIMARY KEY(vmid, year, month))",
        "host_pool (oid INTEGER PRIMARY KEY, name VARCHAR(128), body MEDIUMTEXT, state INTEGER, uid INTEGER, "
        "gid INTEGER, owner_u INTEGER, group_u INTEGER, other_u INTEGER, cid INTEGER)",
        "host_monitoring (hid INTEGER, last_mon_time INTEGER, body MEDIUMTEXT, PRIMARY KEY(hid, last_mon_time))",
        _object("network_pool", "pid INTEGER", "UNIQUE(name,uid)"),
        "network_vlan_bitmap (id INTEGER, map LONGTEXT, PRIMARY KEY(id))",
        _object("image_pool", "UNIQUE(name,uid)"),
        _object("template_pool"),
        _object("datastore_pool"),
        _object("cluster_pool", "UNIQUE(name)"),
        "cluster_datastore_relation (cid INTEGER, oid INTEGER, PRIMARY KEY(cid, oid))",
        "cluster_network_relation (cid INTEGER, oid INTEGER, PRIMARY KEY(cid, oid))",
        "cluster_vnc_bitmap (id INTEGER, map LONGTEXT, PRIMARY KEY(id))",
        "document_pool (oid INTEGER PRIMARY KEY, name VARCHAR(128), body MEDIUMTEXT, type INTEGER, uid INTEGER, "
        "gid INTEGER, owner_u INTEGER, group_u INTEGER, other_u INTEGER)",
        "user_quotas (user_oid INTEGER PRIMARY KEY, body MEDIUMTEXT)",
        "group_quotas (group_oid INTEGER PRIMARY KEY, body MEDIUMTEXT)",
        _object("secgroup_pool", "UNIQUE(name,uid)"),
        _object("vrouter_pool"),
        _object("vmgroup_pool", "UNIQUE(name,uid)"),
        _object("vn_template_pool"),
        _object("hook_pool", "type INTEGER"),
        "hook_log (hkid INTEGER, exeid INTEGER, timestamp INTEGER, rc INTEGER, body MEDIUMTEXT,"
        "PRIMARY KEY(hkid, exeid))",
        _object("backupjob_pool", "priority INTEGER", "outdated_vms INTEGER"),
        "schedaction_pool (oid INTEGER PRIMARY KEY, parent_id INTEGER, type VARCHAR(128), body MEDIUMTEXT, "
        "time INTEGER, done INTEGER)",
    ]
    if not release.is_6:
        tables.append("plan_pool (cid INTEGER PRIMARY KEY, state INTEGER, body MEDIUMTEXT)")
    else:
        tables.insert(4, "vm_import (deploy_id VARCHAR(128), vmid INTEGER, PRIMARY KEY(deploy_id))")
    if release.since("7.4"):
        tables.insert(18, "group_vlans (group_oid INTEGER PRIMARY KEY, body MEDIUMTEXT)")
    return tables


def shared_tables() -> list[str]:
    """The federated tables but db_versioning, in the order of their creation."""
    return [
        _object("group_pool", "UNIQUE(name)"),
        _object("user_pool", "UNIQUE(name)"),
        "acl (oid INT PRIMARY KEY, userset BIGINT, resource BIGINT, rights BIGINT, zone BIGINT, "
        "UNIQUE(userset, resource, rights, zone))",
        _object("zone_pool", "UNIQUE(name)"),
        _object("vdc_pool", "UNIQUE(name)"),
        _object("marketplace_pool"),
        _object("marketplaceapp_pool", "UNIQUE(name,uid)"),
    ]
