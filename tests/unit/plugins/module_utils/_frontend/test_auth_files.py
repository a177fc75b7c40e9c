# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Auth files are read and written as a whole; nothing else in their folder is."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend import auth_files
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.auth_files import names, read_all, write_all
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend


@pytest.fixture
def frontend(location: Path) -> Frontend:
    folder = location / "var" / ".one"
    (folder / "old").mkdir(parents=True)
    (folder / "one_auth").write_text("oneadmin:first\n")
    (folder / "sunstone_auth").write_text("serveradmin:abc")
    (folder / "one_key").write_text("key")
    (folder / "one_auth.bak").write_text("x")
    (folder / "old" / "x_auth").write_text("x")
    (folder / "dir_auth").mkdir()
    (folder / "gone_auth").symlink_to("nothing")
    os.mkfifo(folder / "pipe_auth")
    (folder / "secret").mkdir()
    (folder / "secret" / "flow").write_text("serveradmin:abc")
    (folder / "oneflow_auth").symlink_to("secret/flow")
    for name in ("one_auth", "sunstone_auth"):
        (folder / name).chmod(0o600)
    return Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})


def test_regular_auth_files_are_read_and_what_oned_reads_through_a_link(frontend: Frontend) -> None:
    assert names(frontend) == ["one_auth", "oneflow_auth", "sunstone_auth"]
    assert read_all(frontend) == {
        "one_auth": "oneadmin:first\n",
        "oneflow_auth": "serveradmin:abc",
        "sunstone_auth": "serveradmin:abc",
    }


def test_a_front_end_without_the_folder_has_none(location: Path) -> None:
    bare = Frontend.from_params({"oned_location": str(location), "oned_service": ""})
    assert read_all(bare) == {}
    assert write_all(bare, {"one_auth": "a:b"}, check_mode=False) == ["one_auth"]
    assert stat.S_IMODE(os.stat(bare.auth_dir).st_mode) == 0o700


def test_files_that_differ_are_written(frontend: Frontend) -> None:
    wanted = {"one_auth": "oneadmin:second\n", "sunstone_auth": "serveradmin:abc", "oneflow_auth": "serveradmin:abc"}
    os.unlink(os.path.join(frontend.auth_dir, "oneflow_auth"))
    assert write_all(frontend, wanted, check_mode=True) == ["one_auth", "oneflow_auth"]
    assert read_all(frontend)["one_auth"] == "oneadmin:first\n"
    assert write_all(frontend, wanted, check_mode=False) == ["one_auth", "oneflow_auth"]
    assert read_all(frontend) == wanted
    assert write_all(frontend, wanted, check_mode=False) == []
    for name in wanted:
        status = os.stat(os.path.join(frontend.auth_dir, name))
        assert (stat.S_IMODE(status.st_mode), status.st_uid) == (0o600, frontend.ids()[0])


def test_a_file_that_others_can_read_is_written_anew(frontend: Frontend) -> None:
    os.chmod(frontend.one_auth, 0o644)
    assert write_all(frontend, {"one_auth": "oneadmin:first\n"}, check_mode=False) == ["one_auth"]
    assert stat.S_IMODE(os.stat(frontend.one_auth).st_mode) == 0o600


def test_what_a_link_leads_to_is_replaced_and_the_link_stays(frontend: Frontend) -> None:
    folder = Path(frontend.auth_dir)
    (folder / "secret" / "flow").chmod(0o440)
    assert write_all(frontend, {"oneflow_auth": "serveradmin:abc"}, check_mode=False) == []
    assert write_all(frontend, {"oneflow_auth": "a:b"}, check_mode=False) == ["oneflow_auth"]
    assert os.readlink(folder / "oneflow_auth") == "secret/flow"
    assert (folder / "secret" / "flow").read_text() == "a:b"


def test_links_to_what_cannot_be_replaced_are_named(frontend: Frontend, monkeypatch: pytest.MonkeyPatch) -> None:
    assert auth_files.fixed(frontend) == []
    asked = []

    def refuse(path: str, mode: int, effective_ids: bool) -> bool:
        asked.append((path, effective_ids))
        return False

    monkeypatch.setattr(auth_files.os, "access", refuse)
    assert auth_files.fixed(frontend) == ["oneflow_auth"]
    assert asked == [(os.path.join(frontend.auth_dir, "secret"), True)]


def test_two_names_of_one_file_are_refused_where_their_contents_differ(frontend: Frontend) -> None:
    os.symlink("one_auth", os.path.join(frontend.auth_dir, "link_auth"))
    with pytest.raises(FrontendError, match="link_auth and one_auth .* are one file, by a link"):
        write_all(frontend, {"one_auth": "a:b", "link_auth": "c:d"}, check_mode=False)
    assert read_all(frontend)["one_auth"] == "oneadmin:first\n"


@pytest.mark.parametrize(
    "files", [{"one_key": "k"}, {"../x_auth": "k"}, {"_auth": "k"}, {"x_auth/y": "k"}, {"x_auth": ""}, {"x_auth": 1}]
)
def test_other_names_and_empty_files_are_refused(frontend: Frontend, files: Any) -> None:
    before = sorted(os.listdir(frontend.auth_dir))
    with pytest.raises(FrontendError):
        write_all(frontend, {"one_auth": "oneadmin:second\n", **files}, check_mode=False)
    assert sorted(os.listdir(frontend.auth_dir)) == before
    assert read_all(frontend)["one_auth"] == "oneadmin:first\n"


def test_no_error_repeats_a_secret(frontend: Frontend) -> None:
    Path(frontend.one_auth).write_bytes(b"oneadmin:caf\xe9\n")
    with pytest.raises(FrontendError) as caught:
        read_all(frontend)
    assert "caf" not in str(caught.value)
    assert frontend.one_auth in str(caught.value)
