# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The drill: all hosts of a federation are lost, it comes back from its backup onto bare ones without a difference.

Extra: make test-host-faults runs it.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.tools.playbooks import Run, wait_for

from . import repository, requirements
from .federation import Federation, Zone
from .host import Host
from .lab import Lab
from .upgrading import OWNED, content, contents, furnish, killed_at, settle

REASON = requirements.missing()
pytestmark = pytest.mark.skipif(bool(REASON), reason=str(REASON))
extra = pytest.mark.skipif(not os.environ.get("ONEFED_ALL_FAULTS"), reason="extra: make test-host-faults runs it")

RUN_SECONDS = 1200
JOURNAL = "var/lib/onefed/restore.json"
# Runs on a host. What stands in oned.conf about its own database server is the host's; so are older versions of it.
_DIGESTS = """
import hashlib, json, os, re
found = {}
for top in ("/etc/one", "/var/lib/one/.one", "/var/lib/one/.ssh", "/var/lib/one/remotes"):
    for folder, _folders, names in os.walk(top):
        for path in (os.path.join(folder, name) for name in names if not re.search(r"\\.\\d{8}T\\d{6}Z$", name)):
            text = open(path, "rb").read()
            if path == "/etc/one/oned.conf":
                text = re.sub(rb"(?ms)^DB\\s*=\\s*\\[.*?\\]", b"", text)
            found[path] = hashlib.sha256(text).hexdigest()
print(json.dumps(found))
"""


def run(federation: Federation, playbook: str, *options: str) -> Run:
    words = ["-e", f"backup_folder={federation.folder / 'backups'}", "-e", "restore_confirm=federation", *options]
    return federation.run(playbook, *words, timeout=RUN_SECONDS)


def good(done: Run) -> Run:
    assert done.code == 0, done.output
    return done


def settle_alone(federation: Federation) -> None:
    """Wait until every host is a front-end of its own."""
    for cluster in federation.clusters.values():
        for host in cluster.hosts:
            wait_for(Zone(host.name, federation.lab, host).answers, f"{host.name} to answer", 90)


def furnished(lab: Lab, folder: Path, database: str, servers: Mapping[str, int]) -> Federation:
    """A federation with something in it, whose hosts may be given back as they were when they knew of nobody."""
    federation = Federation.create(lab, folder, database, ("madrid", "paris"), servers=servers)
    lab.freeze()
    lab.reset()
    settle_alone(federation)
    good(federation.federate())
    settle(federation)
    furnish(federation)
    return federation


@pytest.fixture
def pair(hosts: None, tmp_path: Path) -> Iterator[Federation]:
    """Master madrid and slave paris on SQLite."""
    with Lab.temporary("backup-pair") as lab:
        yield furnished(lab, tmp_path, "sqlite", {})


@pytest.fixture
def four(hosts: None, tmp_path: Path) -> Iterator[Federation]:
    """On MariaDB: master madrid and slave paris of three servers."""
    with Lab.temporary("backup-four") as lab:
        yield furnished(lab, tmp_path, "mariadb", {"paris": 3})


def digests(host: Host) -> dict[str, str]:
    """Of configuration, auth files, keys and drivers, by path."""
    found: dict[str, str] = json.loads(host.exec(["python3", "-c", _DIGESTS]).stdout)
    return found


@pytest.fixture
def bare(hosts: None, tmp_path: Path) -> Iterator[Federation]:
    """Master madrid and slave paris on MariaDB, which call each other with TLS.

    The run that let them join has installed OpenNebula on their hosts.
    """
    reason = repository.missing()
    if reason:
        pytest.skip(reason)
    with Lab.temporary("backup-bare") as lab:
        names = ("madrid", "paris")
        federation = Federation.create(lab, tmp_path, "mariadb", names, started=False, version=None)
        repository.make(tmp_path)
        for host in lab.hosts:
            shutil.copytree(tmp_path / "packages", host.root / "srv/opennebula")
        federation.settings.update(
            oned_install=True,
            oned_install_version="7.4",
            oned_install_repository="file:/srv/opennebula stable opennebula",
            oned_install_key=str(tmp_path / "key.asc"),
            oned_install_database="mysql",
            oned_install_companions=["fireedge", "flow"],
            federation_tls=True,
            federation_tls_folder=str(tmp_path / "tls"),
            federation_tls_passphrase="only-for-this-test",
        )
        lab.freeze()
        lab.reset()
        good(federation.federate())
        settle(federation)
        furnish(federation)
        yield federation


def drill(federation: Federation) -> None:
    """Back up, lose all hosts, restore onto bare ones, and compare."""
    before, files = contents(federation), {host.name: digests(host) for host in federation.lab.hosts}
    began = time.monotonic()
    good(run(federation, "backup"))
    saved = time.monotonic()
    federation.lab.reset()
    if not federation.settings.get("oned_install"):
        settle_alone(federation)
    good(run(federation, "restore", "--check"))
    bare = time.monotonic()
    good(run(federation, "restore"))
    back = time.monotonic()
    settle(federation)
    assert contents(federation) == before
    for host in federation.lab.hosts:
        assert set(digests(host).items()) ^ set(files[host.name].items()) == set()
    print(f"backup {saved - began:.0f} s, restore {back - bare:.0f} s of {len(federation.lab.hosts)} hosts")
    again = good(run(federation, "restore"))
    assert again.tasks("changed") == set(), again.output
    # The federation is as declared, and goes on.
    assert good(federation.federate()).tasks("changed") == set()
    for name, cluster in list(federation.clusters.items())[1:]:
        if cluster.floating:
            federation.assert_available(name, [host.name for host in cluster.hosts])
        else:
            federation.assert_federated(name)


@extra
def test_two_zones_on_sqlite_come_back_onto_bare_hosts(pair: Federation) -> None:
    drill(pair)


@extra
@pytest.mark.skipif(bool(requirements.rootfs()), reason="a root file system that is given has OpenNebula already")
def test_hosts_without_opennebula_are_installed_and_come_back(bare: Federation) -> None:
    drill(bare)
    for host in bare.lab.hosts:
        for unit in ("opennebula", "opennebula-fireedge", "opennebula-flow"):
            assert host.exec(["systemctl", "is-active", unit], check=False).stdout.strip() == "active", unit


@extra
def test_a_zone_of_three_servers_comes_back_onto_bare_hosts(four: Federation) -> None:
    drill(four)


@extra
@pytest.mark.parametrize("reached", ["opened", "saved", "restoring", "restored"])
def test_a_restore_that_is_killed_goes_on_with_the_same_command(pair: Federation, reached: str) -> None:
    before = contents(pair)
    good(run(pair, "backup"))
    pair.lab.reset()
    settle_alone(pair)
    killed_at(pair, lambda: run(pair, "restore"), pair.lab["paris-1"], reached, JOURNAL)
    refused = pair.federate()
    assert refused.code != 0
    assert "Run playbook restore with -e restore_from=" in refused.output
    good(run(pair, "restore"))
    settle(pair)
    assert contents(pair) == before


@extra
def test_a_burnt_master_comes_back_as_the_slave_of_its_successor(pair: Federation) -> None:
    before = content(pair["madrid"])
    good(run(pair, "backup"))
    pair.lab["madrid-1"].power_off()
    good(run(pair, "promote", "-e", "zone=paris", "-e", "lost=madrid"))
    del pair.variables["madrid"]["zone_role"]
    pair.variables["paris"]["zone_role"] = "master"
    pair.zones = {"paris": pair["paris"], "madrid": pair["madrid"]}
    pair.master.create_user("later")
    pair.lab.reset(pair.lab["madrid-1"])
    wait_for(pair["madrid"].answers, "the bare madrid-1 to answer", 90)
    good(run(pair, "restore", "-e", "restore_zone=madrid"))
    settle(pair)
    pair.assert_federated("madrid")
    after = content(pair["madrid"])
    # Its own objects are as they were; what all share, the new password of oneadmin among it, is the new master's.
    own = (*OWNED, "quotas", "disabled", "acl")
    assert {name: after[name] for name in own} == {name: before[name] for name in own}
    assert {"ana", "blas", "celia", "later"} <= pair["madrid"].users()
    good(pair.federate())
    assert good(pair.federate()).tasks("changed") == set()
