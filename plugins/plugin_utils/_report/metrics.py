# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a federation as Prometheus reads it from a text file (textfile collector of node_exporter). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]
Labels = Mapping[str, Any]

LEADING = ("leader", "solo")
DAY_SECONDS = 86400


@dataclass(frozen=True)
class Metric:
    """A gauge. `help` is its documentation; what it counts is in its name where it has a unit."""

    name: str
    help: str


CHECKED = Metric("onefed_check_timestamp_seconds", "When the federation was checked, in seconds since 1970.")
HEALTHY = Metric("onefed_healthy", "Whether no problem is an error.")
COMPARED = Metric("onefed_tables_compared", "Whether the databases were read, so that their tables could be compared.")
ZONE = Metric("onefed_zone_info", "A zone that the federation knows.")
ZONE_UP = Metric("onefed_zone_up", "Whether a server of the zone answers that leads it, or is its only one.")
ZONE_PROBLEMS = Metric("onefed_zone_problems", "How many problems the zone has.")
PROBLEMS = Metric("onefed_problems", "How many problems of one code a server, or the zone itself, has.")
SERVER = Metric("onefed_server_info", "A server of a zone.")
SERVER_UP = Metric("onefed_server_up", "Whether an oned answers at the server's endpoint.")
LEADER = Metric("onefed_server_leader", "Whether the server leads its zone, or is its only one.")
TERM = Metric("onefed_raft_term", "Term of Raft that the server is in.")
LOG = Metric("onefed_raft_log_index", "Last record in the server's log of its zone.")
LOG_LAG = Metric("onefed_raft_log_lag", "How many records of its leader's log the server lacks.")
INDEX = Metric("onefed_federated_index", "Federated index of the server.")
LAG = Metric("onefed_federated_index_lag", "By how much the server's federated index is smaller than the master's.")
EQUAL = Metric("onefed_tables_equal", "Whether the shared tables are equal to the master's, at the same index.")
VIP = Metric("onefed_server_has_vip", "Whether the server has its zone's floating address.")
CERTIFICATE = Metric("onefed_certificate_valid_seconds", "For how long a server's certificate is valid, by whole days.")
# Of each server: the metric, and the key of federation_info.
_NUMBERS = {TERM: "term", LOG: "log_index", LOG_LAG: "log_lag", INDEX: "index", LAG: "lag", VIP: "has_vip"}


def metrics_text(federation: Record, group: str, now: float) -> str:
    """The file for what federation_info returned as `federation`, of the inventory group `group`, at `now` (seconds).

    What is not known has no sample.
    """
    lines: list[str] = []
    for metric, samples in _samples(federation, now):
        found = [_sample(metric, {"federation": group, **labels}, value) for labels, value in samples]
        if found:
            lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} gauge", *found]
    return "\n".join(lines) + "\n"


def _samples(federation: Record, now: float) -> Iterator[tuple[Metric, list[tuple[Labels, float]]]]:
    zones: Sequence[Record] = federation["zones"]
    servers = [(zone, server) for zone in zones for server in zone["servers"]]
    yield CHECKED, [({}, int(now))]
    yield HEALTHY, [({}, federation["healthy"])]
    yield COMPARED, [({}, federation["tables_read"])]
    yield (
        ZONE,
        [({**_zone(zone), "id": zone["id"], "role": _role(zone), "endpoint": zone["endpoint"]}, 1) for zone in zones],
    )
    yield ZONE_UP, [(_zone(zone), any(map(_leads, zone["servers"]))) for zone in zones]
    yield from _problems(federation)
    kept = ("endpoint", "version", "mode")
    yield SERVER, [({**_server(*one), **{key: one[1][key] for key in kept}}, 1) for one in servers]
    yield SERVER_UP, [(_server(*one), one[1]["reachable"]) for one in servers]
    yield LEADER, [(_server(*one), _leads(one[1])) for one in servers]
    for metric, key in _NUMBERS.items():
        yield metric, [(_server(*one), one[1][key]) for one in servers if one[1][key] is not None]
    shown = [(one, one[1]["certificate"]) for one in servers if one[1]["certificate"]]
    yield CERTIFICATE, [(_server(*one), certificate["days_left"] * DAY_SECONDS) for one, certificate in shown]
    differing = [(one, one[1]["digests_differ"]) for one in servers]
    yield EQUAL, [(_server(*one), not tables) for one, tables in differing if tables is not None]


def _problems(federation: Record) -> Iterator[tuple[Metric, list[tuple[Labels, float]]]]:
    found = federation["problems"]
    names = dict.fromkeys([*(zone["name"] for zone in federation["zones"]), *(one["zone"] for one in found)])
    by_zone = Counter((one["zone"], one["severity"]) for one in found)
    yield (
        ZONE_PROBLEMS,
        [
            ({"zone": zone, "severity": severity}, by_zone[zone, severity])
            for zone in names
            for severity in ("error", "warning")
        ],
    )
    by_code = Counter((one["zone"], one["server"] or "", one["code"], one["severity"]) for one in found)
    labels = ("zone", "server", "code", "severity")
    yield PROBLEMS, [(dict(zip(labels, key)), count) for key, count in by_code.items()]


def _zone(zone: Record) -> dict[str, Any]:
    return {"zone": zone["name"]}


def _server(zone: Record, server: Record) -> dict[str, Any]:
    return {"zone": zone["name"], "server": server["name"], "server_id": server["id"]}


def _role(zone: Record) -> str:
    return "master" if zone["is_master"] else "slave"


def _leads(server: Record) -> bool:
    return bool(server["reachable"]) and server["raft_state"] in LEADING


def _sample(metric: Metric, labels: Labels, value: float) -> str:
    told = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items() if text is not None)
    return f"{metric.name}{{{told}}} {int(value)}"


def _escaped(value: Any) -> str:
    """A label's value, in which members of the federation may have any sign."""
    return str(value).replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
