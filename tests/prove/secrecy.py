# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""make prove-secrets: no password and no hash of one shows itself while federations are made.

On hosts with MariaDB and awkward passwords, `federate.yml -vvv` joins a zone; joins another that fails and is rolled
back; plans; joins that zone after all and converges the first with --diff. During all of it every process of every
host and of the controller is watched, and every file that everybody may read for a time. Afterwards Ansible's output
and log, the hosts' files, logs and journals, and what is left on the controller are searched. Secrets may stand only
where they belong, with right owner and mode.

First the search itself is tried: a secret that is planted in all these places must be found in each.
On a root file system with a real OpenNebula: ONEFED_ROOTFS=<directory>.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
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
from tests.prove.processes import Seen, Watch, Watched  # noqa: E402

PUBLIC = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))  # the controller's
NAMES = ("madrid", "paris", "lyon")
# What OpenNebula accepts of a user: anything but blanks.
USER_PASSWORD = "Pä§$'\"\\#&%<{}>"
DECOY = 'dec\'oy "of" \\ this #run ñ'
# A zone that has become a slave does not start.
_NO_SLAVE = r"""[Service]
ExecStartPre=/bin/sh -c '! grep -Eq "^[^#]*MODE *= *.SLAVE" /etc/one/oned.conf'
"""
_DROP_IN = "/etc/systemd/system/opennebula.service.d/no-slave.conf"


@dataclass
class Proof:
    """The federation, what was seen of it, and the secrets that were in play."""

    federation: Federation
    folder: Path
    since: float = field(default_factory=time.time)
    secrets: dict[str, str] = field(default_factory=dict)
    output: list[Seen] = field(default_factory=list)

    @property
    def zones(self) -> list[Zone]:
        return list(self.federation.zones.values())

    def know(self) -> None:
        """Take note of all secrets that are there now; older ones stay in the list."""
        for zone in self.zones:
            for name, secret in places.secrets(zone).items():
                if secret not in self.secrets.values():
                    self.secrets[name if name not in self.secrets else f"{name}, {len(self.secrets)}"] = secret

    @contextlib.contextmanager
    def watched(self, seen: list[Seen]) -> Iterator[Watched]:
        """Let processes and files be watched during the block, and add all that shows itself during and after it."""
        roots = [zone.host.root for zone in self.zones]
        leaders = [leader for zone in self.zones if (leader := zone.host.machine.leader())]
        inside = [Path(f"/proc/{leader}/root", name) for leader in leaders for name in places.TEMPORARY]
        with tempfile.TemporaryDirectory(prefix="watch-") as private:
            watch = Watch(Path(private), roots, [self.folder, *roots, *inside], leaders)
            with watch:
                yield watch.result
        seen += watch.result.seen
        for zone in self.zones:
            seen += places.written(zone.host, self.since)
        seen += places.on_controller([self.folder, *PUBLIC, Path.home() / ".ansible"], self.since)
        print(
            f"  {watch.result.starts} programs started, {watch.result.how}; {watch.result.missed} of them were missed",
            flush=True,
        )

    def run(self, what: str, succeeds: bool, *options: str) -> None:
        """One run, with all that Ansible tells kept to be searched."""
        began = time.monotonic()
        environment = {
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_LOG_PATH": str(self.folder / "ansible.log"),
            "TMPDIR": str(self.folder / "tmp"),
        }
        run = self.federation.run("federate", "-vvv", *options, timeout=600, **environment)
        self.output.append(Seen(f"output of Ansible: {what}", run.output.encode()))
        print(f"  {what}: exit status {run.code}, {time.monotonic() - began:.0f} s", flush=True)
        if (run.code == 0) != succeeds:
            wanted = "succeeded" if succeeds else "failed"
            raise SystemExit(f"{what}: this run should have {wanted}\n{run.output[-5000:]}")
        self.know()


def plant(proof: Proof) -> dict[str, Callable[[str], bool]]:
    """Show the decoy everywhere; for each way what its place must be called for having been found."""
    host = proof.zones[-1].host
    host.exec(["true", DECOY])
    host.exec(["env", f"SECRET={DECOY}", "true"])
    host.exec(["sh", "-c", "cat >/var/tmp/shown && rm /var/tmp/shown"], stdin=DECOY)
    host.exec(["sh", "-c", "cat >/tmp/left && chmod 600 /tmp/left"], stdin=DECOY)
    host.exec(["sh", "-c", "cat >/etc/one/oned.conf.copy && chmod 644 /etc/one/oned.conf.copy"], stdin=DECOY)
    host.exec(["logger", "--file", "/tmp/left"])
    left = proof.folder / "left"
    left.write_text(DECOY, encoding="utf-8")
    subprocess.run(["true", "controller", DECOY], check=True)
    on = f"on {host.name}"
    return {
        "an argument of a process on a host": lambda at: at.startswith("cmdline") and at.endswith(on),
        "an environment on a host": lambda at: at == f"environ of true {on}",
        "an argument on the controller": lambda at: at.startswith("cmdline of true on") and not at.endswith(on),
        "a file that was removed": lambda at: "var/tmp/shown, for a time" in at,
        "a file that was left": lambda at: at.startswith(f"{host.name}:/tmp/left"),
        "a file at home with a wrong mode": lambda at: at.startswith(f"{host.name}:/etc/one/oned.conf."),
        "the journal": lambda at: at == f"journal of {host.name}",
        "a file on the controller": lambda at: at.startswith(f"controller:{left}"),
    }


def try_search(proof: Proof) -> bool:
    """Whether the search finds what is there to be found, and nothing else."""
    seen: list[Seen] = []
    with proof.watched(seen):
        expected = plant(proof)
    proof.zones[-1].host.exec(["rm", "/tmp/left", "/etc/one/oned.conf.copy"])
    (proof.folder / "left").unlink()
    found = search({"decoy": DECOY}, seen)
    missed = [what for what, place in expected.items() if not any(place(one.place) for one in found)]
    print(f"the search: {len(expected) - len(missed)} of {len(expected)} planted secrets found", flush=True)
    for what in missed:
        print(f"  not found: {what}")
    proof.since = time.time()  # the journal keeps the decoy, which is no secret
    return not missed


def prove(proof: Proof) -> list[Found]:
    federation, late = proof.federation, proof.federation["lyon"]
    seen: list[Seen] = []
    proof.know()
    with proof.watched(seen):
        later = federation.variables.pop("lyon")
        proof.run("a zone joins", True)
        federation.variables["lyon"] = later
        late.host.exec(["sh", "-c", f"mkdir -p {os.path.dirname(_DROP_IN)} && cat >{_DROP_IN}"], stdin=_NO_SLAVE)
        late.host.exec(["systemctl", "daemon-reload"])
        proof.run("a zone fails and is rolled back", False)
        late.host.exec(["rm", _DROP_IN])
        late.host.exec(["systemctl", "daemon-reload"])
        federation.variables["paris"]["zone_endpoint"] = f"http://{federation['paris'].host.name}:2633/RPC2"
        proof.run("a plan", True, "--check", "--diff")
        proof.run("a zone joins, another converges", True, "--diff")
    federation.assert_federated("paris", "lyon")
    print(f"{len(proof.secrets)} secrets searched for in {len(seen) + len(proof.output)} places", flush=True)
    return search(proof.secrets, seen + proof.output)


def specs(lab: Lab) -> list[Spec]:
    return [
        Spec(
            f"{name}-1",
            f"{lab.network.base}.{number}",
            database="mariadb",
            started=True,
            password=USER_PASSWORD.format(name),
            database_password=f"{AWKWARD_PASSWORD} {name}",
        )
        for number, name in enumerate(NAMES, FIRST_ADDRESS)
    ]


def main() -> int:
    if missing():
        print(f"SKIPPED prove-secrets: {missing()}")
        return 0
    with tempfile.TemporaryDirectory(prefix="secrets-") as name, Lab.temporary("secrets") as lab:
        folder = Path(name)
        (folder / "tmp").mkdir()
        federation = Federation(lab, folder)
        for zone, host in zip(NAMES, lab.up(*specs(lab))):
            federation.zones[zone] = Zone(zone, lab, host)
            federation.clusters[zone] = Cluster(lab, zone, [host], None)
            federation.variables[zone] = {} if federation.variables else {"zone_role": "master"}
        proof = Proof(federation, folder)
        tried = try_search(proof)
        found = prove(proof)
    for one in found:
        print(f"FOUND {one.secret} in {one.place}")
    print("no secret was found" if not found else f"{len(found)} secrets found where they do not belong")
    return 0 if tried and not found else 1


if __name__ == "__main__":
    sys.exit(main())
