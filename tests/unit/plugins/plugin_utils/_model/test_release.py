# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How releases and versions of packages are read and compared."""

from __future__ import annotations

import pytest

from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.release import (
    database_version,
    edition_of,
    is_release,
    numbers,
    release_of,
    supports,
    within,
)


def test_a_release_has_two_to_four_numbers() -> None:
    assert all(map(is_release, ("7.4", "7.4.0", "6.10.0.1", "7.4.*", "7.4.0-1.ce", "7.4.0*")))
    assert not any(map(is_release, ("", "7", "7.x", "7.4.0.1.2", " 7.4", "7.4\n")))


def test_releases_are_compared_as_numbers() -> None:
    assert numbers("6.10.0") > numbers("6.8.3")
    assert numbers(None) == numbers("next") == ()


def test_a_target_stands_for_all_releases_that_begin_with_it() -> None:
    assert within("7.4.1", "7.4")
    assert within("6.10.0.1", "6.10.0")
    assert not within("7.40.0", "7.4")
    assert not within("7.4", "7.4.0")
    assert not within("7.4", None)


@pytest.mark.parametrize(
    ("package", "release", "edition"),
    [
        ("7.4.0-1", "7.4.0", None),
        ("1:7.4.0-1", "7.4.0", None),
        ("6.10.0.1-1.ce", "6.10.0.1", "community"),
        ("6.10.4-1.ee.el9", "6.10.4", "enterprise"),
        ("7.4.0-1+ee", "7.4.0", "enterprise"),
        ("7.4.0-1.fc40", "7.4.0", None),
        (None, None, None),
    ],
)
def test_versions_of_packages_tell_release_and_edition(package: str, release: str, edition: str) -> None:
    assert (release_of(package), edition_of(package)) == (release, edition)


def test_tables_have_the_version_of_the_minor_release() -> None:
    assert (database_version("6.10.0.1"), database_version("7.4")) == ("6.10.0", "7.4.0")
    assert database_version("8.0") is None


@pytest.mark.parametrize(
    ("target", "distribution", "version", "supported"),
    [
        ("7.4", "debian", "11", False),
        ("7.0", "debian", "11", True),
        ("7.2", "debian", "10", False),
        ("7.4", "ubuntu", "20.04", False),
        ("7.4", "ubuntu", "26.04", True),
        ("8.0", "rhel", "8.10", False),
        ("7.4", "arch", "", True),
        ("6.10", "debian", "9", True),
        ("7.4", "debian", "", True),
    ],
)
def test_distributions_are_refused_that_are_older_than_those_with_packages(
    target: str, distribution: str, version: str, supported: bool
) -> None:
    assert supports(target, distribution, version) is supported
