# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A full copy that somebody altered after it was made is not put back."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery.backup import back_up_database
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery.restore import restore_database


@pytest.fixture
def frontend(location: Path) -> Frontend:
    return Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})


def altered(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE user_pool SET name = 'mallory' WHERE oid = 2")
    connection.close()


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_copy_that_was_altered_is_refused(
    frontend: Frontend, master_db: Any, tmp_path: Path, check_mode: bool
) -> None:
    copy = tmp_path / "copy.db"
    back_up_database(frontend, str(copy), 1.0, check_mode=False)
    altered(copy)
    before = master_db.content()
    with pytest.raises(DatabaseError, match=r"copy\.db is refused: it was altered after it was made"):
        restore_database(frontend, str(copy), check_mode)
    assert master_db.content() == before


def test_a_sealed_copy_is_put_back_also_by_another_name_and_a_foreign_one_too(
    frontend: Frontend, master_db: Any, tmp_path: Path
) -> None:
    before = master_db.content()
    back_up_database(frontend, f"{tmp_path}/", 1.0, check_mode=False)
    master_db.user(9, "late")
    (tmp_path / "link.db").symlink_to("one.db")
    restore_database(frontend, str(tmp_path / "link.db"), check_mode=False)
    assert master_db.content() == before
    altered(tmp_path / "one.db")
    with pytest.raises(DatabaseError, match="it was altered"):
        restore_database(frontend, str(tmp_path / "link.db"), check_mode=False)
    (tmp_path / "one.db").rename(tmp_path / "foreign.db")
    restore_database(frontend, str(tmp_path / "foreign.db"), check_mode=False)
    assert master_db.rows("SELECT name FROM user_pool WHERE oid = 2") == [(b"mallory",)]


def test_seals_are_for_their_owner_only(frontend: Frontend, tmp_path: Path) -> None:
    back_up_database(frontend, str(tmp_path / "copy.db"), 1.0, check_mode=False)
    folder = Path(frontend.state_dir, "seals")
    modes = {path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
    assert (modes, len(os.listdir(folder))) == ({0o700, 0o600}, 1)
