# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions are compared by their numbers."""

from __future__ import annotations

from ansible_collections.onefed.opennebula.plugins.module_utils._versions import numbers


def test_numbers_count_not_characters() -> None:
    assert numbers("7.10.0-1.el9") == [7, 10, 0, 1, 9]
    assert numbers("7.4.0") < numbers("7.10.0") < numbers("7.10.0-1") < numbers("7.10.0-2")
    assert numbers("unknown") == []
