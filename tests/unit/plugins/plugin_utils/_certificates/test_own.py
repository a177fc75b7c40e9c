# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator's own certificate is checked before a server gets it: key, dates, names, chain."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from certificates import Authority

from ansible_collections.onefed.opennebula.plugins.plugin_utils._certificates.library import CertificateError
from ansible_collections.onefed.opennebula.plugins.plugin_utils._certificates.own import (
    from_command,
    from_files,
    trusted_in,
)
from ansible_collections.onefed.opennebula.plugins.plugin_utils._certificates.subject import Subject

HERE = Subject.of(["127.0.0.1"])


def folder(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    return path


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(folder(tmp_path / "ours"))


def problems(
    authority: Authority, subject: Subject = HERE, trusted: str | None = None, begins: int = -1, ends: int = 2
) -> list[str]:
    own = from_files(*authority.server(begins, ends))
    return own.problems(subject, trusted or trusted_in(authority.path))


def test_one_that_is_well_has_no_problems(authority: Authority) -> None:
    assert problems(authority) == []


def test_dates_are_told(authority: Authority) -> None:
    assert [one.split(" on ")[0] for one in problems(authority, begins=-9, ends=-1)] == ["it has expired"]
    assert [one.split(" 2")[0] for one in problems(authority, begins=1, ends=9)] == ["it is not valid before"]


def test_names_that_it_lacks_are_told_all_at_once_with_the_rest(authority: Authority) -> None:
    told = problems(authority, Subject.of(["paris-1", "127.0.0.1", "192.0.2.1"]), begins=-9, ends=-1)
    assert told[1] == "it is not for paris-1, 192.0.2.1; issue it for all names and addresses of the server"
    assert len(told) == 2


def test_a_key_of_another_certificate_is_told(authority: Authority, tmp_path: Path) -> None:
    certificate, _key = authority.server()
    _certificate, key = Authority(folder(tmp_path / "others")).server()
    told = from_files(certificate, key).problems(HERE, trusted_in(authority.path))
    assert told == ["the private key is not that of the first certificate; put the server's own certificate first"]


def test_a_chain_that_leads_elsewhere_is_told(authority: Authority, tmp_path: Path) -> None:
    others = trusted_in(Authority(folder(tmp_path / "others")).path)
    told = problems(authority, trusted=others)
    assert len(told) == 1 and told[0].startswith("its chain does not lead to ca_certificate (")
    # None: what the distribution trusts.
    public = from_files(*authority.server()).problems(HERE, None)
    assert len(public) == 1 and "the authorities of the controller's distribution" in public[0]


def test_chain_and_key_come_from_a_command_in_any_order(authority: Authority) -> None:
    certificate, key = authority.server()
    own = from_command(f"cat {shlex.quote(key)} {shlex.quote(certificate)}")
    assert own.chain == Path(certificate).read_text()
    assert own.problems(HERE, trusted_in(authority.path)) == []


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("/nonexistent", "cannot be run on the controller: No such file"),
        ("'", "cannot be run on the controller: ValueError"),
        (
            f"{sys.executable} -c \"import sys; sys.exit('vault is sealed')\"",
            "status 1 on the controller: vault is sealed",
        ),
        ("echo nothing", "what the command prints has no certificate"),
    ],
)
def test_a_command_that_fails_is_told(command: str, told: str) -> None:
    with pytest.raises(CertificateError, match=told):
        from_command(command)


def test_nothing_of_a_private_key_is_ever_told(tmp_path: Path) -> None:
    secret = "MHcCAQEEIAbcdefSECRETabcdef"
    (tmp_path / "a.key").write_text(f"-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n")
    certificate, _key = Authority(tmp_path).server()
    with pytest.raises(CertificateError, match="Cannot open the private key in .* the file is damaged") as error:
        from_files(certificate, str(tmp_path / "a.key"))
    assert "SECRET" not in str(error.value)


def test_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="Cannot read /nonexistent on the controller: No such file"):
        from_files("/nonexistent", "/nonexistent")
    (tmp_path / "empty").write_text("")
    with pytest.raises(CertificateError, match="empty has no certificate that can be read"):
        from_files(str(tmp_path / "empty"), str(tmp_path / "empty"))
