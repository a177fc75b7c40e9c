# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from observed import INDEX, description, federation, member, server, silent, with_paris, zone

from ansible_collections.onefed.opennebula.plugins.module_utils._health.health import health
from ansible_collections.onefed.opennebula.plugins.module_utils._health.text import status_text


def test_a_healthy_federation_is_a_table_and_a_verdict() -> None:
    assert status_text(health(federation())) == [
        "ZONE     ID  SERVER  ENDPOINT                     VERSION  MODE    STATE  INDEX  LAG  DATA",
        "madrid    0  madrid  http://192.0.2.11:2633/RPC2  7.4.0    MASTER  solo     512    0  -",
        "paris   100  paris   http://192.0.2.31:2633/RPC2  7.4.0    SLAVE   solo     512    0  -",
        "",
        "The federation is healthy: no errors, no warnings. Tables were not compared.",
    ]


def test_errors_come_before_warnings_each_with_its_remedy() -> None:
    stock = zone(0, "madrid", server("madrid", 11, 0), endpoint_grpc="localhost:2634")
    lines = status_text(health(federation(stock, zone(100, "paris", silent("paris-1", 31)))))
    assert lines[2] == "paris   100  paris-1  http://192.0.2.31:2633/RPC2  -        -       unreachable      -    -  -"
    assert lines[4] == "The federation is not healthy: 1 error, 1 warning. Tables were not compared."
    assert lines[5].startswith("ERROR unreachable (paris, paris-1): No answer at http://192.0.2.31:2633/RPC2")
    assert lines[6].startswith("    Start oned there")
    assert lines[7].startswith("WARNING stock_grpc_endpoint (madrid): ")
    assert len(lines) == 9


def test_an_empty_log_is_not_shown_as_a_number() -> None:
    lines = status_text(health(with_paris(index=None, first_index=None, federated_log="empty")))
    assert " empty " in lines[2]
    lines = status_text(health(with_paris(mode="STANDALONE", index=None, first_index=None, federated_log="none")))
    assert " none " in lines[2]


def test_the_comparison_of_the_data_is_shown() -> None:
    def last_words(slave: dict[str, object]) -> list[str]:
        databases = {"madrid": {"m": description(False)}, "paris": {"p": slave}}
        return [line.split()[-1] for line in status_text(health(federation(), databases))[1:3]]

    assert last_words(description(True)) == ["reference", "equal"]
    assert last_words(description(True, tables={})) == ["reference", "differs"]
    assert last_words(description(True, log_last_federated_index=INDEX - 1)) == ["reference", "-"]


def test_a_highly_available_zone_shows_its_log_and_who_has_its_address() -> None:
    servers = [member("p1", 31, 0, 100, "leader"), member("p2", 32, 1, 100, log_index=38), silent("p3", 33, id=2)]
    paris = {"name": "paris", "endpoint": "http://192.0.2.31:2633/RPC2", "address": "192.0.2.30", "vip_holders": ["p1"]}
    hosts = {f"p{number}": f"http://192.0.2.3{number}:2633/RPC2" for number in (1, 2, 3)}
    observation = federation(zone(0, "madrid", server("madrid", 11, 0)), zone(100, "paris", *servers))
    lines = status_text(health(observation, declared=[{**paris, "servers": hosts, "unread": ["p3"]}]))
    assert [line[59:] for line in lines[:5]] == [
        "MODE    STATE        TERM  LOG  BEHIND  ADDRESS     INDEX  LAG  DATA",
        "MASTER  solo            0    -       -  -             512    0  -",
        "SLAVE   leader          3   40       0  192.0.2.30    512    0  -",
        "SLAVE   follower        3   38       2  -             512    0  -",
        "-       unreachable     -    -       -  unknown         -    -  -",
    ]
