# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import printable, printable_lines, quoted
from ansible_collections.onefed.opennebula.plugins.plugin_utils._report.terminal import for_terminal

HOSTILE = "paris\x1b[2J\x9b31m\u202e\u2028\r all is well"


def test_what_is_fit_to_show_stays_as_it_is() -> None:
    assert printable("Zone «Paris», 漢字 – ü") == "Zone «Paris», 漢字 – ü"
    assert printable_lines("one\n  two") == "one\n  two"
    made = {"text": ["one\ntwo"], "errors": [], "zones": {"a": 1}}
    assert for_terminal(made) == made


def test_what_would_move_the_cursor_is_written_out() -> None:
    assert printable(HOSTILE) == r"paris\x1b[2J\x9b31m\u202e\u2028\r all is well"
    made = for_terminal({"text": [HOSTILE], "undone": [f"a\n{HOSTILE}"], "zones": {"name": HOSTILE}})
    assert made["zones"] == {"name": HOSTILE}
    assert all(line.isprintable() for text in made["text"] + made["undone"] for line in text.split("\n"))


def test_a_long_text_of_a_server_is_cut() -> None:
    assert quoted("x" * 5000) == "x" * 2000 + " [5000 characters]"


@pytest.mark.parametrize("name", ["plan", "report", "resync", "rotation"])
def test_every_filter_whose_texts_are_shown_makes_them_fit(name: str) -> None:
    source = Path(__file__).parents[5] / "plugins" / "filter" / f"{name}.py"
    assert "return for_terminal(" in source.read_text()
