# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases of OpenNebula: how they compare, and which versions their databases have. Pure."""

from __future__ import annotations

import re

# Shared and local tables have the same version, that of the minor release; micro releases never change it.
_DATABASES = {(6, 4), (6, 6), (6, 8), (6, 10), (7, 0), (7, 2), (7, 4)}
# From here on OpenNebula's tree has the migrators from all releases before, in every edition.
_FIRST_WITH_MIGRATORS = (7, 0)
# The oldest release from which the migrators of that tree begin.
_OLDEST_MIGRATED = (5, 0)
# The oldest distributions, by ID of os-release, for which a release has packages, and those that followed it.
_DISTRIBUTIONS: dict[tuple[int, int], dict[str, tuple[int, ...]]] = {
    (7, 0): {"ubuntu": (22, 4), "debian": (11,), "rhel": (8,), "almalinux": (8,), "rocky": (8,)},
    (7, 4): {"ubuntu": (22, 4), "debian": (12,), "rhel": (9,), "almalinux": (9,), "rocky": (9,)},
}


def is_release(text: str) -> bool:
    """Whether a text names a minor release (7.4) or exactly one (7.4.0; maintenance releases have a fourth number).

    A pattern of package versions (7.4.0-1*) names its release.
    """
    return re.fullmatch(r"\d+\.\d+(\.\d+){0,2}(\.?\*|-[^\s]*)?", text) is not None


def numbers(release: str | None) -> tuple[int, ...]:
    """The numbers of a release, or of a package's version (1:7.4.0-1.ce); empty when there are none."""
    found = re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)", release or "")
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def release_of(package: str | None) -> str | None:
    """The release that a package's version is of: without epoch and revision."""
    return ".".join(map(str, numbers(package))) or None


def within(release: str | None, target: str | None) -> bool:
    """Whether a release is the target, or one of those that the target stands for: 7.4.1 is within 7.4."""
    wanted = numbers(target)
    return bool(wanted) and numbers(release)[: len(wanted)] == wanted


def minor(release: str | None) -> tuple[int, ...]:
    return numbers(release)[:2]


def database_version(release: str | None) -> str | None:
    """The version of the tables of a release; None when it is not known."""
    return f"{'.'.join(map(str, minor(release)))}.0" if minor(release) in _DATABASES else None


def edition_of(package: str | None) -> str | None:
    """The edition that a package's version tells, None when it tells none."""
    found = re.search(r"(?<![a-z0-9])(ce|ee)(?![a-z0-9])", package or "")
    return {"ce": "community", "ee": "enterprise"}[found[1]] if found else None


def has_migrators(stored: str | None, target: str, every_edition: bool) -> bool:
    """Whether the target's onedb migrates a database of version `stored`, as far as it is known.

    `every_edition` tells that only the migrators which every edition has are there. A target that is newer than this
    collection is taken to migrate from the newest release that had migrators.
    """
    if minor(stored) == minor(target):
        return True
    if minor(target) not in _DATABASES:
        return minor(stored) >= (6, 10)
    known = minor(stored) in _DATABASES or _OLDEST_MIGRATED <= minor(stored) < min(_DATABASES)
    return known and (minor(target) >= _FIRST_WITH_MIGRATORS or not every_edition)


def supports(target: str, distribution: str, version: str) -> bool:
    """Whether the target has packages for a distribution; true when it is not known."""
    listed = [oldest for release, oldest in sorted(_DISTRIBUTIONS.items()) if release <= minor(target)]
    oldest = listed[-1].get(distribution) if listed else None
    return oldest is None or not numbers(version) or numbers(version) >= oldest
