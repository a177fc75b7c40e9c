# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Names and ids of OpenNebula's objects, as one endpoint knows them; each pool is read once, when it is needed."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._api.client import Client
from .._errors import OnefedError
from .documents import names_from_xml

# Everybody's objects, from the first to the last.
_EVERYTHING = (-2, -1, -1)
# The pool, the name of its elements and the arguments that list all of it.
_POOLS: dict[str, tuple[str, str, tuple[Any, ...]]] = {
    "user": ("one.userpool.info", "USER", ()),
    "group": ("one.grouppool.info", "GROUP", ()),
    "zone": ("one.zonepool.info", "ZONE", ()),
    "vdc": ("one.vdcpool.info", "VDC", ()),
    "cluster": ("one.clusterpool.info", "CLUSTER", ()),
    "host": ("one.hostpool.info", "HOST", ()),
    "datastore": ("one.datastorepool.info", "DATASTORE", ()),
    "network": ("one.vnpool.info", "VNET", _EVERYTHING),
    "image": ("one.imagepool.info", "IMAGE", _EVERYTHING),
}
_SHOWN = 20
# What an earlier task of the same play can create, by the name of option `predicted`.
_CREATED = {"users": "user", "groups": "group", "vdcs": "vdc", "zones": "zone"}
_LAST_ID = 2**31 - 1


def predicted(params: Mapping[str, Any], check_mode: bool) -> dict[str, set[str]]:
    """What the option `predicted` says that an earlier task creates, as names by kind; nothing in a real run."""
    given = (params.get("predicted") or {}) if check_mode else {}
    return {kind: set(given.get(option) or ()) for option, kind in _CREATED.items()}


class NameUnknown(OnefedError):
    """There is no object of this `kind` with the name or id that was given."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        super().__init__(text)


@dataclass
class Names:
    """What one endpoint calls its objects: user, group, zone, vdc, cluster, host, datastore, network, image."""

    client: Client
    # In check mode what an earlier task would create, names by kind: they get ids from the last possible one down.
    predicted: Mapping[str, Collection[str]] = field(default_factory=dict)
    pools: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    foreseen: set[tuple[str, int]] = field(default_factory=set)

    def pool(self, kind: str) -> list[tuple[int, str]]:
        """Ids and names of all objects of a kind."""
        if kind not in self.pools:
            method, tag, arguments = _POOLS[kind]
            self.pools[kind] = self.client.read(lambda xml: names_from_xml(xml, tag), method, *arguments)
        return self.pools[kind]

    def id(self, kind: str, given: Any, number_is_id: bool = False) -> int:
        """The id of an object by its name, or else by its id. Raises NameUnknown if there is none.

        A directory may call a user 104, while another user has that id. With `number_is_id`, a number is
        nothing but an id, as where OpenNebula writes it.
        """
        text = str(given).strip()
        number = int(text) if re.fullmatch(r"[0-9]+", text) else None
        found = [oid for oid, name in self.pool(kind) if name == text and not (number_is_id and number is not None)]
        found = found or [oid for oid, _name in self.pool(kind) if oid == number]
        if len(found) > 1:
            raise OnefedError(
                f'Several {kind}s at {self.client.url} are called "{text}": {", ".join(map(str, sorted(found)))}. '
                "Give the id of the one that is meant."
            )
        if not found and text in self.predicted.get(kind, ()):
            found = [_LAST_ID - len(self.pool(kind))]
            self.pool(kind).append((found[0], text))
            self.foreseen.add((kind, found[0]))
        if not found:
            raise NameUnknown(kind, f'There is no {kind} "{text}" at {self.client.url}; there are {self._known(kind)}.')
        return found[0]

    def name(self, kind: str, oid: int) -> str:
        """The name of an object, or its id as text if there is none."""
        return next((name for known, name in self.pool(kind) if known == oid), str(oid))

    def _known(self, kind: str) -> str:
        names = sorted(name for _oid, name in self.pool(kind))
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return (", ".join(names[:_SHOWN]) or "none") + more
