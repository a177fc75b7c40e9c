# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How what is declared of one zone differs from its oned.conf, its running oned and its zone record. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ...module_utils._endpoints import is_loopback, is_tls, same_endpoint
from ...module_utils._oned_conf.raft_hooks import ha_vectors
from ...module_utils._problems.endpoints import DUPLICATE_ENDPOINT
from ...module_utils._problems.problem import Problem
from ...module_utils._problems.zones import ZONE_NAME_TAKEN
from .._model.declared import FloatingAddress, Server, Zone
from .._model.facts import Frontend
from .._model.oned import Conf
from .._model.plain import plain
from .._model.records import ZoneRecord
from .._model.release import minor
from .planned import ConfChange, RecordChange

Vectors = Mapping[str, Mapping[str, str] | None]

LOOPBACK = "127.0.0.1"
_EVERYWHERE = "0.0.0.0"
# The first release whose oned has a server for gRPC.
_WITH_GRPC = (7, 2)


def conf_of(
    host: Server, frontend: Frontend, federation: Mapping[str, str], raft: Vectors | None = None, closes: bool = True
) -> ConfChange:
    """What is to be in oned.conf; `raft` holds those vectors of Raft that are to change.

    With `closes` False a server behind a TLS proxy goes on listening where it does.
    """
    port = {} if host.port is None else {"PORT": str(host.port)}
    return ConfChange({**port, **listening(host, frontend, closes)}, {"FEDERATION": federation, **(raft or {})})


def listening(host: Server, frontend: Frontend, closes: bool = True) -> dict[str, str]:
    """Where oned is to listen: behind a TLS proxy on its own host only, without one where that can be left as it is."""
    if is_tls(host.endpoint):
        return listening_behind_proxy(frontend.oned_version) if closes else {}
    if host.listen_address is not None:
        return {"LISTEN_ADDRESS": host.listen_address}
    if host.secured or not frontend.has_links:
        return {}
    # What an earlier run closed; a gRPC server of other releases there is none.
    return {
        name: _EVERYWHERE
        for name, now in _listens(frontend.conf).items()
        if now == LOOPBACK and name in listening_behind_proxy(frontend.oned_version)
    }


def listening_behind_proxy(release: str | None) -> dict[str, str]:
    """The same of a server whose TLS proxy calls it, of an OpenNebula `release`."""
    names = ("LISTEN_ADDRESS", "GRPC_LISTEN_ADDRESS") if has_grpc(release) else ("LISTEN_ADDRESS",)
    return dict.fromkeys(names, LOOPBACK)


def has_grpc(release: str | None) -> bool:
    """Whether oned of a release listens for gRPC, too."""
    return minor(release) >= _WITH_GRPC


def _listens(conf: Conf) -> dict[str, str]:
    return {"LISTEN_ADDRESS": conf.listen_address, "GRPC_LISTEN_ADDRESS": conf.grpc_listen_address}


def raft_of(zone: Zone, frontend: Frontend) -> Vectors:
    """The vectors of Raft that are to change in oned.conf of one server of several; empty where Raft does not run."""
    return raft_vectors(frontend.conf, zone.floating) if frontend.in_raft else {}


def raft_vectors(conf: Conf, floating: FloatingAddress | None) -> Vectors:
    """The vectors that Raft needs otherwise than they are in `conf`, without the C(SERVER_ID)."""
    wanted = ha_vectors(conf.vectors, None, plain(floating))
    return {name: value for name, value in wanted.items() if value is None or value != conf.vectors.get(name)}


def conf_changes(frontend: Frontend, wanted: ConfChange) -> list[str]:
    conf = frontend.conf
    now = {"PORT": str(conf.port), **_listens(conf)}
    now.update({"MODE": conf.mode or "", "ZONE_ID": str(conf.zone_id), "MASTER_ONED": conf.master_oned or ""})
    now["MASTER_ONED_GRPC"] = conf.vectors.get("FEDERATION", {}).get("MASTER_ONED_GRPC", "")
    every = {**wanted.attributes, **wanted.federation}
    described = [
        f"{key} {now[key] or '(empty)'} -> {value or '(empty)'}" for key, value in every.items() if now[key] != value
    ]
    raft = [name for name in wanted.vectors if name != "FEDERATION"]
    return described + ([f"{', '.join(raft)} as the zone's servers need them"] if raft else [])


def runs_otherwise(frontend: Frontend, wanted: ConfChange) -> bool:
    """Whether the running oned does not (yet) have the configuration that is wanted of it."""
    running = frontend.api.conf
    if not frontend.runs or not running:
        return True
    every = {**wanted.attributes, **wanted.federation}
    return any((running.get(key) or "") != value for key, value in every.items())


def record_changes(zone: Zone, record: ZoneRecord | None) -> tuple[RecordChange, list[str]]:
    """What makes a zone's record as declared, and that as text; both empty when it is."""
    if record is None:
        change = RecordChange(name=zone.name or None, endpoint=zone.endpoint, template=zone.template or None)
        return change, [f"endpoint -> {zone.endpoint}"]
    change, described = RecordChange(), []
    if zone.name and zone.name != record.name:
        change = replace(change, name=zone.name)
        described.append(f"zone renamed {record.name} -> {zone.name}")
    if not same_endpoint(record.endpoint, zone.endpoint):
        change = replace(change, endpoint=zone.endpoint)
        described.append(f"endpoint {record.endpoint} -> {zone.endpoint}")
    if zone.endpoint_grpc and zone.endpoint_grpc != record.endpoint_grpc:
        change = replace(change, endpoint_grpc=zone.endpoint_grpc)
        described.append(f"gRPC endpoint {record.endpoint_grpc or 'none'} -> {zone.endpoint_grpc}")
    # Unknown while the master is stopped; module zone then finds whether something is to change.
    now = record.template
    template = {name: value for name, value in zone.template.items() if now.get(name) != value}
    if template:
        change = replace(change, template=template)
        described += [f"{name} {now.get(name) or 'none'} -> {value}" for name, value in template.items()]
    removed, why = loopback_removed(zone, record)
    return (replace(change, endpoint_grpc="") if removed else change), described + why


def loopback_removed(zone: Zone, record: ZoneRecord) -> tuple[RecordChange, list[str]]:
    """The same for a loopback gRPC endpoint alone: a caller, the master first of all, reaches its own host."""
    if zone.endpoint_grpc or not is_loopback(record.endpoint_grpc):
        return RecordChange(), []
    return RecordChange(endpoint_grpc=""), [f"loopback gRPC endpoint {record.endpoint_grpc} removed"]


def taken(zone: Zone, known: Iterable[ZoneRecord], record: ZoneRecord | None) -> list[Problem]:
    found = []
    if record and not same_endpoint(record.endpoint, zone.endpoint):
        found.append(ZONE_NAME_TAKEN.problem(name=zone.name, zone_id=record.id, endpoint=record.endpoint))
    for other in known:
        if other is not record and same_endpoint(other.endpoint, zone.endpoint):
            found.append(DUPLICATE_ENDPOINT.problem(endpoint=zone.endpoint, zone=other.name, zone_id=other.id))
    return found
