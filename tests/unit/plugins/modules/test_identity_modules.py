# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules user, group, vdc and acl, from their options to what Ansible is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from fake_identities import FakeIdentities
from fake_oned import Served

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def oned() -> Iterator[FakeIdentities]:
    with Served(FakeIdentities(pools={"cluster": {0: "default"}})) as served:
        assert isinstance(served, FakeIdentities)
        served.add(0, "madrid", {"ENDPOINT": served.url})
        yield served


@pytest.fixture
def run(run_module: Run, oned: FakeIdentities) -> Run:
    account = {"api_url": oned.url, "api_username": "oneadmin", "api_password": "secret-word"}

    def call(module: str, /, **options: Any) -> dict[str, Any]:
        return run_module(module, **account, **options)

    return call


def test_a_group_with_a_user_a_vdc_and_a_rule(run: Run, oned: FakeIdentities) -> None:
    group: dict[str, Any] = {"name": "devs", "quotas": {"vm": {"vms": 5}}}
    user: dict[str, Any] = {
        "name": "ada",
        "password": "a-password",
        "group": "devs",
        "template": {"MAIL": "ada@example.com"},
        "template_secrets": {"API_KEY": "an-api-key"},
        "quotas": {"clusters": {"default": {"vms": 1}}},
    }
    vdc = {"name": "lab", "groups": ["devs"], "resources": [{"zone": "madrid", "clusters": ["ALL"]}]}
    tasks = [("group", group), ("user", user), ("vdc", vdc), ("acl", {"rule": "#ada VM/@devs USE *"})]
    results = [run(module, **options) for module, options in tasks]
    assert [result["changed"] for result in results] == [True] * 4
    assert [run(module, **options)["changed"] for module, options in tasks] == [False] * 4
    assert results[0]["group"]["quotas"] == {"vm": {"vms": 5}}
    assert results[1]["user"]["quotas"] == {"clusters": {"0": {"vms": 1}}}
    assert results[2]["vdc"]["resources"][0]["clusters"] == ["ALL"]
    assert results[3]["acl"]["text"] == "#2 VM/@100 USE *"
    assert oned.identities.users[2]["template"]["API_KEY"] == "an-api-key"
    assert "a-password" not in str(results)
    assert "an-api-key" not in str(results)


@pytest.mark.parametrize("name", ["group", "user", "vdc"])
def test_a_name_or_an_id_is_needed(run: Run, name: str) -> None:
    assert "one of the following is required: name, id" in run(name)["msg"]


@pytest.mark.parametrize(
    "options",
    [{"rule": "* VM/* USE *", "zone": "*"}, {"user": "ada", "group": "devs"}, {"rule": "* VM/* USE *", "user": "ada"}],
)
def test_a_rule_is_given_in_one_way_only(run: Run, options: dict[str, Any]) -> None:
    assert "mutually exclusive" in run("acl", **options)["msg"]


def test_a_password_and_a_hash_exclude_each_other(run: Run) -> None:
    assert "mutually exclusive" in run("user", name="ada", password="secret-1", password_hash="secret-2")["msg"]


def test_unknown_quotas_are_refused(run: Run) -> None:
    assert "Unsupported parameters" in run("group", name="users", quotas={"vms": {}})["msg"]


def test_oneadmins_password_is_not_changed(run: Run, oned: FakeIdentities) -> None:
    result = run("user", name="oneadmin", password="another-one", update_password="always")
    assert result["failed"] is True
    assert "Playbook rotate_oneadmin changes the password in all zones" in result["msg"]
    assert "another-one" not in str(result)
    assert oned.writes == []


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("user", {"name": False, "password": "a-password"}),
        ("user", {"name": "ada", "password": 342391}),
        ("user", {"name": "ada", "password_hash": 100}),
        ("user", {"name": "ada", "password": "a-password", "auth_driver": 1.5}),
        ("user", {"name": "ada", "password": "a-password", "template_secrets": {"TOKEN_PASSWORD": 342391}}),
        ("user", {"name": "ada", "password": "a-password", "template_secrets": {"PIN": 342391}}),
        ("group", {"name": 100}),
        ("vdc", {"name": True}),
        ("zone", {"name": False, "endpoint": "http://192.0.2.9:2633/RPC2"}),
        ("zone_info", {"name": 342391, "api_password": "x"}),
        ("group", {"name": "devs", "api_password": 342391}),
        ("user", {"name": "ada", "password": "a-password", "group": False}),
        ("user", {"name": "ada", "password": "a-password", "groups": ["users", 1.5]}),
        ("vdc", {"name": "lab", "resources": [{"zone": False, "clusters": ["ALL"]}]}),
        ("acl", {"user": True, "resources": ["VM"], "rights": ["USE"], "zone": "*"}),
    ],
)
def test_what_yaml_read_as_something_else_than_text_is_refused(
    run_module: Run, oned: FakeIdentities, module: str, options: dict[str, Any]
) -> None:
    account = {"api_url": oned.url, "api_username": "oneadmin", "api_password": "secret-word"}
    result = run_module(module, **{**account, **options})
    assert result["failed"] is True
    assert "put it in quotes" in result["msg"]
    assert "342391" not in result["msg"]
    assert oned.writes == []


def test_the_id_of_an_object_may_be_a_number(run: Run, oned: FakeIdentities) -> None:
    assert run("user", name="ada", password="a-password", group=1)["user"]["group"] == "users"
    assert run("acl", user=2, resources=["VM"], rights=["USE"], zone=0)["acl"]["text"] == "#2 VM/* USE #0"


@pytest.mark.parametrize("failing", [False, True])
def test_secrets_in_a_template_are_in_no_result_and_no_log(
    run: Run, oned: FakeIdentities, failing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(AnsibleModule, "_log_to_syslog", lambda _self, text: logged.append(text), raising=False)
    monkeypatch.setattr(AnsibleModule, "log", lambda _self, text, log_args=None: logged.append(f"{text} {log_args}"))
    template = {"town": "Toledo", "ssh_private_key": "a-private-key", "LOGIN": {"token": "a-token"}}
    result = run("user", name="a da" if failing else "ada", password="a-password", template=template)
    assert result.get("failed", False) is failing
    assert "Toledo" in str(logged)
    for text in (str(result), str(logged)):
        assert "a-private-key" not in text
        assert "a-token" not in text
    if not failing:
        assert oned.identities.users[2]["template"]["SSH_PRIVATE_KEY"] == "a-private-key"
