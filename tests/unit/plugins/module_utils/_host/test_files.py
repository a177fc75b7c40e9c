# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are replaced as a whole or not at all, and links are not followed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._host import files
from ansible_collections.onefed.opennebula.plugins.module_utils._host.files import Attributes, read_bytes, write_bytes

MINE = Attributes(os.geteuid(), os.getegid(), 0o640)


def test_write_replaces_content_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    inode = path.stat().st_ino
    write_bytes(str(path), b"new", MINE)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o640)
    assert path.stat().st_ino != inode
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("step", ["fsync", "rename", "fchmod"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def full(*_: Any, **_more: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, step, full)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(str(path), b"new", MINE)
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_link_is_replaced_and_its_target_left_alone(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "file").symlink_to("target")
    write_bytes(str(tmp_path / "file"), b"new", MINE)
    assert (tmp_path / "target").read_text() == "precious"
    assert not (tmp_path / "file").is_symlink()


def test_a_link_and_a_pipe_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "link").symlink_to("target")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(OSError):
            read_bytes(str(tmp_path / name))
        assert Attributes.of(str(tmp_path / name)) is None
    assert Attributes.of(str(tmp_path / "missing")) is None


def test_access_control_lists_are_taken_over_and_the_mode_still_holds(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("x")
    # user::rw-, user:65534:r--, group::r--, mask::r--, other::---
    acl = bytes.fromhex("02000000 01000600ffffffff 02000400feff0000 04000400ffffffff 10000400ffffffff 20000000ffffffff")
    try:
        os.setxattr(old, "system.posix_acl_access", acl)
    except OSError:
        pytest.skip("this file system has no access control lists")
    attributes = Attributes.of(str(old))
    assert attributes
    write_bytes(str(new), b"y", attributes, like=str(old))
    assert os.getxattr(new, "system.posix_acl_access") == acl
    assert new.stat().st_mode == old.stat().st_mode
