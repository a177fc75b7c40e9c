# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The emulated tools read oned.conf as OpenNebula's lens does, as augtool has told."""

from __future__ import annotations

from onedemu.tools import lens

from tests.tools.lens_recording import recorded

NAMES = ("DB", "A", "LOG")


def test_sections_are_those_of_the_lens() -> None:
    found = recorded()
    assert len(found) > 1000
    wrong = []
    for text, tree in found.items():
        for name in NAMES:
            theirs = (
                None if tree is None else [value for one, value in tree if one == name and not isinstance(value, str)]
            )
            if lens.sections(text, name) != theirs:
                wrong.append((text, name, lens.sections(text, name), theirs))
    assert wrong == []
