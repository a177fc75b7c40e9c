# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What the oned of a front-end tells of itself, its zones and its configuration when that front-end is examined."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable

from .._api.client import AUTHENTICATION, Client, probe
from .._api.documents import config_from_xml, raft_from_xml, vector, version_of, zones_from_xml
from .._errors import ApiError, OnefedError
from .._oned_conf.document import integer

NO_ANSWERS: dict[str, Any] = {
    "state": "unknown",
    "detail": "",
    **dict.fromkeys(("authenticated", "version", "mode", "zone_id", "server_id", "conf", "zones", "raft")),
    "errors": [],
}


def ask_oned(url: str | None, credentials: tuple[str, str] | None, timeout: float) -> dict[str, Any]:
    """What oned answers on its own host: some or all of NO_ANSWERS. Without `url` or credentials there is little."""
    if url is None:
        return {"state": "unknown", "detail": "oned.conf does not tell the endpoint"}
    facts: dict[str, Any] = dict(probe(url, timeout))
    if facts["state"] != "open" or not credentials:
        return facts
    client = Client(url, *credentials, timeout=timeout)
    try:
        facts["zones"] = client.read(zones_from_xml, "one.zonepool.info")
    except ApiError as error:
        return {**facts, "authenticated": False if error.code == AUTHENTICATION else None, "errors": [str(error)]}
    except OnefedError as error:
        return {**facts, "errors": [str(error)]}
    facts.update(authenticated=True, errors=[])
    _ask(facts, partial(_raft, client))
    # Answered by the leader for its followers, so its SERVER_ID says nothing about this server.
    _ask(facts, lambda: {"version": client.read(version_of, "one.system.version")})
    _ask(facts, lambda: _running(client.read(config_from_xml, "one.system.config")))
    return facts


def _ask(facts: dict[str, Any], question: Callable[[], dict[str, Any]]) -> None:
    try:
        facts.update(question())
    except OnefedError as error:
        facts["errors"].append(str(error))


def _raft(client: Client) -> dict[str, Any]:
    raft = client.read(raft_from_xml, "one.zone.raftstatus")
    return {"raft": raft, "server_id": raft["server_id"]}


def _running(config: dict[str, Any]) -> dict[str, Any]:
    """What the running oned read from oned.conf at its start."""
    federation = vector(config, "FEDERATION")
    running = {**{name: config.get(name) for name in ("PORT", "LISTEN_ADDRESS", "GRPC_LISTEN_ADDRESS")}, **federation}
    conf = {name: value for name, value in running.items() if isinstance(value, str)}
    conf["MODE"] = conf.get("MODE", "").upper()
    return {"mode": conf["MODE"], "zone_id": integer(conf.get("ZONE_ID"), 0), "conf": conf}
