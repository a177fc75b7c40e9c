# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause

from __future__ import annotations

import errno
import os
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from fake_oned import SESSION, FakeOned, Served

from ansible_collections.onefed.opennebula.plugins.module_utils._api.client import probe
from ansible_collections.onefed.opennebula.plugins.module_utils._api.transport import (
    NoAnswer,
    classify,
    split_url,
    tls_context,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import OnefedError


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An authority of our own, and a server's certificate by it for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    (folder / "extensions").write_text("subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
    key = ["-newkey", "rsa:2048", "-nodes"]
    # Python 3.13 and newer demand it of an authority (VERIFY_X509_STRICT).
    usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    subject = ["-subj", "/CN=test authority"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", *subject, "-days", "2", *usage)
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=oned")
    openssl(
        *("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-out", "server.pem", "-days", "2", "-extfile", "extensions"),
    )
    return {name: folder / f"{name}.pem" for name in ("ca", "server")} | {"key": folder / "server.key"}


@pytest.fixture
def tls_server(tls: dict[str, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls["server"], tls["key"])
    return context


def test_https_is_answered_when_the_authority_is_given(tls: dict[str, Path], tls_server: ssl.SSLContext) -> None:
    with Served(FakeOned(), tls_server) as oned:
        assert oned.client(ca_path=str(tls["ca"])).call("one.system.version") == "7.4.0"


def test_https_refuses_a_certificate_by_an_unknown_authority(tls_server: ssl.SSLContext) -> None:
    with Served(FakeOned(), tls_server) as oned:
        with pytest.raises(NoAnswer, match="certificate is not trusted") as caught:
            oned.client().call("one.system.version")
        assert caught.value.state == "tls"
        assert oned.calls == [], "the password must not reach an unknown server"


def test_https_refuses_a_certificate_for_another_host(tls: dict[str, Path], tls_server: ssl.SSLContext) -> None:
    with Served(FakeOned(), tls_server) as oned:
        client = oned.client(ca_path=str(tls["ca"])).at(oned.url.replace("127.0.0.1", "localhost"))
        with pytest.raises(NoAnswer, match="certificate is not trusted"):
            client.call("one.system.version")


def test_https_trusts_anybody_only_when_told_to(tls_server: ssl.SSLContext) -> None:
    with Served(FakeOned(), tls_server) as oned:
        assert oned.client(validate_certs=False).call("one.system.version") == "7.4.0"


def test_a_missing_authority_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OnefedError, match="Cannot read the certificate authorities in /nowhere/ca.pem.*ca_path"):
        tls_context(True, "/nowhere/ca.pem")
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(OnefedError, match="ca_path"):
        tls_context(True, str(tmp_path / "ca.pem"))


def test_probe_finds_oned_without_credentials() -> None:
    with Served(FakeOned()) as oned:
        assert probe(oned.url)["state"] == "open"
        assert oned.calls == [("one.system.version",)]


def test_probe_tells_plain_http_from_https() -> None:
    with Served(FakeOned()) as oned:
        assert probe(oned.url.replace("http:", "https:"))["state"] == "tls"


def test_probe_tells_a_refused_connection() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert probe(f"http://127.0.0.1:{unused.getsockname()[1]}/RPC2")["state"] == "refused"


def test_probe_tells_a_silent_host() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert probe(f"http://127.0.0.1:{silent.getsockname()[1]}/RPC2", timeout=0.05)["state"] == "timeout"


def test_probe_tells_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert probe("http://no-such-host.invalid:2633/RPC2")["state"] == "unresolvable"


@pytest.mark.parametrize(
    "reply",
    [404, b"<html>hello</html>", b"plain text", {"version": 1}, "7.4.0", [1, 2, 3]],
    ids=["404", "html", "text", "struct", "string", "list"],
)
def test_probe_takes_no_other_service_for_oned(reply: object) -> None:
    with Served(FakeOned(instead={"one.system.version": reply})) as oned:
        assert probe(oned.url)["state"] in ("not_opennebula", "unreadable")


@pytest.mark.parametrize("status", [502, 503, 504])
def test_probe_tells_a_load_balancer_that_has_no_server(status: int) -> None:
    with Served(FakeOned(instead={"one.system.version": status})) as oned:
        found = probe(oned.url)
    assert (found["state"], found["detail"].split()[:3]) == ("no_server", ["HTTP", "status", str(status)])


def test_probe_survives_a_server_that_hangs_up() -> None:
    with Served(FakeOned(instead={"one.system.version": None})) as oned:
        assert probe(oned.url)["state"] == "unreachable"


@pytest.mark.parametrize("url", ["", "192.0.2.9:2633", "ftp://192.0.2.9/RPC2", "http:///RPC2", "http://a b:1/RPC2"])
def test_what_is_no_endpoint_is_refused(url: str) -> None:
    with pytest.raises(OnefedError, match="not an XML-RPC endpoint"):
        split_url(url)
    assert probe(url)["state"] == "invalid"


@pytest.mark.parametrize("url", ["http://192.0.2.9:port/RPC2", "http://192.0.2.9:99999/RPC2", "http://[::1/RPC2"])
def test_a_malformed_endpoint_is_refused(url: str) -> None:
    with pytest.raises(OnefedError, match="not a URL"):
        split_url(url)


def test_credentials_in_an_endpoint_are_refused_and_not_repeated() -> None:
    with pytest.raises(OnefedError) as caught:
        split_url("http://oneadmin:hunter2@192.0.2.9:2633/RPC2")
    assert "hunter2" not in str(caught.value)
    assert "192.0.2.9" in str(caught.value)


def test_a_call_is_sent_once_even_if_the_server_hangs_up() -> None:
    with Served(FakeOned(instead={"one.zone.allocate": None})) as oned:
        with pytest.raises(NoAnswer):
            oned.client().call("one.zone.allocate", "NAME=x")
        assert oned.calls == [("one.zone.allocate", "NAME=x")]


def test_the_session_is_the_first_parameter() -> None:
    with Served(FakeOned(session=SESSION)) as oned:
        assert oned.client().call("one.system.version") == "7.4.0"


@pytest.mark.parametrize("number", [errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPERM])
def test_a_connection_that_a_firewall_rejects_is_told_from_one_that_nobody_takes(number: int) -> None:
    state, reason = classify(OSError(number, os.strerror(number)), 5.0)
    assert state == "no_route"
    assert reason == f"{os.strerror(number)}; a firewall rejects the connection, or there is no such host"
    assert classify(OSError(errno.ECONNRESET, "reset"), 5.0)[0] == "unreachable"
