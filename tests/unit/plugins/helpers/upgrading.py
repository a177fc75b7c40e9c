# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Front-ends as frontend_info and upgrade_info find them before an upgrade, and the plan that is made of them."""

from __future__ import annotations

from typing import Any

from grown import declared as grown_declared
from grown import group_of_three
from grown import master as grown_master
from planned import NOW, federated

from ansible_collections.onefed.opennebula.plugins.filter.upgrade import upgrade

SIZE = 200_000_000
LOG = {
    "federated": 12,
    "first_federated_index": 1,
    "last_federated_index": 12,
    "recent_federated_indexes": [10, 11, 12],
    "newest_federated_time": int(NOW) - 3600,
    "first_local_index": 0,
    "has_keys": True,
}


def info(release: str = "7.0.2", candidate: str | None = "7.4.0-1", slave: bool = False, **more: Any) -> dict[str, Any]:
    """What upgrade_info finds of a packaged OpenNebula."""
    version = f"{'.'.join(release.split('.')[:2])}.0"
    return {
        "release": release,
        "running": release,
        "required": {"shared": version, "local": version},
        "stored": {"shared": version, "local": version, "is_slave": slave},
        "packages": {"opennebula": f"{release}-1", "opennebula-fireedge": f"{release}-1"},
        "candidates": {"opennebula": candidate} if candidate else {},
        "machines": [],
        "hypervisors": [0, 3],
        "distribution": {"id": "debian", "version_id": "12"},
        "onecfg": {"installed": False, "status": "", "pending": False},
        "disk": {"free": 10_000_000_000, "needed": 500_000_000},
        "database_size": SIZE,
        "journal": None,
        "closed": None,
        "closed_journal": None,
        "written": None,
        "errors": [],
        **more,
    }


def journal(step: str, part: str = "leader", **more: Any) -> dict[str, Any]:
    return {
        "id": "20260102T030405Z-7.0.2-to-7.4.0",
        "directory": "/var/lib/onefed/upgrades/20260102T030405Z-7.0.2-to-7.4.0",
        "method": "together",
        "from_release": "7.0.2",
        "to_release": "7.4.0",
        "part": part,
        "slave": False,
        "opened_at": "2026-01-02T03:04:05Z",
        "step": step,
        "packages": {"opennebula": "7.0.2-1"},
        **more,
    }


def with_info(frontend: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """A result of frontend_info with what upgrade_info found."""
    frontend["oned_version"] = found["release"]
    stored = found["stored"]
    frontend["database"].update(shared_version=stored["shared"], local_version=stored["local"])
    return {"frontend": frontend, "upgrade": found}


def pair(release: str = "7.0.2", candidate: str | None = "7.4.0-1") -> dict[str, Any]:
    """A master and a slave, in step."""
    master, paris = federated()
    for one in (master, paris):
        one["database"].update(log=dict(LOG), tables={"user_pool": {"rows": 2, "sha256": "aa"}})
    return {
        "madrid-1": with_info(master, info(release, candidate)),
        "paris-1": with_info(paris, info(release, candidate, slave=True)),
    }


def with_three(release: str = "7.0.2", candidate: str | None = "7.4.0-1", leader: str = "paris-2") -> dict[str, Any]:
    """A master with one server, and a slave with three, in step."""
    paris, master = group_of_three(leader), grown_master()
    master["api"]["zones"] = paris[leader]["api"]["zones"]
    master["database"]["dump_program"] = "mariadb-dump"
    for one in (master, *paris.values()):
        one["database"].update(log=dict(LOG), tables={"user_pool": {"rows": 2, "sha256": "aa"}})
    found = {"madrid-1": with_info(master, info(release, candidate))}
    found.update({host: with_info(one, info(release, candidate, slave=True)) for host, one in paris.items()})
    return found


def plan(results: dict[str, Any], what: dict[str, Any], target: Any = "7.4", **options: Any) -> dict[str, Any]:
    """The plan as the playbook sees it."""
    return upgrade(what, results, {"target": target, **options})


def halted(results: dict[str, Any], **steps: str) -> dict[str, Any]:
    """Servers on which an upgrade is open, and whose oned does not answer any more."""
    for host, step in steps.items():
        name = host.replace("_", "-")
        part = "follower" if name in ("paris-1", "paris-3") else "leader"
        results[name]["upgrade"].update(journal=journal(step, part), running=None, machines=None, hypervisors=None)
        found = results[name]["frontend"]
        found["upgrade"] = results[name]["upgrade"]["journal"]
        found["service"]["state"] = "stopped"
        found["api"] = {"state": "refused", "conf": None, "zones": None, "raft": None}
    return results


THREE = grown_declared()
