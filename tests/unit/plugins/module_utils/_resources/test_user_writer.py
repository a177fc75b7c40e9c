# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_identities import TOKEN, FakeIdentities
from fake_oned import Served

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import ApiError, OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.passwords import GeneratedPasswords
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.user_writer import write_user

HASH = hashlib.sha256(b"known").hexdigest()
OPTIONS: dict[str, Any] = {
    "name": None,
    "id": None,
    "password": None,
    "password_hash": None,
    "update_password": "on_create",
    "auth_driver": None,
    "enabled": None,
    "group": None,
    "groups": None,
    "purge": False,
    "template": None,
    "template_secrets": None,
    "template_mode": "merge",
    "quotas": None,
    "quotas_mode": "merge",
    "state": "present",
    "wait_timeout": 5.0,
}


@pytest.fixture
def oned() -> Iterator[FakeIdentities]:
    fake = FakeIdentities(pools={"datastore": {1: "default"}, "cluster": {0: "default"}})
    fake.add(0, "madrid", {})
    with Served(fake) as served:
        assert isinstance(served, FakeIdentities)
        for name in ("devs", "qa"):
            served._group_allocate(name)
        served._user_allocate("ada", "known", "core", [100, 1])
        yield served


@pytest.fixture
def slave(oned: FakeIdentities) -> Iterator[FakeIdentities]:
    """A slave that sees the master's writes three readings late."""
    with Served(oned.slave(delay=3)) as served:
        assert isinstance(served, FakeIdentities)
        yield served


def run(oned: FakeIdentities, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    return write_user(oned.client(), {**OPTIONS, **options}, check_mode)


def test_a_user_is_created_with_all_that_is_declared(oned: FakeIdentities) -> None:
    options: dict[str, Any] = {
        "name": "grace",
        "password": "word",
        "group": "devs",
        "groups": ["users", "101"],
        "enabled": False,
        "template": {"email": "g@example.com"},
        "template_secrets": {"SSH_PRIVATE_KEY": "pem"},
        "quotas": {"vm": {"vms": 3}, "datastores": {"default": {"images": 4}}, "networks": None},
    }
    foreseen = run(oned, check_mode=True, **options)
    assert oned.writes == []
    result = run(oned, **options)
    assert oned.writes == [
        ("one.user.allocate", "grace", "word", "core", [100, 1, 101]),
        ("one.user.enable", 3, False),
        ("one.user.update", 3, 'EMAIL="g@example.com"\nSSH_PRIVATE_KEY="pem"', 1),
        ("one.user.quota", 3, 'VM=[VMS="3"]\nDATASTORE=[ID="1",IMAGES="4"]'),
    ]
    assert result["user"] == {
        "id": 3,
        "name": "grace",
        "driver": "core",
        "enabled": False,
        "group": "devs",
        "groups": ["devs", "qa", "users"],
        "template": {"EMAIL": "g@example.com", "SSH_PRIVATE_KEY": "********", "TOKEN_PASSWORD": "********"},
        "quotas": {"vm": {"vms": 3}, "datastores": {"1": {"images": 4}}},
    }
    assert (result["changed"], result["created"], result["password_changed"]) == (True, True, False)
    assert foreseen["user"] == {**result["user"], "id": None}
    assert foreseen["diff"]["after"] == {**result["diff"]["after"], "id": "(known after apply)"}
    assert not {"word", "pem", TOKEN} & set(str(result).replace("'", " ").split())
    oned.calls.clear()
    again = run(oned, **options)
    assert (again["changed"], again["created"], oned.writes) == (False, False, [])


def test_a_hash_is_stored_as_it_is(oned: FakeIdentities) -> None:
    run(oned, name="grace", password_hash=HASH)
    assert oned.writes == [
        ("one.user.allocate", "grace", HASH, "imported", [1]),
        ("one.user.chauth", 3, "core", ""),
    ]
    assert (oned.identities.users[3]["password"], oned.identities.users[3]["driver"]) == (HASH, "core")


def test_a_user_whose_making_was_interrupted_is_completed(oned: FakeIdentities) -> None:
    oned._user_allocate("grace", HASH, "imported", [1])
    result = run(oned, name="grace", password_hash=HASH)
    assert oned.writes == [("one.user.chauth", 3, "core", "")]
    assert (result["changed"], result["created"], result["user"]["driver"]) == (True, False, "core")
    assert run(oned, name="grace", password_hash=HASH)["changed"] is False
    # Whoever really has a driver of that name says so.
    oned._user_allocate("hedy", "word", "imported", [1])
    assert run(oned, name="hedy", password="word", auth_driver="imported")["changed"] is False


def test_a_hash_for_another_driver_needs_no_detour(oned: FakeIdentities) -> None:
    run(oned, name="grace", password_hash="/CN=grace", auth_driver="x509")
    assert oned.writes == [("one.user.allocate", "grace", "/CN=grace", "x509", [1])]


@pytest.mark.parametrize(
    ("options", "writes"),
    [
        ({"password": "new"}, []),
        ({"password": "new", "update_password": "always"}, [("one.user.passwd", 2, "new")]),
        ({"password": "known", "update_password": "always"}, []),
        ({"password_hash": HASH, "update_password": "always"}, []),
        (
            {"password_hash": "0" * 64, "update_password": "always"},
            [("one.user.chauth", 2, "imported", "0" * 64), ("one.user.chauth", 2, "core", "")],
        ),
        ({"auth_driver": "x509", "password": "/CN=ada"}, [("one.user.chauth", 2, "x509", "/CN=ada")]),
        ({"auth_driver": "ldap"}, [("one.user.chauth", 2, "ldap", "")]),
        ({"enabled": False}, [("one.user.enable", 2, False)]),
        ({"enabled": True}, []),
        ({"group": "qa"}, [("one.user.chgrp", 2, 101)]),
        ({"group": "users"}, [("one.user.chgrp", 2, 1), ("one.user.delgroup", 2, 100)]),
        ({"group": "qa", "groups": ["devs"]}, [("one.user.addgroup", 2, 101), ("one.user.chgrp", 2, 101)]),
        ({"group": "users", "groups": ["devs"]}, [("one.user.chgrp", 2, 1)]),
        ({"groups": ["qa"]}, [("one.user.addgroup", 2, 101)]),
        ({"groups": ["qa"], "purge": True}, [("one.user.addgroup", 2, 101), ("one.user.delgroup", 2, 1)]),
        ({"groups": [], "purge": True}, [("one.user.delgroup", 2, 1)]),
        ({"purge": True}, []),
        ({"template": {"TOKEN_PASSWORD": TOKEN}}, []),
        ({"template": {"A": "1"}, "template_mode": "replace"}, [("one.user.update", 2, 'A="1"', 1)]),
        ({"template_mode": "replace"}, []),
    ],
)
def test_only_what_differs_is_written_and_that_once(
    oned: FakeIdentities, options: dict[str, Any], writes: list[tuple[Any, ...]]
) -> None:
    foreseen = run(oned, check_mode=True, name="ada", **options)
    result = run(oned, name="ada", **options)
    assert oned.writes == writes
    assert result["changed"] == foreseen["changed"] == bool(writes)
    assert result["user"] == foreseen["user"]
    assert result["diff"] == foreseen["diff"]
    assert (result["diff"]["before"] == result["diff"]["after"]) == (not writes)
    oned.calls.clear()
    assert run(oned, name="ada", **options)["changed"] is False
    assert oned.writes == []


def test_an_attribute_is_removed_and_the_token_stays(oned: FakeIdentities) -> None:
    run(oned, name="ada", template={"A": "1", "B": "2"})
    oned.calls.clear()
    run(oned, name="ada", template={"B": "3"}, template_mode="replace")
    assert oned.writes == [("one.user.update", 2, f'B="3"\nTOKEN_PASSWORD="{TOKEN}"', 0)]


def test_an_old_sha1_of_the_same_password_is_left_alone(oned: FakeIdentities) -> None:
    oned.identities.users[2]["password"] = hashlib.sha1(b"known").hexdigest()
    assert run(oned, name="ada", password="known", update_password="always")["changed"] is False


def test_quotas_are_merged_and_replaced(oned: FakeIdentities) -> None:
    run(oned, name="ada", quotas={"vm": {"vms": 3, "cpu": 2}, "clusters": {"default": {"vms": 1}}})
    oned.calls.clear()
    result = run(oned, name="ada", quotas={"vm": {"cpu": -1, "memory": 512}})
    assert oned.writes == [("one.user.quota", 2, 'VM=[CPU="-1",MEMORY="512",VMS="3"]')]
    assert result["user"]["quotas"] == {"vm": {"memory": 512, "vms": 3}, "clusters": {"0": {"vms": 1}}}
    assert run(oned, name="ada", quotas={}, quotas_mode="replace")["user"]["quotas"] == {}
    assert run(oned, name="ada", quotas={}, quotas_mode="replace")["changed"] is False


def test_a_slave_waits_for_the_user_before_it_sets_its_own_quotas(slave: FakeIdentities, oned: FakeIdentities) -> None:
    result = run(slave, name="grace", password="word", template={"A": "1"}, quotas={"vm": {"vms": 3}})
    assert (result["user"]["id"], result["user"]["template"]["A"]) == (3, "1")
    assert result["user"]["quotas"] == {"vm": {"vms": 3}}
    assert oned.quotas == {}
    result = run(slave, name="grace", state="absent")
    assert (result["changed"], 3 in slave.identities.users) == (True, False)


def test_a_slave_that_never_shows_the_change_is_told_of(slave: FakeIdentities) -> None:
    slave.delay = 10**6
    with pytest.raises(OnefedError) as caught:
        run(slave, name="ada", enabled=False, wait_timeout=0.2)
    assert "did not show the change of user 2 within 0.2 s" in str(caught.value)


def test_a_slave_need_not_read_what_its_master_encrypted(slave: FakeIdentities, oned: FakeIdentities) -> None:
    options: dict[str, Any] = {"name": "ada", "template_secrets": {"SSH_PRIVATE_KEY": "pem"}}
    assert run(slave, **options)["user"]["template"]["SSH_PRIVATE_KEY"] == "********"
    assert oned.identities.users[2]["template"]["SSH_PRIVATE_KEY"] == "pem"
    assert run(slave, **options)["changed"] is True


def test_a_slave_waits_for_the_password(slave: FakeIdentities) -> None:
    assert run(slave, name="ada", password="new", update_password="always")["password_changed"] is True
    assert slave.identities.users[2]["password"] == hashlib.sha256(b"new").hexdigest()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"id": 0, "password": "by-hand", "update_password": "always"}, "Playbook rotate_oneadmin changes"),
        ({"id": 0, "auth_driver": "ldap"}, "replication stops"),
        ({"id": 1, "password": "by-hand", "update_password": "always"}, "OneGate, OneFlow and FireEdge"),
        ({"id": 0, "enabled": False}, "neither disables this user"),
        ({"id": 0, "quotas": {"vm": {"vms": 1}}}, "has no quotas"),
        ({"id": 0, "group": "users"}, "nor changes the primary group"),
        ({"id": 1, "state": "absent"}, "cannot be deleted"),
        ({"name": "nobody"}, 'There is no user "nobody". Set password to create the user'),
        ({"id": 9, "password": "x"}, "There is no user 9"),
        ({"id": 2, "name": "eve"}, 'is called "ada", not "eve"'),
        ({"id": 2, "name": "eve", "state": "absent"}, 'is called "ada", not "eve"'),
        ({"name": "ada", "group": "ops"}, 'There is no group "ops"'),
        ({"name": "a b", "password": "x"}, "OpenNebula refuses"),
        ({"name": "eve", "password": "two words"}, "The password of user eve"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    oned: FakeIdentities, options: dict[str, Any], why: str
) -> None:
    with pytest.raises(OnefedError) as caught:
        run(oned, **options)
    assert why in str(caught.value)
    assert "two words" not in str(caught.value)
    assert oned.writes == []


def test_oneadmins_password_may_be_declared_as_it_is(oned: FakeIdentities) -> None:
    options: dict[str, Any] = {"name": "oneadmin", "password": "secret-word", "update_password": "always"}
    assert run(oned, **options, template={"A": "1"})["changed"] is True
    assert oned.writes == [("one.user.update", 0, 'A="1"', 1)]


def test_a_user_without_a_hash_cannot_go_back_to_core_without_a_password(oned: FakeIdentities) -> None:
    run(oned, name="ada", auth_driver="x509", password="/CN=ada")
    with pytest.raises(OnefedError) as caught:
        run(oned, name="ada", auth_driver="core")
    assert "Set password, too" in str(caught.value)
    assert run(oned, name="ada", auth_driver="core", password="new")["password_changed"] is True


def test_a_deleted_user_is_gone_and_stays_so(oned: FakeIdentities) -> None:
    assert run(oned, check_mode=True, name="ada", state="absent")["changed"] is True
    result = run(oned, name="ada", state="absent", groups=["no-such-group"])
    assert (result["changed"], result["user"], result["diff"]["after"]) == (True, None, {})
    assert run(oned, name="ada", state="absent")["changed"] is False
    assert oned.writes == [("one.user.delete", 2)]


def test_a_refusal_of_opennebula_is_passed_on(oned: FakeIdentities) -> None:
    oned.instead["one.user.enable"] = [False, "[one.user.enable] Not authorized", 0x200, -1, -1]
    with pytest.raises(ApiError, match="0x0200"):
        run(oned, name="ada", enabled=False)


def test_check_mode_foresees_only_a_group_that_an_earlier_task_is_said_to_create(oned: FakeIdentities) -> None:
    options = {"name": "grace", "password": "word", "group": "ops", "groups": ["devs"]}
    result = run(oned, True, **options, predicted={"groups": ["ops"]})
    assert (result["user"]["group"], result["user"]["groups"]) == ("ops", ["devs", "ops"])
    for check_mode, predicted in ((True, {"groups": ["op"]}), (True, None), (False, {"groups": ["ops"]})):
        with pytest.raises(OnefedError, match='There is no group "ops"'):
            run(oned, check_mode, **options, predicted=predicted)


def generate(oned: FakeIdentities, generated: GeneratedPasswords, check_mode: bool = False, **options: Any) -> Any:
    return write_user(oned.client(), {**OPTIONS, **options}, check_mode, generated)


@pytest.fixture
def generated(tmp_path: Path) -> GeneratedPasswords:
    (tmp_path / "var").mkdir()
    return GeneratedPasswords(Frontend.from_params({"oned_location": str(tmp_path), "oned_service": "opennebula"}))


def test_a_generated_password_is_in_its_file_alone(oned: FakeIdentities, generated: GeneratedPasswords) -> None:
    path = generated.path("grace")
    foreseen = generate(oned, generated, True, name="grace")
    assert (foreseen["changed"], foreseen["password_file"], os.path.exists(path)) == (True, path, False)
    result = generate(oned, generated, name="grace")
    assert result["password_file"] == path
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
    password = Path(path).read_text().strip()
    assert len(password) == 32
    assert oned.writes == [("one.user.allocate", "grace", password, "core", [1])]
    assert password not in str(result)
    oned.calls.clear()
    again = generate(oned, generated, name="grace")
    assert (again["changed"], again["password_file"], oned.writes) == (False, path, [])


def test_an_interrupted_run_uses_the_password_it_wrote(oned: FakeIdentities, generated: GeneratedPasswords) -> None:
    password = generated.make("grace")
    generate(oned, generated, name="grace")
    assert oned.writes == [("one.user.allocate", "grace", password, "core", [1])]


def test_who_exists_or_has_a_password_gets_none_generated(oned: FakeIdentities, generated: GeneratedPasswords) -> None:
    assert generate(oned, generated, name="ada")["password_file"] is None
    assert generate(oned, generated, name="grace", password="word")["password_file"] is None
    assert not os.path.exists(os.path.dirname(generated.path("ada")))


def test_an_empty_password_file_creates_nobody(oned: FakeIdentities, generated: GeneratedPasswords) -> None:
    generated.make("grace")
    Path(generated.path("grace")).write_text("")
    with pytest.raises(OnefedError, match="holds no password"):
        generate(oned, generated, name="grace")
    assert oned.writes == []
