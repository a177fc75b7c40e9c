# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Federated writes: as few records as possible, and the wait until they can be read.

A slave passes such writes on to its master and sees them when they come back by replication.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from .._api.client import Client
from .._api.documents import version_of
from .._api.template import render
from .._errors import OnefedError
from .._host.deadline import Deadline
from .name_rules import check_name, differs

POLL_SECONDS = 0.1
# What a diff shows for an id that OpenNebula has yet to choose.
UNKNOWN = "(known after apply)"


def wait_until_replicated(client: Client, timeout: float, condition: Callable[[], bool], what: str) -> None:
    """Return once `condition` holds; it is asked at least once, for `timeout` seconds.

    Raises OnefedError that says that `what` did not become visible at the client's endpoint.
    """
    if not Deadline.after(timeout).wait_until(condition, POLL_SECONDS):
        raise OnefedError(
            f"The federation master accepted the change, but {client.url} did not show {what} within "
            f"{timeout:g} s. Replication to that zone seems to stand still, or another client changed the same "
            "meanwhile. Run module federation_info."
        )


def check_new_name(client: Client, kind: str, name: str | None) -> None:
    """Refuse a name that the OpenNebula of this endpoint refuses to new objects. Raises OnefedError.

    It is asked for its release only where releases differ about the name.
    """
    if name is not None and differs(kind, name):
        check_name(kind, name, client.read(version_of, "one.system.version"))


def write_template(client: Client, kind: str, oid: int, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Make the template of an object of `kind` (user, group, vdc, zone) `new`, with one write or none."""
    method = f"one.{kind}.update"
    if set(old) - set(new):
        # The whole template: appending cannot remove an attribute. The parser refuses a text without attributes.
        client.call(method, oid, render(new) or "<TEMPLATE></TEMPLATE>", 0)
    elif dict(old) != dict(new):
        changed = {name: value for name, value in new.items() if old.get(name) != value}
        client.call(method, oid, render(changed), 1)
