# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The services beside oned: ``companion <unit>``, run until SIGTERM."""

from __future__ import annotations

import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from .. import cipher, client
from ..companions.fireedge import FireEdge
from ..companions.server import CALL_SECONDS, Handler, HttpServer, refused, serve_for_users
from ..companions.settings import COMPANIONS, Companion, Conf, read_auth
from ..paths import Layout, current
from ..versions import Release

FAILURE = 255
_RETRY_SECONDS = 2
_LOADS = 5
_LOAD_PAUSE = 0.5


class Service:
    def __init__(self, layout: Layout, companion: Companion, conf: Conf) -> None:
        self.layout = layout
        self.companion = companion
        self.conf = conf
        self._log = Path(layout.log) / companion.log

    def log(self, level: str, message: str) -> None:
        with self._log.open("a", encoding="utf-8") as file:
            file.write(f"{time.ctime()} [{level}]: {message}\n")

    def error(self, message: str) -> None:
        self.log("E", message)


def main(arguments: list[str], release: Release) -> int:
    layout, companion = current(), COMPANIONS[arguments[0]]
    path = Path(layout.etc) / companion.conf
    try:
        service = Service(layout, companion, Conf.read(path, companion))
    except OSError as error:
        sys.stderr.write(f"Error parsing config file {path}: {error.strerror}\n")
        return 1
    try:
        return _run(service, *_prepared(service))
    except OSError as error:
        service.error(f"Cannot listen on {service.conf.host}:{service.conf.port}: {error.strerror}")
        return 1


def _prepared(service: Service) -> tuple[Handler | None, Callable[[], None]]:
    """What a service does with requests (None: it takes none), and what it does by itself.

    :raises SystemExit: for credentials that it cannot read.
    """
    unit, endpoint = service.companion.unit, service.conf.endpoint
    if unit == "fireedge":
        fireedge = FireEdge(service.layout, service.conf)
        return fireedge.handle, lambda: service.log("I", f"Server listen in {service.conf.host}:{service.conf.port}")
    try:
        auth = read_auth(service.layout, service.companion)
        if service.companion.port:
            cipher.session(auth)
    except (OSError, ValueError) as error:
        service.error("Error initializing authentication system")
        service.error(str(error))
        raise SystemExit(FAILURE) from error
    work = {"scheduler": lambda: _schedule(service, auth), "hem": lambda: _load_hooks(service, auth),
            "flow": lambda: _catch_up(service, auth)}.get(unit, lambda: service.log("I", "Starting server"))
    return serve_for_users(endpoint, auth, service.error) if service.companion.port else None, work


def _catch_up(service: Service, auth: str) -> None:
    """OneFlow looks for services that are in the middle of something. If it is refused, it runs on."""
    service.error("[LCM] Catching up...")
    why = refused(service.conf.endpoint, cipher.session(auth), "one.documentpool.info", -2, -1, -1, 100)
    if why:
        service.error(f"[LCM] {why}")


def _load_hooks(service: Service, auth: str) -> None:
    """The hook service tries a few times, and runs on without hooks."""
    why = ""
    for _dummy in range(_LOADS):
        why = refused(service.conf.endpoint, auth, "one.user.info", -1, False)
        if not why:
            service.log("I", "Hooks successfully loaded")
            return
        time.sleep(_LOAD_PAUSE)
    service.error(f"Cannot get hook information: {why}")


def _schedule(service: Service, auth: str) -> None:
    """The scheduler of release 6 asks for oned's configuration until it gets it."""
    service.log("I", "Starting Scheduler Daemon")
    while True:
        try:
            ok, text, *_rest = client.call(service.conf.endpoint, "one.system.config", [auth], CALL_SECONDS)
        except client.CallError as error:
            ok, text = False, str(error)
        if ok:
            break
        service.error(f"Cannot contact oned, will retry... Error: {text}")
        time.sleep(_RETRY_SECONDS)
    zone = re.search(r"<ZONE_ID>(?:<!\[CDATA\[)?(\d+)", str(text))
    service.log("I", "oned successfully contacted.")
    service.log("I", f"Configuring scheduler for Zone ID: {zone[1] if zone else 0}")


def _run(service: Service, handler: Handler | None, work: Callable[[], None]) -> int:
    """:raises OSError: if the port cannot be had."""
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    if handler is not None:
        server = HttpServer(service.conf.host, service.conf.port, handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Thread(target=work, daemon=True).start()
    signal.sigwait(ends)
    return 0
