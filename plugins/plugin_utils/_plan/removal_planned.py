# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What is asked of playbook remove_zone, and what it will do: as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .._model.references import References

STANDALONE, STOPPED = "standalone", "stopped"


@dataclass(frozen=True)
class RemovalOptions:
    """What is asked for: the `zone` by group or name, what it is afterwards, and names that confirm.

    `open` holds, of hosts whose zone began to leave, the id it had; `references` are module zone_references', and
    `unread` is why there are none.
    """

    zone: str | None = None
    remove_as: str = STANDALONE
    confirm: str | None = None
    lost: str | None = None
    check: bool = False
    open: Mapping[str, int] = field(default_factory=dict)
    references: tuple[References, ...] = ()
    unread: str | None = None


@dataclass(frozen=True)
class RemovalPlan:
    """What playbook remove_zone does.

    `host` is the zone's own, None where only its record goes; `convert` tells whether its database is still the
    federation's, `fireedge` whether FireEdge is told. `record` is whether it has a record under `zone_id`, and `named`
    is what refers to it or to zones that are no more, as module zone_references tells it. `groups` maps hosts to names
    of groups for the plays.
    """

    label: str = ""
    zone_id: int | None = None
    endpoint: str | None = None
    master: str = ""
    host: str | None = None
    convert: bool = False
    starts: bool = True
    fireedge: bool = False
    record: bool = False
    declared: bool = False
    named: tuple[References, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    changed: bool = False
