# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What root's modules do on the front-end: every module that touches files, in the order of a join and an upgrade."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from ansible.module_utils.testing import patch_module_args

from tests.privileges.stage import BACKUPS, CONF_BACKUPS, OWN_CONF

MODULES = "ansible_collections.onefed.opennebula.plugins.modules"
_ZONE = {
    "zone_name": "paris",
    "zone_endpoint": "http://192.0.2.31:2633/RPC2",
    "master_endpoint": "http://127.0.0.1:2633/RPC2",
}
_UPGRADE = {
    "zone_name": "paris",
    "method": "together",
    "from_release": "7.0.1",
    "to_release": "7.4.0",
    "part": "leader",
}


@dataclass(frozen=True)
class Call:
    """A module with its options. With `asks_oned` it needs an oned that answers, which none does here."""

    module: str
    options: dict[str, Any] = field(default_factory=dict)
    asks_oned: bool = False


@dataclass(frozen=True)
class Ended:
    """What a module told, None for one that had to be killed."""

    call: Call
    text: str | None

    @property
    def failed(self) -> bool:
        return self.result().get("failed", False) is True or "msg" in self.result() and not self.result().get("changed")

    def result(self) -> dict[str, Any]:
        try:
            told: dict[str, Any] = json.loads(self.text or "")
        except ValueError:
            return {"failed": True, "msg": f"told no JSON: {self.text!r}"}
        return told


def calls(directory: str) -> list[Call]:
    """All calls; `directory` is the folder of the join's backups once the journal is open."""
    full, undo, files, role = (str(BACKUPS / name) for name in ("full.copy", "undo.sql", "files.tar.gz", "role.copy"))
    own_tls, certificate = {"dest": str(BACKUPS / "tls")}, _certificate()
    restore = {"id": "20261130T040000Z-federation"}
    endpoint = {"zone_id": 100, "name": "paris", "endpoint": "http://192.0.2.31:2633/RPC2"}
    return [
        Call("frontend_info", {"auth_key": "key", "vip": "192.0.2.30/24", "vip_interface": "lo", "timeout": 2}),
        Call("auth_files_info"),
        Call("database_info"),
        Call("zone_info", asks_oned=True),
        Call("user", {"name": "ada", "generate_password": True}, asks_oned=True),
        Call("join_journal", {"state": "opened", "zone_existed": False, **_ZONE}),
        Call("database_backup", {"dest": full}),
        Call("database_backup", {"dest": f"{directory}/one.db.gz"}),
        Call("federated_backup", {"dest": undo, "records": "all"}),
        Call("federated_backup", {"dest": f"{directory}/undo.sql", "records": "all", "keep": True}),
        Call("federated_restore", {"src": undo, "restore_as": "source"}),
        Call("database_restore", {"src": full}),
        Call("database_repair", {"is_slave": True, "log_keys": True, "shared_pools": True}),
        Call("auth_files", {"files": {"one_auth": "oneadmin:new\n", "sunstone_auth": "serveradmin:new\n"}}),
        Call("oned_conf", {"attributes": {"LOG_CALL_FORMAT": "x"}, "backup": True}),
        Call("oned_conf", {"state": "restored", "backup_file": str(CONF_BACKUPS[0]), "backup": True}),
        Call("oned_conf", {"state": "restored", "path": str(OWN_CONF), "backup_file": str(CONF_BACKUPS[1])}),
        Call("fireedge_conf", {**endpoint, "backup": True}),
        Call("server_files", {"state": "packed", "dest": files}),
        Call("server_files", {"state": "unpacked", "src": files, "backup_dir": directory}),
        Call("server_files", {"state": "restored", "backup_dir": directory}),
        Call("oned_service", {"state": "stopped", "services": True}),
        Call("oneadmin_password", {"step": "adopt", "user": "a", "password": "b", "timeout": 0.1}, asks_oned=True),
        Call("oneadmin_password", {"step": "restart"}),
        Call("join_journal", {"state": "reverted"}),
        Call("join_journal", {"state": "closed"}),
        Call("federation_role", {"state": "master"}),
        Call("database_backup", {"dest": role}),
        Call("federation_role", {"state": "restored"}),
        Call("federation_role", {"state": "master", "src": role}),
        Call("federation_role", {"state": "settled"}),
        Call("federation_role", {"state": "slave"}),
        Call("zone_references", asks_oned=True),
        Call("certificate_files", certificate),
        Call("certificate_files", {"state": "absent"}),
        Call("certificate_files", {**certificate, **own_tls}),
        Call("certificate_files", {"state": "absent", **own_tls}),
        Call("trusted_ca", {"content": certificate["authorities"]}),
        Call("trusted_ca", {"state": "absent"}),
        Call("restore_journal", {"state": "opened", "zone_name": "paris", **restore}),
        Call("restore_journal", {"state": "updated", "step": "saved", **restore}),
        Call("restore_journal", {"state": "closed", **restore}),
        Call("upgrade_info", {"timeout": 2}),
        Call("upgrade_journal", {"state": "opened", "id": f"x{time.monotonic_ns()}", **_UPGRADE}),
        Call("upgrade_files", {"state": "saved"}),
        Call("upgrade_files", {"state": "converged"}),
        Call("upgrade_files", {"state": "restored"}),
        Call("upgrade_journal", {"state": "updated", "step": "saved"}),
        Call("upgrade_journal", {"state": "closed"}),
    ]


@cache
def _certificate() -> dict[str, str]:
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=oned -keyout - -out -"
    made = subprocess.run(words.split(), capture_output=True, text=True, check=True).stdout
    key, begin, chain = made.partition("-----BEGIN CERTIFICATE-----")
    return {"chain": begin + chain, "private_key": key, "authorities": begin + chain, "revocations": ""}


def load() -> None:
    """Import what is called, so that a run costs no more than it does itself."""
    internal = sys.modules.get("ansible.module_utils._internal")
    if internal is not None:
        # What makes a module of this process one of a controller.
        internal.is_controller = False  # type: ignore[attr-defined]
    for call in calls("/"):
        import_module(f"{MODULES}.{call.module}")


def turn(patience: float) -> Iterator[Ended]:
    """Every call once, each killed after so many seconds."""
    directory = "/var/lib/onefed/joins/none"
    for number in range(len(calls(directory))):
        ended = run(calls(directory)[number], patience)
        if ended.call.module == "join_journal":
            directory = (ended.result().get("journal") or {}).get("directory") or directory
        yield ended


def run(call: Call, patience: float) -> Ended:
    """Run a module as root, in a process of its own, as Ansible does."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        _become(call, write)
    os.close(write)
    text, deadline = b"", time.monotonic() + patience
    while True:
        ready, _writable, _odd = select.select([read], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(read, 65536) if ready else None
        if chunk is None:
            os.kill(pid, signal.SIGKILL)
        if not chunk:
            break
        text += chunk
    os.close(read)
    os.waitpid(pid, 0)
    return Ended(call, None if chunk is None else text.decode("utf-8", "replace"))


def _become(call: Call, write: int) -> None:
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(write, 1)
        os.dup2(write, 2)
        os.close(write)
        module = import_module(f"{MODULES}.{call.module}")
        with patch_module_args({**call.options, "_ansible_check_mode": False}):
            module.main()
    except SystemExit:
        pass
    except BaseException as error:
        print(f"\n{error!r}")
    finally:
        sys.stdout.flush()
        os._exit(0)
