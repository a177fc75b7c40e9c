# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of a host: what module frontend_info documents, and the questions that are asked of it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import yaml
from planned import MASTER_URL, federated, frontend, host_facts, zone

from ansible_collections.onefed.opennebula.plugins.modules import (
    database_info,
    frontend_info,
    join_journal,
    upgrade_info,
    upgrade_journal,
)
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.database import Database
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.facts import Frontend, HostFacts
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.host import Disk
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.journal import Journal
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.oned import Api, Conf, Service
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.upgrade import (
    PUT_BACK,
    ROLLED_BACK,
    STEPS,
    ConfigTool,
    Distribution,
    Machine,
    UpgradeInfo,
    UpgradeJournal,
    Versions,
)


def documented(module: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(module.RETURN)[name]["contains"]
    return found


FRONTEND = documented(frontend_info, "frontend")
UPGRADE = documented(upgrade_info, "upgrade")


@pytest.mark.parametrize(
    "kind, keys, more",
    [
        (Frontend, set(FRONTEND), {"unread"}),
        (Conf, set(FRONTEND["conf"]["contains"]), set()),
        (Service, set(FRONTEND["service"]["contains"]), set()),
        (Api, set(FRONTEND["api"]["contains"]), set()),
        (Journal, set(documented(join_journal, "journal")), set()),
        (UpgradeJournal, set(documented(upgrade_journal, "journal")), set()),
        (UpgradeInfo, set(UPGRADE), set()),
        (Versions, set(UPGRADE["stored"]["contains"]), set()),
        (Machine, set(UPGRADE["machines"]["contains"]), set()),
        (Distribution, set(UPGRADE["distribution"]["contains"]), set()),
        (ConfigTool, set(UPGRADE["onecfg"]["contains"]), set()),
        (Disk, set(UPGRADE["disk"]["contains"]), set()),
        (
            Database,
            set(documented(database_info, "database")),
            {"error", "driver_missing", "isolation", "galera", "dump_program"},
        ),
    ],
)
def test_facts_are_called_as_the_modules_document_them(kind: type, keys: set[str], more: set[str]) -> None:
    assert {field.name for field in fields(kind)} - keys == more


def test_an_upgrade_has_the_steps_that_its_journal_knows() -> None:
    assert (*STEPS, ROLLED_BACK, PUT_BACK) == upgrade_journal.STEPS


def test_a_part_that_could_not_be_read_is_empty_and_told() -> None:
    found = Frontend.from_plain({**frontend(), "addresses": {"error": "no ip"}, "journal": {"error": "it is cut"}})
    assert (found.addresses, found.journal) == ((), None)
    assert found.unread == {"addresses": "no ip", "journal": "it is cut"}


def test_a_host_that_was_not_reached_has_no_front_end() -> None:
    with pytest.raises(LookupError, match="no route"):
        HostFacts(unreachable="no route").frontend  # noqa: B018


def test_zones_of_a_stopped_oned_are_those_of_its_database() -> None:
    found = frontend()
    found["api"]["zones"] = None
    [record] = host_facts({"frontend": found}).frontend.zones
    assert (record.id, record.name, record.template) == (0, "OpenNebula", {})


@pytest.mark.parametrize(
    "changes, alone",
    [
        ({}, True),
        ({"service": {"state": "stopped"}}, False),
        ({"api": {"state": "refused"}}, False),
    ],
)
def test_a_zone_that_is_standalone_and_answers_lives_alone(changes: dict[str, Any], alone: bool) -> None:
    found = Frontend.from_plain({**frontend(), **changes})
    assert found.lives_alone is alone


def test_a_slave_follows_the_master_that_it_names_or_whose_zones_it_has() -> None:
    master, paris = federated()
    theirs = Frontend.from_plain(master)
    assert Frontend.from_plain(paris).follows(theirs, [MASTER_URL])
    assert Frontend.from_plain(paris).follows(theirs, ["http://192.0.2.99:2633/RPC2"])
    paris["api"]["zones"] = [*paris["api"]["zones"][:1], zone(100, "paris", "http://192.0.2.77:2633/RPC2")]
    assert not Frontend.from_plain(paris).follows(theirs, ["http://192.0.2.99:2633/RPC2"])
