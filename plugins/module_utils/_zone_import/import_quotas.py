# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Limits of users and groups in a zone whose identities have got new ids.

The zone keeps them by id in tables of its own. After it joined a federation, an old id may be another user's, who
would silently have the limits of the old user, or no user's, until the federation gives it to its next user.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._api.client import Client
from .._api.sql import remove_nobodys_limits
from .._api.template_xml import attributes_xml
from .._resources.quotas import (
    DEFAULT,
    UNLIMITED,
    Limits,
    merged_limits,
    quota_text,
    wanted_limits,
)
from .export import read_default_quotas

# oneadmin and the group oneadmin have no limits.
_WITHOUT = 0


class QuotaWriter:
    """The limits of one zone. `shared` is what export.read_shared gives of it, `ids` are new ids by name."""

    def __init__(
        self,
        client: Client,
        document: Mapping[str, Any],
        shared: Mapping[str, Any],
        ids: Mapping[str, Mapping[str, int]],
    ) -> None:
        self.client = client
        self.written = 0
        self._current = {
            kind: {item["id"]: item["limits"] for item in shared[kind] if item["id"] != _WITHOUT}
            for kind in ("users", "groups")
        }
        self._wanted = {
            kind: {ids[kind][item["name"]]: _limits(item["quotas"]) for item in document[kind]}
            for kind in ("users", "groups")
        }
        self._defaults = read_default_quotas(client)
        self._wanted_defaults = {kind: _limits(quotas) for kind, quotas in document["default_quotas"].items()}
        self._vlans = {group["id"]: group["vlans"] for group in shared["groups"]}
        self._wanted_vlans = {ids["groups"][item["name"]]: item["vlans"] for item in document["groups"]}

    def lift(self) -> None:
        """Take all limits away, the zone's defaults included. What is used stays counted."""
        for kind in ("users", "groups"):
            for oid in self._current[kind]:
                self._set(kind, oid, {})
            self._set_default(kind, {})

    def sweep(self) -> None:
        """Remove the rows of ids that no user or group has."""
        self.written += remove_nobodys_limits(self.client)

    def set(self) -> None:
        """Give the users and groups of the document their limits, and no others any."""
        for kind in ("users", "groups"):
            for oid in self._current[kind]:
                self._set(kind, oid, self._wanted[kind].get(oid, {}))
            self._set_default(kind, self._wanted_defaults[kind])
        for gid, vlans in self._vlans.items():
            wanted = self._wanted_vlans.get(gid, [])
            if vlans != wanted:
                self.client.call("one.group.vlan", gid, attributes_xml({"VLAN": wanted}) if wanted else "")
                self.written += 1

    def _set(self, kind: str, oid: int, wanted: Limits) -> None:
        text = quota_text(self._current[kind][oid], wanted, DEFAULT)
        if text:
            self.client.call(f"one.{kind[:-1]}.quota", oid, text)
            self._current[kind][oid] = wanted
            self.written += 1

    def _set_default(self, kind: str, wanted: Limits) -> None:
        text = quota_text(self._defaults[kind], wanted, UNLIMITED)
        if text:
            self.client.call(f"one.{kind[:-1]}quota.update", text)
            self._defaults[kind] = wanted
            self.written += 1


def _limits(quotas: Mapping[str, Any]) -> Limits:
    """Limits of a document, whose clusters, datastores, networks and images are ids."""
    return merged_limits({}, wanted_limits(quotas, lambda _kind, given: int(given)), True)
