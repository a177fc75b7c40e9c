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


def switch(client: Client, ids: Sequence[int] | None, disabled: bool, check_mode: bool) -> dict[str, Any]:
    """Disable or enable those of `ids` (without, all) that are not so: {"changed", "hypervisors"}. Raises OnefedError.

    An id of none that there is any more is left out.
    """
    known = hosts(client).items()
    wanted = sorted(one for one, enabled in known if enabled is disabled and (ids is None or one in ids))
    done: list[int] = []
    for one in () if check_mode else wanted:
        try:
            client.call("one.host.status", one, DISABLE if disabled else ENABLE)
        except OnefedError as error:
            changed = f" Before that {', '.join(map(str, done))} changed." if done else ""
            raise OnefedError(
                f"Hypervisor {one} was not {'disabled' if disabled else 'enabled'}: {error}{changed}"
            ) from error
        done.append(one)
    return {"changed": bool(wanted), "hypervisors": wanted}
