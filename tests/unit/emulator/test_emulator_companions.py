# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The services beside oned: whom they let in, what they say when oned refuses them, and FireEdge's key."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from emulated import PASSWORD, Zone, free_port, wait_for
from onedemu import cipher
from onedemu.companions.fireedge import content_of, load_key, sign
from onedemu.companions.settings import COMPANIONS, Conf, companions
from onedemu.files import Settings, stock_conf
from onedemu.paths import self_contained
from onedemu.versions import RELEASES

SECRET = "serveradmin:0123456789abcdef"
HASH = "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f"
STOCK = Settings(RELEASES["7.4"], "0.0.0.0", 2633, 2634, None)
_RUN = "from onedemu.cli.run import run; import sys; run('companion', '7.4', sys.argv.pop(1))"
EMULATOR = Path(__file__).resolve().parents[2] / "emulator"


class TestTokens:
    def test_a_token_is_good_for_the_key_it_was_made_with(self) -> None:
        server, user, token = cipher.session(SECRET, "alice").split(":")
        assert (server, user) == ("serveradmin", "alice")
        assert cipher.refusal("serveradmin", HASH, token) == ""
        assert cipher.refusal("serveradmin", "0" * 64, token) == "bad decrypt"
        assert cipher.refusal("somebody", HASH, token) == "User name missmatch"

    def test_an_old_token_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cipher, "VALID_SECONDS", -1)
        assert cipher.refusal("serveradmin", HASH, cipher.session(SECRET).split(":")[2]) == "login token expired"

    @pytest.mark.parametrize("token", ["", "x", "eDp5", "Ω"])
    def test_nonsense_is_no_token(self, token: str) -> None:
        assert cipher.refusal("serveradmin", HASH, token) == "bad decrypt"

    def test_credentials_without_a_colon_are_none(self) -> None:
        with pytest.raises(ValueError, match="Bad credentials"):
            cipher.session("serveradmin")


class TestSettings:
    def test_each_release_has_its_services(self) -> None:
        assert {each.unit for each in companions(RELEASES["6.10"])} == {
            "hem", "scheduler", "flow", "gate", "fireedge", "sunstone"}
        assert {each.unit for each in companions(RELEASES["7.4"])} == {
            "hem", "flow", "gate", "fireedge", "form", "ks"}

    @pytest.mark.parametrize("unit", [each.unit for each in companions(RELEASES["7.4"])])
    def test_stock_files_say_what_is_stock(self, unit: str, tmp_path: Path) -> None:
        companion = COMPANIONS[unit]
        path = tmp_path / companion.conf
        path.write_text(stock_conf(STOCK, companion.conf))
        conf = Conf.read(path, companion)
        assert (conf.endpoint, conf.host, conf.port) == (
            "http://localhost:2633/RPC2", companion.host, companion.port)

    def test_default_zone_is_read_however_it_is_quoted(self, tmp_path: Path) -> None:
        path = tmp_path / "fireedge-server.conf"
        path.write_text(stock_conf(STOCK, "fireedge-server.conf"))
        conf = Conf.read(path, COMPANIONS["fireedge"])
        assert conf.zone == {"id": "0", "name": "OpenNebula", "endpoint": "http://localhost:2633/RPC2"}
        path.write_text('default_zone:\n  id: 100 # ours\n  name: "Par is"\n  endpoint: http://192.0.2.1/RPC2\nx: 1\n')
        assert Conf.read(path, COMPANIONS["fireedge"]).zone == {
            "id": "100", "name": "Par is", "endpoint": "http://192.0.2.1/RPC2"}


class TestKey:
    def test_the_first_start_makes_a_key_and_later_ones_keep_it(self, tmp_path: Path) -> None:
        layout = self_contained(str(tmp_path))
        layout.auth_directory.mkdir(parents=True)
        key = load_key(layout)
        assert len(key) == 32
        assert key == key.upper()
        assert load_key(layout) == key == (layout.auth_directory / "fireedge_key").read_text()

    def test_a_login_is_good_where_the_key_is_the_same(self) -> None:
        token = sign("K", {"iss": "alice", "exp": 2**40})
        assert content_of("K", token) == {"iss": "alice", "exp": 2**40}
        assert content_of("L", token) is None
        assert content_of("K", sign("K", {"iss": "alice", "exp": 1})) is None


def ask(port: int, path: str, data: object = None, **headers: str) -> tuple[int, dict[str, object]]:
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def basic(password: str = PASSWORD) -> str:
    return "Basic " + base64.b64encode(f"oneadmin:{password}".encode()).decode()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def running(zone: Zone, unit: str) -> Iterator[int]:
    """The service beside that zone; gives its port."""
    companion = COMPANIONS[unit]
    port = free_port("127.0.0.1")
    text = stock_conf(STOCK, companion.conf).replace("http://localhost:2633/RPC2", zone.endpoint, 1)
    (zone.location / "etc" / companion.conf).write_text(text.replace(f"port: {companion.port}", f"port: {port}"))
    process = subprocess.Popen([sys.executable, "-c", _RUN, unit], env={
        **os.environ, "PYTHONPATH": str(EMULATOR), "ONE_LOCATION": str(zone.location)})
    try:
        wait_for(lambda: listens(port), f"{unit} listens")
        yield port
    finally:
        process.terminate()
        assert process.wait(10) == 0


def replace_server_secret(zone: Zone) -> None:
    """As a join does: oned knows the administrator of another federation."""
    body = zone.sql("SELECT body FROM user_pool WHERE oid = 1")[0][0]
    known = body[body.index("<PASSWORD>"):body.index("</PASSWORD>")]
    zone.stop()
    zone.sql(f"UPDATE user_pool SET body = '{body.replace(known, f'<PASSWORD>{HASH}')}' WHERE oid = 1")
    zone.start()


def test_flow_lets_in_whom_oned_knows_and_is_refused_after_its_secret_changed(zone: Zone) -> None:
    refusal = "[one.documentpool.info] User couldn't be authenticated, aborting call."
    with running(zone, "flow") as port:
        assert ask(port, "/service", Authorization=basic()) == (200, {"DOCUMENT_POOL": {}})
        assert ask(port, "/service", Authorization=basic("wrong"))[0] == 401
        replace_server_secret(zone)
        assert ask(port, "/service", Authorization=basic()) == (500, {"error": {"message": refusal}})
        assert f"[E]: {refusal}" in (zone.location / "var/oneflow.log").read_text()
        # The file is read at start only.
        (zone.location / "var/.one/oneflow_auth").write_text(SECRET + "\n")
        assert ask(port, "/service", Authorization=basic())[0] == 500
    with running(zone, "flow") as port:
        assert ask(port, "/service", Authorization=basic())[0] == 200


def test_fireedge_reads_its_secret_for_every_login(zone: Zone) -> None:
    login = {"user": "oneadmin", "token": PASSWORD}
    with running(zone, "fireedge") as port:
        status, answer = ask(port, "/fireedge/api/auth", login)
        data = answer["data"]
        assert isinstance(data, dict)
        assert (status, data["zone"]["id"]) == (200, "0")
        bearer = f"Bearer {data['token']}"
        assert ask(port, "/fireedge/api/system", Authorization=bearer)[0] == 200
        assert ask(port, "/fireedge/api/system", Authorization=bearer + "x")[0] == 401
        assert ask(port, "/fireedge/api/auth", {**login, "token": "wrong"})[0] == 401
        replace_server_secret(zone)
        assert ask(port, "/fireedge/api/auth", login)[0] == 500
        (zone.location / "var/.one/sunstone_auth").write_text(SECRET + "\n")
        assert ask(port, "/fireedge/api/auth", login)[0] == 200


def test_a_service_without_credentials_ends(zone: Zone) -> None:
    (zone.location / "var/.one/onegate_auth").write_text("nonsense\n")
    (zone.location / "etc/onegate-server.conf").write_text(stock_conf(STOCK, "onegate-server.conf"))
    done = subprocess.run([sys.executable, "-c", _RUN, "gate"], check=False, timeout=20, env={
        **os.environ, "PYTHONPATH": str(EMULATOR), "ONE_LOCATION": str(zone.location)})
    assert done.returncode == 255
    assert "[E]: Error initializing authentication system\n" in (zone.location / "var/onegate.log").read_text()
