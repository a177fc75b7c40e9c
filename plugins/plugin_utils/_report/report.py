# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did, and what it left undone: a pure function of the plan and of what was recorded of every host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...module_utils._service.drivers import hung
from .._model.declared import Federation
from .._plan.planned import Plan, ZonePlan
from . import migration as report_import

# What roles recorded of a host: results of modules.
Data = Mapping[str, Any]

# What holds results with the services that were started again, and with drivers that had to be ended.
_WITH_SERVICES = (
    "stopped",
    "joined",
    "returned",
    "converged",
    "fireedge",
    "restarted",
    "added",
    "closed",
)


@dataclass(frozen=True)
class Report:
    """The state of a run: `undone` tells what is left to do, `text` all in lines.

    `readers` are endpoints at which replication must be seen, `databases` descriptions by zone and host for module
    federation_info.
    """

    readers: tuple[str, ...]
    databases: Mapping[str, Mapping[str, Any]]
    text: tuple[str, ...]
    undone: tuple[str, ...]


def make_report(federation: Federation, plan: Plan, hosts: Mapping[str, Data], check: bool = False) -> Report:
    """Return the state of a run.

    `hosts` maps hosts to what the roles recorded of them as C(result), and C(facts), what preflight found. A run
    in `check` mode did nothing.
    """
    health, proof = _recorded(hosts, "health"), _recorded(hosts, "proof")
    taken_back = _recorded(hosts, "imports_undone")
    undone: list[str] = [*plan.left_out, *_not_ready(plan, hosts)]
    done: list[str] = []
    warned: list[str] = []
    for entry in plan.zones.values():
        host = entry.host
        seen = hosts.get(host, {})
        if entry.action == "join":
            joined = _succeeded(seen, "joined")
            (done if joined else undone).append(_joined(entry, host, seen, check))
            if not check:
                warned += report_import.warnings(entry, seen)
                warned += _discarded(entry, seen)
                brought = report_import.imported(entry, seen)
                done += brought if joined else report_import.taken_back(entry, seen, taken_back.get(host))
        elif entry.action == "converge" and not _succeeded(seen, "converged"):
            undone.append(f"{entry.label}, {host}: was not made as declared. {why_not(seen)}. Run again.")
        if _grew(entry) and (entry.action != "join" or _succeeded(seen, "joined")):
            (done if _succeeded(seen, "servers") else undone).append(_servers(entry, host, seen, check))
            warned += lacking(seen.get("lacking") or {})
    undone += [*_links(federation, plan, hosts), *_access(plan, hosts)]
    if proof.get("msg") and not proof.get("skipped"):
        undone.append(f"Replication was not proved: {proof['msg']}")
    if health.get("msg") and not health.get("skipped"):
        undone.append(f"The health of the federation could not be checked: {health['msg']}")
    undone += _unhealthy(health)
    return Report(
        readers=tuple(url for entry in plan.zones.values() for url in _readers(entry, hosts)),
        databases=newest_descriptions(federation, _of_members(federation, plan, hosts)),
        text=(
            *health.get("text", []),
            *done,
            *_warnings([*_services(hosts), *warned]),
            *(undone and ["Left undone:", *undone]),
        ),
        undone=tuple(undone),
    )


def _recorded(hosts: Mapping[str, Data], name: str) -> Data:
    """What the one host recorded that did something for all; empty before it did."""
    return next((seen[name] for seen in hosts.values() if seen.get(name)), {})


def _not_ready(plan: Plan, hosts: Mapping[str, Data]) -> list[str]:
    """Why the master is not ready, if it had to be made so."""
    described = [seen["not_ready"] for seen in hosts.values() if seen.get("not_ready")]
    if not (plan.prepare or described) or (not described and any(seen.get("ready") for seen in hosts.values())):
        return []
    why = str((described or ["It was lost, or the run could not finish"])[0]).rstrip(".")
    return [f"{plan.master.host}: the master could not be made ready. {why}."]


def _links(federation: Federation, plan: Plan, hosts: Mapping[str, Data]) -> list[str]:
    """What of TLS proxies, firewalls and plain ports is not as declared, but for zones that were left out for it."""
    told = {host for host in plan.links.new if hosts.get(_speaker(federation, plan, host), {}).get("failure")}
    undone = [
        f"{host}: its TLS proxy is not as declared. {str(seen['links_failure']).rstrip('.')}. Run again."
        for host, seen in hosts.items()
        if seen.get("links_failure") and host not in told
    ]
    undone += [
        f"{host}: its firewall is not as declared. {why.rstrip('.')}. Run again."
        for host, seen in hosts.items()
        for why in [seen.get("firewall_failure") or why_not(seen)]
        if seen.get("firewall_failure") or (host in plan.firewall.altered and not seen.get("firewall"))
    ]
    for one in plan.links.closing:
        seen = hosts.get(one.host, {})
        if not _succeeded(seen, "closed"):
            why = str(seen.get("not_closed") or why_not(seen)).rstrip(".")
            undone.append(f"{one.host}: its plain port stays open. {why}. Run again.")
    return undone


def _speaker(federation: Federation, plan: Plan, host: str) -> str:
    return plan.zones[federation.hosts[host].zone].host


def _access(plan: Plan, hosts: Mapping[str, Data]) -> list[str]:
    """What of the access policies was not applied. One of the hosts did it for all."""
    if not plan.access:
        return []
    described = [seen["access"] for seen in hosts.values() if seen.get("access")]
    if not described:
        return ["Administrators and access: not applied; the run did not get there. Run again."]
    failed = [f"Administrators and access: {one['failure']} Run again." for one in described if one["failure"]]
    return failed + [text for one in described for text in one["left_out"]]


def _succeeded(seen: Data, name: str) -> bool:
    result = seen.get(name) or {"failed": True}
    return not result.get("failed") and not result.get("unreachable") and not result.get("skipped")


def _grew(entry: ZonePlan) -> bool:
    return entry.action != "excluded" and entry.servers.alters


def _servers(entry: ZonePlan, host: str, seen: Data, check: bool) -> str:
    step = entry.servers
    if _succeeded(seen, "servers") and check:
        wanted = {*step.ids, *step.add_server, *([host] if step.bootstrap_leader else [])}
        return f"{entry.label} would have the servers {', '.join(sorted(wanted))}."
    if _succeeded(seen, "servers"):
        names = ", ".join(server["name"] for server in seen["servers"]["servers"])
        return f"{entry.label} has the servers {names}."
    would = "would not be" if check else "are not"
    return f"{entry.label}, {host}: its servers {would} as declared; the next run goes on. {why_not(seen)}."


def lacking(left_out: Mapping[str, Sequence[Data]]) -> list[str]:
    """Which of its leader's files a server is not given, by server: what server_files says it left out."""
    described = []
    for server, files in left_out.items():
        for reason in dict.fromkeys(one["reason"] for one in files):
            paths = ", ".join(one["path"] for one in files if one["reason"] == reason)
            described.append(
                f"{server} is not given all files of its leader: {paths} ({reason}). Copy to it what it needs."
            )
    return described


def _joined(entry: ZonePlan, host: str, seen: Data, check: bool) -> str:
    if check:
        return (
            f"{entry.label} would join."
            if _succeeded(seen, "joined")
            else (f"{entry.label}, {host}: would not join. {why_not(seen)}.")
        )
    backups = (seen.get("journal") or {}).get("directory")
    kept = f" Backups: {backups} on {host}." if backups else ""
    if _succeeded(seen, "joined"):
        return f"{entry.label} joined.{kept}"
    why = why_not(seen)
    if _succeeded(seen, "returned"):
        return f"{entry.label}, {host}: did not join and was returned to what it was. {why}.{kept}"
    return f"{entry.label}, {host}: did not join; the next run repairs it. {why}.{kept}"


def _discarded(entry: ZonePlan, seen: Data) -> list[str]:
    """What a zone lost that came after the plan, as zone_discard lets it."""
    lines = (seen.get("verified") or {}).get("discarded") or []
    if not lines:
        return []
    return [
        f"{entry.label} had more of its own than the plan told, which went as zone_discard says: "
        f"{'; '.join(lines)}. The full backup has it."
    ]


def why_not(seen: Data) -> str:
    """What kept the work on a host from its end, without a full stop."""
    return str(seen.get("failure") or "The host was lost, or the run could not finish").rstrip(".")


def _services(hosts: Mapping[str, Data]) -> list[str]:
    """Companions of oned that do not run any more, and an oned that hung. They keep no zone from the federation."""
    described = []
    for host, seen in hosts.items():
        for name in _WITH_SERVICES:
            result = seen.get(name) or {}
            services = result.get("services") or []
            described += [f"{host}: {text}" for text in hung(result.get("drivers_ended") or [])]
            described += [f"{host}: {service['error']}" for service in services if service["error"]]
    return described


def _warnings(described: Sequence[str]) -> list[str]:
    return ["Warnings:", *dict.fromkeys(described)] if described else []


def _replicates(entry: ZonePlan, hosts: Mapping[str, Data]) -> bool:
    host = entry.host
    if entry.action in ("join", "converge"):
        return _succeeded(hosts.get(host, {}), "joined" if entry.action == "join" else "converged")
    return entry.action == "member" and entry.reachable


def _readers(entry: ZonePlan, hosts: Mapping[str, Data]) -> list[str]:
    """Where a write at the master has to be seen: at the zone's endpoint, and at every server of several."""
    step = entry.servers
    added = step.add_server if _succeeded(hosts.get(entry.host, {}), "servers") else ()
    servers = [*step.serving, *(step.endpoints[host] for host in added)]
    if entry.action == "master":
        return servers
    return [entry.endpoint, *servers] if _replicates(entry, hosts) else []


def _of_members(federation: Federation, plan: Plan, hosts: Mapping[str, Data]) -> dict[str, Data]:
    return {
        host: seen
        for host, seen in hosts.items()
        for entry in [plan.zones[federation.hosts[host].zone]]
        if entry.action == "master" or _replicates(entry, hosts)
    }


def newest_descriptions(federation: Federation, hosts: Mapping[str, Data]) -> dict[str, dict[str, Any]]:
    """The newest description of every database by zone name and host.

    A master's zone that keeps its name is found by its endpoint in the tables.
    """
    found: dict[str, dict[str, Any]] = {}
    for group, zone in federation.zones.items():
        for host in zone.hosts:
            seen = hosts.get(host, {})
            database = newest_description(seen)
            if database and not database.get("error"):
                known = {record["endpoint"]: record["name"] for record in database["zones"]}
                found.setdefault(zone.name or known.get(zone.endpoint, group), {})[host] = database
    return found


def newest_description(seen: Data) -> Data | None:
    """What was last read of a host's database, which may be an C(error); None when nothing was."""
    for result in (seen.get("database") or {}, (seen.get("facts") or {}).get("frontend") or {}):
        if result.get("database") is not None:
            database: Data = result["database"]
            return database
    return None


def _unhealthy(health: Data) -> list[str]:
    """Errors, but for zones that are missing, of which the plan tells more."""
    return [
        f"{problem['zone']}: {problem['text']} {problem['remedy']} [{problem['code']}]"
        for problem in health.get("federation", {}).get("problems", [])
        if problem["severity"] == "error" and problem["code"] != "zone_missing"
    ]
