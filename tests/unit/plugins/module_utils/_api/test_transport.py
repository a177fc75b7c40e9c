# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from pathlib import Path

import pytest
from certificates import Authority
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from fake_oned import SESSION, FakeOned, Served

from ansible_collections.onefed.opennebula.plugins.module_utils._api import tls
from ansible_collections.onefed.opennebula.plugins.module_utils._api.certificate import certificate_at
from ansible_collections.onefed.opennebula.plugins.module_utils._api.client import probe
from ansible_collections.onefed.opennebula.plugins.module_utils._api.tls import tls_context
from ansible_collections.onefed.opennebula.plugins.module_utils._api.transport import NoAnswer, classify, split_url
from ansible_collections.onefed.opennebula.plugins.module_utils._errors import OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._tls.paths import FOLDER


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def served(certificate: tuple[str, str], oned: FakeOned | None = None) -> Served:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return Served(oned or FakeOned(), context)


def refusal(certificate: tuple[str, str], ca_path: str | None) -> str:
    """Why a client does not talk to a server with that certificate. The server must not see the password."""
    with served(certificate) as oned:
        with pytest.raises(NoAnswer) as caught:
            oned.client(ca_path=ca_path).call("one.system.version")
        assert caught.value.state == "tls"
        assert oned.calls == [], "the password must not reach an unknown server"
        return caught.value.reason


def test_https_is_answered_when_the_authority_is_given(authority: Authority) -> None:
    with served(authority.server()) as oned:
        assert oned.client(ca_path=authority.path).call("one.system.version") == "7.4.0"


def test_an_unknown_authority_is_told_with_the_option_to_set(authority: Authority) -> None:
    reason = refusal(authority.server(), None)
    assert "authority that this host does not trust" in reason
    assert "set ca_path (federation_ca_path)" in reason


def test_a_self_signed_certificate_is_an_unknown_authority(authority: Authority, tmp_path: Path) -> None:
    certificate = authority.certificate.public_bytes(serialization.Encoding.PEM)
    key = authority.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "self.pem").write_bytes(certificate + key)
    reason = refusal((str(tmp_path / "self.pem"), str(tmp_path / "self.pem")), None)
    assert re.search("self.signed.*set ca_path", reason)


def test_an_expired_certificate_is_told(authority: Authority) -> None:
    reason = refusal(authority.server(begins=-9, ends=-2), authority.path)
    assert reason.startswith("its certificate has expired")
    assert "renew it" in reason


def test_a_certificate_of_the_future_is_told(authority: Authority) -> None:
    reason = refusal(authority.server(begins=3, ends=9), authority.path)
    assert reason.startswith("its certificate is not valid yet")
    assert "clocks" in reason


def test_a_certificate_for_another_host_is_told(authority: Authority) -> None:
    reason = refusal(authority.server(address="192.0.2.9"), authority.path)
    assert reason.startswith("its certificate is for another host")
    assert "127.0.0.1" in reason


def test_an_authority_without_key_usage_is_told_where_that_is_refused(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = ssl.create_default_context

    def as_python_3_13(cafile: str | None) -> ssl.SSLContext:
        context = strict(cafile=cafile)
        context.verify_flags |= ssl.VERIFY_X509_STRICT | getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0)
        return context

    monkeypatch.setattr(ssl, "create_default_context", as_python_3_13)
    with served(authority.server()) as oned:
        assert oned.client(ca_path=authority.path).call("one.system.version") == "7.4.0"
    (tmp_path / "old").mkdir()
    old = Authority(tmp_path / "old", strict=False)
    reason = refusal(old.server(), old.path)
    assert "Python 3.13 and newer insist on" in reason
    assert "keyUsage" in reason


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This host has lists of revoked certificates."""
    monkeypatch.setattr(tls, "_LISTS", str(tmp_path / "crl.pem"))
    return tmp_path / "crl.pem"


def test_a_revoked_certificate_is_told(authority: Authority, lists: Path) -> None:
    revoked = x509.load_pem_x509_certificate(Path(authority.server()[0]).read_bytes())
    lists.write_bytes(authority.revoking(revoked.serial_number))
    reason = refusal((str(authority.folder / "server.pem"), str(authority.folder / "server.key")), authority.path)
    assert reason.startswith("its certificate was revoked (certificate revoked); give that server another one")
    with served(authority.server()) as oned:
        assert oned.client(ca_path=authority.path).call("one.system.version") == "7.4.0"
        lists.write_text("damaged")
        with pytest.raises(OnefedError, match="Cannot read the lists of revoked certificates in .*crl.pem"):
            oned.client(ca_path=authority.path).call("one.system.version")
        assert oned.client(validate_certs=False).call("one.system.version") == "7.4.0"


def test_lists_that_are_out_of_date_are_told(authority: Authority, lists: Path) -> None:
    lists.write_bytes(authority.revoking(1, ends=-1))
    reason = refusal(authority.server(), authority.path)
    assert reason.startswith(
        f"its certificate cannot be compared with the revoked ones in {FOLDER}/crl.pem (CRL has ex"
    )


def test_a_certificate_of_an_authority_without_a_list_is_not_on_one(
    authority: Authority, lists: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", name="another authority")
    lists.write_bytes(other.revoking(1))
    with served(authority.server()) as oned:
        assert oned.client(ca_path=authority.path).call("one.system.version") == "7.4.0"
        assert len(oned.calls) == 1
    assert refusal(authority.server(begins=-9, ends=-2), authority.path).startswith("its certificate has expired")
    assert "not trust" in refusal(authority.server(), other.path)


def test_https_trusts_anybody_only_when_told_to(authority: Authority) -> None:
    with served(authority.server()) as oned:
        assert oned.client(validate_certs=False).call("one.system.version") == "7.4.0"


def test_http_at_an_endpoint_of_https_is_told(authority: Authority) -> None:
    with Served(FakeOned()) as oned:
        found = probe(oned.url.replace("http:", "https:"))
        assert (found["state"], "write the endpoint with http" in found["detail"]) == ("tls", True)
    with served(authority.server()) as oned:
        found = probe(oned.url.replace("https:", "http:"))
        assert (found["state"], "endpoint speaks TLS" in found["detail"]) == ("unreachable", True)


def test_versions_of_tls_that_do_not_meet_are_told(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    newest = ssl.create_default_context

    def newest_only(cafile: str | None) -> ssl.SSLContext:
        context = newest(cafile=cafile)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return context

    monkeypatch.setattr(ssl, "create_default_context", newest_only)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.server())
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with Served(FakeOned(), context) as oned:
        assert "speaks no version of TLS that this host accepts" in probe(oned.url)["detail"]


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
        assert probe(oned.url)["state"] == ("not_opennebula" if reply == 404 else "not_understood")


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


def test_the_certificate_of_an_endpoint_is_told(authority: Authority, lists: Path, tmp_path: Path) -> None:
    with served(authority.server(ends=9)) as oned:
        shown = x509.load_pem_x509_certificate((tmp_path / "server.pem").read_bytes())
        (tmp_path / "other").mkdir()
        for _turn in range(2):
            assert certificate_at(oned.client(ca_path=authority.path)) == {
                "serial": f"{shown.serial_number:X}".zfill(40),
                "not_after": shown.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "days_left": 8,
                "protocol": "TLSv1.3",
            }
            lists.write_bytes(Authority(tmp_path / "other", name="another authority").revoking(1))
        assert certificate_at(oned.client()) is None
        assert certificate_at(oned.client(validate_certs=False)) is None
    with Served(FakeOned()) as oned:
        assert certificate_at(oned.client()) is None


@pytest.mark.parametrize("error", [ssl.SSLEOFError(8, "EOF occurred"), ssl.SSLZeroReturnError()])
def test_a_tls_proxy_whose_oned_does_not_run_is_an_open_path(error: Exception) -> None:
    """As a load balancer that takes the connection and closes it: nothing is wrong with its certificate."""
    state, reason = classify(error, 5.0)
    assert state == "unreachable"
    assert "closed without an answer" in reason
