# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which charset holds which text is told as the servers do it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._charsets import (
    conversion,
    differences,
    differing,
    smallest,
    too_small,
)


def column(charset: str, holds: str = "ascii", collation: str | None = None) -> dict[str, Any]:
    return {"charset": charset, "collation": collation or f"{charset}_general_ci", "holds": holds}


@pytest.mark.parametrize(
    ("texts", "charset"),
    [
        ([], "ascii"),
        (["plain", ""], "ascii"),
        (["plain", "François", "€ \u201d"], "latin1"),
        (["\x81\x9d"], "latin1"),
        (["François", "łódź", "é"], "utf8mb3"),
        (["\u0100"], "utf8mb3"),
        (["\uffff"], "utf8mb3"),
        (["łódź", "😀", "a"], "utf8mb4"),
    ],
)
def test_the_smallest_charset_that_holds_all(texts: list[str], charset: str) -> None:
    assert smallest(texts) == charset


@pytest.mark.parametrize(
    ("content", "charset", "fits"),
    [
        ("latin1", "latin1", True),
        ("utf8mb3", "latin1", False),
        ("utf8mb4", "utf8mb3", False),
        ("latin1", "ascii", False),
        ("utf8mb4", "utf8mb4", True),
        ("ascii", "cp1250", True),
        ("latin1", "cp1250", False),
    ],
)
def test_what_fits(content: str, charset: str, fits: bool) -> None:
    master = {"user_pool.name": column("utf8mb4", content), "vdc_pool.name": column("utf8mb4", "utf8mb4")}
    assert too_small({"user_pool.name": column(charset)}, master) == ([] if fits else ["user_pool.name"])


def test_the_same_charset_fits_whatever_it_is() -> None:
    assert too_small({"acl.x": column("cp1250")}, {"acl.x": column("cp1250", "utf8mb3")}) == []


def test_collations_count_for_names_only() -> None:
    mine = {"user_pool.name": column("utf8mb4"), "user_pool.body": column("utf8mb4")}
    theirs = {name: column("utf8mb4", collation="utf8mb4_bin") for name in mine}
    assert differing(mine, theirs) == ["user_pool.name"]
    assert conversion(["user_pool.name"], theirs, "utf8mb4") == (
        "ALTER TABLE user_pool CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;"
    )


def test_each_database_is_told_its_own_statements() -> None:
    mine = {"user_pool.name": column("latin1"), "acl.x": column("utf8mb4"), "vdc_pool.name": column("utf8mb4")}
    theirs = {"user_pool.name": column("utf8mb4"), "acl.x": column("latin1"), "vdc_pool.name": column("utf8mb4")}
    found = differences(mine, theirs, "utf8mb4")
    assert found is not None
    assert found.columns == "acl.x, user_pool.name"
    assert found.statements == (
        "Stop oned there and execute in its database: ALTER TABLE user_pool CONVERT TO CHARACTER SET utf8mb4 COLLATE "
        "utf8mb4_general_ci; Stop oned of the master and execute in its database: ALTER TABLE acl CONVERT TO CHARACTER "
        "SET utf8mb4;"
    )
    assert differences(mine, mine, "utf8mb4") is None
