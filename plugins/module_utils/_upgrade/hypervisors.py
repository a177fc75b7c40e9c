# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Disables the hypervisors of a zone, and enables those again that were enabled before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._api.client import Client
from .._errors import OnefedError
from .zone import hosts

ENABLE, DISABLE = 0, 1


def disable(client: Client, ids: Sequence[int] | None, check_mode: bool) -> dict[str, Any]:
    """Disable those of `ids` (without, all) that are enabled: {"changed", "hypervisors"}. Raises OnefedError."""
    return _set(
        client, [one for one, enabled in hosts(client).items() if enabled and _named(one, ids)], True, check_mode
    )


def enable(client: Client, ids: Sequence[int] | None, check_mode: bool) -> dict[str, Any]:
    """Enable those of `ids` that are not: {"changed", "hypervisors"}. Raises OnefedError."""
    return _set(
        client, [one for one, enabled in hosts(client).items() if not enabled and _named(one, ids)], False, check_mode
    )


def _named(one: int, ids: Sequence[int] | None) -> bool:
    return ids is None or one in ids


def _set(client: Client, wanted: Sequence[int], disabled: bool, check_mode: bool) -> dict[str, Any]:
    done: list[int] = []
    for one in () if check_mode else sorted(wanted):
        try:
            client.call("one.host.status", one, DISABLE if disabled else ENABLE)
        except OnefedError as error:
            changed = f" Before that {', '.join(map(str, done))} changed." if done else ""
            raise OnefedError(
                f"Hypervisor {one} was not {'disabled' if disabled else 'enabled'}: {error}{changed}"
            ) from error
        done.append(one)
    return {"changed": bool(wanted), "hypervisors": sorted(wanted)}
