# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""make bench-links: what federation_tls costs, on the hosts of one federation, plain, with TLS and plain again.

Replication (from the answer to a write at the master until the slave shows it), a write at the slave, which the master
answers, and users' calls per second at the slave. On real OpenNebula: ONEFED_ROOTFS=<directory>, with HAProxy in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from tests.hosts.federation import Federation, Zone  # noqa: E402
from tests.hosts.lab import Lab  # noqa: E402
from tests.hosts.opennebula import TLS_PORT  # noqa: E402
from tests.hosts.requirements import missing, rootfs  # noqa: E402
from tests.tools.playbooks import link_collection  # noqa: E402

PASSPHRASE = "only-for-this-bench"
COLUMNS = {"replication": ("ms", 1000), "write at the slave": ("ms", 1000), "calls": ("per s", 1)}


def url(zone: Zone, tls: bool) -> str:
    return f"https://{zone.host.address}:{TLS_PORT}/RPC2" if tls else zone.host.url


def ask(federation: Federation, tls: bool) -> dict[str, float]:
    """What tests/bench/calls.py measures from the controller's side of the lab's network."""
    master, slave = list(federation.zones.values())
    script = str(Path(__file__).with_name("calls.py"))
    inside = ["ip", "netns", "exec", federation.lab.network.namespace()]
    command = [*inside, sys.executable, "-I", script, url(master, tls), url(slave, tls)]
    session = master.host.exec(["cat", "/var/lib/one/.one/one_auth"]).stdout.strip()
    done = subprocess.run(command, input=f"{session}\n", capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure(federation: Federation, tls: bool) -> dict[str, float]:
    secrets = {"federation_tls_folder": str(federation.folder / "tls"), "federation_tls_passphrase": PASSPHRASE}
    federation.settings = {"federation_tls": tls, **secrets}
    run = federation.federate()
    assert run.code == 0, run.output
    found = ask(federation, tls)
    cells = "".join(f"{found[name] * factor:>22.1f}" for name, (_unit, factor) in COLUMNS.items())
    print(f"{'TLS' if tls else 'plain':<8}{cells}{os.getloadavg()[0]:>8.1f}", flush=True)
    return found


def main() -> int:
    reason = missing()
    if reason:
        print(f"SKIPPED bench-links: {reason}")
        return 0
    link_collection()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Lab.temporary("bench-links") as lab:
        federation = Federation.create(lab, Path(folder), "mariadb", ("madrid", "paris"))
        print(f"{'real OpenNebula' if rootfs() else 'emulator'}, MariaDB, two zones")
        heads = "".join(f"{name + ', ' + unit:>22}" for name, (unit, _factor) in COLUMNS.items())
        print(f"{'':<8}{heads}{'load':>8}")
        plain, tls, again = (measure(federation, which) for which in (False, True, False))
    for name in COLUMNS:
        print(f"{name}: TLS is {2 * tls[name] / (plain[name] + again[name]):.2f} of plain")
    return 0


if __name__ == "__main__":
    sys.exit(main())
