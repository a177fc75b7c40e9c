# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The daemon once it has its database: parts, listeners, signals, end."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable

# Importing the API registers its methods.
from . import api, bootstrap
from .auth import Sessions
from .conf import Conf, to_int
from .context import Context
from .database import DatabaseError
from .federation import Applier, FedReplicaManager
from .gate import Gate
from .monitor import monitor_datastores
from .paths import Layout, read_one_auth
from .raft.manager import Raft
from .server import RpcServer
from .startup import Start, StartError
from .versions import Release

__all__ = ["Aborted", "StartError", "api", "initialize", "run"]


class Aborted(Exception):
    """The daemon dies without a word of explanation, as if by abort()."""


def initialize(layout: Layout, release: Release) -> None:
    """``oned -i``: create the tables and leave. Needs no lock, and refuses nothing but what it stumbles over."""
    start = Start(layout, release)
    start.prepare(bootstrap_only=True)
    start.log.info("ONE", "Database bootstrap finalized, exiting.\n")


def run(layout: Layout, release: Release) -> None:
    """``oned``: start, serve until SIGTERM or SIGINT, stop."""
    # No thread may take these away from the main one, which waits for them: a handler could go unnoticed.
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    start = Start(layout, release)
    logdb = start.prepare(bootstrap_only=False)
    _close_standard_streams(start.conf)
    context = Context(layout, release, start.conf, start.log, start.mode, start.zone_id, start.server_id, logdb)
    _start_parts(context)
    servers = _listen(context)
    _notify_systemd()
    signal.sigwait(ends)
    context.stopping.set()
    for server in servers:
        server.stop()
    context.raft.finish()
    context.stop_replication()
    context.logdb.settle()
    context.log.info("ONE", "All modules finalized, exiting.\n")


def _close_standard_streams(conf: Conf) -> None:
    """From here on oned writes to its log alone."""
    if conf.vector("LOG").get("SYSTEM", "file") == "std":
        return
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)


def _start_parts(context: Context) -> None:
    context.sessions = Sessions(context.conf.integer("SESSION_EXPIRATION_TIME", 0))
    context.applier = Applier(context.logdb)
    if context.is_slave and context.users.get(0) is None:
        raise Aborted
    context.acl.load()
    try:
        bootstrap.fill(context)
    except bootstrap.BootstrapError as error:
        context.log.error("ONE", str(error))
        raise StartError("Error Initializing OpenNebula pools") from error
    except DatabaseError as error:
        raise StartError("Error Initializing OpenNebula pools") from error
    context.acl.load()
    oneadmin = context.users.get(0)
    context.oneadmin_name = oneadmin.name if oneadmin is not None else "oneadmin"
    context.update_zone_state()
    if context.is_slave:
        try:
            context.own_credentials = read_one_auth()
        except OSError as error:
            context.log.error("XMLRPC", str(error))
            raise StartError("") from error
    context.raft = Raft(context)
    if context.is_master:
        context.replicas = FedReplicaManager(context.logdb, context.log, context.server_id, context.release.grpc)
    context.raft.start()
    _start_timers(context)
    if context.raft.active:
        context.start_replication()


def _start_timers(context: Context) -> None:
    def every(seconds: int, action: Callable[[], None], first: int | None = None) -> None:
        def loop() -> None:
            pause = max(seconds if first is None else first, 1)
            while not context.stopping.wait(pause):
                action()
                pause = max(seconds, 1)
        threading.Thread(target=loop, daemon=True).start()

    period = context.conf.integer("MANAGER_TIMER", 15)
    every(to_int(context.conf.vector("RAFT").get("LOG_PURGE_TIMEOUT", ""), 600), context.logdb.purge)
    every(context.conf.integer("MONITORING_INTERVAL_DATASTORE", 300), lambda: monitor_datastores(context), period)
    if context.is_slave:
        # Rules of the federation come by replication, past the manager of rules.
        every(period, context.acl.load)


def _listen(context: Context) -> list[RpcServer]:
    """The servers of the API. gRPC is not spoken: the other port carries the same calls in XML-RPC."""
    conf = context.conf
    gate = Gate(context)
    context.log.info("ReM", "Starting Request Manager (XML-RPC)...")
    places = [(conf.single("LISTEN_ADDRESS"), conf.integer("PORT", 2633))]
    if context.release.grpc:
        places.append((conf.single("GRPC_LISTEN_ADDRESS"), conf.integer("GRPC_PORT", 2634)))
    servers = []
    for (address, port), kind in zip(places, ("XML-RPC", "GRPC"), strict=False):
        context.log.info("ReM", f"Starting {kind} server, port {port} ...")
        try:
            servers.append(RpcServer(address, port, gate.handle))
        except OSError as error:
            context.log.error("ReM", f"Cannot bind to {address}:{port} : {os.strerror(error.errno or 0)}")
            raise StartError(f"Could not start the Request Manager ({kind})") from error
    for server in servers:
        server.start()
    context.log.info("ReM", "Request Manager started")
    return servers


def _notify_systemd() -> None:
    """Tell systemd that the service is ready (Type=notify)."""
    place = os.environ.get("NOTIFY_SOCKET")
    if not place:
        return
    if place.startswith("@"):
        place = "\0" + place[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notification:
        try:
            notification.sendto(b"READY=1", place)
        except OSError:
            return
