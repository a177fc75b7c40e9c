# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus and Grafana are given: metrics, alert rules and a dashboard, judged by promtool."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import observed
import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._health.health import health
from ansible_collections.onefed.opennebula.plugins.plugin_utils._report.metrics import metrics_text

ROOT = Path(__file__).resolve().parents[3]
FILES = ROOT / "roles/status/files"
NOW = 1_700_000_000.7
# The databases of the healthy pair.
PAIR = {
    "madrid": {"madrid-1": observed.description(slave=False)},
    "paris": {"paris-1": observed.description(slave=True)},
}


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if not found:
        pytest.skip("promtool is missing: Debian has it in package prometheus")
    return found


def run(program: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], input=given, capture_output=True, text=True, timeout=60, check=False)


def state(*zones: dict[str, Any], databases: dict[str, Any] | None = None) -> dict[str, Any]:
    return health(observed.federation(*zones), databases, NOW, True)


def of_three() -> dict[str, Any]:
    """A master, and a zone of three of which one does not answer and one is behind its leader."""
    paris = observed.zone(
        100,
        'pa"ris\\\n',
        observed.member("paris-1", 31, 0, 100, "leader"),
        observed.member("paris-2", 32, 1, 100, log_index=37),
        observed.silent("paris-3", 33, id=2),
    )
    return state(observed.zone(0, "madrid", observed.server("madrid", 11, 0)), paris)


def samples(text: str) -> dict[str, float]:
    return {name: float(value) for name, _space, value in (line.rpartition(" ") for line in text.splitlines())}


def test_a_healthy_pair_is_told_number_by_number() -> None:
    text = metrics_text(state(databases=PAIR), "eu", NOW)
    found = samples("\n".join(line for line in text.splitlines() if not line.startswith("#")))
    paris = 'federation="eu",zone="paris"'
    server = f'{paris},server="paris",server_id="-1"'
    assert found['onefed_check_timestamp_seconds{federation="eu"}'] == 1_700_000_000
    assert found['onefed_healthy{federation="eu"}'] == 1
    assert found['onefed_tables_compared{federation="eu"}'] == 1
    assert found[f'onefed_zone_info{{{paris},id="100",role="slave",endpoint="http://192.0.2.31:2633/RPC2"}}'] == 1
    assert found[f"onefed_zone_up{{{paris}}}"] == 1
    assert found[f'onefed_zone_problems{{{paris},severity="error"}}'] == 0
    assert found[f"onefed_server_up{{{server}}}"] == 1
    assert found[f"onefed_server_leader{{{server}}}"] == 1
    assert found[f"onefed_federated_index{{{server}}}"] == observed.INDEX
    assert found[f"onefed_federated_index_lag{{{server}}}"] == 0
    assert found[f"onefed_tables_equal{{{server}}}"] == 1
    assert [name for name in found if "certificate" in name] == [], "without TLS there is none"
    assert [name for name in found if "log" in name or name.startswith("onefed_problems")] == []


def with_certificate() -> dict[str, Any]:
    """A master that shows a certificate which ends soon."""
    certificate = {"serial": "2F5A", "not_after": "2026-05-03T12:00:00Z", "days_left": 12, "protocol": "TLSv1.3"}
    return state(observed.zone(0, "madrid", {**observed.server("madrid", 11, 0), "certificate": certificate}))


def test_certificates_tell_for_how_long_they_are_valid() -> None:
    text = metrics_text(with_certificate(), "eu", NOW)
    server = 'federation="eu",zone="madrid",server="madrid",server_id="-1"'
    assert f"onefed_certificate_valid_seconds{{{server}}} 1036800\n" in text


def test_what_is_wrong_is_told_and_what_is_not_known_has_no_sample() -> None:
    text = metrics_text(of_three(), "federation", NOW)
    paris = r'federation="federation",zone="pa\"ris\\\n"'
    found = samples("\n".join(line for line in text.splitlines() if not line.startswith("#")))
    assert found['onefed_healthy{federation="federation"}'] == 0
    assert found[f"onefed_zone_up{{{paris}}}"] == 1
    ups = [found[f'onefed_server_up{{{paris},server="paris-{n}",server_id="{n - 1}"}}'] for n in (1, 2, 3)]
    assert ups == [1, 1, 0]
    assert found[f'onefed_raft_log_lag{{{paris},server="paris-2",server_id="1"}}'] == 3
    assert f'onefed_federated_index{{{paris},server="paris-3",server_id="2"}}' not in found
    codes = {re.findall(r'code="(\w+)"', name)[0] for name in found if name.startswith("onefed_problems")}
    assert "unreachable" in codes


def test_prometheus_takes_the_metrics(promtool: str) -> None:
    for federation in (state(), of_three(), with_certificate()):
        ended = run(promtool, "check", "metrics", given=metrics_text(federation, "eu", NOW))
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_prometheus_takes_the_alert_rules_and_they_tell_what_they_should(promtool: str, tmp_path: Path) -> None:
    shutil.copy(FILES / "alerts.yml", tmp_path)
    shutil.copy(ROOT / "tests/unit/fixtures/alerts_test.yml", tmp_path)
    checked = run(promtool, "check", "rules", str(tmp_path / "alerts.yml"))
    assert checked.returncode == 0, checked.stderr
    tested = run(promtool, "test", "rules", str(tmp_path / "alerts_test.yml"))
    assert tested.returncode == 0, tested.stdout + tested.stderr


def named(text: str) -> set[str]:
    return set(re.findall(r"\bonefed_[a-z_]+\b", text))


def expressions(value: Any) -> Iterator[str]:
    """All queries of a dashboard."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if key in ("expr", "query") and isinstance(item, str):
            yield item
        yield from expressions(item)


def test_the_dashboard_and_the_rules_ask_for_metrics_that_there_are(promtool: str, tmp_path: Path) -> None:
    states = (of_three(), state(databases=PAIR), with_certificate())
    made = named("".join(metrics_text(one, "eu", NOW) for one in states))
    dashboard = json.loads((FILES / "dashboard.json").read_text())
    asked = [one for one in expressions(dashboard) if "onefed_" in one]
    assert len(asked) > 8
    assert named("\n".join(asked)) <= made
    assert named((FILES / "alerts.yml").read_text()) <= made
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    # promtool of Debian 12 parses an expression in a rule only.
    rules = [
        {"record": f"panel:{number}", "expr": one.replace("$federation", "eu")}
        for number, one in enumerate(asked)
        if not one.startswith("label_values")
    ]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    checked = run(promtool, "check", "rules", str(tmp_path / "rules.yml"))
    assert checked.returncode == 0, checked.stderr
