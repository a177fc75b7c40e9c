# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status page as text, and the history that it draws; tests/page looks at it in a browser."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

import observed
import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._health.health import health
from ansible_collections.onefed.opennebula.plugins.plugin_utils._report.history import MOST_RUNS, with_run
from ansible_collections.onefed.opennebula.plugins.plugin_utils._report.page import page

NOW = 1_700_000_000
PARIS = observed.zone(
    100,
    "paris",
    observed.member("paris-1", 31, 0, 100, "leader"),
    observed.member("paris-2", 32, 1, 100, index=500, first_index=500, log_index=37),
    observed.silent("paris-3", 33, id=2),
)


def state(*zones: dict[str, Any]) -> dict[str, Any]:
    return health(observed.federation(*zones), None, NOW, True)


def shown(text: str) -> str:
    """What is read on a page, as one line."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.S)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def test_the_page_tells_zones_servers_and_problems_in_words() -> None:
    federation = state(observed.zone(0, "madrid", observed.server("madrid", 11, 0)), PARIS)
    read = shown(page(federation, with_run("", federation, NOW), "eu"))
    for words in (
        "Federation eu needs attention Checked 2023-11-14 22:13 UTC",
        "madrid no problem The master: it replicates to all others. Id 0 Endpoint http://192.0.2.11:2633/RPC2",
        "paris-1 leader, index 512",
        "paris-2 follower, index 500, 12 behind the master, 3 records behind its leader",
        "paris-3 does not answer",
        "Error in paris / paris-3 No answer at http://192.0.2.33:2633/RPC2: it is refused.",
        "Code unreachable",
        "What to do:",
    ):
        assert words in read
    assert read.index("Error in paris") < read.index("Warning in paris")


def test_a_healthy_pair_has_no_problem() -> None:
    read = shown(page(state(), with_run("", state(), NOW), "federation"))
    assert "OpenNebula federation healthy" in read
    assert "Problems None." in read


def test_a_zone_of_its_own_follows_nobody() -> None:
    alone = observed.server("OpenNebula", 11, 0, mode="STANDALONE", index=None, federated_log="none")
    federation = state(observed.zone(0, "OpenNebula", alone))
    assert "It is in no federation." in shown(page(federation, with_run("", federation, NOW), "federation"))


def test_the_drawing_of_the_history_is_told_in_words() -> None:
    federation = state()
    text = ""
    for number, (index, lag) in enumerate(((500, 0), (505, 7), (512, 0))):
        server = federation["zones"][1]["servers"][0]
        server.update(index=index, lag=lag)
        text = json.dumps(with_run(text, federation, NOW + 300 * number))
    drawn = page(federation, json.loads(text), "federation")
    assert "Index 500 to 512 in 3 checks within 10 min, behind by up to 7 in 1 of them." in shown(drawn)
    charts = re.findall(r'<svg class="chart".*?</svg>', drawn)
    assert len(charts) == 2
    [line] = [one for one in ElementTree.fromstring(charts[1]) if one.tag == "polyline"]
    assert line.get("points") == "0.0,40.0 150.0,25.0 300.0,4.0"


def test_the_history_is_bounded_and_keeps_the_newest() -> None:
    text = ""
    for number in range(MOST_RUNS + 5):
        text = json.dumps(with_run(text, state(), NOW + number))
    runs = json.loads(text)
    assert (len(runs), runs[0]["time"], runs[-1]["time"]) == (MOST_RUNS, NOW + 5, NOW + MOST_RUNS + 4)
    assert runs[-1]["zones"] == {name: {"index": observed.INDEX, "lag": 0} for name in ("madrid", "paris")}


@pytest.mark.parametrize(
    "text",
    ["", "{", "{}", "[1, null]", '[{"time": "x", "zones": {}}]', '[{"time": 1, "zones": {"a": {"index": "x"}}}]'],
)
def test_what_is_no_history_begins_a_new_one(text: str) -> None:
    assert [run["time"] for run in with_run(text, state(), NOW)] == [NOW]


def test_a_clock_that_was_set_back_leaves_the_history_in_order() -> None:
    text = json.dumps(with_run("", state(), NOW + 60))
    assert [run["time"] for run in with_run(text, state(), NOW)] == [NOW]


def test_everything_that_members_say_is_escaped() -> None:
    hostile = "<script>alert(1)</script>&\"'"
    said = {key: hostile for key in ("version", "mode", "raft_state", "endpoint")}
    zone = observed.zone(100, hostile, observed.server(hostile, 31, 100, **said))
    federation = state(observed.zone(0, "madrid", observed.server("madrid", 11, 0)), zone)
    text = page(federation, with_run("", federation, NOW), hostile)
    assert text.count("<script") == 1, "the page's own"
    assert text.count("&lt;script&gt;") > 5
