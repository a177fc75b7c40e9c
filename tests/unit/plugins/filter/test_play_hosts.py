# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A play on the federation has hosts, or there is an error that says why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible import context
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.collections import ImmutableDict

from ansible_collections.onefed.opennebula.plugins.filter.play_hosts import play_hosts

GROUPS = {
    "all": ["m1", "p1", "p2", "other"],
    "ungrouped": ["other"],
    "federation": ["m1", "p1", "p2"],
    "madrid": ["m1"],
    "paris": ["p1", "p2"],
    "empty": [],
}


@pytest.mark.parametrize("limit", [None, "", "paris", "p1,madrid", "all:!paris", "~p.", "federation", "other,m1", "p*"])
def test_hosts_within_the_limit_are_the_groups(limit: str | None) -> None:
    assert play_hosts(GROUPS, "federation", limit, ["hosts.yml"]) == "federation"


@pytest.mark.parametrize("limit", ["other", "paris:!paris", "all:!federation", "localhost"])
def test_a_limit_without_a_host_of_the_federation_is_told(limit: str) -> None:
    with pytest.raises(AnsibleFilterError) as error:
        play_hosts(GROUPS, "federation", limit, ["hosts.yml"])
    assert f"The limit {limit!r} has no host of group 'federation'. Inventory: hosts.yml." in str(error.value)


def test_a_limit_may_be_a_file(tmp_path: Path) -> None:
    names = tmp_path / "limit"
    names.write_text("other\n")
    with pytest.raises(AnsibleFilterError, match="has no host of group 'federation'"):
        play_hosts(GROUPS, "federation", f"@{names}")
    names.write_text("p2\n")
    assert play_hosts(GROUPS, "federation", f"@{names}") == "federation"


def test_a_missing_group_is_named_with_the_inventory_and_what_it_has() -> None:
    with pytest.raises(AnsibleFilterError) as error:
        play_hosts(GROUPS, "europe", None, ["/etc/one/hosts.yml", "more.yml"])
    told = str(error.value)
    assert "no group 'europe'" in told
    assert "Inventory: /etc/one/hosts.yml, more.yml." in told
    assert "Its groups: empty, federation, madrid, paris." in told
    assert "-e federation_group=NAME" in told


def test_an_inventory_that_was_not_read_is_named() -> None:
    with pytest.raises(AnsibleFilterError, match="Inventory: bad.yml. Its groups: none; .* could not read"):
        play_hosts({"all": [], "ungrouped": []}, "federation", "paris", ["bad.yml"])


def test_an_empty_group_is_named() -> None:
    with pytest.raises(AnsibleFilterError, match="Group 'empty' has no hosts. Inventory: hosts.yml."):
        play_hosts(GROUPS, "empty", None, ["hosts.yml"])


@pytest.mark.parametrize("option", ["syntax", "listtasks", "listtags"])
def test_what_runs_on_no_host_needs_none(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict({option: True}))
    assert play_hosts({"all": []}, "federation", None, []) == "federation"
