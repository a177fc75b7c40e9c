# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of the front-end's files and service pass their options on and return what they document."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

CONF = 'LISTEN_ADDRESS = "127.0.0.1"\nPORT = 1\nDB = [ BACKEND = "sqlite", PASSWD = "db-secret" ]\n'
ZONE = {
    "zone_name": "paris",
    "zone_endpoint": "http://192.0.2.31:2633/RPC2",
    "zone_existed": False,
    "master_endpoint": "http://192.0.2.11:2633/RPC2",
}


@pytest.fixture
def here(location: Path) -> dict[str, str]:
    """The option that names a stopped front-end."""
    (location / "etc/oned.conf").write_text(CONF)
    (location / "var/.one").mkdir()
    (location / "var/.one/one_auth").write_text("oneadmin:own")
    return {"oned_location": str(location)}


def documented(name: str) -> Any:
    """The keys that a module's RETURN promises, with those below them."""

    def keys(returned: Any) -> Any:
        return {key: keys(value.get("contains", {})) for key, value in returned.items()}

    return keys(yaml.safe_load(import_module(f"ansible_collections.onefed.opennebula.plugins.modules.{name}").RETURN))


def shape(value: Any, promise: Any) -> Any:
    """The keys of a result, as deep as the promise goes; an empty list or null keeps every promise."""
    if not value:
        return promise
    if isinstance(value, list):
        return shape(value[0], promise)
    return {key: shape(item, promise[key]) if promise.get(key) else {} for key, item in value.items()}


def returned(result: dict[str, Any], name: str) -> Any:
    """The shape of what a module returned, without what Ansible adds to every result."""
    promise = documented(name)
    return shape({key: value for key, value in result.items() if key in promise}, promise)


def test_frontend_info_returns_what_it_documents(run_module: Any, here: dict[str, str]) -> None:
    result = run_module("frontend_info", probe_endpoints=["http://127.0.0.1:1/RPC2"], **here)
    promise = documented("frontend_info")
    assert result["changed"] is False
    assert returned(result, "frontend_info") == promise
    assert "db-secret" not in str(result)
    assert result["frontend"]["probes"]["http://127.0.0.1:1/RPC2"]["state"] == "refused"


def test_frontend_info_checks_the_certificates_of_endpoints_as_it_is_told(
    run_module: Any, here: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("ansible_collections.onefed.opennebula.plugins.modules.frontend_info")
    asked: list[Any] = []

    def examine(*arguments: Any) -> dict[str, Any]:
        asked.append(arguments[-2])
        return {}

    monkeypatch.setattr(module, "examine", examine)
    run_module("frontend_info", **here)
    run_module("frontend_info", validate_certs=False, ca_path="/etc/ca.pem", **here)
    assert asked == [
        {"validate_certs": True, "ca_path": None},
        {"validate_certs": False, "ca_path": "/etc/ca.pem"},
    ]


def test_frontend_info_examines_a_floating_address(run_module: Any, here: dict[str, str]) -> None:
    result = run_module("frontend_info", vip="127.0.0.1/8", vip_interface="lo", auth_key="a key", **here)
    assert returned(result, "frontend_info") == documented("frontend_info")
    found = result["frontend"]
    assert found["vip_answers"] == []
    assert "remotes/hooks/raft/vip.sh" in found["vip_hook"]["problems"][0]["text"]
    assert {"interface": "lo", "address": "127.0.0.1", "prefix": 8}.items() <= found["addresses"][0].items()
    assert found["config_digests"] == {}
    refused = run_module("frontend_info", vip="127.0.0.1", vip_interface="lo", **here)
    assert refused["msg"] == "'127.0.0.1' is no floating address; expected such as 192.0.2.30/24."


def test_floating_address_returns_what_it_documents(run_module: Any, here: dict[str, str]) -> None:
    wanted = {"address": "127.0.0.1/8", "interface": "lo", **here}
    result = run_module("floating_address", **wanted)
    assert returned(result, "floating_address") == documented("floating_address")
    assert (result["changed"], result["present"], result["kept"], result["unit"]) == (False, True, False, None)
    assert "diff" not in result
    assert run_module("floating_address", state="awaited", **wanted)["present"] is True
    missing = run_module("floating_address", **{**wanted, "address": "192.0.2.30/24"})
    assert "192.0.2.30/24 is not on lo, and a self-contained OpenNebula has no systemd unit" in missing["msg"]


def test_join_journal_returns_what_it_documents(run_module: Any, here: dict[str, str]) -> None:
    result = run_module("join_journal", state="opened", **ZONE, **here)
    assert result["changed"] is True
    assert returned(result, "join_journal") == documented("join_journal")
    closed = run_module("join_journal", state="closed", id=result["journal"]["id"], **here)
    assert (closed["changed"], closed["journal"]["zone_name"]) == (True, "paris")


def test_oned_conf_returns_what_it_documents(run_module: Any, here: dict[str, str]) -> None:
    options = {"attributes": {"PORT": 2634}, "vectors": {"FEDERATION": {"SERVER_ID": -1}}, "backup": True, **here}
    predicted = run_module("oned_conf", check_mode=True, **options)
    assert (predicted["changed"], predicted["backup_file"]) == (True, None)
    result = run_module("oned_conf", **options)
    assert result["changed"] is True
    assert returned(result, "oned_conf") == documented("oned_conf")
    assert Path(result["backup_file"]).read_text() == CONF
    assert "diff" not in result
    assert run_module("oned_conf", **options)["changed"] is False


def test_oned_conf_restores_its_backup(run_module: Any, here: dict[str, str]) -> None:
    changed = run_module("oned_conf", attributes={"PORT": 2634}, backup=True, **here)
    options = {"state": "restored", "backup_file": changed["backup_file"], **here}
    assert run_module("oned_conf", check_mode=True, **options)["changed"] is True
    result = run_module("oned_conf", _ansible_diff=True, **options)
    assert (result["changed"], result["path"]) == (True, changed["path"])
    assert returned(result, "oned_conf") == documented("oned_conf")
    assert "PORT = 1\n" in result["diff"]["after"]
    assert "db-secret" not in str(result)
    assert Path(result["path"]).read_text() == CONF
    assert run_module("oned_conf", **options)["changed"] is False


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"state": "restored"}, "backup_file"),
        ({"state": "restored", "backup_file": "/x", "attributes": {"PORT": 1}}, "takes no attributes and no vectors"),
        ({"backup_file": "/x"}, "backup_file is for state restored only"),
    ],
)
def test_oned_conf_takes_a_backup_to_restore_it_only(
    run_module: Any, here: dict[str, str], options: dict[str, Any], text: str
) -> None:
    assert text in run_module("oned_conf", **options, **here)["msg"]


def test_oned_conf_shows_a_diff_without_secrets_when_asked(run_module: Any, here: dict[str, str]) -> None:
    result = run_module("oned_conf", attributes={"PORT": 2634}, _ansible_diff=True, **here)
    assert 'PASSWD = "********"' in result["diff"]["before"]
    assert "PORT = 2634" in result["diff"]["after"]


def test_oned_conf_writes_a_secret_only_for_a_hidden_task(run_module: Any, here: dict[str, str]) -> None:
    options = {"vectors": {"DB": {"PASSWD": "new"}}, **here}
    refused = run_module("oned_conf", **options)
    assert "Set no_log: true on the task" in refused["msg"]
    assert run_module("oned_conf", _ansible_no_log=True, **options)["changed"] is True


def test_oned_conf_warns_of_what_onedb_cannot_read(run_module: Any, here: dict[str, str]) -> None:
    path = Path(here["oned_location"], "etc/oned.conf")
    path.write_text(CONF + "EMPTY =\n")
    result = run_module("oned_conf", attributes={"PORT": 2634}, **here)
    problem = "line 4: EMPTY has no value; write an empty pair of quotes"
    assert result["lens_problems"] == [problem]
    assert any(problem in str(warning) for warning in result["warnings"])


def test_oned_service_returns_what_it_documents(run_module: Any, here: dict[str, str]) -> None:
    result = run_module("oned_service", state="stopped", **here)
    assert (result["changed"], result["state"]) == (False, "stopped")
    assert returned(result, "oned_service") == documented("oned_service")
    assert run_module("oned_service", state="started", check_mode=True, **here)["changed"] is True


def test_auth_files_return_what_they_document(run_module: Any, here: dict[str, str]) -> None:
    written = run_module("auth_files", files={"one_auth": "oneadmin:masters"}, **here)
    assert (written["changed"], written["changed_files"]) == (True, ["one_auth"])
    assert "masters" not in str(written)
    assert returned(written, "auth_files") == documented("auth_files")
    read = run_module("auth_files_info", **here)
    assert read["auth_files"] == {"one_auth": "oneadmin:masters"}
    assert returned(read, "auth_files_info") == documented("auth_files_info")


def test_fireedge_conf_returns_what_it_documents(run_module: Any, here: dict[str, str]) -> None:
    path = Path(here["oned_location"], "etc/fireedge-server.conf")
    path.write_text("secret: word\ndefault_zone:\n  id: 0\n")
    options = {"name": "paris", "endpoint": "http://192.0.2.31:2633/RPC2", **here}
    assert run_module("fireedge_conf", check_mode=True, **options)["changed"] is True
    assert "Set zone_id" in run_module("fireedge_conf", **options)["msg"]
    result = run_module("fireedge_conf", zone_id=100, backup=True, _ansible_diff=True, **options)
    assert (result["changed"], result["services"]) == (True, [])
    assert returned(result, "fireedge_conf") == documented("fireedge_conf")
    assert result["diff"]["before"] == "default_zone:\n  id: 0\n"
    assert "id: 100" in result["diff"]["after"]
    assert "diff" not in run_module("fireedge_conf", zone_id=100, **options)
    found = run_module("frontend_info", **here)["frontend"]["fireedge"]
    assert found["default_zone"] == {"id": "100", "name": "paris", "endpoint": "http://192.0.2.31:2633/RPC2"}


@pytest.mark.parametrize(
    ("name", "options", "function"),
    [
        ("oned_service", {"state": "stopped"}, "ensure"),
        ("join_journal", {"state": "closed"}, "manage"),
        ("fireedge_conf", {"name": "x", "endpoint": "x"}, "configure"),
    ],
)
def test_a_service_that_does_not_run_again_is_a_warning(
    run_module: Any, here: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str, options: Any, function: str
) -> None:
    module = import_module(f"ansible_collections.onefed.opennebula.plugins.modules.{name}")
    services = [{"unit": "opennebula-flow", "error": "The service opennebula-flow ended."}]
    made = {"changed": True, "services": services, "diff": {}, "drivers_ended": ["one_tm.rb"]}
    monkeypatch.setattr(module, function, lambda *_arguments, **_options: made)
    result = run_module(name, **options, **here)
    assert (result["changed"], result["services"]) == (True, services)
    assert "The service opennebula-flow ended." in str(result["warnings"])
    if name == "oned_service":
        assert "oned hung at its end; its drivers were ended: one_tm.rb." in str(result["warnings"])


def test_a_location_that_does_not_exist_is_told(run_module: Any, tmp_path: Path) -> None:
    for name in ("frontend_info", "auth_files_info"):
        assert "Correct oned_location" in run_module(name, oned_location=str(tmp_path / "missing"))["msg"]
