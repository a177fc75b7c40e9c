# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few megabytes from another host that are gigabytes when they are unpacked cost no more than was set aside."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import (
    FrontendError,
    OnefedError,
    SnapshotError,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._host import unpacking
from ansible_collections.onefed.opennebula.plugins.module_utils._server_files import archive
from ansible_collections.onefed.opennebula.plugins.module_utils._snapshot import format as snapshots
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import import transport

MIB = 1 << 20


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Limits of one MiB, so that a test is quick; while it runs no more than ten are ever used."""
    monkeypatch.setattr(transport, "MOST_BYTES", MIB)
    monkeypatch.setattr(snapshots, "_LONGEST_LINE", MIB)
    monkeypatch.setattr(archive, "_MOST_AT_ONCE", MIB)
    monkeypatch.setattr(unpacking, "_CHUNK", 1 << 16)
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * MIB


def bomb(path: Path, head: bytes, filler: bytes, size: int = 64 * MIB) -> str:
    with gzip.open(path, "wb", 1) as stream:
        stream.write(head)
        for _turn in range(size // len(filler)):
            stream.write(filler)
    return str(path)


def test_a_document_that_grows_is_refused(small: None, tmp_path: Path) -> None:
    path = bomb(tmp_path / "zone.json.gz", b"[", b"[]," * 10_000)
    with pytest.raises(FrontendError, match=r"zone.json.gz: it has more than 1 MiB when it is unpacked"):
        transport.unpack(path)


def test_a_document_that_nests_is_refused(tmp_path: Path) -> None:
    (tmp_path / "deep.json.gz").write_bytes(gzip.compress(b"[" * 200_000 + b"]" * 200_000))
    with pytest.raises(FrontendError, match="truncated or altered"):
        transport.unpack(str(tmp_path / "deep.json.gz"))


def test_a_document_that_would_be_refused_is_not_sent(small: None, tmp_path: Path) -> None:
    with pytest.raises(FrontendError, match="onedb purge-done"):
        transport.pack(str(tmp_path / "zone.json.gz"), "x" * (2 * MIB))
    assert not (tmp_path / "zone.json.gz").exists()


def test_a_line_of_a_snapshot_that_grows_is_refused(small: None, tmp_path: Path) -> None:
    header = snapshots.Header("slave", "", "7.4.0", "7.4.0", "sqlite", "UTF-8", 1, False, [0], {}, {}, {}).render()
    path = bomb(tmp_path / "federated.sql.gz", header, b"x" * 10_000)
    with snapshots.open_snapshot(path) as snapshot, pytest.raises(SnapshotError, match="more than 1 MiB"):
        snapshot.verify()


@pytest.mark.parametrize("document", [b"[]", b"7", b"[" * 100_000])
def test_a_sealed_header_that_is_none_is_refused(tmp_path: Path, document: bytes) -> None:
    text = snapshots.TITLE + b"-- " + document + b"\n"
    seal = b"-- sha256 of the header: " + hashlib.sha256(text).hexdigest().encode() + b"\n"
    (tmp_path / "federated.sql").write_bytes(text + seal)
    with pytest.raises(SnapshotError, match="is refused"), snapshots.open_snapshot(str(tmp_path / "federated.sql")):
        pass


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME], ids=["pax", "long name"])
def test_a_header_of_an_archive_that_grows_is_refused(small: None, tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("x")
    member.type, member.size = kind, 60 * MIB
    path = bomb(tmp_path / "server.tar.gz", member.tobuf(), b"0" * 10_000)
    with pytest.raises(FrontendError, match="server.tar.gz is refused"), archive.opened_archive(path):
        pass


def test_a_list_in_an_archive_that_grows_is_refused(small: None, tmp_path: Path) -> None:
    member = tarfile.TarInfo("list.json")
    member.size = 60 * MIB
    path = bomb(tmp_path / "server.tar.gz", member.tobuf(), b"0" * 10_000)
    with pytest.raises(FrontendError, match="more than 1 MiB"), archive.opened_archive(path):
        pass


@pytest.mark.parametrize(
    "listed", [[], 7, {"format": 1, "entries": [], "absent": []}, {"format": 1, "entries": {"a": 1}}]
)
def test_a_list_of_another_shape_is_refused(tmp_path: Path, listed: object) -> None:
    content = json.dumps(listed).encode()
    member = tarfile.TarInfo("list.json")
    member.size = len(content)
    with tarfile.open(tmp_path / "server.tar.gz", "w:gz") as tar:
        tar.addfile(member, io.BytesIO(content))
    with pytest.raises(OnefedError, match="is refused"), archive.opened_archive(str(tmp_path / "server.tar.gz")):
        pass


def test_whole_lines_and_contents_come_as_they_are() -> None:
    assert unpacking.read_whole(io.BytesIO(b"x" * 3 * MIB), 3 * MIB) == b"x" * 3 * MIB
    stream = io.BytesIO(b"abc\nde")
    assert [unpacking.read_line(stream, 4), unpacking.read_line(stream, 4), unpacking.read_line(stream, 4)] == [
        b"abc\n",
        b"de",
        b"",
    ]
