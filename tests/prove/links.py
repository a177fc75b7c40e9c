# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""make prove-links: with federation_tls no secret goes over the network, whatever the zones do.

On hosts with MariaDB every frame of their network is kept: while zones join, one of them with its users, federated
records are replicated, slaves pass writes on, oneadmin's password is changed everywhere, and a zone that has fallen out
of the master's log is given its tables anew. Passwords, their hashes, tokens, the contents of auth files and the
passphrase of the private authority are searched for in both directions of every connection, SSH's included.

First the same search is tried without TLS: there it must find oneadmin's password, that of a new user, and hashes.
On a root file system with a real OpenNebula: ONEFED_ROOTFS=<directory>.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from tests.hosts.cluster import Cluster  # noqa: E402
from tests.hosts.federation import FIRST_ADDRESS, Federation, Zone  # noqa: E402
from tests.hosts.host import Spec  # noqa: E402
from tests.hosts.lab import Lab  # noqa: E402
from tests.hosts.opennebula import AWKWARD_PASSWORD  # noqa: E402
from tests.hosts.requirements import missing  # noqa: E402
from tests.prove import places  # noqa: E402
from tests.prove.haystack import Found, search  # noqa: E402
from tests.prove.wire import Flow, Wire, seen  # noqa: E402
from tests.tools.playbooks import wait_for  # noqa: E402

NAMES = ("madrid", "paris", "lyon")
PASSPHRASE = "a-passphrase-of-the-authority"
NEW_PASSWORD = "oneadmin's-next-pässword"
# OpenNebula changes what has quotes or blanks in it; this is found as it is.
USER_PASSWORD = "pass-wörd&of<{}>"


@dataclass
class Proof:
    """The federation, where files are kept, and all secrets that were in play."""

    federation: Federation
    folder: Path
    secrets: dict[str, str] = field(default_factory=dict)
    lost: int = 0

    @property
    def zones(self) -> list[Zone]:
        return list(self.federation.zones.values())

    def know(self) -> None:
        """Take note of all secrets that there are now; older ones stay in the list."""
        for zone in self.zones:
            for name, secret in places.secrets(zone).items():
                if secret not in self.secrets.values() and len(secret.encode()) >= 8:
                    self.secrets[name if name not in self.secrets else f"{name}, {len(self.secrets)}"] = secret

    def run(self, playbook: str, *options: str) -> None:
        began = time.monotonic()
        run = self.federation.run(playbook, *options, timeout=900, ANSIBLE_HOME=str(self.folder / "ansible"))
        print(f"  {playbook}: exit status {run.code}, {time.monotonic() - began:.0f} s", flush=True)
        if run.code:
            raise SystemExit(f"{playbook} should have succeeded\n{run.output[-5000:]}")
        self.know()

    def create_user(self, zone: str, name: str) -> None:
        """Through this zone; every other one has the user then."""
        self.secrets[f"password of {name}"] = USER_PASSWORD.format(name)
        self.federation[zone].call("one.user.allocate", name, USER_PASSWORD.format(name), "", [])
        for other in self.federation.variables:
            wait_for(lambda other=other: name in self.federation[other].users(), f"{name} in {other}")  # type: ignore[misc]

    @contextmanager
    def captured(self, name: str) -> Iterator[dict[Flow, bytes]]:
        """All that goes over the network in the block, once it has ended."""
        wire = Wire(self.federation.lab, self.folder / f"{name}.frames")
        streams: dict[Flow, bytes] = {}
        self.know()
        with wire:
            yield streams
        self.know()
        streams.update(wire.streams())
        self.lost += wire.lost
        total = sum(map(len, streams.values()))
        print(f"  {name}: {len(streams)} streams, {total / 1e6:.1f} MB, {wire.lost} frames lost", flush=True)


def between_hosts(streams: dict[Flow, bytes], controller: str) -> dict[Flow, bytes]:
    """The streams that do not begin or end at the controller."""
    return {flow: data for flow, data in streams.items() if controller not in (flow.source, flow.target)}


def fall_out(proof: Proof) -> None:
    """Paris misses records that the master purges then."""
    master, paris = proof.federation.master, proof.federation["paris"]
    paris.host.exec(["systemctl", "stop", "opennebula"])
    missed = master.federated_index() + 2
    for number in range(4):
        master.call("one.user.allocate", f"missed-{number}", USER_PASSWORD.format(number), "", [])
        proof.secrets[f"password of missed-{number}"] = USER_PASSWORD.format(number)
    master.host.exec(["systemctl", "stop", "opennebula"])
    purge = f"DELETE FROM logdb WHERE log_index > 0 AND fed_index <= {missed}"
    master.host.exec(["mariadb", "opennebula", "-e", purge])
    for zone in (master, paris):
        zone.host.exec(["systemctl", "start", "opennebula"])
        wait_for(zone.answers, f"{zone.name} to answer", 60)


def control(proof: Proof) -> bool:
    """The same without TLS; whether the search finds what goes over the network in clear."""
    print("without TLS:", flush=True)
    federation = proof.federation
    with proof.captured("plain") as streams:
        proof.run("federate")
        proof.create_user("madrid", "replicated")
        proof.create_user("paris", "passed-on")
    links = between_hosts(streams, federation.lab.network.controller)
    found = {one.secret for one in search(proof.secrets, seen(links))}
    expected: dict[str, Callable[[str], bool]] = {
        "oneadmin's password": lambda name: name.startswith(("one_auth of ", "oneadmin's first password")),
        "the password of a user whom a slave passes on": lambda name: name == "password of passed-on",
        "the hash of a password": lambda name: name.startswith("PASSWORD of replicated "),
    }
    missed = [what for what, fits in expected.items() if not any(fits(name) for name in found)]
    shown = len(expected) - len(missed)
    print(f"  the search: {shown} of {len(expected)} found, {len(found)} secrets in all", flush=True)
    for what in missed:
        print(f"  not found: {what}")
    return not missed


def secured(proof: Proof) -> list[Found]:
    federation = proof.federation
    print("with TLS:", flush=True)
    federation.settings.update(federation_tls=True, federation_tls_passphrase=PASSPHRASE)
    federation.settings["federation_tls_folder"] = str(proof.folder / "tls")
    proof.secrets["passphrase"] = PASSPHRASE
    proof.run("federate")
    with proof.captured("joins") as joins:
        federation.variables["lyon"] = {"zone_import": True, "zone_import_conflicts": "rename"}
        proof.run("federate")
    with proof.captured("writes") as writes:
        for zone in NAMES:
            proof.create_user(zone, f"through-{zone}")
    with proof.captured("rotation") as rotation:
        proof.secrets["the new password"] = NEW_PASSWORD
        (proof.folder / "password.yml").write_text(f'rotate_password: "{NEW_PASSWORD}"\n', encoding="utf-8")
        proof.run("rotate_oneadmin", "-e", f"@{proof.folder / 'password.yml'}")
        proof.create_user("paris", "after-rotation")
    with proof.captured("resync") as resync:
        fall_out(proof)
        proof.run("resync", "--limit", "paris,madrid")
        federation.assert_federated("paris", "lyon")
    found: list[Found] = []
    for streams in (joins, writes, rotation, resync):
        found += search(proof.secrets, seen(streams))
        plain = [flow for flow in between_hosts(streams, federation.lab.network.controller) if is_plain(flow)]
        found += [Found("a call without TLS", str(flow)) for flow in plain]
    print(f"{len(proof.secrets)} secrets searched for", flush=True)
    return found


def is_plain(flow: Flow) -> bool:
    return {flow.source_port, flow.target_port} & {2633, 2634} != set()


def main() -> int:
    if missing():
        print(f"SKIPPED prove-links: {missing()}")
        return 0
    with tempfile.TemporaryDirectory(prefix="links-") as name, Lab.temporary("wire") as lab:
        federation = Federation(lab, Path(name))
        federation.settings["federation_import_directory"] = f"{name}/imports"
        specs = [
            Spec(
                f"{zone}-1",
                f"{lab.network.base}.{number}",
                database="mariadb",
                started=True,
                password=f"oneadmin-of-{zone}-$&<",
                database_password=f"{AWKWARD_PASSWORD} {zone}",
            )
            for number, zone in enumerate(NAMES, FIRST_ADDRESS)
        ]
        for zone, host in zip(NAMES, lab.up(*specs)):
            federation.zones[zone] = Zone(zone, lab, host)
            federation.clusters[zone] = Cluster(lab, zone, [host], None)
        federation.variables.update(madrid={"zone_role": "master"}, paris={})
        proof = Proof(federation, Path(name))
        federation["lyon"].call("one.user.allocate", "from-lyon", USER_PASSWORD.format("from-lyon"), "", [])
        proof.secrets["password of from-lyon"] = USER_PASSWORD.format("from-lyon")
        tried = control(proof)
        found = secured(proof)
    for one in found:
        print(f"FOUND {one.secret} in {one.place}")
    if proof.lost:
        print(f"{proof.lost} frames were lost, so this proves nothing: run it on a machine with less to do")
    print("no secret went over the network" if not found else f"{len(found)} findings on the network")
    return 0 if tried and not found and not proof.lost else 1


if __name__ == "__main__":
    sys.exit(main())
