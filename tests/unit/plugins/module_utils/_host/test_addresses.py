# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has an address is found out by asking the network, on two machines of network namespaces joined by a cable."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._host import command, network

Ask = Callable[[str], Any]
OURS, THEIRS = "02:00:c0:00:02:01", "02:00:c0:00:02:02"


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Evaluates an expression with _host/network on the machine that has 192.0.2.31; the other one has 192.0.2.32."""
    ours, theirs = (f"onefed-{os.getpid()}-{name}" for name in ("a", "b"))
    if not shutil.which("ip"):
        pytest.skip("there is no program ip (iproute2) here")
    made = subprocess.run(["ip", "netns", "add", ours], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no network namespaces here: {made.stderr.strip()}")
    try:
        subprocess.run(["ip", "netns", "add", theirs], check=True)
        link = f"link add wire0 address {OURS} type veth peer name wire0 address {THEIRS} netns {theirs}"
        subprocess.run(["ip", "-n", ours, *link.split()], check=True)
        for name, address in ((ours, "192.0.2.31/24"), (theirs, "192.0.2.32/24")):
            for words in (f"address add {address} dev wire0", "link set wire0 up", "link set lo up"):
                subprocess.run(["ip", "-n", name, *words.split()], check=True)
        yield lambda expression: evaluate(ours, expression)
    finally:
        for name in (ours, theirs):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def evaluate(namespace: str, expression: str) -> Any:
    code = f"import json; from {network.__name__} import *; print(json.dumps({expression}))"
    root = str(Path(network.__file__).parents[6])
    done = subprocess.run(
        ["ip", "netns", "exec", namespace, sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_another_machine_that_has_an_address_is_found(ask: Ask) -> None:
    assert ask("answers('wire0', '192.0.2.32')") == [THEIRS]
    assert ask("answers('wire0', '192.0.2.99')") == []


def test_an_address_of_ones_own_is_nobody_elses(ask: Ask) -> None:
    assert ask("answers('wire0', '192.0.2.31')") == []


def test_who_has_an_address_is_unknown_where_it_cannot_be_asked(ask: Ask) -> None:
    assert ask("answers('wire9', '192.0.2.32')") is None
    assert ask("answers('wire0', '2001:db8::1')") is None
    assert ask("answers('lo', '127.0.0.9')") == []


def test_addresses_are_told_with_interface_prefix_and_hardware_address(ask: Ask) -> None:
    found = [one for one in ask("addresses()") if "." in one["address"]]
    assert found == [
        {"interface": "lo", "address": "127.0.0.1", "prefix": 8, "mac": "00:00:00:00:00:00"},
        {"interface": "wire0", "address": "192.0.2.31", "prefix": 24, "mac": OURS},
    ]


def test_an_interface_is_told_by_its_link(ask: Ask) -> None:
    assert ask("interface_state('wire0')") == "UP"
    assert ask("interface_state('wire9')") is None
    assert ask("ip('link', 'set', 'wire0', 'down')") == ""
    assert ask("interface_state('wire0')") == "DOWN"
    assert ask("answers('wire0', '192.0.2.32')") is None


def test_an_ipv6_address_of_two_machines_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def links(*flags: str) -> list[dict[str, Any]]:
        return [{"ifname": "eth0", "addr_info": [{"local": "2001:db8::1", **dict.fromkeys(flags, True)}]}]

    for flags, expected in ((("dadfailed", "tentative"), True), (("tentative",), None), ((), False)):
        monkeypatch.setattr(network, "_links", lambda flags=flags: links(*flags))
        assert network.duplicate("eth0", "2001:db8::1") is expected


def test_a_refused_order_is_told_in_the_words_of_ip() -> None:
    with pytest.raises(FrontendError, match="ip address add 192.0.2.1/24 dev onefed9 failed: Cannot find device"):
        network.ip("address", "add", "192.0.2.1/24", "dev", "onefed9")


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command, "PATH", str(tmp_path))
    assert network.iputils_arping() is None
    with pytest.raises(FrontendError, match="There is no program ip on this host. Install iproute2"):
        network.addresses()


@pytest.mark.parametrize(
    ("words", "found"), [("arping from iputils 20221126", True), ("ARPing 2.23, by habets", False)]
)
def test_only_the_arping_of_iputils_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: str, found: bool
) -> None:
    arping = tmp_path / "arping"
    arping.write_text(f"#!/bin/sh\necho '{words}'\n")
    arping.chmod(0o755)
    monkeypatch.setattr(command, "PATH", str(tmp_path))
    assert network.iputils_arping() == (str(arping) if found else None)
