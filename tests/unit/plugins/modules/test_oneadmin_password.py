# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a change of oneadmin's password: what is written, what is accepted meanwhile, what is told."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fake_oned import FakeOned, Served
from fake_systemd import FakeSystemd, packaged

from ansible_collections.onefed.opennebula.plugins.module_utils._rotation import master, server
from ansible_collections.onefed.opennebula.plugins.module_utils._service import companions

OLD, NEW = "secret-word", "a-new-word"
_SQL = re.compile(
    r"UPDATE user_pool SET body = REPLACE\(body, '<PASSWORD><!\[CDATA\[(\w+)\]\]></PASSWORD>', "
    r"'<PASSWORD><!\[CDATA\[(\w+)\]\]></PASSWORD>'\) WHERE oid = 0"
)


def stored_as(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


@dataclass
class FakeMaster(FakeOned):
    """User 0 with his login tokens, whom it also lets in by them.

    A follower that is `behind` answers that often with what it had before a write.
    """

    stored: str = stored_as(OLD)
    tokens: dict[str, int] = field(default_factory=dict)
    driver: str = "core"
    longest: int = -1
    behind: int = 0
    stale: list[tuple[str, dict[str, int]]] = field(default_factory=list)

    def reply(self, method: str, params: tuple[Any, ...]) -> Any:
        secret = params[0].partition(":")[2]
        known = secret in self.tokens or stored_as(secret) == self.stored
        return super().reply(method, (self.session if known else "nobody:", *params[1:]))

    def _user_info(self, oid: int, _decrypt: bool) -> Any:
        stored, shown = self.stale.pop() if self.stale else (self.stored, self.tokens)
        tokens = "".join(
            f"<LOGIN_TOKEN><TOKEN>{token}</TOKEN><EXPIRATION_TIME>{end}</EXPIRATION_TIME><EGID>-1</EGID></LOGIN_TOKEN>"
            for token, end in shown.items()
        )
        return [
            True,
            f"<USER><ID>{oid}</ID><NAME>oneadmin</NAME><PASSWORD>{stored}</PASSWORD>"
            f"<AUTH_DRIVER>{self.driver}</AUTH_DRIVER>{tokens}</USER>",
            0,
        ]

    def _user_login(self, _name: str, token: str, seconds: int, _group: int) -> Any:
        self.stale = [(self.stored, dict(self.tokens))] * self.behind
        if self.longest == 0:
            return [False, "[one.user.login] Login tokens are disabled for driver core", 0x800, -1, -1]
        if seconds == 0:
            del self.tokens[token]
        else:
            self.tokens[token] = -1 if self.longest < 0 else int(time.time()) + self.longest
        return [True, token, 0]

    def _system_sql(self, command: str, federate: bool) -> Any:
        found = _SQL.fullmatch(command)
        assert found is not None
        assert federate
        self.stale = [(self.stored, dict(self.tokens))] * self.behind
        if self.stored == found[1]:
            self.stored = found[2]
        return [True, 0, 0]


@pytest.fixture
def oned(location: Path) -> Iterator[FakeMaster]:
    """A master whose one_auth holds the old password."""
    with Served(FakeMaster()) as served:
        port = served.url.rpartition(":")[2].partition("/")[0]
        conf = f'LISTEN_ADDRESS = "127.0.0.1"\nPORT = {port}\nDB = [ BACKEND = "sqlite" ]\n'
        (location / "etc/oned.conf").write_text(conf)
        (location / "var/.one").mkdir()
        (location / "var/.one/one_auth").write_text(f"oneadmin:{OLD}\n")
        assert isinstance(served, FakeMaster)
        yield served


@pytest.fixture
def step(run_module: Any, location: Path) -> Any:
    def run(name: str, **options: Any) -> dict[str, Any]:
        result: dict[str, Any] = run_module("oneadmin_password", step=name, oned_location=str(location), **options)
        return result

    return run


def one_auth(location: Path) -> str:
    return (location / "var/.one/one_auth").read_text()


def test_the_steps_lead_from_the_old_password_to_the_new_one(oned: FakeMaster, step: Any, location: Path) -> None:
    begun = step("begin", password=NEW)
    bridge = begun["bridge"]
    assert (begun["changed"], begun["needed"], begun["user"], begun["generated"]) == (True, True, "oneadmin", None)
    assert oned.tokens == {bridge: -1}
    # oned logs the first 20 characters of a token.
    assert len(bridge[20:]) >= 32
    assert step("accept", user="oneadmin", password=bridge)["changed"] is False
    assert step("adopt", user="oneadmin", password=bridge)["changed"] is True
    assert one_auth(location) == f"oneadmin:{bridge}\n"
    assert step("change", password=NEW)["changed"] is True
    assert (oned.stored, list(oned.tokens)) == (stored_as(NEW), [bridge])
    assert step("adopt", user="oneadmin", password=NEW)["changed"] is True
    assert step("finish")["changed"] is True
    assert oned.tokens == {}
    assert (one_auth(location), (location / "var/.one/one_auth").stat().st_mode & 0o777) == (f"oneadmin:{NEW}\n", 0o600)


def test_a_repetition_with_the_same_password_writes_nothing(oned: FakeMaster, step: Any, location: Path) -> None:
    oned.stored = stored_as(NEW)
    (location / "var/.one/one_auth").write_text(f"oneadmin:{NEW}\n")
    (location / "var/.one/one_auth").chmod(0o600)
    begun = step("begin", password=NEW)
    assert (begun["changed"], begun["needed"], begun["bridge"]) == (False, False, None)
    results = [step("adopt", user="oneadmin", password=NEW), step("change", password=NEW), step("finish")]
    assert [result["changed"] for result in results] == [False, False, False]
    assert oned.writes == []


def test_an_interrupted_change_goes_on_with_its_bridge_and_any_password(oned: FakeMaster, step: Any) -> None:
    bridge = step("begin", password=NEW)["bridge"]
    oned.tokens["somebody-else's"] = -1
    again = step("begin")
    assert (again["changed"], again["bridge"], len(again["generated"]) >= 40) == (False, bridge, True)
    step("finish")
    assert list(oned.tokens) == ["somebody-else's"]


def test_check_mode_writes_nothing_and_tells_what_would_be(oned: FakeMaster, step: Any, location: Path) -> None:
    check = {"check_mode": True}
    begun = step("begin", password=NEW, **check)
    assert begun["changed"] is True
    for secret in (begun["bridge"], NEW):
        assert step("adopt", user="oneadmin", password=secret, **check)["changed"] is True
    assert step("accept", user="oneadmin", password=begun["bridge"], **check)["changed"] is False
    assert step("change", password=NEW, **check)["changed"] is True
    assert step("finish", **check)["changed"] is False
    assert (oned.writes, one_auth(location)) == ([], f"oneadmin:{OLD}\n")


def test_the_password_does_not_change_without_a_bridge(oned: FakeMaster, step: Any) -> None:
    result = step("change", password=NEW)
    assert "no login token to bridge the change" in result["msg"]
    assert oned.stored == stored_as(OLD)


def test_a_server_that_does_not_accept_a_secret_keeps_its_file(oned: FakeMaster, step: Any, location: Path) -> None:
    result = step("adopt", user="oneadmin", password="elsewhere-1", timeout=0.3)
    assert f"oned at {oned.url} was to accept oneadmin's new secret within 0.3 s, but refuses it" in result["msg"]
    assert "elsewhere-1" not in result["msg"]
    assert one_auth(location) == f"oneadmin:{OLD}\n"


@pytest.mark.parametrize(("longest", "told"), [(0, "MAX_TOKEN_TIME=0"), (600, "end too soon")])
def test_a_master_without_lasting_login_tokens_is_refused(oned: FakeMaster, step: Any, longest: int, told: str) -> None:
    oned.longest = longest
    result = step("begin", password=NEW)
    assert told in result["msg"]
    assert "Nothing was changed" in result["msg"]
    assert oned.tokens == {}


def test_a_follower_that_lags_is_waited_for(oned: FakeMaster, step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master, "_POLL_SECONDS", 0.01)
    oned.behind = 2
    begun = step("begin", password=NEW)
    assert (begun["changed"], begun["bridge"] in oned.tokens) == (True, True)
    step("adopt", user="oneadmin", password=begun["bridge"])
    assert step("change", password=NEW)["changed"] is True
    assert oned.stored == stored_as(NEW)


def test_a_token_that_is_never_shown_is_told_from_one_that_ends(
    oned: FakeMaster, step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(master, "_SHOWN_SECONDS", 0.05)
    monkeypatch.setattr(master, "_POLL_SECONDS", 0.01)
    oned.behind = 10000
    told = step("begin", password=NEW)["msg"]
    assert "does not show it" in told and "MAX_TOKEN_TIME" not in told
    assert oned.stored == stored_as(OLD)


@pytest.mark.parametrize("password", ["", "two words", "line\nbreak"])
def test_a_password_that_opennebula_cannot_use_is_refused(oned: FakeMaster, step: Any, password: str) -> None:
    assert "The new password of oneadmin is empty" in step("begin", password=password)["msg"]
    assert oned.writes == []


def test_another_driver_than_core_is_refused(oned: FakeMaster, step: Any) -> None:
    oned.driver = "ldap"
    assert "logs in with driver ldap" in step("begin", password=NEW)["msg"]


def test_a_password_that_was_changed_by_hand_is_tried_where_one_auth_is_refused(oned: FakeMaster, step: Any) -> None:
    oned.stored = stored_as(NEW)
    assert step("begin", password=NEW)["needed"] is False
    assert "couldn't be authenticated" in step("begin")["msg"]


def test_services_that_run_since_before_the_file_was_written_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frontend, systemd = packaged(tmp_path), FakeSystemd(monkeypatch, "opennebula-hem", "opennebula-flow")
    path = Path(frontend.one_auth)
    path.write_text(f"oneadmin:{NEW}\n")
    os.utime(path, (time.time() - 60, time.time() - 60))
    assert server.restart(frontend, False, 5.0, False) == {"changed": False, "oned": False, "services": []}
    assert server.restart(frontend, True, 5.0, True)["changed"] is True
    os.utime(path, (time.time() + 1, time.time() + 1))
    assert server.restart(frontend, False, 5.0, True)["changed"] is True
    assert systemd.orders == []
    found = server.restart(frontend, False, 5.0, False)
    assert found == {"changed": True, "oned": False, "services": [{"unit": "opennebula-hem", "error": None}]}
    assert systemd.orders[-1] == "restart opennebula-hem"


def test_oned_of_a_slave_restarts_with_its_services_when_it_is_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frontend, systemd = packaged(tmp_path), FakeSystemd(monkeypatch, "opennebula-hem")
    Path(frontend.one_auth).write_text(f"oneadmin:{NEW}\n")
    with open(frontend.conf, "a", encoding="utf-8") as conf:
        conf.write(
            'FEDERATION = [ MODE = "SLAVE", ZONE_ID = 100, SERVER_ID = -1, MASTER_ONED = "http://192.0.2.11" ]\n'
        )
    found = server.restart(frontend, True, 5.0, False)
    assert (found["oned"], found["services"]) == (True, [{"unit": "opennebula-hem", "error": None}])
    assert "stop opennebula opennebula-hem" in systemd.orders
    assert server.restart(frontend, False, 5.0, True)["oned"] is False


def test_the_time_of_a_services_start_is_that_of_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frontend = packaged(tmp_path)
    FakeSystemd(monkeypatch, "opennebula-hem")
    assert abs(companions.started(frontend)["opennebula-hem"] - time.time()) < 5
    assert master.stored_as("x") == stored_as("x")
