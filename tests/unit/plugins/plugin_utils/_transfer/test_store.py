# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups on the controller: for their owner alone, whole or named incomplete, and never altered unnoticed."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.plugin_utils._transfer import store
from ansible_collections.onefed.opennebula.plugins.plugin_utils._transfer.encryption import Cipher, EncryptionError
from ansible_collections.onefed.opennebula.plugins.plugin_utils._transfer.store import StoreError

RECIPIENT = "age1recipient"
# Turns every byte over, and has one key.
AGE = """#!/usr/bin/env python3
import sys
words = sys.argv[1:]
if words[:1] == ["--encrypt"] and words[2] != "age1recipient":
    sys.exit("age: error: unknown recipient")
if words[:1] == ["--decrypt"] and open(words[2]).read() != "the key":
    sys.exit("age: error: no identity matched any of the recipients")
sys.stdout.buffer.write(bytes(255 - byte for byte in sys.stdin.buffer.read()))
"""


@pytest.fixture
def age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program `age` that stands in for the real one; the file with its key."""
    program = tmp_path / "bin" / "age"
    program.parent.mkdir()
    program.write_text(AGE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    key = tmp_path / "key"
    key.write_text("the key")
    return key


def made(folder: Path, backup: str, recipient: str = "", complete: bool = True) -> Path:
    path = store.begin(str(folder), backup)
    source = folder / "source"
    source.write_bytes(b"rows of a database")
    entry = store.store(path, "paris/database.db.gz", str(source), Cipher.to(recipient) if recipient else None)
    assert not source.exists()
    files = {entry.pop("name"): entry}
    manifest = {"complete": complete, "federation": "federation", "files": files}
    return Path(store.complete(path, manifest))


def test_a_backup_is_for_its_owner_alone_and_gets_its_name_at_the_end(tmp_path: Path) -> None:
    path = made(tmp_path / "backups", "20261130T040000Z-federation")
    assert path.name == "20261130T040000Z-federation"
    known = store.read(str(path))
    assert (known["complete"], list(known["files"])) == (True, ["paris/database.db.gz"])
    assert store.altered(str(path), known) == []
    modes = {stat.S_IMODE(found.stat().st_mode) for found in [path, *path.rglob("*")] if found.is_dir()}
    assert modes == {0o700}
    assert {stat.S_IMODE(found.stat().st_mode) for found in path.rglob("*") if found.is_file()} == {0o600}


def test_what_is_encrypted_is_not_there_in_clear_and_comes_back(tmp_path: Path, age: Path) -> None:
    path = made(tmp_path / "backups", "20261130T040000Z-federation", RECIPIENT)
    known = store.read(str(path))
    (name,) = known["files"]
    assert (name, b"rows" in (path / name).read_bytes()) == ("paris/database.db.gz.age", False)
    opened = store.open_file(str(path), known["files"][name], name, Cipher.of(name, str(age)), str(tmp_path / "clear"))
    assert Path(opened).read_bytes() == b"rows of a database"
    assert stat.S_IMODE(Path(opened).stat().st_mode) == 0o600


def test_a_recipient_or_a_key_that_does_not_fit_is_told(tmp_path: Path, age: Path) -> None:
    with pytest.raises(EncryptionError, match=r"Cannot encrypt for age1other: age says .*unknown recipient"):
        Cipher.to("age1other")
    path = made(tmp_path / "backups", "20261130T040000Z-federation", RECIPIENT)
    known = store.read(str(path))
    (name,) = known["files"]
    with pytest.raises(EncryptionError, match="Set restore_identity"):
        Cipher.of(name, None)
    age.write_text("another")
    with pytest.raises(EncryptionError, match="no identity matched"):
        store.open_file(str(path), known["files"][name], name, Cipher.of(name, str(age)), str(tmp_path / "clear"))


def test_a_program_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EncryptionError, match="the controller has no gpg"):
        Cipher.to("backups@example.org")


@pytest.mark.parametrize("alter", ["append", "remove", "link"])
def test_an_altered_file_is_found(tmp_path: Path, alter: str) -> None:
    path = made(tmp_path / "backups", "20261130T040000Z-federation")
    file = path / "paris/database.db.gz"
    content = file.read_bytes()
    file.unlink()
    if alter == "append":
        file.write_bytes(content + b"\n")
    elif alter == "link":
        (tmp_path / "same").write_bytes(content)
        file.symlink_to(tmp_path / "same")
    assert len(store.altered(str(path), store.read(str(path)))) == 1


def test_an_altered_manifest_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "backups", "20261130T040000Z-federation", complete=False)
    assert path.name == "20261130T040000Z-federation.incomplete"
    file = path / "manifest.json"
    document: dict[str, Any] = json.loads(file.read_text())
    document["backup"]["complete"] = True
    file.write_text(json.dumps(document))
    with pytest.raises(StoreError, match="it was altered"):
        store.read(str(path))


def test_no_file_of_a_manifest_lies_elsewhere(tmp_path: Path) -> None:
    files = {name: {"sha256": ""} for name in ("../outside", "/etc/passwd")}
    assert len(store.altered(str(tmp_path), {"files": files})) == 2


def test_older_backups_go_when_a_new_one_is_complete(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    ids = [f"2026113{day}T040000Z-federation" for day in range(4)]
    for number, backup in enumerate(ids):
        made(folder, backup, complete=number != 1)
    made(folder, "20261130T040000Z-other")
    (folder / "20261129T040000Z-federation.part").mkdir()
    (folder / "mine").mkdir()
    gone = store.prune(str(folder / ids[3]), 2)
    assert gone == [ids[0], "20261129T040000Z-federation.part", f"{ids[1]}.incomplete"]
    assert sorted(path.name for path in folder.iterdir()) == ["20261130T040000Z-other", ids[2], ids[3], "mine"]


def test_the_newest_complete_backup_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    made(folder, "20261130T040000Z-federation")
    made(folder, "20261201T040000Z-federation", complete=False)
    assert store.find(str(folder), None, "federation") == str(folder / "20261130T040000Z-federation")
    assert store.find(str(folder), "20261201T040000Z-federation.incomplete", "federation").endswith(".incomplete")
    with pytest.raises(StoreError, match="no complete backup of others"):
        store.find(str(folder), None, "others")
