# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root touches a path with the rights of whoever owns a folder, or laid a link, on the way to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._host.files import (
    Attributes,
    exists,
    make_folder,
    opened,
    read_bytes,
    remove_file,
    write_bytes,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._host.rights import owner_on_the_way, rights_at

ONED, OTHER = 65534, 65533  # accounts without a name count as well
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="acting as another account needs root")


@pytest.fixture
def var(public: Path) -> Path:
    """A folder of oned's account beside a secret of root's."""
    (public / "secret").write_text("root's")
    (public / "secret").chmod(0o600)
    (public / "closed").mkdir(mode=0o700)
    folder = public / "var"
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, ONED, ONED)
    return folder


def lay(var: Path, name: str, target: Path | str) -> Path:
    """A link of oned's account."""
    link = var / name
    link.symlink_to(target)
    os.lchown(link, ONED, ONED)
    return link


@needs_root
def test_the_first_folder_that_is_not_roots_decides(var: Path) -> None:
    (var / "inner").mkdir()
    assert owner_on_the_way(str(var.parent)) is None
    assert owner_on_the_way(str(var)) == (ONED, ONED)
    assert owner_on_the_way(str(var / "inner" / "file")) == (ONED, ONED)
    assert owner_on_the_way(str(var.parent / "nothing" / "file")) is None
    with rights_at(str(var / "inner")):
        assert (os.geteuid(), os.getegid(), os.getgroups()) == (ONED, ONED, [ONED])
        with rights_at("/etc"):
            assert os.geteuid() == ONED
    assert os.geteuid() == 0


@needs_root
def test_a_link_of_roots_is_followed_as_root_and_one_of_others_as_they(var: Path) -> None:
    (var.parent / "one").symlink_to("var")
    assert owner_on_the_way(str(var.parent / "one" / "file")) == (ONED, ONED)
    (var.parent / "etc").symlink_to("/etc")
    assert owner_on_the_way(str(var.parent / "etc" / "passwd")) is None
    var.parent.chmod(0o1777)
    lay(var.parent, "theirs", "/etc")
    assert owner_on_the_way(str(var.parent / "theirs" / "passwd")) == (ONED, ONED)


@needs_root
def test_links_in_a_circle_are_refused(var: Path) -> None:
    (var.parent / "a").symlink_to("b")
    (var.parent / "b").symlink_to("a")
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        owner_on_the_way(str(var.parent / "a"))


@needs_root
def test_nothing_of_roots_is_read_through_a_link(var: Path) -> None:
    link = lay(var, "one_auth", var.parent / "secret")
    with pytest.raises(PermissionError):
        read_bytes(str(link), follow=True)
    with pytest.raises(OSError, match="Too many levels"):
        read_bytes(str(link))
    (var / "real").write_text("oned's")
    lay(var, "fine", "real")
    with pytest.raises(PermissionError):
        os.chmod(var / "real", 0o600)
        read_bytes(str(var / "fine"), follow=True)
    os.chown(var / "real", ONED, ONED)
    assert read_bytes(str(var / "fine"), follow=True) == b"oned's"


@needs_root
@pytest.mark.parametrize("follow", [True, False])
def test_nothing_is_written_through_a_folder_that_is_a_link(var: Path, follow: bool) -> None:
    lay(var, ".one", var.parent / "closed")
    path = str(var / ".one" / "one_auth")
    with pytest.raises(PermissionError):
        write_bytes(path, b"a:b", Attributes(ONED, ONED, 0o600), follow=follow)
    with pytest.raises(PermissionError):
        make_folder(path)
    with pytest.raises(PermissionError):
        remove_file(path)
    assert list((var.parent / "closed").iterdir()) == []
    assert not exists(path)


@needs_root
def test_what_root_writes_in_a_folder_of_others_is_theirs(var: Path) -> None:
    path = var / "file"
    write_bytes(str(path), b"x", Attributes(0, 0, 0o640))
    status = path.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (ONED, ONED, 0o640)
    write_bytes(str(var.parent / "file"), b"x", Attributes(ONED, ONED, 0o640))
    assert (var.parent / "file").stat().st_uid == ONED


@needs_root
def test_a_folder_of_somebody_else_is_not_taken_for_ones_own(var: Path) -> None:
    (var.parent / "state").mkdir()
    os.chown(var.parent / "state", OTHER, OTHER)
    with pytest.raises(OSError, match="does not belong to account 0"):
        make_folder(str(var.parent / "state"))
    assert (var.parent / "state").stat().st_mode & 0o777 == 0o755
    lay(var.parent, "linked", "closed")
    with pytest.raises(OSError, match="Not a directory"):
        make_folder(str(var.parent / "linked"))


@pytest.mark.parametrize("follow", [True, False])
def test_pipes_and_devices_are_no_files(public: Path, follow: bool) -> None:
    os.mkfifo(public / "pipe")
    for path in (str(public / "pipe"), os.devnull, str(public)):
        with pytest.raises(OSError, match="it is not a regular file"):
            opened(path, follow)


def test_more_than_the_limit_is_not_read(public: Path) -> None:
    (public / "file").write_bytes(b"12345")
    assert read_bytes(str(public / "file"), limit=5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_bytes(str(public / "file"), limit=4)
