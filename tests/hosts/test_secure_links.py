# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Role secure_links on hosts: TLS before oned as another host sees it, renewal, refusals, and that nothing stays.

ONEFED_ALL_FAULTS=1 runs all of it (make test-host-faults), otherwise the sample.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.playbooks import wait_for

from .host import Host
from .lab import Lab, Spec
from .roles import Applied, apply

extra = pytest.mark.skipif(not os.environ.get("ONEFED_ALL_FAULTS"), reason="extra: make test-host-faults runs it")
ADDRESS, PORT = "10.90.0.11", 2643
UNIT = "onefed-links.service"
PASSPHRASE = "a passphrase for the tests"
# What an API call through TLS meets, for the versions that the client has: protocol, serial number and HTTP's answer.
ASK = """import json, socket, ssl, sys
oldest, newest = sys.argv[3:5]
context = ssl.create_default_context()
context.minimum_version, context.maximum_version = ssl.TLSVersion[oldest], ssl.TLSVersion[newest]
context.set_ciphers("DEFAULT:@SECLEVEL=0")
body = b"<methodCall><methodName>one.system.version</methodName><params/></methodCall>"
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 5) as plain:
        with context.wrap_socket(plain, server_hostname=sys.argv[1]) as call:
            head = f"POST /RPC2 HTTP/1.0\\r\\nContent-Type: text/xml\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n"
            call.sendall(head.encode() + body)
            answer = call.recv(15).decode()
            found = [call.version(), call.getpeercert()["serialNumber"], answer]
except (OSError, ssl.SSLError) as error:
    found = [type(error).__name__, getattr(error, "reason", None), str(error)]
print(json.dumps(found))
"""

# Connections to oned while somebody who calls nothing is connected to its TLS proxy.
SILENT = """import socket, ssl, subprocess, sys, time
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 5) as plain:
    with ssl.create_default_context().wrap_socket(plain, server_hostname=sys.argv[1]):
        time.sleep(1)
        subprocess.run(["ss", "-Htn", "state", "established", "dport", "=", ":2633"], check=True)
"""


@pytest.fixture(scope="module")
def lab(hosts: None) -> Iterator[Lab]:
    with Lab.temporary("links") as lab:
        lab.up(Spec("one", ADDRESS, started=True), Spec("two", "10.90.0.12", None))
        yield lab


@pytest.fixture
def one(lab: Lab, tmp_path: Path) -> Iterator[Host]:
    yield lab["one"]
    links(lab, tmp_path, secure_links_state="absent")


def links(lab: Lab, folder: Path, *options: str, **variables: Any) -> Applied:
    """Apply the role to host one."""
    given = {"secure_links_names": ["one", ADDRESS], "federation_tls_folder": str(folder / "tls")}
    secret = {"federation_tls_passphrase": PASSPHRASE}
    return apply(lab, folder, "secure_links", "one", *options, **{**given, **secret, **variables})


def asked(host: Host, name: str = "one", oldest: str = "TLSv1_2", newest: str = "TLSv1_3") -> list[str]:
    told: list[str] = json.loads(host.exec(["python3", "-c", ASK, name, str(PORT), oldest, newest]).stdout)
    return told


def trusting(lab: Lab, folder: Path) -> Host:
    """Host two, which trusts the authority in the store of its distribution."""
    two = lab["two"]
    crt = "/usr/local/share/ca-certificates/test.crt"
    two.exec(["sh", "-c", f"cat > {crt}; update-ca-certificates"], stdin=(folder / "tls/ca.pem").read_text())
    return two


def state(host: Host, *properties: str) -> list[str]:
    shown = host.exec(["systemctl", "show", "-p", ",".join(properties), UNIT]).stdout
    values = dict(line.split("=", 1) for line in shown.splitlines())
    return [values[name] for name in properties]


def everything(host: Host) -> list[str]:
    """What the role could have left: files, trust, units and whoever listens."""
    command = (
        "find /etc/onefed /etc/systemd/system /usr/local/share/ca-certificates /etc/ssl/certs 2>/dev/null"
        "; ss -Hltn | awk '{print $4}'; systemctl list-unit-files --no-legend 'onefed*' 'haproxy*'"
    )
    return sorted(host.exec(["sh", "-c", command]).stdout.splitlines())


def test_another_host_calls_oned_through_tls_of_today_and_nothing_stays(lab: Lab, one: Host, tmp_path: Path) -> None:
    before = everything(one)
    planned = links(lab, tmp_path, "--check")
    assert planned.code == 0, planned.output
    assert planned.changed("one") > 0 and not (tmp_path / "tls").exists()
    done = links(lab, tmp_path)
    assert done.code == 0, done.output
    again = links(lab, tmp_path)
    assert (again.code, again.changed("one")) == (0, 0), again.output
    two = trusting(lab, tmp_path)
    for name in ("one", ADDRESS):
        for version in ("TLSv1_2", "TLSv1_3"):
            found = asked(two, name, version, version)
            assert (found[0], found[2]) == (version.replace("_", "."), "HTTP/1.1 200 OK"), found
    assert asked(two, "one", "TLSv1", "TLSv1_1")[0] == "SSLError"
    assert asked(one)[2] == "HTTP/1.1 200 OK", "the host trusts its own federation"
    assert one.exec(["python3", "-c", SILENT, "one", str(PORT)]).stdout == "", "oned has a connection without a call"
    # Whoever serves connections is not root, is locked in, and cannot read the private key.
    workers = one.exec(["ps", "-o", "user=,args=", "-C", "haproxy"]).stdout.splitlines()
    assert sorted(line.split()[0] for line in workers) == ["haproxy", "root"]
    assert one.exec(["runuser", "-u", "haproxy", "--", "cat", "/etc/onefed/tls/server.pem"], check=False).returncode
    assert PASSPHRASE not in planned.output + done.output and "PRIVATE KEY" not in done.output
    removed = links(lab, tmp_path, secure_links_state="absent")
    assert (removed.code, sorted(set(before) ^ set(everything(one)))) == (0, []), removed.output


@extra
def test_check_mode_tells_what_a_run_changes(lab: Lab, one: Host, tmp_path: Path) -> None:
    assert links(lab, tmp_path).code == 0
    assert links(lab, tmp_path, "--check").changed("one") == 0
    assert links(lab, tmp_path, "--check", secure_links_state="absent").changed("one") > 0
    assert asked(one)[2] == "HTTP/1.1 200 OK"
    assert links(lab, tmp_path, secure_links_state="absent").changed("one") > 0
    for options in ((), ("--check",)):
        assert links(lab, tmp_path, *options, secure_links_state="absent").changed("one") == 0


@extra
def test_it_is_there_after_a_boot(lab: Lab, one: Host, tmp_path: Path) -> None:
    assert links(lab, tmp_path).code == 0
    two = trusting(lab, tmp_path)
    one.power_off()
    lab.boot(one)
    wait_for(lambda: asked(two)[2] == "HTTP/1.1 200 OK", "oned to answer through TLS")


@extra
def test_another_certificate_is_loaded_without_a_restart(lab: Lab, one: Host, tmp_path: Path) -> None:
    assert links(lab, tmp_path).code == 0
    two = trusting(lab, tmp_path)
    before, process = asked(two)[1], state(one, "MainPID")
    renewed = links(lab, tmp_path, secure_links_names=["one", "uno", ADDRESS])
    assert renewed.code == 0, renewed.output
    wait_for(lambda: asked(two)[1] not in (before, None), "the other certificate")
    assert state(one, "MainPID", "NRestarts") == [*process, "0"]


@extra
def test_what_an_interrupted_run_did_not_load_is_loaded_by_the_next(lab: Lab, one: Host, tmp_path: Path) -> None:
    assert links(lab, tmp_path).code == 0
    two = trusting(lab, tmp_path)
    before = asked(two)[1]
    written = lab.module(
        "one",
        "certificate",
        {"names": ["one"], "folder": str(tmp_path / "tls"), "passphrase": PASSPHRASE},
    )
    assert written["renewed"], written
    planned = links(lab, tmp_path, "--check", secure_links_names=["one"])
    assert planned.changed("one") == 1, planned.output
    assert asked(two)[1] == before
    assert links(lab, tmp_path, secure_links_names=["one"]).changed("one") == 1
    wait_for(lambda: int(asked(two)[1], 16) == int(written["serial"], 16), "the certificate of the interrupted run")
    assert links(lab, tmp_path, secure_links_names=["one"]).changed("one") == 0


def refused(lab: Lab, host: Host, folder: Path, *options: str, **variables: Any) -> str:
    """The one message of a run that fails, and changed nothing on the host nor on the controller."""
    before = everything(host)
    ended = links(lab, folder, *options, **variables)
    assert (ended.code, everything(host)) == (2, before), ended.output
    assert not (folder / "tls").exists()
    return " ".join(ended.output.split())


@extra
def test_a_port_that_another_program_has_is_told(lab: Lab, one: Host, tmp_path: Path) -> None:
    run = ["systemd-run", "--unit=squatter", "python3", "-m", "http.server", str(PORT)]
    one.exec(run)
    try:
        wait_for(lambda: f":{PORT} " in one.exec(["ss", "-Hltn"]).stdout, "the other program")
        told = refused(lab, one, tmp_path)
        assert f"Port {PORT}, which the TLS proxy of this host needs, is taken by python3" in told
        assert "Nothing was changed." in told
    finally:
        one.exec(["systemctl", "stop", "squatter"])


@extra
def test_a_host_that_cannot_have_haproxy_is_told(lab: Lab, one: Host, tmp_path: Path) -> None:
    one.exec(["mv", "/usr/sbin/haproxy", "/usr/sbin/haproxy.away"])
    one.exec(["sh", "-c", "sed -i '/^Package: haproxy$/,/^$/d' /var/lib/dpkg/status"])
    try:
        told = refused(lab, one, tmp_path)
        assert "links need haproxy, which cannot be installed on one" in told
        assert "No package matching 'haproxy' is available" in told
    finally:
        one.exec(["mv", "/usr/sbin/haproxy.away", "/usr/sbin/haproxy"])


@extra
def test_a_missing_passphrase_or_library_is_told(lab: Lab, one: Host, tmp_path: Path) -> None:
    for passphrase in (None, "short"):
        assert "needs federation_tls_passphrase" in refused(lab, one, tmp_path, federation_tls_passphrase=passphrase)
    hidden = tmp_path / "hidden/cryptography"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('hidden')\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(hidden.parent))
        told = refused(lab, one, tmp_path)
    assert "cryptography 42 or newer on the controller, and none is there" in told
    assert "needs oned_tls_certificate or oned_tls_command" in refused(lab, one, tmp_path, federation_tls_ca="own")
