# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The private authority: kept encrypted, asked for certificates, replaced step by step, and revoking."""

from __future__ import annotations

import datetime
import os
import ssl
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from ansible_collections.onefed.opennebula.plugins.plugin_utils._certificates import library, private
from ansible_collections.onefed.opennebula.plugins.plugin_utils._certificates.folder import Folder
from ansible_collections.onefed.opennebula.plugins.plugin_utils._certificates.library import CertificateError
from ansible_collections.onefed.opennebula.plugins.plugin_utils._certificates.pem import certificates_in, now, serial_of
from ansible_collections.onefed.opennebula.plugins.plugin_utils._certificates.private import (
    FINISH,
    ISSUE,
    PRESENT,
    TRUST,
    PrivateAuthority,
)
from ansible_collections.onefed.opennebula.plugins.plugin_utils._certificates.subject import Subject

PASSPHRASE = "correct horse battery"
PARIS = Subject.of(["paris-1"], ["192.0.2.11", "192.0.2.10", "2001:db8::11"])


@pytest.fixture
def authority(tmp_path: Path) -> PrivateAuthority:
    made = PrivateAuthority(Folder(str(tmp_path / "tls")), PASSPHRASE)
    assert made.bring()
    return made


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """The clock of the authority is so many days ahead."""
    ahead = {"days": 0}
    monkeypatch.setattr(private, "now", lambda: now() + datetime.timedelta(**ahead))
    yield ahead


def files(authority: PrivateAuthority) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(authority.folder.path).iterdir()}


def handshake(chain: str, key: str, trusted: str, revocations: str, name: str, tmp_path: Path) -> str | None:
    """What OpenSSL says of a server with this certificate: None when it is content."""
    client = ssl.create_default_context(cadata=trusted)
    (tmp_path / "crl.pem").write_text(revocations)
    client.load_verify_locations(cafile=str(tmp_path / "crl.pem"))
    client.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF | ssl.VERIFY_X509_STRICT
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "server.pem").write_text(chain + key)
    server.load_cert_chain(tmp_path / "server.pem")
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(back, there, server_hostname=name), server.wrap_bio(there, back, server_side=True)
    for one in (*ends, *ends):
        try:
            one.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            return str(error.verify_message)
    assert ends[0].version() == "TLSv1.3"
    return None


def test_openssl_takes_what_it_issues_for_each_name_and_nothing_else(
    authority: PrivateAuthority, tmp_path: Path
) -> None:
    chain, key = authority.issue("paris-1", PARIS, 397)
    trusted = authority.trusted()
    told = {
        name: handshake(chain, key, trusted.authorities, trusted.revocations, name, tmp_path)
        for name in ("paris-1", "192.0.2.11", "192.0.2.10", "2001:db8::11", "madrid-1")
    }
    wrong = "Hostname mismatch, certificate is not valid for 'madrid-1'."
    assert told == {**dict.fromkeys((*PARIS.names, *PARIS.addresses)), "madrid-1": wrong}
    assert authority.reasons(chain, PARIS) == []


def test_keys_are_encrypted_and_files_their_owners_alone(authority: PrivateAuthority) -> None:
    authority.issue("paris-1", PARIS, 397)
    for name, content in files(authority).items():
        assert stat.S_IMODE(os.stat(authority.folder.file(name)).st_mode) == 0o600
        assert b"BEGIN PRIVATE KEY" not in content and b"BEGIN EC PRIVATE KEY" not in content
    assert stat.S_IMODE(os.stat(authority.folder.path).st_mode) == 0o700
    assert sum(b"BEGIN ENCRYPTED PRIVATE KEY" in content for content in files(authority).values()) == 1


def test_a_second_run_changes_nothing(authority: PrivateAuthority) -> None:
    before = files(authority)
    assert not authority.would_change()
    assert not authority.bring()
    assert files(authority) == before


@pytest.mark.parametrize(
    ("passphrase", "told"),
    [("", "is missing or shorter than 12"), ("tiny", "shorter than 12"), ("a wrong passphrase", "passphrase is wrong")],
)
def test_a_passphrase_that_does_not_do_is_told_before_anything_changes(
    authority: PrivateAuthority, passphrase: str, told: str
) -> None:
    before = files(authority)
    for act in ("would_change", "bring"):
        with pytest.raises(CertificateError, match=told) as error:
            getattr(replace(authority, passphrase=passphrase), act)(TRUST)
        assert not passphrase or passphrase not in str(error.value)
    assert files(authority) == before


def test_a_certificate_is_renewed_when_less_than_a_third_is_left(
    authority: PrivateAuthority, later: dict[str, int]
) -> None:
    chain, _key = authority.issue("paris-1", PARIS, 397)
    later["days"] = 264
    assert authority.reasons(chain, PARIS) == []
    later["days"] = 265
    assert authority.reasons(chain, PARIS) == ["less than a third of its time is left"]


@pytest.mark.parametrize("subject", [Subject.of(["paris-1"]), Subject.of(["paris-1", "p"], PARIS.addresses)])
def test_a_certificate_is_renewed_for_other_names(authority: PrivateAuthority, subject: Subject) -> None:
    chain, _key = authority.issue("paris-1", PARIS, 397)
    assert authority.reasons(chain, subject) == ["names or addresses changed"]
    assert authority.reasons(None, subject) == ["it has none"]


def test_no_certificate_outlives_its_authority(authority: PrivateAuthority, later: dict[str, int]) -> None:
    later["days"] = 3600
    chain, _key = authority.issue("paris-1", PARIS, 397)
    issuing = certificates_in(authority.trusted().authorities, "")[0]
    assert certificates_in(chain, "")[0].not_valid_after_utc == issuing.not_valid_after_utc
    later["days"] = 3651
    with pytest.raises(CertificateError, match="private authority has expired .* Replace it with state new_trusted"):
        authority.issue("paris-1", PARIS, 397)


def test_the_authority_is_replaced_step_by_step(authority: PrivateAuthority, tmp_path: Path) -> None:
    old_chain, old_key = authority.issue("paris-1", PARIS, 397)
    old = authority.trusted()
    assert [authority.bring(step) for step in (ISSUE, FINISH)] == [False, False]  # nothing to go on with yet
    assert authority.would_change(TRUST)
    assert authority.bring(TRUST) and not authority.bring(TRUST) and not authority.would_change(TRUST)
    both = authority.trusted()
    assert both.step == TRUST and both.authorities.startswith(old.authorities) and both.authorities != old.authorities
    assert authority.reasons(old_chain, PARIS) == []
    assert authority.bring(ISSUE) and not authority.bring(ISSUE) and not authority.bring(TRUST)
    assert authority.reasons(old_chain, PARIS) == ["it is by another authority"]
    chain, key = authority.issue("paris-1", PARIS, 397)
    for one in ((old_chain, old_key), (chain, key)):
        assert handshake(*one, both.authorities, authority.trusted().revocations, "paris-1", tmp_path) is None
    assert authority.bring(FINISH) and not authority.bring(FINISH)
    new = authority.trusted()
    assert (new.step, old.authorities + new.authorities) == (PRESENT, both.authorities)
    assert handshake(chain, key, new.authorities, new.revocations, "paris-1", tmp_path) is None
    refused = handshake(old_chain, old_key, new.authorities, new.revocations, "paris-1", tmp_path)
    assert refused == "unable to get local issuer certificate"
    # Nothing that may be needed again is destroyed.
    assert sum(name.startswith("ca-") for name in files(authority)) == 2


def test_revoked_by_serial_number_a_host_gets_another_certificate(authority: PrivateAuthority, tmp_path: Path) -> None:
    chain, key = authority.issue("paris-1", PARIS, 397)
    serial = serial_of(certificates_in(chain, "")[0])
    colons = ":".join(serial[place : place + 2] for place in range(0, len(serial), 2)).lower()
    assert authority.would_change(to_revoke=[colons])
    assert authority.bring(to_revoke=[colons])
    trusted = authority.trusted()
    refused = handshake(chain, key, trusted.authorities, trusted.revocations, "paris-1", tmp_path)
    assert refused == "certificate revoked"
    assert authority.reasons(chain, PARIS) == ["it is revoked"]
    other = authority.issue("paris-1", PARIS, 397)
    assert not authority.would_change(to_revoke=[serial])
    assert not authority.bring(to_revoke=[serial])
    assert handshake(*other, trusted.authorities, trusted.revocations, "paris-1", tmp_path) is None


def test_revoked_by_name_a_host_gets_none_any_more(authority: PrivateAuthority) -> None:
    chains = [authority.issue("paris-1", PARIS, 397)[0] for _turn in range(2)]
    authority.issue("lyon-1", Subject.of(["lyon-1"]), 397)
    assert authority.bring(to_revoke=["paris-1"])
    crl = x509.load_pem_x509_crl(authority.trusted().revocations.encode())
    assert {one.serial_number for one in crl} == {certificates_in(one, "")[0].serial_number for one in chains}
    for act in (authority.check, lambda host: authority.issue(host, PARIS, 397)):
        with pytest.raises(CertificateError, match="paris-1 gets no certificate: it is named among the revoked"):
            act("paris-1")
    authority.check("lyon-1")
    assert authority.bring() and not authority.bring()
    authority.check("paris-1")


def test_what_is_neither_serial_number_nor_host_is_not_revoked_silently(authority: PrivateAuthority) -> None:
    authority.issue("lyon-1", Subject.of(["lyon-1"]), 397)
    with pytest.raises(CertificateError, match="'paris-9', which is neither .* certificate: lyon-1"):
        authority.bring(to_revoke=["paris-9"])


@pytest.mark.parametrize("name", ["state.yml", "issued.yml"])
def test_a_damaged_folder_is_told(authority: PrivateAuthority, name: str) -> None:
    Path(authority.folder.file(name)).write_text("- nonsense\n")
    with pytest.raises(CertificateError, match=rf"{name} .*Restore the file from a backup"):
        authority.bring()


def test_a_lost_authority_is_told_and_not_made_anew(authority: PrivateAuthority) -> None:
    state = authority.folder.state()
    assert state is not None
    os.unlink(authority.folder.authority_file(state.issuing))
    with pytest.raises(CertificateError, match="Cannot read .*ca-.*No such file.*restore the folder from a backup"):
        authority.bring()


def test_without_cryptography_there_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "OLDEST", (999, 0))
    with pytest.raises(CertificateError, match="cryptography 999 or newer on the controller, and release .* is there"):
        PrivateAuthority(Folder(str(tmp_path)), PASSPHRASE)


@pytest.mark.parametrize("wrong", ["http://paris", "paris:2633", "päris", "a b", "", "-paris", "x" * 64])
def test_what_no_certificate_can_be_for_is_refused(wrong: str) -> None:
    with pytest.raises(CertificateError, match="neither a host name nor an address"):
        Subject.of([wrong])


def test_a_subject_is_the_same_however_it_is_written() -> None:
    same = Subject.of(["Paris-1.", "paris-1", "192.0.2.11"], ["2001:DB8:0::11", "[2001:db8::11]"])
    assert same == Subject(("paris-1",), ("192.0.2.11", "2001:db8::11"))
    assert Subject.of(["*.example.org"]).lacking(Subject.of(["a.example.org", "a.b.example.org", "192.0.2.1"])) == [
        "a.b.example.org",
        "192.0.2.1",
    ]
