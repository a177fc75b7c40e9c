# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Which certificates a front-end refuses, with which words, and a private authority that is replaced between two hosts.

ONEFED_ALL_FAULTS=1 runs it (make test-host-faults).
"""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.tools.playbooks import wait_for

from .lab import Lab, Spec
from .roles import apply

pytestmark = pytest.mark.skipif(not os.environ.get("ONEFED_ALL_FAULTS"), reason="extra: make test-host-faults runs it")
PORT = 2643
PASSPHRASE = "a passphrase for the tests"
ADDRESSES = {"one": "10.90.0.11", "two": "10.90.0.12"}


@pytest.fixture
def lab(hosts: None) -> Iterator[Lab]:
    with Lab.temporary("trust") as lab:
        lab.up(*(Spec(name, address, started=True) for name, address in ADDRESSES.items()))
        yield lab


def links(lab: Lab, folder: Path, hosts: str, **variables: Any) -> None:
    given = {
        "secure_links_names": ["{{ inventory_hostname }}"],
        "federation_tls_folder": str(folder / "tls"),
        "federation_tls_passphrase": PASSPHRASE,
    }
    ended = apply(lab, folder, "secure_links", hosts, **{**given, **variables})
    assert ended.code == 0, ended.output


def told(lab: Lab, name: str, endpoint: str) -> str | None:
    """What a front-end says of another's endpoint; None when it reaches oned there."""
    asked = {"probe_endpoints": [endpoint]}
    probe: dict[str, str] = lab.module(name, "frontend_info", asked)["frontend"]["probes"][endpoint]
    return None if probe["state"] == "open" else probe["detail"]


def endpoint(name: str) -> str:
    return f"https://{name}:{PORT}/RPC2"


def give(lab: Lab, folder: Path, begin_days: int) -> None:
    """Let host one show a certificate of the private authority that is valid for a week, from so many days on."""
    [path] = (folder / "tls").glob("ca-*.pem")
    authority = x509.load_pem_x509_certificate(path.read_bytes())
    authority_key = serialization.load_pem_private_key(path.read_bytes(), PASSPHRASE.encode())
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    begin = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=begin_days)
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    certificate = (
        x509.CertificateBuilder(authority.subject, x509.Name([]), key.public_key(), x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("one")]), critical=True)
        .add_extension(identifier, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private_key = key.private_bytes(encoding, form, serialization.NoEncryption()).decode()
    files = {"chain": certificate.public_bytes(encoding).decode(), "private_key": private_key}
    assert lab.module("one", "certificate_files", files)["changed"]
    lab["one"].exec(["systemctl", "reload", "onefed-links"])


def test_what_is_wrong_with_a_certificate_is_told_in_one_message(lab: Lab, tmp_path: Path) -> None:
    links(lab, tmp_path, "one")
    assert "by an authority that this host does not trust" in (told(lab, "two", endpoint("one")) or "")
    links(lab, tmp_path, "two")
    assert told(lab, "two", endpoint("one")) is None
    assert "is for another host" in (told(lab, "two", endpoint(ADDRESSES["one"])) or "")
    give(lab, tmp_path, -30)
    wait_for(lambda: "has expired" in (told(lab, "two", endpoint("one")) or ""), "the certificate that has expired")
    give(lab, tmp_path, 30)
    wait_for(lambda: "not valid yet" in (told(lab, "two", endpoint("one")) or ""), "the certificate of another day")
    # A run mends that; then the new one is revoked, and only host two hears of it.
    links(lab, tmp_path, "one", secure_links_names=["one", "uno"])
    wait_for(lambda: told(lab, "two", endpoint("one")) is None, "a good certificate")
    links(lab, tmp_path, "two", federation_tls_revoked=["one"])
    assert "was revoked" in (told(lab, "two", endpoint("one")) or "")


def test_another_authority_takes_over_and_every_call_is_answered_meanwhile(lab: Lab, tmp_path: Path) -> None:
    links(lab, tmp_path, "one,two")
    first = (tmp_path / "tls/ca.pem").read_text()
    for step in ("new_trusted", "new_issues", "old_removed"):
        # Interrupted after the first host; then the same again.
        for hosts in ("one", "one,two"):
            links(lab, tmp_path, hosts, secure_links_authority=step)
            time.sleep(1)  # a reload is over when the new process has the port
            assert (told(lab, "one", endpoint("two")), told(lab, "two", endpoint("one"))) == (None, None), (step, hosts)
    last = (tmp_path / "tls/ca.pem").read_text()
    assert first not in last and last.count("BEGIN CERTIFICATE") == 1
    for name in ADDRESSES:
        trusted = lab[name].exec(["sh", "-c", "cat /usr/local/share/ca-certificates/onefed-federation-*"]).stdout
        assert trusted == last
