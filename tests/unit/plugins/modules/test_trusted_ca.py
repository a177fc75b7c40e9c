# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorities come into a distribution's store and out of it, once, and after an interruption too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._host import os_release
from ansible_collections.onefed.opennebula.plugins.module_utils._tls import trust

Run = Callable[..., dict[str, Any]]
BEGIN = "-----BEGIN CERTIFICATE-----"
# What the distributions' programs come down to: the store is made anew of what lies there.
PROGRAM = 'cat "$0"/packages.pem "$0"/anchors/*.crt > "$0"/bundle 2>/dev/null || cp "$0"/packages.pem "$0"/bundle'


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host of a distribution like Debian, whose packages have one authority."""
    (tmp_path / "os-release").write_text('ID=mint\nID_LIKE="ubuntu debian"\n')
    monkeypatch.setattr(os_release, "PATH", str(tmp_path / "os-release"))
    monkeypatch.setattr(trust, "PENDING", str(tmp_path / "etc" / "trust.pending"))
    (tmp_path / "packages.pem").write_text(pem(tmp_path / "packages"))
    (tmp_path / "bundle").write_text((tmp_path / "packages.pem").read_text())
    store = trust.Store(
        str(tmp_path / "anchors"), ".crt", ("sh", "-c", PROGRAM, str(tmp_path)), str(tmp_path / "bundle")
    )
    monkeypatch.setattr(trust, "STORES", {"ubuntu": store})
    return tmp_path


def pem(folder: Path) -> str:
    """An authority of its own."""
    folder.mkdir()
    return Path(Authority(folder).path).read_text()


def trusts(host: Path) -> str:
    return (host / "bundle").read_text()


def test_authorities_come_and_go_once(run_module: Run, host: Path) -> None:
    packages, first, second = (host / "packages.pem").read_text(), pem(host / "first"), pem(host / "second")
    predicted = run_module("trusted_ca", check_mode=True, content=first)
    assert (len(predicted["changed_files"]), trusts(host)) == (1, packages)
    given = run_module("trusted_ca", content=first)
    assert given["changed_files"] == predicted["changed_files"] and given["diff"] == predicted["diff"]
    assert trusts(host) == packages + first
    for check_mode in (True, False):
        assert run_module("trusted_ca", check_mode=check_mode, content=first)["changed"] is False
    assert run_module("trusted_ca", content=f"in words\n{first}{second}")["changed"] is True
    assert first in trusts(host) and second in trusts(host)
    replaced = run_module("trusted_ca", content=second)
    assert replaced["diff"] == {"before": f"{given['changed_files'][0]}\n", "after": ""}
    assert trusts(host) == packages + second
    assert run_module("trusted_ca", state="absent")["changed"] is True
    assert trusts(host) == packages and list((host / "anchors").iterdir()) == []
    assert run_module("trusted_ca", state="absent")["changed"] is False


def test_links_of_ours_that_lead_nowhere_go(run_module: Run, host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    links = host / "links"
    links.mkdir()
    monkeypatch.setattr(trust, "STORES", {"ubuntu": replace(trust.STORES["ubuntu"], links=str(links))})
    [path] = run_module("trusted_ca", content=pem(host / "first"))["changed_files"]
    # As Debian's program makes them: one by the name, one by the hash of the subject.
    (links / "onefed-one.pem").symlink_to(path)
    (links / "f31a7119.0").symlink_to("onefed-one.pem")
    (links / "others.pem").symlink_to(host / "gone.crt")
    run_module("trusted_ca", content=pem(host / "second"))
    assert [one.name for one in links.iterdir()] == ["others.pem"]


def test_what_others_put_there_stays(run_module: Run, host: Path) -> None:
    (host / "anchors").mkdir()
    (host / "anchors" / "ours.crt").write_text(pem(host / "first"))
    run_module("trusted_ca", name="other", content=pem(host / "second"))
    run_module("trusted_ca", content=pem(host / "third"))
    run_module("trusted_ca", state="absent")
    assert sorted(path.name[:13] for path in (host / "anchors").iterdir()) == ["onefed-other-", "ours.crt"]


def test_an_interrupted_run_goes_on(run_module: Run, host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, stores = pem(host / "first"), trust.STORES
    failing = replace(stores["ubuntu"], program=("sh", "-c", "echo broken >&2; exit 3"))
    monkeypatch.setattr(trust, "STORES", {"ubuntu": failing})
    told = run_module("trusted_ca", content=first)
    assert told["failed"] and "ended with status 3: broken. Repair the package ca-certificates" in told["msg"]
    monkeypatch.setattr(trust, "STORES", stores)
    assert run_module("trusted_ca", content=first)["changed_files"] == [str(host / "bundle")]
    assert first in trusts(host)
    # The same for one that was being taken out.
    monkeypatch.setattr(trust, "STORES", {"ubuntu": failing})
    run_module("trusted_ca", state="absent")
    monkeypatch.setattr(trust, "STORES", stores)
    assert first in trusts(host)
    assert run_module("trusted_ca", state="absent")["changed"] is True
    assert first not in trusts(host)


def test_a_store_that_was_made_without_it_is_made_anew(run_module: Run, host: Path) -> None:
    first = pem(host / "first")
    run_module("trusted_ca", content=first)
    (host / "bundle").write_text((host / "packages.pem").read_text())
    assert run_module("trusted_ca", content=first)["changed_files"] == [str(host / "bundle")]
    assert first in trusts(host)


def test_a_program_that_leaves_it_out_is_told(run_module: Run, host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "STORES", {"ubuntu": replace(trust.STORES["ubuntu"], program=("true",))})
    told = run_module("trusted_ca", content=pem(host / "first"))
    assert "true ended well, yet" in told["msg"] and "lacks an authority" in told["msg"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"content": "nothing"}, "no certificate in PEM among the authorities"),
        ({"content": f"{BEGIN}\nabc\n{BEGIN.replace('BEGIN', 'END')}\n"}, "is damaged: its PEM is not base64"),
        ({"content": "x", "name": "../x"}, "name is '../x'; it goes into names of files"),
        ({}, "state is present but all of the following are missing: content"),
    ],
)
def test_what_cannot_be_trusted_is_refused(run_module: Run, host: Path, options: dict[str, str], text: str) -> None:
    told = run_module("trusted_ca", **options)
    assert told["failed"] and text in told["msg"] and not (host / "anchors").exists()


def test_distributions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os_release, "PATH", str(tmp_path / "os-release"))
    found = {}
    words = {"debian": "", "ubuntu": "debian", "almalinux": "rhel centos fedora", "opensuse-leap": "suse opensuse"}
    for word, like in words.items():
        (tmp_path / "os-release").write_text(f'ID="{word}"\nID_LIKE="{like}"\n')
        found[word] = trust.store_of_host().folder
    assert found == {
        **dict.fromkeys(("debian", "ubuntu"), "/usr/local/share/ca-certificates"),
        "almalinux": "/etc/pki/ca-trust/source/anchors",
        "opensuse-leap": "/etc/pki/trust/anchors",
    }
    (tmp_path / "os-release").write_text("ID=arch\n")
    with pytest.raises(FrontendError, match="How the distribution arch trusts an authority is not known"):
        trust.store_of_host()
