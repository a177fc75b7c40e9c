# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A federation is the same after it went through Ansible, and has what the public variables declare."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from planned import declared

from ansible_collections.onefed.opennebula.plugins.plugin_utils._inventory.access_options import OPTIONS
from ansible_collections.onefed.opennebula.plugins.plugin_utils._inventory.variables import VARIABLES
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.declared import Federation, Settings, Zone
from ansible_collections.onefed.opennebula.plugins.plugin_utils._model.plain import plain


def test_a_federation_comes_back_from_ansible_as_it_was() -> None:
    vip = {"zone_vip": "192.0.2.30/24", "zone_vip_interface": "eth0"}
    shown = declared(**vip, zone_import=True, zone_import_overrides={"users": {"bob": "rename"}})
    federation = Federation.from_dict(json.loads(json.dumps(shown)))
    assert plain(federation) == shown
    assert federation.master_zone.is_master
    assert federation.zone_of("paris-1").import_
    assert federation.zones["paris"].floating is not None


@pytest.mark.parametrize("kind, scope", [(Settings, "federation"), (Zone, "zone")])
def test_every_public_variable_is_declared(kind: type, scope: str) -> None:
    secret = {*OPTIONS, "zone_administrators"}
    names = {one.name.removeprefix(f"{scope}_") for one in VARIABLES if one.scope == scope and one.name not in secret}
    assert names - {field.name.rstrip("_") for field in fields(kind)} == set()
