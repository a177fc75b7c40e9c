# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A front-end is examined in one go; what is broken says so, and nothing else is lost by it."""

from __future__ import annotations

import hashlib
import json
import os
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from fake_oned import SESSION, FakeOned, Served

from ansible_collections.onefed.opennebula.plugins.module_utils._facts import frontend as _frontend_facts
from ansible_collections.onefed.opennebula.plugins.module_utils._facts.frontend import Task, examine
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._host import network, systemd_unit
from ansible_collections.onefed.opennebula.plugins.module_utils._host.account import acting_as
from ansible_collections.onefed.opennebula.plugins.module_utils._host.deadline import Deadline
from ansible_collections.onefed.opennebula.plugins.module_utils._vip.unit import Floating

CONF = """LISTEN_ADDRESS = "127.0.0.1"
PORT = {port}
DB = [ BACKEND = "sqlite", PASSWD = "db-secret" ]
FEDERATION = [ MODE = "slave", ZONE_ID = 100, MASTER_ONED = "http://u:pw-secret@192.0.2.11:2633/RPC2" ]
ONE_KEY = "key-secret"
EMPTY =
"""
# Nobody listens there.
DEAD = "http://127.0.0.1:1/RPC2"


@pytest.fixture
def frontend(location: Path) -> Frontend:
    (location / "var/.one").mkdir()
    (location / "var/.one/one_auth").write_text(SESSION + "\n")
    (location / "bin/oned").write_text("#!/bin/sh\necho 'Copyright 2002'\necho 'OpenNebula 7.4.0 is distributed'\n")
    (location / "bin/oned").chmod(0o755)
    found = Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})
    Path(found.conf).write_text(CONF.format(port=1))
    return found


@pytest.fixture
def api(frontend: Frontend) -> Iterator[FakeOned]:
    with Served(FakeOned(mode="SLAVE", zone_id=100)) as oned:
        oned.add(0, "OpenNebula", {"ENDPOINT": "http://192.0.2.11:2633/RPC2"})
        Path(frontend.conf).write_text(CONF.format(port=oned.url.rsplit(":", 1)[1].split("/")[0]))
        yield oned


def test_endpoints_are_probed_with_the_authority_that_is_given(frontend: Frontend, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.server())
    with Served(FakeOned(), context) as oned:
        states = [
            examine(frontend, [oned.url], 5.0, tls=tls)["probes"][oned.url]["state"]
            for tls in (None, {"validate_certs": False}, {"ca_path": authority.path})
        ]
    assert states == ["tls", "open", "open"]


@pytest.mark.skipif(os.geteuid() != 0, reason="acting as another account needs root")
def test_an_authority_that_only_root_may_read_is_read_whatever_goes_on_meanwhile(
    frontend: Frontend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    os.chmod(authority.path, 0o600)
    started = Task.start

    def start(self: Task) -> Task:
        """As if the database were read first: threads find root acting as another account."""
        with acting_as(65534, 65534):
            started(self)._thread.join(5)
        return self

    monkeypatch.setattr(Task, "start", start)
    url = DEAD.replace("http:", "https:")
    assert examine(frontend, [url], 1.0, tls={"ca_path": authority.path})["probes"][url]["state"] == "refused"


def test_a_running_front_end(frontend: Frontend, api: FakeOned) -> None:
    facts = examine(frontend, [api.url, DEAD], 5.0)
    assert (facts["installed"], facts["oned_version"], facts["one_auth"]) == (True, "7.4.0", "ok")
    conf = facts["conf"]
    assert {key: conf[key] for key in ("error", "mode", "zone_id", "server_id", "backend", "db_name")} == {
        "error": None,
        "mode": "SLAVE",
        "zone_id": 100,
        "server_id": -1,
        "backend": "sqlite",
        "db_name": None,
    }
    assert (conf["listen_address"], conf["port"]) == ("127.0.0.1", int(api.url.rsplit(":", 1)[1].split("/")[0]))
    assert conf["lens_problems"] == ["line 6: EMPTY has no value; write an empty pair of quotes"]
    found = facts["api"]
    assert (found["state"], found["authenticated"], found["version"]) == ("open", True, "7.4.0")
    assert (found["mode"], found["zone_id"], found["server_id"]) == ("SLAVE", 100, -1)
    assert found["conf"] == {"MODE": "SLAVE", "ZONE_ID": "100"}
    assert [zone["name"] for zone in found["zones"]] == ["OpenNebula"]
    assert (found["raft"]["fedlog_index"], found["errors"]) == (10, [])
    assert facts["database"]["own"]["users"] == ["ada"]
    assert facts["auth_files"] == ["one_auth"]
    assert facts["disk"]["needed"] > 2 * facts["database"]["size"]
    assert facts["disk"]["free"] > 0
    assert abs(facts["time"] - time.time()) < 60
    assert (facts["journal"], facts["upgrade"], facts["companions"]) == (None, None, [])
    assert facts["service"] == {"state": "stopped", "enabled": None, "restart_needed": False, "error": None}
    assert {url: probe["state"] for url, probe in facts["probes"].items()} == {api.url: "open", DEAD: "refused"}


def test_hooks_addresses_and_shared_files(frontend: Frontend, monkeypatch: pytest.MonkeyPatch) -> None:
    with open(frontend.conf, "a", encoding="utf-8") as file:
        file.write('RAFT_LEADER_HOOK = [ COMMAND = "raft/vip.sh", ARGUMENTS = "leader eth0 192.0.2.30/24" ]\n')
    Path(frontend.etc, "monitord.conf").write_text("PORT = 4124\n")
    vip = Floating.of("192.0.2.30/24", "eth0")
    monkeypatch.setattr(network, "answers", lambda *asked: ["02:99"] if asked == ("eth0", "192.0.2.30") else [])
    facts = examine(frontend, [], 5.0, "key", vip=vip)
    conf = facts["conf"]
    assert conf["raft_leader_hook"] == {"command": "raft/vip.sh", "arguments": "leader eth0 192.0.2.30/24"}
    assert conf["vectors"]["RAFT_LEADER_HOOK"]["ARGUMENTS"] == "leader eth0 192.0.2.30/24"
    assert (conf["raft_follower_hook"], conf["vectors"]["RAFT_FOLLOWER_HOOK"]) == (None, {})
    assert (facts["vip_answers"], facts["address_keeper"]) == (["02:99"], None)
    assert facts["vip_hook"]["problems"][0]["text"].startswith(f"There is no hook {frontend.var}/remotes/hooks/raft")
    assert list(facts["config_digests"]) == ["monitord.conf"]
    assert "127.0.0.1" in [one["address"] for one in facts["addresses"]]


def test_a_lockdown_that_was_left_closed_is_reported(
    frontend: Frontend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systemd_unit, "FOLDER", str(tmp_path))
    assert examine(frontend, [], 5.0)["lockdown"] is False
    (tmp_path / "onefed-zone-lockdown.service").touch()
    assert examine(frontend, [], 5.0)["lockdown"] is True


def test_what_is_not_asked_about_a_floating_address_is_not_told(frontend: Frontend) -> None:
    facts = examine(frontend, [], 5.0)
    assert (facts["vip_answers"], facts["vip_hook"], facts["config_digests"]) == (None, None, {})


def test_no_secret_is_in_the_facts(frontend: Frontend, api: FakeOned) -> None:
    text = json.dumps(examine(frontend, [], 5.0, "the-key"))
    digest = hashlib.sha256(SESSION.encode()).hexdigest()
    for secret in ("db-secret", "pw-secret", "key-secret", SESSION.split(":")[1], "the-key", digest):
        assert secret not in text


def test_auth_files_are_compared_by_digests_that_need_the_key(frontend: Frontend) -> None:
    def digests(key: str) -> dict[str, str]:
        found: dict[str, str] = examine(frontend, [], 5.0, key)["auth_digests"]
        return found

    first = digests("key")
    assert set(first) == {"one_auth", "fireedge_key"}
    assert first["fireedge_key"] == "", "there is no FireEdge here"
    Path(frontend.one_auth).write_text(SESSION)  # without its line break
    assert digests("key") == first
    assert digests("another")["one_auth"] != first["one_auth"]
    Path(frontend.one_auth).write_text("oneadmin:other")
    assert digests("key")["one_auth"] != first["one_auth"]
    Path(frontend.one_auth).write_bytes(b"\xff")
    assert "is not UTF-8 text" in examine(frontend, [], 5.0, "key")["auth_digests"]["error"]
    assert examine(frontend, [], 5.0)["auth_digests"] == {}


def test_a_stopped_front_end(frontend: Frontend) -> None:
    facts = examine(frontend, [], 5.0)
    assert (facts["api"]["state"], facts["one_auth"]) == ("refused", "unknown")
    assert facts["api"]["zones"] is facts["api"]["conf"] is facts["api"]["raft"] is None
    assert facts["database"]["bootstrapped"] is True


def test_credentials_that_oned_refuses(frontend: Frontend, api: FakeOned) -> None:
    api.session = "oneadmin:another"
    facts = examine(frontend, [], 5.0)
    assert (facts["one_auth"], facts["api"]["authenticated"]) == ("rejected", False)
    assert "couldn't be authenticated" in facts["api"]["errors"][0]


def test_missing_and_malformed_credentials(frontend: Frontend, api: FakeOned) -> None:
    Path(frontend.one_auth).write_text("no colon")
    assert examine(frontend, [], 5.0)["one_auth"] == "rejected"
    os.unlink(frontend.one_auth)
    facts = examine(frontend, [], 5.0)
    assert (facts["one_auth"], facts["api"]["state"], facts["api"]["zones"]) == ("missing", "open", None)


def test_calls_that_fail_leave_the_others(frontend: Frontend, api: FakeOned) -> None:
    api.instead["one.system.config"] = [False, "[one.system.config] no leader found", 0x2000, -1, -1]
    found = examine(frontend, [], 5.0)["api"]
    assert (found["version"], found["mode"], found["conf"]) == ("7.4.0", None, None)
    assert len(found["errors"]) == 1
    assert "no leader found" in found["errors"][0]


def test_a_broken_configuration_leaves_the_other_parts(frontend: Frontend) -> None:
    Path(frontend.conf).write_text('DB = [ PASSWD = "db-secret"\n')
    facts = examine(frontend, [DEAD], 5.0)
    assert facts["conf"]["error"].startswith(f"{frontend.conf} is not a configuration that oned accepts: line 1:")
    assert facts["conf"]["mode"] is None
    assert "error" in facts["database"]
    assert (facts["api"]["state"], facts["one_auth"], facts["oned_version"]) == ("unknown", "unknown", "7.4.0")
    assert facts["probes"][DEAD]["state"] == "refused"


def test_a_broken_database_and_journal_leave_the_other_parts(frontend: Frontend) -> None:
    Path(frontend.sqlite_file).write_text("no database" * 100)
    frontend.make_dir(frontend.state_dir)
    for name in ("journal.json", "upgrade.json"):
        Path(frontend.state_dir, name).write_text("{")
    facts = examine(frontend, [], 5.0)
    assert set(facts["database"]) == {"error"}
    assert "journal.json" in facts["journal"]["error"]
    assert "upgrade.json" in facts["upgrade"]["error"]
    assert facts["conf"]["mode"] == "SLAVE"


def test_a_host_without_opennebula(tmp_path: Path) -> None:
    bare = Frontend.from_params({"oned_location": str(tmp_path), "oned_service": "opennebula"})
    facts = examine(bare, [], 5.0)
    assert (facts["installed"], facts["oned_version"], facts["one_auth"]) == (False, None, "missing")
    assert "No such file" in facts["conf"]["error"]
    assert facts["disk"]["error"].startswith(bare.var)


def test_an_installation_that_was_interrupted_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = Frontend.from_params({"oned_service": "opennebula"})
    there = {"/usr/bin/oned"}
    monkeypatch.setattr(os.path, "exists", lambda path: path in there)
    assert packaged.installed
    there.add("/var/lib/onefed-install.unfinished")
    assert not packaged.installed


def test_packages_without_a_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    found = _frontend_facts._service(Frontend(None, "oneadmin", "oneadmin", "opennebula"))
    assert (found["state"], found["enabled"]) == ("unknown", None)
    assert "There is no systemctl on this host" in found["error"]


def test_what_never_answers_does_not_hold_up_the_rest() -> None:
    stuck = Task(lambda: time.sleep(60)).start()
    broken = Task(lambda: 1 / 0).start()
    assert stuck.wait(Deadline.after(0))["state"] == "timeout"
    assert broken.wait(Deadline.after(5)) == {"state": "error", "detail": "division by zero"}


def test_an_error_of_the_database_is_scrubbed_and_a_name_is_not() -> None:
    facts: dict[str, Any] = {"name": "db", "database": {"error": "denied for db"}, "api": {"errors": ["db", "x"]}}
    assert _frontend_facts._scrubbed(facts, ["db"]) == {
        "name": "db",
        "database": {"error": "denied for ********"},
        "api": {"errors": ["********", "x"]},
    }
