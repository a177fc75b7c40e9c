# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Rules about databases: whether one can be read, is like the master's, and says what it is."""

from __future__ import annotations

from .problem import ERROR, WARNING, Rule

UPGRADE_THE_OLDER = (
    "Set oned_install_version to the newer release of the two for all hosts and run playbook upgrade; a zone that is "
    "in no federation yet goes first and alone, with --limit."
)
FEDERATE_REPAIRS = "Run playbook federate, which repairs it."

DRIVER_MISSING = Rule(
    "driver_missing",
    ERROR,
    "MariaDB and MySQL are read with PyMySQL, which the host's Python does not have.",
    "{detail}",
    "Run playbook federate without --check, which installs it.",
)
DATABASE_UNREADABLE = Rule(
    "database_unreadable",
    ERROR,
    "The database is down, or does not take the account that oned.conf has.",
    "Its database could not be examined: {detail}",
    "Correct the DB section of oned.conf or start the database.",
)
DATABASE_EMPTY = Rule(
    "database_empty",
    ERROR,
    "oned makes its tables at its first start, and was never started.",
    "Its database was never filled by a start of oned.",
    "Start oned once as STANDALONE, or let playbook federate do so.",
)
SHARED_VERSION_DIFFERS = Rule(
    "shared_version_differs",
    ERROR,
    "Zones of a federation share tables, and one of the two was upgraded.",
    "Its shared tables have version {version}, the master's {masters}.",
    UPGRADE_THE_OLDER,
)
LOCAL_VERSION_DIFFERS = Rule(
    "local_version_differs",
    ERROR,
    "The local tables show that the two run different releases of OpenNebula.",
    "Its local tables have version {version}, the master's {masters}.",
    SHARED_VERSION_DIFFERS.remedy,
)
BACKEND_DIFFERS = Rule(
    "backend_differs",
    ERROR,
    "The records of the master's log are SQL statements, which another backend reads otherwise.",
    "Its database backend is {backend}, the master's {masters}.",
    "Zones of a federation share one: move this zone's database to it, from SQLite with onedb sqlite2mysql.",
)
CHARSET_DIFFERS = Rule(
    "charset_differs",
    ERROR,
    "oned speaks the charset of its database. With another one than the master's, names become unreadable in silence.",
    "Its database charset is {charset}, the master's {masters}.",
    "Zones of a federation share one: dump this zone's database, create it anew with CHARACTER SET {masters}, change "
    "the charset in the dump, and load it while oned is stopped.",
)
COLUMN_CHARSET_DIFFERS = Rule(
    "column_charset_differs",
    WARNING,
    "A database that was upgraded over years may have columns in an older charset than its own.",
    "Charset or collation of its columns {columns} differ from the master's: a text that they cannot hold, or a "
    "name that they take for another, would stop its replication.",
    "{statements}",
    advice="Stop oned and execute the ALTER TABLE statements of the message in the database that they are for.",
)
COLUMNS_TOO_SMALL = Rule(
    "columns_too_small",
    ERROR,
    "Texts that the master has cannot be written in the charset of these columns.",
    "Its columns {columns} cannot hold texts of the master's, since their charset is another.",
    "Stop oned and execute in its database: {statements}",
)
DUMP_PROGRAM_MISSING = Rule(
    "dump_program_missing",
    ERROR,
    "A full backup of MariaDB or MySQL is made with the client's own program.",
    "It has neither mysqldump nor mariadb-dump, which the full backup needs.",
    "Install mariadb-client or default-mysql-client (Debian, Ubuntu), mariadb or mysql (RHEL).",
)
GALERA = Rule(
    "galera",
    ERROR,
    "Snapshots are exact because the tables are locked for a moment, and Galera's nodes do not share locks.",
    "{whose} database is a Galera cluster, whose table locks hold for one node only: no copy of it would be sure to be "
    "exact.",
    "Move it to a server without Galera (wsrep_on=OFF); Raft servers of OpenNebula make a zone available.",
)
ISOLATION = Rule(
    "isolation",
    WARNING,
    "OpenNebula's documentation asks for another transaction isolation of the database server.",
    "The transaction isolation of its database server is {isolation}; OpenNebula recommends {recommended}.",
    "Write transaction-isolation = {recommended} below [mysqld] of the server's my.cnf and restart it: SET GLOBAL "
    "lasts until then only.",
)
OLD_DATABASE_SERVER = Rule(
    "old_database_server",
    WARNING,
    "This collection was never run with a database server of that age.",
    "Its database server is {server}; nothing older than {oldest} was tried.",
    "Upgrade the server.",
)
IS_SLAVE_SET = Rule(
    "is_slave_set",
    ERROR,
    "The master was a slave before, or was restored from a slave's backup.",
    "Its database says that it is a slave's (local_db_versioning.is_slave is 1): onedb upgrade would leave the shared "
    "tables of the whole federation as they are.",
    FEDERATE_REPAIRS,
)
IS_SLAVE_UNSET = Rule(
    "is_slave_unset",
    WARNING,
    "The slave was made without onedb restore --federated, which notes it there.",
    "Its database does not say that it is a slave's (local_db_versioning.is_slave is 0): onedb upgrade and onedb fsck "
    "would change its copy of the shared tables.",
    FEDERATE_REPAIRS,
)
LOG_WITHOUT_KEYS = Rule(
    "log_without_keys",
    WARNING,
    "The stock onedb restore --federated rebuilds the table logdb without its keys on SQLite.",
    "Its table logdb has lost its primary key or indexes: duplicates go unnoticed and every federated write takes "
    "longer.",
    FEDERATE_REPAIRS,
)
POOL_CONTROL_BEHIND = Rule(
    "pool_control_behind",
    WARNING,
    "A federated restore brings the shared tables and not the newest ids in pool_control.",
    "pool_control is behind the ids in use in {tables}; onedb fsck complains.",
    FEDERATE_REPAIRS,
)
