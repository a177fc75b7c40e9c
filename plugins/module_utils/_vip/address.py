# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A zone's floating address on its only server: a systemd unit keeps it until OpenNebula's Raft hooks take it over."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._errors import FrontendError
from .._frontend.journal import host_lock
from .._frontend.layout import Frontend
from .._host import network
from .._host.deadline import Deadline
from .unit import (
    UNIT,
    Floating,
    install,
    kept_by,
    unit_text,
)

POLL = 0.2
# The kernel takes one or two seconds to find out whether an IPv6 address is in use.
SETTLE_SECONDS = 10.0


@dataclass(frozen=True)
class State:
    """Whether the address is on its interface, the text of the unit, and whether the unit runs and starts at boots."""

    present: bool
    text: str
    active: bool

    @classmethod
    def now(cls, floating: Floating) -> State:
        text = UNIT.read()
        return cls(is_present(floating), text, bool(text) and UNIT.runs())


NO_UNIT = State(False, "", False)


def is_present(floating: Floating) -> bool:
    """Whether the address is on the interface, whatever its prefix."""
    wanted = (floating.interface, floating.address)
    return wanted in [(one["interface"], one["address"]) for one in network.addresses()]


def manage(frontend: Frontend, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do what module floating_address is asked: {"changed", "present", "kept", "unit", "diff"}."""
    floating = Floating.of(params["address"], params["interface"])
    if params["state"] == "awaited":
        before = after = State.now(floating) if check_mode else _await(floating, params["present"], params["timeout"])
    else:
        action = {"kept": _keep, "handed_over": _hand_over, "absent": _remove}[params["state"]]
        with host_lock(frontend, check_mode=check_mode):
            before = State.now(floating)
            after = action(frontend, floating, before, check_mode)
    return {
        "changed": before != after,
        "present": after.present,
        "kept": after.active and kept_by(after.text) == floating,
        "unit": UNIT.path if after.text else None,
        "diff": {"before": _describe(floating, before), "after": _describe(floating, after)},
    }


def _keep(frontend: Frontend, floating: Floating, before: State, check_mode: bool) -> State:
    if frontend.location:
        if before.present:
            return before
        raise FrontendError(
            f"{floating.cidr} is not on {floating.interface}, and a self-contained OpenNebula has no systemd unit that "
            "would keep it there. Add it in this host's network configuration, or to the interface by hand until the "
            "zone has all its servers, and run again."
        )
    after = State(True, unit_text(frontend, floating), True)
    if before == after:
        return after
    if not before.present:
        _check_free(floating)
    if not check_mode:
        _check_root(floating)
        _drop(_other(before, floating))
        install(after.text)
        try:
            _settle(floating)
        except FrontendError:
            UNIT.remove()
            raise
    return after


def _hand_over(_frontend: Frontend, floating: Floating, before: State, check_mode: bool) -> State:
    if before.text and not check_mode:
        _check_root(floating)
        UNIT.remove()
        _drop(_other(before, floating))
    return State(before.present, "", False)


def _remove(_frontend: Frontend, floating: Floating, before: State, check_mode: bool) -> State:
    if before != NO_UNIT and not check_mode:
        _check_root(floating)
        if before.text:
            UNIT.remove()
            _drop(_other(before, floating))
        _drop(floating)
    return NO_UNIT


def _await(floating: Floating, present: bool, timeout: float) -> State:
    """Wait until the address is on the interface, or off it."""
    if not Deadline.after(timeout).wait_until(lambda: is_present(floating) == present, POLL):
        raise FrontendError(_never(floating, present, timeout))
    return State.now(floating)


def _never(floating: Floating, present: bool, timeout: float) -> str:
    missing = f"{floating.cidr} did not come to {floating.interface} within {timeout:g} s."
    staying = f"{floating.cidr} was still on {floating.interface} after {timeout:g} s."
    return (
        f"{missing if present else staying} OpenNebula's Raft hooks do that, and end with success whatever happened: "
        "see RAFT_LEADER_HOOK and RAFT_FOLLOWER_HOOK in oned.conf, and in /var/log/auth.log or the system's journal "
        "whether sudo let oned's account run ip and arping."
    )


def _other(state: State, floating: Floating) -> Floating | None:
    """What the unit keeps, if it is something else."""
    kept = kept_by(state.text)
    return kept if kept != floating else None


def _check_free(floating: Floating) -> None:
    state = network.interface_state(floating.interface)
    if state is None or state == "DOWN":
        how = "There is no interface" if state is None else "There is no link on interface"
        raise FrontendError(f"{how} {floating.interface} for the address {floating.cidr}. Correct zone_vip_interface.")
    others = network.answers(floating.interface, floating.address)
    if others:
        raise _in_use(floating, f"the machine with the hardware address {', '.join(others)}")


def _in_use(floating: Floating, by: str) -> FrontendError:
    return FrontendError(
        f"The address {floating.cidr} is in use by {by}, so it was not set on {floating.interface}. Choose another "
        "zone_vip, or take it off that machine."
    )


def _check_root(floating: Floating) -> None:
    if os.geteuid() != 0:
        raise FrontendError(f"Only root may change the address {floating.cidr} of {floating.interface}. Use become.")


def _settle(floating: Floating) -> None:
    """See that the address is there for good; the kernel itself looks for another owner of an IPv6 address."""
    deadline = Deadline.after(SETTLE_SECONDS)
    while floating.version == 6:
        duplicate = network.duplicate(floating.interface, floating.address)
        if duplicate:
            _drop(floating)
            raise _in_use(floating, "another machine")
        if duplicate is False:
            break
        if not deadline.poll(POLL):
            raise FrontendError(f"The kernel is still testing {floating.cidr} after {SETTLE_SECONDS:g} s. Run again.")
    if not is_present(floating):
        raise FrontendError(f"{UNIT.path} ended well, but {floating.cidr} is not on {floating.interface}. Run again.")


def _drop(floating: Floating | None) -> None:
    """Take an address off its interface."""
    if not floating:
        return
    for one in network.addresses():
        if (one["interface"], one["address"]) == (floating.interface, floating.address):
            # A hook may be quicker, and what counts is that the address is gone.
            with contextlib.suppress(FrontendError):
                network.ip("address", "del", f"{one['address']}/{one['prefix']}", "dev", floating.interface)
    if is_present(floating):
        raise FrontendError(
            f"{floating.cidr} cannot be taken off {floating.interface}. Try ip address del {floating.cidr} dev "
            f"{floating.interface} as root."
        )


def _describe(floating: Floating, state: State) -> str:
    on = f"{floating.cidr} on {floating.interface}: {'yes' if state.present else 'no'}\n"
    return f"{on}{UNIT.path}: {('runs' if state.active else 'does not run') if state.text else 'none'}\n{state.text}"
