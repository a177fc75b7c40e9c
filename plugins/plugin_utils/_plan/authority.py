# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the private authority of secure links is replaced, from wherever an interrupted run left off: a pure function.

No step begins before all servers are through the one before. So a server that cannot be reached is trusted, and trusts,
until it can.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ...module_utils._problems import authority as rules
from ...module_utils._problems.problem import Problem
from .._certificates.private import FINISH, ISSUE, PRESENT, TRUST
from .._checks import frontend as checks
from .._model.declared import Federation
from .._model.facts import HostFacts
from .links import link_of
from .planned_links import LinkPlan

_TOLD = {
    TRUST: "every server trusts a new authority beside the old one",
    ISSUE: "every server gets a certificate of the new one; its TLS proxy loads it without the loss of a connection",
    FINISH: "no server trusts the old one any more",
}


@dataclass(frozen=True)
class AuthorityFound:
    """What is known of the authority: `step` of its replacement, None without an authority in its folder.

    `private` is False where servers have certificates of the operator's own. `behind` names servers that trust others
    than those that they are to trust.
    """

    step: str | None = None
    private: bool = True
    behind: tuple[str, ...] = ()


@dataclass(frozen=True)
class AuthorityPlan:
    """What playbook rotate_authority does.

    `steps` are those of module certificate_authority that are left, in order. `servers` are the TLS proxies of servers
    that can be reached, by host; `awaited` are all, `lost` tells why some cannot be. `errors` are reasons to do
    nothing; `text` tells what is done.
    """

    steps: tuple[str, ...] = ()
    servers: Mapping[str, LinkPlan] = field(default_factory=dict)
    awaited: tuple[str, ...] = ()
    lost: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    text: tuple[str, ...] = ()


def plan_authority(
    federation: Federation,
    facts: Mapping[str, HostFacts],
    hosts: Collection[str],
    found: AuthorityFound,
    only_trust: bool = False,
) -> AuthorityPlan:
    """The plan of a run on `hosts`; with `only_trust` it ends when all servers trust the new authority."""
    awaited = tuple(host for host, server in federation.hosts.items() if server.state == "present")
    lost = {host: checks.usable(facts[host])[0].text for host in awaited if facts[host].examined is None}
    problems = _refusals(federation, facts, hosts, found, [host for host in awaited if host not in lost])
    if problems:
        return AuthorityPlan(awaited=awaited, errors=tuple(one.line for one in problems))
    servers = {host: link_of(federation, host, facts[host].frontend) for host in awaited if host not in lost}
    steps = _steps(found, only_trust)
    return AuthorityPlan(steps, servers, awaited, lost, text=tuple(_text(steps, servers, lost, found)))


def _refusals(
    federation: Federation,
    facts: Mapping[str, HostFacts],
    hosts: Collection[str],
    found: AuthorityFound,
    reached: Sequence[str],
) -> list[Problem]:
    if not federation.settings.tls:
        return [rules.AUTHORITY_WITHOUT_TLS.problem()]
    if not found.private:
        return [rules.AUTHORITY_OWN.problem()]
    outside = [host for host in federation.hosts if host not in hosts]
    if outside:
        return [rules.AUTHORITY_LIMITED.problem(hosts=", ".join(outside))]
    if found.step is None:
        return [rules.AUTHORITY_MISSING.problem()]
    return [rules.AUTHORITY_LINK_MISSING.problem(host) for host in reached if not facts[host].frontend.has_links]


def _steps(found: AuthorityFound, only_trust: bool) -> tuple[str, ...]:
    if found.step == PRESENT and found.behind:
        return (FINISH,)  # what was interrupted in its last step is completed, and nothing else begun
    if found.step == ISSUE:
        return (ISSUE, FINISH)
    return (TRUST,) if only_trust else (TRUST, ISSUE, FINISH)


def _text(
    steps: Sequence[str], servers: Mapping[str, LinkPlan], lost: Mapping[str, str], found: AuthorityFound
) -> list[str]:
    begins = found.step == PRESENT and not found.behind
    first = "The private authority is replaced" if begins else "The replacement of the private authority goes on"
    lines = [f"{first}, on {', '.join(servers)}:"]
    lines += [f"  {number}. {_TOLD[step]}" for number, step in enumerate(steps, 1)]
    lines += [f"  ? {host}: {why} What comes after step 1 waits for it." for host, why in lost.items()]
    if steps == (TRUST,):
        lines.append(
            "  The next run goes on from there: let users' hosts trust ca.pem of federation_tls_folder until then."
        )
    return lines


def undone(
    plan: AuthorityPlan, recorded: Mapping[str, Mapping[str, str]], failures: Mapping[str, str]
) -> tuple[str, ...]:
    """What a run left undone, as lines: `recorded` are steps that were taken, `failures` why not, by host."""
    for step in plan.steps:
        missing = [host for host in plan.awaited if step not in recorded.get(host, {})]
        if missing:
            why = {**dict.fromkeys(missing, "The host was lost, or the run could not finish."), **plan.lost, **failures}
            lines = [f"{host}: {why[host]}" for host in missing]
            return (*lines, f"{_STANDS[step]} All links work. Repeat the run when these servers are well.")
    return ()


_STANDS = {
    TRUST: "These servers do not trust the new authority yet; all certificates are of the old one, which all trust.",
    ISSUE: "These servers have no certificate of the new authority yet; all servers trust both.",
    FINISH: "These servers trust the old authority still; all certificates are of the new one, which all trust.",
}
