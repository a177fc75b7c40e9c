# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Hypervisor hosts: made, listed, switched on and off."""

from __future__ import annotations

import pytest

from .api import ALLOCATE, INTERNAL, NO_EXISTS, Api
from .conftest import Made

ENABLE, DISABLE, OFFLINE = range(3)
DISABLED, IS_OFFLINE = "4", "8"


@pytest.fixture
def host(api: Api, made: Made) -> int:
    number = api.call("one.host.allocate", made.name(), "dummy", "dummy", -1)
    return made._note(api, "one.host.delete", number)


def state(api: Api, number: int) -> str | None:
    pool = api.xml("one.hostpool.info")
    return next(each.findtext("STATE") for each in pool if each.findtext("ID") == str(number))


def test_a_new_host_is_enabled_and_in_the_default_cluster(api: Api, host: int) -> None:
    document = api.xml("one.host.info", host)
    assert [document.findtext(name) for name in ("IM_MAD", "VM_MAD", "CLUSTER_ID", "CLUSTER")] == [
        "dummy",
        "dummy",
        "0",
        "default",
    ]
    assert state(api, host) not in (DISABLED, IS_OFFLINE)
    assert str(host) in [each.text for each in api.xml("one.cluster.info", 0).iterfind("HOSTS/ID")]


def test_a_host_is_disabled_and_enabled_again(api: Api, host: int) -> None:
    assert api.raw("one.host.status", host, DISABLE) == [True, host, 0]
    assert state(api, host) == DISABLED
    assert api.raw("one.host.status", host, DISABLE) == [True, host, 0]
    assert api.raw("one.host.status", host, ENABLE) == [True, host, 0]
    assert state(api, host) not in (DISABLED, IS_OFFLINE)
    assert api.raw("one.host.status", host, OFFLINE) == [True, host, 0]
    assert state(api, host) == IS_OFFLINE


def test_other_states_are_refused(api: Api, host: int) -> None:
    assert api.raw("one.host.status", host, 7)[:3] == [False, "[one.host.status] Wrong status code", INTERNAL]
    assert api.raw("one.host.status", 4711, DISABLE)[:3] == [
        False,
        "[one.host.status] Error getting host [4711].",
        NO_EXISTS,
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a b", "Invalid HOSTNAME, ' ' is invalid character for a HOSTNAME"),
        ("-ab", "Invalid HOSTNAME, first character can't be '-'"),
        ("ab.", "Invalid HOSTNAME, last character can't be '.'"),
        ("a", "Invalid HOSTNAME, HOSTNAME length should be greater than 1, but smaller than 64 characters"),
    ],
)
def test_a_name_that_no_machine_can_have(api: Api, name: str, said: str) -> None:
    reply = api.raw("one.host.allocate", name, "dummy", "dummy", -1)
    assert reply[:3] == [False, f"[one.host.allocate] Error allocating a new host. {said}", ALLOCATE]


def test_nobody_has_two_hosts_of_one_name(api: Api, host: int) -> None:
    name = api.xml("one.host.info", host).findtext("NAME")
    reply = api.raw("one.host.allocate", name, "dummy", "dummy", -1)
    assert reply[:3] == [
        False,
        f"[one.host.allocate] Error allocating a new host. NAME is already taken by HOST {host}.",
        ALLOCATE,
    ]
