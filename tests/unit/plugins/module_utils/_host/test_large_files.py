# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A large file is there as a whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._host.large_files import (
    appearing,
    remove_partial,
    scratch,
)

NOBODY = 65534


def test_the_file_appears_at_the_end_only(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with appearing(str(path)) as stream:
        stream.write(b"content")
        assert not path.exists()
    assert path.read_bytes() == b"content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["file"]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(KeyError), appearing(str(path)) as stream:
        stream.write(b"new")
        raise KeyError
    assert (path.read_bytes(), os.listdir(tmp_path)) == (b"old", ["file"])


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files away needs root")
def test_the_file_belongs_to_the_owner_of_the_folder(public: Path) -> None:
    os.chown(public, NOBODY, NOBODY)
    with appearing(str(public / "file")):
        pass
    assert (public / "file").stat().st_uid == NOBODY


def test_trouble_with_the_disk_is_told_with_the_path(tmp_path: Path) -> None:
    with pytest.raises(FrontendError, match=r"Cannot write .*/file: No space left"), appearing(str(tmp_path / "file")):
        raise OSError(28, "No space left on device")
    assert os.listdir(tmp_path) == []


def test_only_partial_files_are_removed(tmp_path: Path) -> None:
    for name in (".a.sql.x1.onefed-partial", "a.sql", ".a.sql.tmp"):
        (tmp_path / name).touch()
    remove_partial(str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == [".a.sql.tmp", "a.sql"]


def test_scratch_files_have_no_name(tmp_path: Path) -> None:
    with scratch(str(tmp_path)) as stream:
        stream.write(b"content")
        assert os.listdir(tmp_path) == []
