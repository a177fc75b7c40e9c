# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What an oned that leads its zone, or is alone in it, tells of machines and hypervisors."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from .._api.client import Client
from .._api.documents import number, parse_xml, text

# Numbers of VirtualMachine's states (include/VirtualMachine.h, the same in 6.4 to 7.4). What is being cloned is on its
# way too, though it is not active.
ACTIVE, CLONING = 3, 10
# States of an active machine in which nothing is being done with it: it runs, is not seen, or waits for somebody.
_AT_REST = {"LCM_INIT", "RUNNING", "UNKNOWN", "FAILURE", "CANCEL"}
LCM_STATES = (
    *("LCM_INIT", "PROLOG", "BOOT", "RUNNING", "MIGRATE", "SAVE_STOP", "SAVE_SUSPEND", "SAVE_MIGRATE"),
    *("PROLOG_MIGRATE", "PROLOG_RESUME", "EPILOG_STOP", "EPILOG", "SHUTDOWN", "CANCEL", "FAILURE", "CLEANUP_RESUBMIT"),
    *("UNKNOWN", "HOTPLUG", "SHUTDOWN_POWEROFF", "BOOT_UNKNOWN", "BOOT_POWEROFF", "BOOT_SUSPENDED", "BOOT_STOPPED"),
    *("CLEANUP_DELETE", "HOTPLUG_SNAPSHOT", "HOTPLUG_NIC", "HOTPLUG_SAVEAS", "HOTPLUG_SAVEAS_POWEROFF"),
    *("HOTPLUG_SAVEAS_SUSPENDED", "SHUTDOWN_UNDEPLOY", "EPILOG_UNDEPLOY", "PROLOG_UNDEPLOY", "BOOT_UNDEPLOY"),
    *("HOTPLUG_PROLOG_POWEROFF", "HOTPLUG_EPILOG_POWEROFF", "BOOT_MIGRATE", "BOOT_FAILURE", "BOOT_MIGRATE_FAILURE"),
    *("PROLOG_MIGRATE_FAILURE", "PROLOG_FAILURE", "EPILOG_FAILURE", "EPILOG_STOP_FAILURE", "EPILOG_UNDEPLOY_FAILURE"),
    *("PROLOG_MIGRATE_POWEROFF", "PROLOG_MIGRATE_POWEROFF_FAILURE", "PROLOG_MIGRATE_SUSPEND"),
    *("PROLOG_MIGRATE_SUSPEND_FAILURE", "BOOT_UNDEPLOY_FAILURE", "BOOT_STOPPED_FAILURE", "PROLOG_RESUME_FAILURE"),
    *("PROLOG_UNDEPLOY_FAILURE", "DISK_SNAPSHOT_POWEROFF", "DISK_SNAPSHOT_REVERT_POWEROFF"),
    *("DISK_SNAPSHOT_DELETE_POWEROFF", "DISK_SNAPSHOT_SUSPENDED", "DISK_SNAPSHOT_REVERT_SUSPENDED"),
    *("DISK_SNAPSHOT_DELETE_SUSPENDED", "DISK_SNAPSHOT", "DISK_SNAPSHOT_REVERT", "DISK_SNAPSHOT_DELETE"),
    *("PROLOG_MIGRATE_UNKNOWN", "PROLOG_MIGRATE_UNKNOWN_FAILURE", "DISK_RESIZE", "DISK_RESIZE_POWEROFF"),
    *("DISK_RESIZE_UNDEPLOYED", "HOTPLUG_NIC_POWEROFF", "HOTPLUG_RESIZE", "HOTPLUG_SAVEAS_UNDEPLOYED"),
    *("HOTPLUG_SAVEAS_STOPPED", "BACKUP", "BACKUP_POWEROFF", "RESTORE"),
)
# States of a host (include/Host.h) that no machine is placed on: disabled, being monitored so, and offline.
_NOT_ENABLED = (4, 7, 8)
_ALL, _NOT_DONE = -2, -1


def busy_machines(client: Client) -> list[dict[str, Any]]:
    """The machines that something is being done with: [{"id", "name", "state"}]. Raises OnefedError."""
    return client.read(_machines, "one.vmpool.info", _ALL, -1, -1, _NOT_DONE, "")


def hosts(client: Client) -> dict[int, bool]:
    """By id of every hypervisor whether it is enabled. Raises OnefedError."""
    return client.read(_hosts, "one.hostpool.info")


def _machines(xml: str) -> list[dict[str, Any]]:
    found = []
    for element in parse_xml(xml, "the virtual machines").iterfind("VM"):
        state = _state(element)
        if state:
            found.append({"id": number(element, "ID"), "name": text(element, "NAME", ""), "state": state})
    return sorted(found, key=lambda machine: machine["id"])


def _state(element: ElementTree.Element) -> str | None:
    state, within = number(element, "STATE", 0), number(element, "LCM_STATE", 0)
    if state != ACTIVE:
        return "CLONING" if state == CLONING else None
    name = LCM_STATES[within] if 0 <= within < len(LCM_STATES) else f"LCM_STATE {within}"
    return None if name in _AT_REST or name.endswith("_FAILURE") else name


def _hosts(xml: str) -> dict[int, bool]:
    pool = parse_xml(xml, "the hypervisors").iterfind("HOST")
    return {number(element, "ID"): number(element, "STATE") not in _NOT_ENABLED for element in pool}
