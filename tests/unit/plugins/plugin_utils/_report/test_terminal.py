# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest
from ansible.plugins.loader import filter_loader
from observed import federation, server, zone

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import printable, printable_lines, quoted
from ansible_collections.onefed.opennebula.plugins.module_utils._health.health import health as health_of
from ansible_collections.onefed.opennebula.plugins.plugin_utils._report.terminal import for_terminal

HOSTILE = "paris\x1b[2J\x9b31m\u202e\u2028\r all is well"
TEMPLATE = Path(__file__).parents[5] / "roles" / "status" / "templates" / "status.html.j2"


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


def test_the_page_escapes_what_zones_call_themselves() -> None:
    name = "<script>alert('1')</script>&\""
    hostile = zone(100, name, server(name, 31, 100, version=name, mode=name, raft_state=name, endpoint=name))
    hostile["endpoint"] = name
    health = {"federation": health_of(federation(zone(0, "madrid", server("madrid", 11, 0)), hostile))}
    environment = jinja2.Environment(autoescape=False)  # noqa: S701 - as Ansible's
    environment.filters["flatten"] = filter_loader.get("ansible.builtin.flatten").j2_function
    page = environment.from_string(TEMPLATE.read_text()).render(onefed_health=health, onefed_topology={"group": name})
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 5


@pytest.mark.parametrize("name", ["plan", "report", "resync", "rotation"])
def test_every_filter_whose_texts_are_shown_makes_them_fit(name: str) -> None:
    source = Path(__file__).parents[5] / "plugins" / "filter" / f"{name}.py"
    assert "return for_terminal(" in source.read_text()
