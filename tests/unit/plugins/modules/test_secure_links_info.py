# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of a server's TLS proxy, and whether one that runs has what it is to have."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._host.sockets import Process
from ansible_collections.onefed.opennebula.plugins.module_utils._tls import proxy

Run = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A host with systemd and without SELinux, whose proxy does not run; its files lie in the folder."""
    for name, place in (("_SYSTEMD", "systemd"), ("_SELINUX", "selinux"), ("FOLDER", "tls")):
        monkeypatch.setattr(proxy, name, str(tmp_path / place))
    monkeypatch.setattr(proxy, "CONFIGURATION", str(tmp_path / "links.cfg"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "systemd").mkdir()
    (tmp_path / "tls").mkdir()
    unit(monkeypatch, "inactive", 0)
    return tmp_path


def unit(monkeypatch: pytest.MonkeyPatch, state: str, seconds_ago: float) -> None:
    since = str(int((time.monotonic() - seconds_ago) * 1e6))
    answer = {proxy.UNIT: {"ActiveState": state, "StateChangeTimestampMonotonic": since}}
    monkeypatch.setattr(proxy, "show", lambda units, properties: answer)


def asked(run_module: Run, port: int) -> dict[str, Any]:
    found: dict[str, Any] = run_module("secure_links_info", port=port)["links"]
    return found


@pytest.fixture
def free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def test_nothing_stands_in_the_way_of_a_free_port(run_module: Run, free: int) -> None:
    found = asked(run_module, free)
    assert (found["problems"], found["outdated"]) == ([], False)


def test_packages_that_are_missing_are_named(run_module: Run, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(proxy, "find_program", {"haproxy": "/usr/sbin/haproxy"}.get)
    assert asked(run_module, free)["missing"] == ["ca-certificates"]
    monkeypatch.setattr(proxy, "find_program", {}.get)
    assert asked(run_module, free)["missing"] == ["haproxy", "ca-certificates"]


def test_whoever_has_the_port_is_named(run_module: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        [told] = asked(run_module, port)["problems"]
    assert f"Port {port}" in told and f"(process {os.getpid()})" in told and "oned_tls_port" in told


def test_the_proxys_own_port_is_free_for_it(run_module: Run, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    ours = Process(7, 0, "haproxy", f"/system.slice/{proxy.UNIT}")
    monkeypatch.setattr(proxy, "listening_processes", lambda port: [ours])
    assert asked(run_module, free)["problems"] == []


def test_selinux_that_forbids_the_ports_is_told_with_the_command(run_module: Run, host: Path, free: int) -> None:
    (host / "selinux/booleans").mkdir(parents=True)
    boolean = host / "selinux/booleans/haproxy_connect_any"
    for enforcing, allowed, told in (("1", "0 0", 1), ("1", "1 1", 0), ("0", "0 0", 0)):
        (host / "selinux/enforce").write_text(enforcing)
        boolean.write_text(allowed)
        problems = asked(run_module, free)["problems"]
        assert len(problems) == told
        assert all("setsebool -P haproxy_connect_any on" in one for one in problems)


def test_a_host_without_systemd_or_root_is_told(
    run_module: Run, host: Path, monkeypatch: pytest.MonkeyPatch, free: int
) -> None:
    (host / "systemd").rmdir()
    assert "does not run systemd" in asked(run_module, free)["problems"][0]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "Use become" in asked(run_module, free)["problems"][0]


@pytest.mark.parametrize("name", ["links.cfg", "tls/server.pem"])
def test_a_file_that_is_newer_than_the_last_reload_waits_for_one(
    run_module: Run, monkeypatch: pytest.MonkeyPatch, host: Path, free: int, name: str
) -> None:
    (host / name).write_text("newer")
    assert not asked(run_module, free)["outdated"], "the proxy does not run"
    unit(monkeypatch, "active", 60)
    assert asked(run_module, free)["outdated"]
    unit(monkeypatch, "active", -60)
    assert not asked(run_module, free)["outdated"]
