# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The steps of an import, as module identity_import runs them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from .._api.client import Client
from .._errors import OnefedError
from .._frontend.journal import LOCK_WAIT, await_quiet, host_lock
from .._frontend.layout import Frontend
from .._host.deadline import Deadline
from .chown import OwnershipWriter
from .conflicts import BEGUN, Policy, Targets
from .create import IdentityWriter
from .export import read_shared
from .plan import Options, check_document, make_plan
from .rules import OWN, text
from .undo import Undo

PLAN, IDENTITIES, OWNERSHIP, ALL, UNDO = STEPS = ("plan", "identities", "ownership", "all", "undo")
POLL_SECONDS = 0.5


@contextlib.contextmanager
def alone(frontend: Frontend, step: str, check_mode: bool) -> Iterator[None]:
    """Let nobody else write on this front-end during a step, neither an interrupted run's module that still works.

    Both would look for the same names and create them. Raises FrontendError that names the other's process.
    """
    if check_mode or step == PLAN:
        await_quiet(frontend, LOCK_WAIT)
        yield
        return
    with host_lock(frontend, LOCK_WAIT):
        yield


def run_import(
    client: Client,
    document: Mapping[str, Any],
    step: str,
    options: Options,
    begun: Mapping[str, Any],
    check_mode: bool,
    wait_timeout: float,
) -> dict[str, Any]:
    """Carry out one step; returns {changed, plan, moved}. `begun` is the plan of the first run, empty at first.

    Raises OnefedError, with everything that stands in the way, before anything is written.
    """
    if step in (OWNERSHIP, UNDO) and not begun:
        raise OnefedError(
            f"The step {step} goes by the plan that the step {IDENTITIES} has kept. Give it as option plan."
        )
    done = begun.get("done", [])
    if step in done or (step == ALL and {IDENTITIES, OWNERSHIP} <= set(done)):
        return {"changed": False, "plan": dict(begun), "moved": {}}
    if step == OWNERSHIP:
        return _ownership(client, document, options, begun, check_mode, wait_timeout)
    shared = read_shared(client)
    options = _settled(options, shared, begun)
    plan, targets = make_plan(document, shared, options, begun)
    kept = {**plan, **{key: begun[key] for key in _KEPT if key in begun}}
    if step == UNDO:
        return _undo(client, kept, shared, targets, check_mode)
    result: dict[str, Any] = {"changed": _changes(plan), "plan": kept, "moved": {}}
    if step == PLAN:
        return {**result, "changed": False}
    refuse(plan)
    if check_mode:
        return result
    if options.zone_id is None:
        raise OnefedError(
            "At the master of a federation the zone's id there must be given, for rules and VDCs name it."
        )
    if IDENTITIES not in done:
        written = IdentityWriter(client, document, targets, options.zone_id, options.narrow).write()
        result["changed"] = bool(written)
    if step == ALL:
        owned = _ownership(client, document, options, kept, False, wait_timeout)
        result = {**result, "changed": result["changed"] or owned["changed"], "moved": owned["moved"]}
    return result


# What later runs and the undoing go by is what the first run saw.
_KEPT = ("identities", "memberships", "admins", "vdc_groups", "resources", "acls", "objects", "references", "done")


def options_of(document: Mapping[str, Any], params: Mapping[str, Any]) -> Options:
    """What the options of module identity_import decide. Raises OnefedError."""
    check_document(document)
    suffix = params["suffix"]
    policy = Policy(
        conflicts=params["conflicts"],
        overrides=params["overrides"],
        suffix=f"_{document['source']['zone']['name']}" if suffix is None else suffix,
    )
    return Options(
        policy=policy,
        zone_id=params["zone_id"],
        joins=params["joins"],
        narrow=params["acl_zones"] == OWN,
        allow_administrators=params["allow_administrators"],
        leave_unmovable=params["leave_unmovable"],
        orphans_to_oneadmin=params["orphans"] == "oneadmin",
    )


def summary(result: Mapping[str, Any]) -> dict[str, Any]:
    """What a run does, or has done, for people who read a diff."""
    if not result["changed"]:
        return {}
    plan = result["plan"]
    created = {
        kind: [item["new_name"] for item in items if item["action"] == "create"]
        for kind, items in plan["identities"].items()
    }
    return {
        **{f"created {kind}": names for kind, names in created.items() if names},
        **({"created rules": [text(rule) for rule in plan["acls"]]} if plan["acls"] else {}),
        **({"objects that change hands": result["moved"]} if result["moved"] else {}),
    }


def refuse(plan: Mapping[str, Any]) -> None:
    """Raise OnefedError with all that stands in the way of a plan."""
    found = [*plan["collisions"], *plan["problems"]]
    if found:
        listed = "\n".join(f"- {text}" for text in found)
        raise OnefedError(
            f'The identities of zone "{plan["zone"]}" cannot be imported as things stand; nothing was changed:\n'
            f"{listed}"
        )


def _changes(plan: Mapping[str, Any]) -> bool:
    ours = any(item["action"] == "create" for items in plan["identities"].values() for item in items)
    return ours or any(plan[key] for key in ("memberships", "admins", "vdc_groups", "resources", "acls"))


def _settled(options: Options, shared: Mapping[str, Any], begun: Mapping[str, Any]) -> Options:
    """The options as the first run of the import had them.

    A zone that stands alone is all there is, as the document's own was, so what held in all zones goes on to do so.
    """
    if begun:
        zone_id = begun["zone_id"] if options.zone_id is None else options.zone_id
        options = replace(options, zone_id=zone_id, narrow=begun["acl_zones"] == OWN)
    if shared["mode"] == "STANDALONE" and not options.joins:
        return replace(options, zone_id=shared["zone_id"], narrow=False)
    return options


def _ownership(
    client: Client,
    document: Mapping[str, Any],
    options: Options,
    begun: Mapping[str, Any],
    check_mode: bool,
    wait_timeout: float,
) -> dict[str, Any]:
    shared, targets = _arrived(client, document, options, begun, wait_timeout)
    writer = OwnershipWriter(client, document, shared, targets)
    if check_mode:
        pending = {kind: len(steps) for kind, steps in writer.pending().items()}
        return {"changed": bool(pending or writer.misnaming()), "plan": dict(begun), "moved": pending}
    written = writer.write()
    return {"changed": bool(written), "plan": dict(begun), "moved": writer.moved}


def _arrived(
    client: Client, document: Mapping[str, Any], options: Options, begun: Mapping[str, Any], wait_timeout: float
) -> tuple[Mapping[str, Any], Targets]:
    """What the zone has of the federation, once everybody of the document is there."""
    deadline = Deadline.after(wait_timeout)
    while True:
        shared = read_shared(client)
        _plan, targets = make_plan(document, shared, options, begun)
        missing = [
            item["name"]
            for kind in ("users", "groups")
            for item in document[kind]
            if (target := targets[kind].get(item["name"])) is None or target.id is None
        ]
        if not missing:
            return shared, targets
        if not deadline.poll(POLL_SECONDS):
            raise OnefedError(
                f"Of the document's users and groups, {', '.join(missing[:10])} ({len(missing)} in all) are not known "
                f"at {client.url} after {wait_timeout:g} s. Run the step {IDENTITIES} at the master first; if it was "
                "run, the zone does not follow its master: see module federation_info."
            )


def _undo(
    client: Client,
    plan: Mapping[str, Any],
    shared: Mapping[str, Any],
    targets: Targets,
    check_mode: bool,
) -> dict[str, Any]:
    undo = Undo(client, plan, shared, targets)
    if check_mode:
        left = any(target.action == BEGUN for found in targets.values() for target in found.values())
        return {"changed": left, "plan": dict(plan), "moved": {}}
    return {"changed": bool(undo.write()), "plan": dict(plan), "moved": {}}
