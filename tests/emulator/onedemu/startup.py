# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A start up to the point where the database is ready, and everything that oned refuses on the way."""

from __future__ import annotations

import socket

from . import bootstrap
from .conf import Conf, ConfError, load, to_int
from .context import CACHE, MASTER, SLAVE, STANDALONE
from .database import Database, DatabaseError, SqliteDatabase
from .log import Log
from .logdb import LogDB
from .mysql import Login, MysqlDatabase
from .paths import Layout
from .raft.log import ReplicatedLog
from .versions import Release


class StartError(Exception):
    """The daemon does not start. The text, if any, is what it prints; then it exits with 255."""


def _federation(conf: Conf) -> tuple[str, int, int]:
    """Mode, zone id and server id.

    :raises StartError: for a section that makes no sense.
    """
    section = conf.vector("FEDERATION")
    mode = section.get("MODE", "").upper()
    if mode not in (STANDALONE, MASTER, SLAVE, CACHE):
        raise StartError("FEDERATION MODE must be one of STANDALONE, MASTER, SLAVE or CACHE.")
    if mode in (SLAVE, CACHE):
        if not conf.release.grpc and not section.get("MASTER_ONED"):
            raise StartError("MASTER_ONED endpoint is missing." if mode == SLAVE else "MASTER_ONED is missing.")
        if conf.release.grpc and not section.get("MASTER_ONED") and not section.get("MASTER_ONED_GRPC"):
            raise StartError("MASTER_ONED and MASTER_ONED_GRPC endpoints are missing.")
    if mode == CACHE:
        raise StartError("CACHE mode is not emulated.")
    zone_id = 0
    if mode in (MASTER, SLAVE):
        try:
            zone_id = int(section.get("ZONE_ID", ""))
        except ValueError as error:
            raise StartError("FEDERATION ZONE_ID must be set for federated instances.") from error
    return mode, zone_id, to_int(section.get("SERVER_ID", "-1"), -1)


def _open_database(layout: Layout, conf: Conf, log: Log) -> Database:
    section = conf.vector("DB")
    if section.get("BACKEND") not in ("sqlite", "mysql"):
        raise StartError("DB BACKEND must be sqlite or mysql.")
    try:
        if section["BACKEND"] == "mysql":
            return MysqlDatabase(
                Login.of(section), section.get("ENCODING", ""), to_int(section.get("CONNECTIONS", ""), 25),
                section.get("COMPARE_BINARY", "").upper() == "YES", log)
        return SqliteDatabase(str(layout.database), to_int(section.get("TIMEOUT", ""), 2500), log)
    except DatabaseError as error:
        raise StartError(str(error)) from error


def _version_state(database: Database, log: Log, table: str, wanted: str, banner: str) -> str:
    """"ok", "missing", or "other" for a version that is not ours."""
    try:
        rows = database.query(f"SELECT version FROM {table} WHERE oid=(SELECT MAX(oid) FROM {table})")
    except DatabaseError:
        rows = []
    if not rows or not rows[0][0]:
        return "missing"
    if rows[0][0] == wanted:
        log.info("ONE", f"oned is using version {wanted} for {table}")
        return "ok"
    log.error("ONE", f"Database version mismatch ( {table}). Installed {banner} needs DB version '{wanted}', and "
                     f"existing DB version is '{rows[0][0]}'.")
    return "other"


def _check_versions(database: Database, log: Log, release: Release, mode: str) -> tuple[bool, bool]:
    """Whether the local and the shared tables have to be created.

    :raises StartError: if the tables are of another version, or a slave has no shared ones.
    """
    mismatch = StartError("Database version mismatch. Check oned.log.")
    log.info("ONE", "Checking database version.")
    local = _version_state(database, log, "local_db_versioning", release.local, release.banner)
    if local == "other":
        log.error("ONE", "Use onedb to upgrade DB.")
        raise mismatch
    shared = _version_state(database, log, "db_versioning", release.shared, release.banner)
    if shared == "other":
        log.error("ONE", "Cannot join federation, oned master needs upgrade." if mode == SLAVE
                  else "Use onedb to upgrade DB.")
        raise mismatch
    if shared == "missing" and mode == SLAVE:
        log.error("ONE", "Cannot access shared DB tables. Check DB replica configuration.")
        raise mismatch
    if "missing" in (local, shared) and mode != STANDALONE:
        raise StartError("Database has to be bootstraped to start oned in FEDERATION")
    return local == "missing", shared == "missing"


class Start:
    """A start up to the point where the database is ready."""

    def __init__(self, layout: Layout, release: Release) -> None:
        self.layout = layout
        self.release = release
        try:
            self.conf = load(layout, release)
        except ConfError as error:
            separator = "\n" if release.is_6 else " "
            print(f"\nError while parsing configuration file:{separator}{error}", flush=True)
            raise StartError("Could not load nebula configuration file.") from error
        self._write_config_dump()
        self.log = Log(layout.oned_log, to_int(self.conf.vector("LOG").get("DEBUG_LEVEL", ""), 3),
                       anew=release.is_6)
        self._log_configuration()
        self.conf.load_key(layout.auth_directory)
        self.mode, self.zone_id, self.server_id = _federation(self.conf)
        self.log.zone_id = self.zone_id
        self.database = _open_database(layout, self.conf, self.log)

    def _write_config_dump(self) -> None:
        try:
            with open(self.layout.var + "config", "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(self.conf.to_text() + "\n")
        except OSError:
            return

    def _log_configuration(self) -> None:
        rule = "-" * 40
        self.log.info("ONE", f"Starting {self.release.banner}\n{rule}\n     OpenNebula Configuration File      \n"
                             f"{rule}\n{self.conf.to_text()}{rule}")
        self.log.info("ONE", f"Using hostname: {socket.gethostname()}")

    def prepare(self, bootstrap_only: bool) -> LogDB:
        """Check the database, create what is missing, open its log.

        :raises StartError: if the database cannot be used.
        """
        local, shared = _check_versions(self.database, self.log, self.release, self.mode)
        solo = self.server_id == -1
        if (solo and local) or bootstrap_only:
            try:
                bootstrap.create_log(self.database)
            except DatabaseError as error:
                raise StartError("Error bootstrapping database.") from error
        try:
            logdb = self._open_log(solo)
        except DatabaseError:
            logdb = None
        if (local or shared) and not solo:
            raise StartError("Database has to be bootstraped to start oned in HA")
        if logdb is None:
            raise StartError("Error bootstrapping database.")
        self._create_tables(local, shared)
        return logdb

    def _open_log(self, solo: bool) -> LogDB:
        raft = self.conf.vector("RAFT")
        limits = to_int(raft.get("LOG_RETENTION", ""), 500000), to_int(raft.get("LIMIT_PURGE", ""), 100000)
        if solo:
            return LogDB(self.database, self.log, self.mode in (MASTER, SLAVE), *limits)
        return ReplicatedLog(self.database, self.log, *limits)

    def _create_tables(self, local: bool, shared: bool) -> None:
        try:
            if local:
                self.log.info("ONE", "Bootstrapping OpenNebula database, stage 1.")
                bootstrap.create_local_tables(self.database, self.release)
            if shared:
                self.log.info("ONE", "Bootstrapping OpenNebula database, stage 2.")
                bootstrap.create_shared_tables(self.database, self.release)
        except DatabaseError as error:
            raise StartError("Error bootstrapping database.") from error
