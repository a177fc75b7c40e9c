# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of OpenNebula 7.4.0 that matter here, and what a first start fills them with, in oned's own words.

MySQL takes them, too, where || joins texts.
"""

from __future__ import annotations

POOL = (
    "oid INTEGER PRIMARY KEY, name VARCHAR(128), body MEDIUMTEXT, uid INTEGER, gid INTEGER, "
    "owner_u INTEGER, group_u INTEGER, other_u INTEGER"
)
# logdb is spelled as oned does: what is recreated must be the same to the letter.
SCHEMA = f"""
CREATE TABLE group_pool ({POOL}, UNIQUE(name));
CREATE TABLE user_pool ({POOL}, UNIQUE(name));
CREATE TABLE zone_pool ({POOL}, UNIQUE(name));
CREATE TABLE vdc_pool ({POOL}, UNIQUE(name));
CREATE TABLE marketplace_pool ({POOL});
CREATE TABLE marketplaceapp_pool ({POOL}, UNIQUE(name,uid));
CREATE TABLE template_pool ({POOL});
CREATE TABLE acl (oid INT PRIMARY KEY, userset BIGINT, resource BIGINT, rights BIGINT, zone BIGINT,
    UNIQUE(userset, resource, rights, zone));
CREATE TABLE db_versioning (oid INTEGER PRIMARY KEY, version VARCHAR(256), timestamp INTEGER, comment VARCHAR(256));
CREATE TABLE local_db_versioning (oid INTEGER PRIMARY KEY, version VARCHAR(256), timestamp INTEGER,
    comment VARCHAR(256), is_slave BOOLEAN);
CREATE TABLE pool_control (tablename VARCHAR(32) PRIMARY KEY, last_oid BIGINT UNSIGNED);
CREATE TABLE system_attributes (name VARCHAR(128) PRIMARY KEY, body MEDIUMTEXT);
CREATE TABLE logdb (log_index BIGINT UNSIGNED PRIMARY KEY, term INTEGER, sqlcmd MEDIUMTEXT, \
timestamp INTEGER, fed_index BIGINT UNSIGNED, applied BOOLEAN);
CREATE INDEX fed_index_idx on logdb (fed_index);
CREATE INDEX applied_idx on logdb (applied);
"""
BOOTSTRAP = """
INSERT INTO db_versioning (oid, version, timestamp, comment) VALUES (0, '7.4.0', {now}, '7.4.0 daemon bootstrap');
INSERT INTO local_db_versioning (oid, version, timestamp, comment, is_slave)
    VALUES (0, '7.4.0', {now}, '7.4.0 daemon bootstrap', '0');
INSERT INTO group_pool VALUES (0, 'oneadmin', '<GROUP><ID>0</ID></GROUP>', 0, 0, 1, 1, 0),
    (1, 'users', '<GROUP><ID>1</ID></GROUP>', 0, 1, 1, 1, 0);
INSERT INTO user_pool VALUES (0, 'oneadmin', '<USER><ID>0</ID></USER>', 0, 0, 1, 1, 0),
    (1, 'serveradmin', '<USER><ID>1</ID></USER>', 1, 0, 1, 1, 0);
INSERT INTO zone_pool VALUES (0, 'OpenNebula', '<ZONE><ID>0</ID><NAME>OpenNebula</NAME><STATE>0</STATE><TEMPLATE>'
    || '<ENDPOINT><![CDATA[http://192.0.2.11:2633/RPC2]]></ENDPOINT></TEMPLATE><SERVER_POOL></SERVER_POOL></ZONE>',
    0, 0, 1, 0, 0);
INSERT INTO vdc_pool VALUES (0, 'default', '<VDC><ID>0</ID></VDC>', 0, 0, 1, 0, 0);
INSERT INTO acl VALUES (0, 8589934593, 81386661048057856, 8, 17179869184),
    (1, 17179869184, 8813272891392, 1, 17179869184),
    (2, 17179869184, 26405458935808, 1, 17179869184), (3, 8589934593, 154618822656, 2, 4294967296),
    (4, 8589934593, 292057776128, 1, 4294967296), (5, 8589934593, 17609365913600, 1, 4294967296);
INSERT INTO marketplace_pool VALUES (0, 'OpenNebula Public', '<MARKETPLACE/>', 0, 0, 1, 1, 1),
    (1, 'Linux Containers', '<MARKETPLACE/>', 0, 0, 1, 1, 1);
INSERT INTO pool_control VALUES ('group_pool', 99), ('user_pool', 1), ('zone_pool', 99), ('vdc_pool', 99), ('acl', 5),
    ('marketplace_pool', 99), ('template_pool', 7);
INSERT INTO template_pool VALUES (7, 'local', '<VMTEMPLATE/>', 0, 0, 1, 0, 0);
INSERT INTO logdb (log_index, term, sqlcmd, timestamp, fed_index, applied)
    VALUES (0, 0, 'eJwDAAAAAAE=', {now}, 18446744073709551615, '1');
"""
