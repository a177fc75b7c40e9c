# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which names OpenNebula gives its objects, by object and release. Pure.

From its source, 6.10 to 7.4: PoolObjectSQL::name_is_valid in src/pool/PoolObjectSQL.cc, with what src/um/User.cc and
src/group/Group.cc add for new users and groups (UserPool.cc and GroupPool.cc pass it on; VdcPool.cc and ZonePool.cc
add nothing, and a rename never does). Marketplaces that another zone sends (one.market.allocatedb) are not checked.
"""

from __future__ import annotations

import re

from .._api.transport import NOT_XML
from .._errors import OnefedError

USER, GROUP, VDC, ZONE, MARKETPLACE = "user", "group", "VDC", "zone", "marketplace"
LENGTH = 128  # bytes
_ALWAYS = "&|:\\\";/'#{}$<>"
_CONTROLS = "\t\n\v\f\r"
# (kind or None for all, first release, characters)
_RULES: tuple[tuple[str | None, tuple[int, int], str], ...] = (
    (None, (0, 0), _ALWAYS),
    (USER, (0, 0), " " + _CONTROLS),
    (None, (7, 0), _CONTROLS),
    (GROUP, (7, 2), " "),
)
# Of an OpenNebula of which the release is not known, only what all releases refuse is refused.
_ANY = (0, 0)


def forbidden(kind: str, release: str | None = None) -> str:
    """The characters that this release (such as "7.4.0") refuses in names of a kind."""
    since = _minor(release)
    return "".join(characters for what, first, characters in _RULES if what in (None, kind) and first <= since)


def name_fault(kind: str, name: str, release: str | None = None) -> str:
    """What is wrong with a name as the end of a sentence that begins with it, "" if OpenNebula takes it as it is."""
    found = sorted(set(name) & set(forbidden(kind, release)))
    if found:
        return f"holds {' '.join(map(repr, found))}, which OpenNebula{_of(release)} refuses"
    if NOT_XML.search(name):
        return "holds a character that XML does not allow"
    if not name or name != name.strip():
        return "is empty, or begins or ends with a blank"
    if len(name.encode()) > LENGTH:
        return f"is longer than OpenNebula's {LENGTH} bytes"
    return ""


def check_name(kind: str, name: str, release: str | None = None) -> None:
    """Refuse a name that OpenNebula refuses, or would not keep as it is. Raises OnefedError."""
    fault = name_fault(kind, name, release)
    if fault:
        raise OnefedError(f"The {kind} name {name!r} {fault}.")


def differs(kind: str, name: str) -> bool:
    """Whether it depends on the release if a name is refused."""
    somewhere = {each for what, _first, some in _RULES if what in (None, kind) for each in some}
    return bool(set(name) & (somewhere - set(forbidden(kind))))


def accepted(kind: str, name: str, release: str | None = None) -> str:
    """A name like `name` that OpenNebula takes, to suggest; it may be taken already."""
    refused = set(forbidden(kind, release))
    kept = "".join("_" if each in refused or NOT_XML.match(each) else each for each in name.strip())
    return kept.encode()[:LENGTH].decode(errors="ignore").strip() or f"{kind.lower()}_1"


def _minor(release: str | None) -> tuple[int, int]:
    numbers = re.match(r"(\d+)\.(\d+)", release or "")
    return (int(numbers[1]), int(numbers[2])) if numbers else _ANY


def _of(release: str | None) -> str:
    return f" {release}" if release else ""
