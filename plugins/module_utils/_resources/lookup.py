# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which of the objects that there are an option names, and which of them nobody may delete. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .._errors import OnefedError

# What has an id below is OpenNebula's own and cannot be deleted.
FIRST_OWN_ID = 100


class Named(Protocol):
    """What the options of a module name: an object by its id, by its name, or by both."""

    @property
    def name(self) -> str | None: ...

    @property
    def id(self) -> int | None: ...


def find(objects: Sequence[Mapping[str, Any]], wanted: Named) -> dict[str, Any] | None:
    """The object that is wanted: by id, else by name."""
    for each in objects:
        if each["id"] == wanted.id if wanted.id is not None else each["name"] == wanted.name:
            return dict(each)
    return None


def refuse_rename(kind: str, found: Mapping[str, Any] | None, wanted: Named) -> None:
    """Raise OnefedError when an object of a kind that OpenNebula cannot rename was to have another name."""
    if found is not None:
        _refuse_other_name(kind, found, wanted, f"OpenNebula renames no {kind}s")


def refuse_other_name(kind: str, found: Mapping[str, Any], wanted: Named) -> None:
    """Raise OnefedError when an object that is to be deleted has another name than was given."""
    _refuse_other_name(kind, found, wanted, "was not deleted")


def _refuse_other_name(kind: str, found: Mapping[str, Any], wanted: Named, why: str) -> None:
    if wanted.name is not None and found["name"] != wanted.name:
        raise OnefedError(
            f'{kind[0].upper()}{kind[1:]} {found["id"]} is called "{found["name"]}", not "{wanted.name}", and {why}. '
            "Correct id or name."
        )


def refuse_own(kind: str, found: Mapping[str, Any], instead: str = "") -> None:
    """Raise OnefedError for an object that OpenNebula keeps. `instead` is what can be done with it."""
    if found["id"] < FIRST_OWN_ID:
        raise OnefedError(
            f'The {kind} "{found["name"]}" has id {found["id"]} and cannot be deleted: ids below {FIRST_OWN_ID} are '
            f"OpenNebula's own.{instead}"
        )
