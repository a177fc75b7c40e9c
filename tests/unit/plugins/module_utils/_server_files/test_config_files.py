# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers' configurations are compared file by file, without a word of them leaving the host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fake_systemd import Packaged, packaged

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._server_files.digests import digests


@pytest.fixture
def frontend(tmp_path: Path) -> Packaged:
    found = packaged(tmp_path)
    etc = Path(found.etc)
    (etc / "auth").mkdir()
    (etc / "auth/ldap_auth.conf").write_text(":password: ldap-secret\n")
    (etc / "monitord.conf").write_text("PORT = 4124\n")
    (etc / "link").symlink_to("auth")
    for own in ("oned.conf.20250401T120000Z", "monitord.conf.dpkg-dist", ".swap"):
        (etc / own).write_text("own")
    return found


def test_files_of_the_zone_are_told_and_a_servers_own_are_not(frontend: Packaged) -> None:
    found = digests(frontend, "key")
    assert list(found) == ["auth/ldap_auth.conf", "link", "monitord.conf"]
    assert all(len(digest) == 16 and int(digest, 16) for digest in found.values())


def test_equal_content_has_equal_digests_and_other_content_other_ones(frontend: Packaged) -> None:
    before = digests(frontend, "key")
    assert digests(frontend, "key") == before
    os.utime(frontend.etc)
    Path(frontend.etc, "monitord.conf").write_text("PORT = 4125\n")
    Path(frontend.etc, "link").unlink()
    Path(frontend.etc, "link").symlink_to("elsewhere")
    after = digests(frontend, "key")
    assert {name for name in before if before[name] != after[name]} == {"monitord.conf", "link"}
    assert digests(frontend, "other key")["monitord.conf"] != after["monitord.conf"]


def test_a_file_that_cannot_be_read_is_named(frontend: Packaged) -> None:
    path = Path(frontend.etc, "auth/pipe.conf")
    os.mkfifo(path)
    with pytest.raises(FrontendError, match=f"Cannot read {path} to compare it"):
        digests(frontend, "key")
