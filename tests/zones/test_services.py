# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What federate.yml does for the companions of oned: FireEdge's key and zone, and their endpoints in the records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from .lab import Federation, Zone, extra

OWN = {"id": 0, "name": "OpenNebula", "endpoint": "http://localhost:2633/RPC2"}
CONF = """\
log: prod

# Local zone in a Federation setup
default_zone:
  id: 0
  name: 'OpenNebula'
  endpoint: 'http://localhost:2633/RPC2'  # ours

auth: 'opennebula'
"""


def fireedge(zone: Zone) -> Path:
    """As the package and the first start of FireEdge leave it."""
    conf = zone.location / "etc/fireedge-server.conf"
    conf.write_text(CONF)
    (zone.location / "var/.one/fireedge_key").write_text(f"KEY-OF-{zone.host}")
    return conf


def seen(zone: Zone) -> tuple[dict[str, Any], str]:
    text = (zone.location / "etc/fireedge-server.conf").read_text()
    assert text.count("# ") == CONF.count("# ")
    return yaml.safe_load(text)["default_zone"], (zone.location / "var/.one/fireedge_key").read_text()


@pytest.fixture
def shown(pair: Federation) -> Federation:
    """The pair with FireEdge in both zones, and a declared endpoint of OneFlow."""
    for zone in pair.zones.values():
        fireedge(zone)
    pair.variables["paris"]["zone_oneflow_endpoint"] = "http://192.0.2.31:2474/"
    return pair


def test_fireedge_of_a_slave_knows_its_zone_and_the_masters_key(shown: Federation) -> None:
    paris = shown["paris"]
    planned = shown.federate("--check", "--diff")
    run = shown.federate()
    assert planned.tasks("changed") == run.tasks("changed")
    assert seen(paris) == ({"id": 100, "name": "paris", "endpoint": paris.url}, "KEY-OF-madrid-1")
    assert seen(shown.master) == (OWN, "KEY-OF-madrid-1")
    record = "<ONEFLOW_ENDPOINT><![CDATA[http://192.0.2.31:2474/]]></ONEFLOW_ENDPOINT>"
    assert record in shown.master.call("one.zonepool.info")
    shown.assert_federated("paris")
    assert shown.federate().tasks("changed") == set()


@extra
def test_a_member_is_told_its_zone_again_without_a_restart(shown: Federation) -> None:
    shown.federate()
    paris, starts = shown["paris"], shown["paris"].log().count("Starting OpenNebula")
    fireedge(paris)
    (paris.location / "var/.one/fireedge_key").write_text("KEY-OF-madrid-1")
    shown.variables["paris"]["zone_oneflow_endpoint"] = "http://192.0.2.32:2474/"
    planned = shown.federate("--check", "--diff")
    run = shown.federate()
    assert planned.tasks("changed") == run.tasks("changed")
    assert {task.split(" : ")[1] for host, task in run.tasks("changed")} == {
        "Tell FireEdge its zone",
        "Update the records of member zones",
    }
    assert seen(paris)[0] == {"id": 100, "name": "paris", "endpoint": paris.url}
    assert "192.0.2.32:2474" in shown.master.call("one.zonepool.info")
    assert paris.log().count("Starting OpenNebula") == starts


@extra
def test_a_join_that_fails_gives_fireedge_back_what_it_had(shown: Federation) -> None:
    oned = shown["paris"].location / "bin/oned"
    oned.rename(oned.with_name("oned.real"))
    oned.write_text(
        f"#!/bin/sh\nif grep -q '\"SLAVE\"' '{shown['paris'].conf}'; then exit 255; fi\nexec '{oned}.real' \"$@\"\n"
    )
    oned.chmod(0o755)
    assert shown.run().code != 0
    assert seen(shown["paris"]) == (OWN, "KEY-OF-paris-1")
    assert (shown["paris"].location / "etc/fireedge-server.conf").read_text() == CONF


@extra
def test_a_file_of_fireedge_that_cannot_be_edited_keeps_no_zone_from_joining(shown: Federation) -> None:
    conf = shown["paris"].location / "etc/fireedge-server.conf"
    conf.write_text("default_zone: {id: 0}\n")
    run = shown.federate()
    assert "FireEdge keeps the default_zone of its own file" in run.output
    assert conf.read_text() == "default_zone: {id: 0}\n"
    shown.assert_federated("paris")
