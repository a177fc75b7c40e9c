# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's certificate as files: written whole and for root alone, told without the private key, removed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    certificate, key = Authority(tmp_path).server()
    texts = {"chain": certificate, "private_key": key, "authorities": Authority(tmp_path).path}
    return {name: Path(path).read_text() for name, path in texts.items()} | {"revocations": "list\n"}


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "onefed" / "tls"


def test_they_are_written_once_and_the_private_key_is_roots_alone(
    run_module: Run, dest: Path, files: dict[str, str]
) -> None:
    names = ["ca.pem", "crl.pem", "server.pem"]
    predicted = run_module("certificate_files", check_mode=True, dest=str(dest), **files)
    assert (predicted["changed"], sorted(predicted["changed_files"]), dest.exists()) == (True, names, False)
    written = run_module("certificate_files", dest=str(dest), **files)
    assert sorted(written["changed_files"]) == names
    modes = {name: stat.S_IMODE((dest / name).stat().st_mode) for name in names}
    assert modes == {"ca.pem": 0o644, "crl.pem": 0o644, "server.pem": 0o600}
    assert (dest / "server.pem").read_text() == files["chain"] + files["private_key"]
    for check_mode in (True, False):
        again = run_module("certificate_files", check_mode=check_mode, dest=str(dest), **files)
        assert (again["changed"], again["changed_files"]) == (False, [])
    assert "PRIVATE KEY" not in str(written) + str(again)
    assert again["found"] == {
        "chain": files["chain"],
        "authorities": files["authorities"],
        "revocations": files["revocations"],
        "usable": True,
    }


def test_a_private_key_that_others_may_read_is_not_taken_for_well(
    run_module: Run, dest: Path, files: dict[str, str]
) -> None:
    run_module("certificate_files", dest=str(dest), **files)
    os.chmod(dest / "server.pem", 0o640)
    assert run_module("certificate_files", dest=str(dest))["found"]["usable"] is False
    assert run_module("certificate_files", dest=str(dest), **files)["changed_files"] == ["server.pem"]
    (dest / "server.pem").write_text(files["chain"])
    os.chmod(dest / "server.pem", 0o600)
    assert run_module("certificate_files", dest=str(dest))["found"]["usable"] is False


def test_what_is_not_wanted_any_more_is_removed(run_module: Run, dest: Path, files: dict[str, str]) -> None:
    run_module("certificate_files", dest=str(dest), **files)
    assert run_module("certificate_files", dest=str(dest), revocations="")["changed_files"] == ["crl.pem"]
    assert not (dest / "crl.pem").exists()
    assert run_module("certificate_files", dest=str(dest), revocations="")["changed"] is False
    assert run_module("certificate_files", check_mode=True, dest=str(dest), state="absent")["changed"]
    removed = run_module("certificate_files", dest=str(dest), state="absent")
    assert (sorted(removed["changed_files"]), dest.exists()) == (["ca.pem", "server.pem"], False)
    assert run_module("certificate_files", dest=str(dest), state="absent")["changed"] is False
