# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The companions of oned: which there are, which run, and how they run again after oned was stopped.

A self-contained install has no units: nothing is found there, and nothing happens.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Sequence
from typing import Any

from .._errors import FrontendError, OnefedError
from .._frontend import auth_files
from .._frontend.layout import Frontend
from .._frontend.upgrade_journal import in_progress
from .._host.deadline import Deadline
from .._host.files import read_bytes, remove_file, write_bytes
from .._host.systemctl import last_words, show, systemctl
from .._oned_conf.document import Document
from .._oned_conf.raft_hooks import FOLLOWER, HOOK, hook_of, is_stock
from .._oned_conf.secrets import scrub
from .managers import has_job

# Services of OpenNebula's packages, 6.4 to 7.4, that keep in memory what they read from an auth file at their start:
# one_auth (scheduler until 6.10, hem), sunstone_auth (FireEdge, Sunstone until 6.10), <name>_auth (the others).
# guacd and noVNC know no OpenNebula user, and the programs of the timers read one_auth each time. They stand in the
# order of their start.
COMPANIONS = ("scheduler", "hem", "flow", "gate", "form", "ks", "sunstone", "fireedge")
# How a unit can say that it stops with another one (systemd.unit(5)), as `systemctl show` tells it of the other one,
# and of the unit itself. The first names only units that are loaded, which one that has stopped is no longer.
STOPPED_WITH = "RequiredBy,RequisiteOf,BoundBy,ConsistsOf,PropagatesStopTo"
STOPS_WITH = "Requires,Requisite,BindsTo,PartOf,StopPropagatedFrom"
# A simple service counts as started as soon as its process exists; one that cannot work ends while it loads.
SETTLE_SECONDS = 2.0
START_SECONDS = 30.0
POLL = 0.1
LINES_SHOWN = 5
_MOST_BYTES = 1 << 20
_RUNS = ("active", "activating", "reloading")
_PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,UnitFileState,Result,ExecMainCode,ExecMainStatus,NRestarts,Job,AssertResult,"
    "ActiveEnterTimestampMonotonic"
)
_UNKNOWN = dict.fromkeys(_PROPERTIES.split(","), "")
_UNIT = re.compile(r"[A-Za-z0-9:_.@][A-Za-z0-9:_.@-]*")
Shown = dict[str, str]


def installed(frontend: Frontend) -> list[dict[str, Any]]:
    """The companions of oned that are installed: [{"unit", "active", "enabled"}], in the order of their start.

    `active` is true also for one that systemd is about to start; `enabled` tells whether it starts with the host, None
    when the unit file alone does not say.
    """
    if frontend.location:
        return []
    shown = _show([f"opennebula-{name}" for name in COMPANIONS])
    return [
        {
            "unit": unit,
            "active": state["ActiveState"] in _RUNS,
            "enabled": {"enabled": True, "disabled": False}.get(state["UnitFileState"]),
        }
        for unit, state in shown.items()
        if state["LoadState"] != "not-found"
    ]


def active(frontend: Frontend) -> list[str]:
    """The companions of oned that run."""
    return [found["unit"] for found in installed(frontend) if found["active"]]


def started(frontend: Frontend) -> dict[str, float]:
    """When each companion of oned that runs was started, in seconds since the epoch."""
    boot = time.time() - time.monotonic()
    shown = _show(active(frontend))
    return {unit: boot + int(state["ActiveEnterTimestampMonotonic"] or 0) / 1e6 for unit, state in shown.items()}


def running(frontend: Frontend) -> list[str]:
    """The companions of oned that run, and other running units that systemd stops with oned."""
    return list(dict.fromkeys([*active(frontend), *_in(_stopped_with(frontend), _RUNS)]))


def any_alive(units: Sequence[str]) -> bool:
    """Whether one of `units` still runs."""
    return bool(_in(units, (*_RUNS, "deactivating")))


def remember(frontend: Frontend, also: Sequence[str]) -> None:
    """Note on disk what stops now, `also` and what systemd stops with oned, for restore() after the next start.

    While a join or an upgrade is open its journal has noted that: those services wait until it has been proved.
    """
    if frontend.location or in_progress(frontend):
        return
    units = list(dict.fromkeys([*_remembered(frontend), *also, *_in(_stopped_with(frontend), _RUNS)]))
    if units:
        try:
            frontend.make_dir(frontend.state_dir)
            content = json.dumps({"units": units}).encode()
            write_bytes(_record(frontend), content, frontend.state_attributes)
        except OSError as error:
            raise FrontendError(f"Cannot write {_record(frontend)}: {error.strerror}.") from error


def restore(frontend: Frontend, wait: bool = True) -> list[dict[str, Any]]:
    """Start what remember() noted; as bring_up() returns it."""
    if frontend.location or in_progress(frontend):
        return []
    units = _remembered(frontend)
    if not units:
        return []
    services = bring_up(frontend, units, wait)
    try:
        remove_file(_record(frontend))
    except OSError as error:
        raise FrontendError(f"Cannot remove {_record(frontend)}: {error.strerror}.") from error
    return services


def bring_up(frontend: Frontend, units: Sequence[str], wait: bool = True, verb: str = "start") -> list[dict[str, Any]]:
    """Let `units` run, and with `wait` see whether they stay: [{"unit", "error"}], error None for one that runs.

    Never fails because of a service: what is wrong with it, and the last lines of its journal, are its error. Only
    companions of oned and units that systemd stops with it are started, whatever `units` names. What the hooks of a
    server in a zone of several start where it leads is not started, as it must not run on a follower.
    """
    if frontend.location:
        return []
    if verb == "start":
        hooked = _hooked(frontend)
        units = [unit for unit in units if unit not in hooked]
    wanted = [found["unit"] for found in installed(frontend) if found["unit"] in units]
    wanted += [unit for unit in units if unit not in wanted and _stops_with(frontend, unit)]
    if not wanted:
        return []
    # Else systemd may refuse a start because of earlier failures.
    systemctl("reset-failed", *wanted)
    before = _show(wanted)
    systemctl(verb, "--no-block", *wanted)
    failures = _await(wanted, before) if wait else {}
    return [{"unit": unit, "error": _error(frontend, unit, failures.get(unit))} for unit in wanted]


def end(units: Sequence[str], timeout: float) -> None:
    """Stop `units` and wait until they have ended. Raises FrontendError when one does not."""
    systemctl("stop", "--no-block", *units)
    if not Deadline.after(timeout).wait_until(lambda: not any_alive(units), POLL):
        raise FrontendError(
            f"One of the services {', '.join(units)} did not end within {timeout:g} s. Stop it, and run again."
        )


def restart(frontend: Frontend, names: Sequence[str]) -> list[dict[str, Any]]:
    """Restart those of the services `names` that run, so that they read their files anew; as bring_up()."""
    return bring_up(frontend, [unit for unit in active(frontend) if unit in names], verb="restart")


def hook_units(frontend: Frontend) -> list[str]:
    """The installed units that OpenNebula's Raft hook starts on the leader and stops on followers.

    Which ones differs from version to version, so the script itself tells.
    """
    path = os.path.join(frontend.var, "remotes", "hooks", HOOK)
    try:
        text = read_bytes(path, follow=True, limit=_MOST_BYTES).decode("utf-8", "replace")
        names = re.findall(r"\bsystemctl stop (opennebula-[\w.-]+)", text)
    except OSError:
        return []
    units = list(dict.fromkeys(names))
    return [unit for unit, shown in _show(units).items() if shown["LoadState"] != "not-found"]


def _hooked(frontend: Frontend) -> list[str]:
    """What the hooks manage on this server; nothing in a zone of one server, or where a load balancer needs none."""
    try:
        document = Document.load(frontend.conf)
    except OnefedError:
        return []
    server_id = (document.vector("FEDERATION") or {}).get("SERVER_ID", "")
    # In a zone of one server (-1) oned runs no hook.
    if not server_id.isdigit() or not is_stock(hook_of(document.vector(FOLLOWER))):
        return []
    return hook_units(frontend)


def warnings(services: Iterable[dict[str, Any]]) -> list[str]:
    """The errors of what bring_up() returned."""
    return [service["error"] for service in services if service["error"]]


def _await(units: Sequence[str], before: dict[str, Shown]) -> dict[str, str]:
    """Wait until each unit has run for a while or has failed; how those failed."""
    failures: dict[str, str] = {}
    deadline = Deadline.after(START_SECONDS)
    while True:
        shown = _show(units)
        for unit in units:
            how = _failure(shown[unit], before[unit])
            if how:
                failures[unit] = how
        waiting = [unit for unit in units if unit not in failures and not _settled(shown[unit])]
        if not waiting:
            return failures
        if not deadline.poll(POLL):
            late = {unit: f"was still {shown[unit]['SubState']} after {START_SECONDS:g} s" for unit in waiting}
            return {**failures, **late}


def _settled(shown: Shown) -> bool:
    since = int(shown["ActiveEnterTimestampMonotonic"] or 0) / 1e6
    runs = shown["ActiveState"] == "active" and not has_job(shown)
    return runs and time.monotonic() - since >= SETTLE_SECONDS


def _failure(shown: Shown, before: Shown) -> str | None:
    restarted = int(shown["NRestarts"] or 0) > int(before["NRestarts"] or 0)
    if shown["ActiveState"] == "failed" or shown["SubState"] == "auto-restart" or restarted:
        # A restart in between has cleared how the first process ended.
        if shown["ExecMainCode"] == "1" and shown["ExecMainStatus"] != "0":
            return f"ended with exit status {shown['ExecMainStatus']}"
        return "ended" if shown["Result"] == "success" else f"ended with {shown['Result']}"
    if shown["ActiveState"] != "inactive" or has_job(shown):
        return None
    if shown["LoadState"] != "loaded":
        return f"was not started, its unit is {shown['LoadState']}"
    if shown["AssertResult"] == "no":
        return "was not started, because a condition of its unit (Assert…) is not met"
    return "did not stay"


def _error(frontend: Frontend, unit: str, how: str | None) -> str | None:
    if how is None:
        return None
    lines = last_words(unit, LINES_SHOWN)
    words = " | ".join(line.strip() for line in lines if line.strip()) or "(nothing)"
    return scrub(f"The service {unit} {how}. Its journal ends with: {words}", _secrets(frontend))


def _secrets(frontend: Frontend) -> list[str]:
    try:
        contents = [content.strip() for content in auth_files.read_all(frontend).values()]
    except OnefedError:
        return []
    return [content.partition(":")[2] or content for content in contents]


def _record(frontend: Frontend) -> str:
    return os.path.join(frontend.state_dir, "companions.json")


def _remembered(frontend: Frontend) -> list[str]:
    try:
        units = json.loads(read_bytes(_record(frontend)))["units"]
    except (OSError, ValueError, TypeError, KeyError):
        return []
    return [unit for unit in units if isinstance(unit, str)] if isinstance(units, list) else []


def _stopped_with(frontend: Frontend) -> list[str]:
    """Units that systemd stops when oned is stopped; no unit of OpenNebula's packages, but perhaps a site's."""
    if frontend.location:
        return []
    return [_short(name) for name in _named(STOPPED_WITH, frontend.service)]


def _stops_with(frontend: Frontend, unit: Any) -> bool:
    # The name may come from a journal of oned's account, see former_state.
    if not isinstance(unit, str) or not _UNIT.fullmatch(unit):
        return False
    return _short(frontend.service) in map(_short, _named(STOPS_WITH, unit))


def _named(properties: str, unit: str) -> list[str]:
    """The units that these properties of `unit` name."""
    return list(dict.fromkeys(" ".join(show([unit], properties)[unit].values()).split()))


def _in(units: Sequence[str], states: Sequence[str]) -> list[str]:
    return [unit for unit, shown in _show(units).items() if shown["ActiveState"] in states]


def _show(units: Sequence[str]) -> dict[str, Shown]:
    """What there is to know of units by name, in the given order."""
    return {unit: {**_UNKNOWN, **shown} for unit, shown in show(units, _PROPERTIES).items()}


def _short(unit: str) -> str:
    return unit[: -len(".service")] if unit.endswith(".service") else unit
