# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A zone's lockdown: its API answers this host's root, oned's account and named guests, and nobody else.

In a zone that has just joined, an old owner's id may belong to a stranger until ownership is corrected. The companions
of oned are stopped meanwhile, but start with the host after a power failure; their ports are closed as well, for they
call oned on behalf of users with an account that the lockdown lets through.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._errors import FrontendError
from .._frontend.journal import host_lock
from .._frontend.layout import Frontend
from .._host.sockets import listeners
from .._host.systemd_unit import OwnUnit
from . import rules
from .ports import (
    addresses_of,
    api_ports,
    endpoint_port,
    service_ports,
)

UNIT = OwnUnit("onefed-zone-lockdown.service")
# There when systemd has started this host (sd_booted(3)).
SYSTEMD = "/run/systemd/system"


@dataclass(frozen=True)
class State:
    """The text of the unit, the table in the kernel, and whether the unit runs before each start of oned."""

    text: str
    table: str
    enabled: bool

    @classmethod
    def now(cls) -> State:
        text = UNIT.read()
        seen = os.geteuid() == 0 and rules.nft_program() is not None
        return cls(text, rules.loaded() if seen else "", bool(text) and UNIT.enabled())

    @property
    def closed(self) -> bool:
        return bool(self.table) and self.enabled


OPEN = State("", "", False)


def manage(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do what module zone_lockdown is asked: {"changed", "closed", "reason", "diff"}."""
    reason = None
    if params["state"] == "closed":
        reason = _obstacle(frontend)
        lockdown, reason = (None, reason) if reason else _lockdown(frontend, params)
        if lockdown is None:
            before = after = State.now()
        else:
            with host_lock(frontend, check_mode=check_mode):
                before = State.now()
                after = _close(frontend, lockdown, before, check_mode)
    elif State.now() == OPEN:
        before = after = OPEN
    else:
        with host_lock(frontend, check_mode=check_mode):
            before = State.now()
            after = _open(before, check_mode)
    return {
        "changed": before != after,
        "closed": after.closed,
        "reason": reason,
        "diff": {"before": _describe(before), "after": _describe(after)},
    }


def _obstacle(frontend: Frontend) -> str | None:
    """What this host lacks for a lockdown, with what can be done instead."""
    instead = (
        "let only the servers of the master zone reach the API of this host in its firewall until the zone has joined"
    )
    if frontend.location:
        return f"A self-contained OpenNebula has no systemd unit that a lockdown could be loaded before; {instead}."
    if os.geteuid() != 0:
        return f"Only root may write packet filter rules. Use become, or {instead}."
    if not os.path.isdir(SYSTEMD):
        return f"This host does not run systemd, which would load the rules after a boot; {instead}."
    if rules.nft_program() is None:
        return f"There is no program nft on this host. Install nftables, or {instead}."
    return None


def _lockdown(frontend: Frontend, params: Mapping[str, Any]) -> tuple[rules.Lockdown | None, str | None]:
    """The lockdown that is asked for, or None and why this host cannot have it."""
    ports = api_ports(frontend.conf)
    accounts = {rules.ROOT, frontend.ids()[0]}
    if params["endpoint"] and endpoint_port(params["endpoint"]) not in ports:
        port = endpoint_port(params["endpoint"])
        found = listeners(port)
        if not found:
            return None, (
                f"The zone's endpoint is {params['endpoint']}, and nothing on this host listens on port {port}. "
                "What forwards calls to oned stands elsewhere and would have to be closed there."
            )
        ports.append(port)
        accounts.update(found)
    companions = tuple(port for port in service_ports(frontend.etc) if port not in ports)
    own = tuple(sorted({rules.ROOT, frontend.ids()[0]}))
    allowed = tuple(addresses_of(params["allow"]))
    lockdown = rules.Lockdown(tuple(ports), allowed, tuple(sorted(accounts)), companions, own)
    refused = rules.refusal(lockdown)
    if refused:
        return None, f"nftables does not take the rules of the lockdown on this host: {refused}."
    return lockdown, None


def _close(frontend: Frontend, lockdown: rules.Lockdown, before: State, check_mode: bool) -> State:
    after = State(rules.unit_text(lockdown, frontend.service), lockdown.shown(), True)
    if before == after or check_mode:
        return after
    try:
        UNIT.install(after.text, "start")
        if State.now() != after:
            raise FrontendError(f"{UNIT.path} ended well, but the rules in force are others:\n{_describe(State.now())}")
    except FrontendError:
        # A unit that fails would keep oned from starting. Failing to mend a lockdown does not lift it.
        if before == OPEN:
            _open(State.now(), check_mode)
        raise
    return after


def _open(before: State, check_mode: bool) -> State:
    if check_mode:
        return OPEN
    if os.geteuid() != 0:
        raise FrontendError(f"Only root may remove {UNIT.path} and its rules. Use become.")
    UNIT.remove()
    if before.table or rules.nft_program():
        rules.unload()
    return OPEN


def _describe(state: State) -> str:
    unit = ("enabled" if state.enabled else "disabled") if state.text else "none"
    return f"{UNIT.path}: {unit}\n{state.table or 'no rules in force'}\n{state.text}"
