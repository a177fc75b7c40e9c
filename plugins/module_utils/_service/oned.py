# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Starts and stops oned and waits for it. A start that fails is noticed at once and told in oned's own words."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from .._api.local import local_url, read_one_auth
from .._database.open import describe, open_database
from .._database.schema import LOG, log_position
from .._errors import FrontendError, OnefedError
from .._frontend.journal import host_lock
from .._frontend.layout import Frontend
from .._host.deadline import Deadline
from .._oned_conf.document import Document
from .._oned_conf.secrets import scrub, secrets
from . import companions, restart_needed
from .drivers import DriverWatch
from .managers import Manager, manager_of
from .oned_log import NewLines

POLL = 0.2
PROBE_SECONDS = 5.0


def state(frontend: Frontend) -> str:
    """running, stopped or failed."""
    return manager_of(frontend).state()


def is_running(frontend: Frontend) -> bool:
    """Whether an oned runs, or will be started by systemd's automatic restart."""
    return not manager_of(frontend).is_quiet()


def start(frontend: Frontend, wait: bool = True, timeout: float = 120.0) -> list[dict[str, Any]]:
    """Start oned and, if `wait`, wait until its API answers, `timeout` seconds at most.

    Services that stopped with it are started again, and returned as companions.bring_up() does.
    Raises FrontendError with the end of journal and oned.log when that fails; systemd is kept from trying again.
    """
    # Known before the start: with a file that oned refuses there is nothing to wait for.
    url = local_url(frontend)
    manager, log = manager_of(frontend), NewLines(frontend.oned_log)
    manager.begin_start(timeout)
    if wait:
        _await_api(frontend, url, manager, log, timeout)
    else:
        failure = manager.failure()
        if failure:
            raise _failed(frontend, manager, log, failure)
    return companions.restore(frontend, wait)


def stop(frontend: Frontend, timeout: float = 120.0, wait: bool = True, also: Sequence[str] = ()) -> list[str]:
    """Stop oned, before it the services `also`, and if `wait`, wait until they have ended.

    What stops is noted for the next start(). Returns the drivers that had to be ended, see drivers.py. Raises
    FrontendError when something does not end.
    """
    companions.remember(frontend, also)
    return _stop(frontend, timeout, wait, also)


def _stop(frontend: Frontend, timeout: float, wait: bool, also: Sequence[str]) -> list[str]:
    manager = manager_of(frontend)
    deadline = Deadline.after(timeout)
    watch = DriverWatch(frontend, manager.pid())
    manager.begin_stop(timeout, wait, also, watch.look)
    while wait and not (manager.is_quiet() and not companions.any_alive(also)):
        watch.look()
        if not deadline.poll(POLL):
            names = ", ".join(["oned", *also])
            raise FrontendError(f"{names} did not end within {timeout:g} s after the order. See {frontend.oned_log}.")
    return watch.ended


def ensure(
    frontend: Frontend,
    wanted: str,
    wait: bool,
    timeout: float,
    check_mode: bool,
    with_companions: bool = False,
    login: Mapping[str, Any] | None = None,
    log_end: bool = False,
) -> dict[str, Any]:
    """Bring oned into the state `wanted` of module oned_service, and return what that returns.

    With `with_companions`, what stops oned stops its companions, too. `login` holds options of the fragment `login`.
    `log` is where the log of a stopped oned ends, as log_position() says, None unless `log_end` asks for it.
    """
    begun = time.monotonic()
    services: list[dict[str, Any]] = []
    log = None
    ended: list[str] = []
    with host_lock(frontend, check_mode=check_mode):
        running = is_running(frontend)
        if wanted == "restart_needed":
            changed = restart_needed.note(frontend, manager_of(frontend).pid(), check_mode)
        elif wanted == "alone":
            also = companions.active(frontend)
            changed = bool(also)
            if changed and not check_mode:
                companions.remember(frontend, also)
                companions.end(also, timeout)
        elif wanted == "initialized":
            changed = not describe(open_database(frontend, Document.load(frontend.conf), login))["bootstrapped"]
            if changed and not check_mode:
                ended = _initialize(frontend, running, timeout)
        else:
            also = companions.active(frontend) if with_companions and wanted != "started" else []
            changed = wanted == "restarted" or running != (wanted == "started") or bool(also)
            running = wanted != "stopped"
            if not check_mode:
                services, ended = _reach(frontend, wanted, changed, wait, timeout, also)
            if log_end and not check_mode:
                with open_database(frontend, Document.load(frontend.conf), login).reading() as session:
                    log = log_position(session.query) if LOG in session.tables() else None
    return {
        "changed": changed,
        "state": "running" if running else "stopped",
        "services": services,
        "drivers_ended": ended,
        "seconds": round(time.monotonic() - begun, 1),
        "log": log,
    }


def _reach(
    frontend: Frontend, wanted: str, changed: bool, wait: bool, timeout: float, also: Sequence[str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Services that were started again, and drivers that had to be ended."""
    if wanted == "stopped":
        return [], stop(frontend, timeout, wait, also) if changed else []
    ended: list[str] = []
    if wanted == "restarted" and (also or is_running(frontend)):
        ended = stop(frontend, timeout, also=also)
    if changed:
        return start(frontend, wait, timeout), ended
    if wait:
        _await_running(frontend, timeout)
    return [], ended


def _initialize(frontend: Frontend, running: bool, timeout: float) -> list[str]:
    if running:
        _await_running(frontend, timeout)
        return []
    before = companions.running(frontend)
    start(frontend, timeout=timeout)
    # systemd starts hem and the scheduler with oned (Wants=).
    came = [unit for unit in companions.running(frontend) if unit not in before]
    return _stop(frontend, timeout, True, came)


def _await_running(frontend: Frontend, timeout: float) -> None:
    _await_api(frontend, local_url(frontend), manager_of(frontend), NewLines(frontend.oned_log), timeout)


def _await_api(frontend: Frontend, url: str, manager: Manager, log: NewLines, timeout: float) -> None:
    # Here, as most modules that stop oned never start it: all that a module imports is compiled when it runs.
    from .._api.client import probe

    deadline = Deadline.after(timeout)
    while True:
        failure = manager.failure()
        if failure:
            raise _failed(frontend, manager, log, failure)
        seen = probe(url, PROBE_SECONDS)
        if seen["state"] == "open":
            return
        if not deadline.poll(POLL):
            raise _failed(
                frontend,
                manager,
                log,
                f"waited {timeout:g} s for its API at {url}, which was last seen {seen['state']} ({seen['detail']})",
            )


def _failed(frontend: Frontend, manager: Manager, log: NewLines, what: str) -> FrontendError:
    lines = [f"oned did not come up: {what}."]
    for source, words in (("It said", manager.words()), (frontend.oned_log, log.read())):
        if words.strip():
            lines.append(f"{source}:\n{words.strip()}")
    if len(lines) == 1:
        lines.append(f"It left no word. Run {frontend.oned} -f as {frontend.user} to see more.")
    return FrontendError(scrub("\n".join(lines), _secrets(frontend)))


def _secrets(frontend: Frontend) -> list[str]:
    hidden = []
    # A broken file is perhaps why oned failed.
    with contextlib.suppress(OnefedError):
        hidden += secrets(Document.load(frontend.conf))
    with contextlib.suppress(OnefedError):
        hidden.append(read_one_auth(frontend.one_auth)[1])
    return hidden
