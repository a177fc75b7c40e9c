# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of the database pass their options on and return what they document."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml

from ansible_collections.onefed.opennebula.plugins.module_utils._argspec import FRONTEND
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.modules import (
    database_backup,
    database_info,
    database_repair,
    database_restore,
    federated_backup,
    federated_restore,
)


def run(module: ModuleType, location: Path, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    """Call the module's function as main() does, with the defaults of its documentation."""
    documented = yaml.safe_load(module.DOCUMENTATION)["options"] if "options:" in module.DOCUMENTATION else {}
    params = {name: option.get("default") for name, option in {**FRONTEND, **documented}.items()}
    params.update(oned_location=str(location), **options)
    function = getattr(module, module.__name__.rsplit(".", 1)[1])
    return function(SimpleNamespace(params=params, check_mode=check_mode), Frontend.from_params(params))


def documented(returned: Any) -> Any:
    """The keys a RETURN section promises, with those below them."""
    return {key: documented(value.get("contains", {})) for key, value in returned.items()}


def promised(module: ModuleType) -> Any:
    return documented(yaml.safe_load(module.RETURN))


def keys(value: Any, promise: Any) -> Any:
    """The keys of a result, as deep as the promise goes."""
    if isinstance(value, list):
        value = value[0] if value else {}
    return {key: keys(value[key], promise.get(key)) if promise.get(key) else {} for key in value}


def test_database_info_returns_what_it_documents(location: Path) -> None:
    result = run(database_info, location)
    assert result.pop("changed") is False
    assert keys(result, promised(database_info)) == promised(database_info)
    assert result["database"]["own"]["users"] == ["ada"]


def test_database_backup_returns_what_it_documents(location: Path, tmp_path: Path) -> None:
    result = run(database_backup, location, dest=str(tmp_path / "copy.db"))
    assert result.pop("changed") is True
    promise = promised(database_backup)
    del promise["controller_path"]  # the action plugin's
    assert keys(result, promise) == promise


def test_database_restore_returns_what_it_documents(location: Path, tmp_path: Path, master_db: Any) -> None:
    copy = str(tmp_path / "copy.db.gz")
    run(database_backup, location, dest=copy)
    before = master_db.content()
    master_db.execute("DELETE FROM user_pool")
    result = run(database_restore, location, src=copy)
    assert result.pop("changed") is True
    assert result.keys() == promised(database_restore).keys()
    assert (result["rows"]["user_pool"], result["database"]) == (3, str(master_db.path))
    assert master_db.content() == before


def test_federated_backup_returns_what_it_documents(location: Path) -> None:
    result = run(federated_backup, location)
    assert result.pop("changed") is True
    promise = promised(federated_backup)
    del promise["controller_path"]  # the action plugin's
    assert keys(result, promise) == promise
    assert (result["snapshot"]["kind"], result["snapshot"]["tables"]["logdb"]["rows"]) == ("slave", 4)


@pytest.mark.parametrize(("records", "kind", "rows"), [("2", "slave", 2), ("all", "undo", 6)])
def test_federated_backup_takes_as_many_records_as_asked(location: Path, records: str, kind: str, rows: int) -> None:
    snapshot = run(federated_backup, location, records=records)["snapshot"]
    assert (snapshot["kind"], snapshot["tables"]["logdb"]["rows"]) == (kind, rows)


def test_federated_restore_returns_what_it_documents(location: Path) -> None:
    taken = run(federated_backup, location, records="all")
    result = run(federated_restore, location, src=taken["dest"], zone_id=100)
    assert (result.pop("changed"), result["after"]["is_slave"]) == (True, True)
    assert result.pop("diff") == {"before": result["before"], "after": result["after"]}
    assert keys(result, promised(federated_restore)) == promised(federated_restore)
    assert run(federated_restore, location, src=taken["dest"], restore_as="source")["after"]["is_slave"] is False


def test_database_repair_returns_what_it_documents(location: Path, master_db: Any) -> None:
    master_db.execute("DROP INDEX applied_idx")
    result = run(database_repair, location, is_slave=True, log_keys=True, shared_pools=True)
    assert result.pop("changed") is True
    assert result.pop("diff") == {"before": result["before"], "after": result["after"]}
    assert keys(result, promised(database_repair)) == promised(database_repair)
    assert result["after"] == {"is_slave": True, "log_keys": True, "raft_log": True, "pool_control_behind": []}
