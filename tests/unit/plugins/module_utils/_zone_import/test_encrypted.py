# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a zone kept encrypted is not stored readable by the federation."""

from __future__ import annotations

from typing import Any

from imported import document, federation, user

from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.conflicts import Policy
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.encrypted import encrypted_names
from ansible_collections.onefed.opennebula.plugins.module_utils._zone_import.plan import Options, make_plan

USERS = [
    user("alice", template={"API_KEY": "word", "NOTE": "x"}),
    user("bob", template={"VAULT": {"PIN": "1234"}, "API_KEY": "other"}),
    user("carol", template={"VAULT": {"NOTE": "x"}}),
]


def problems(master: Any, same: str = "", taken: tuple[str, ...] = ()) -> list[str]:
    content = document(users=USERS)
    content["source"]["encrypted"] = ["API_KEY", "UNUSED", "VAULT/PIN"]
    shared = {**federation(users=taken), "config": {"USER_ENCRYPTED_ATTR": master}}
    options = Options(policy=Policy(overrides={"users": {same: "same_person"}} if same else {}), joins=True)
    found: list[str] = make_plan(content, shared, options, {})[0]["problems"]
    return found


def test_the_names_are_those_of_oned_conf() -> None:
    assert encrypted_names({"USER_ENCRYPTED_ATTR": ["vault/pin", "API_KEY"]}) == ["API_KEY", "VAULT/PIN"]
    assert encrypted_names({"USER_ENCRYPTED_ATTR": "API_KEY"}) == ["API_KEY"]
    assert encrypted_names({}) == []


def test_a_master_must_encrypt_what_the_zone_did() -> None:
    assert [text.partition(";")[0] for text in problems("NOTHING")] == [
        "The zone's oned encrypts API_KEY of its users, the master's does not: alice, bob have it",
        "The zone's oned encrypts VAULT/PIN of its users, the master's does not: bob have it",
    ]
    assert problems(["API_KEY", "VAULT"]) == problems(["API_KEY", "VAULT/PIN"]) == []


def test_what_nobody_brings_along_does_not_count() -> None:
    assert len(problems(["API_KEY"], same="bob", taken=("bob",))) == 0
    content = document(users=USERS)
    assert make_plan(content, federation(), Options(joins=True), {})[0]["problems"] == []
