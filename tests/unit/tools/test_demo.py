# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A demo keeps to addresses of its own, or says in one message why it cannot."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.demo import network
from tests.tools.playbooks import wait_for

ROOT = Path(__file__).resolve().parents[3]
FREE = "127.213.7"


@contextmanager
def somebody_at(address: str) -> Iterator[None]:
    with socket.create_server((address, network.PORT)):
        yield


def test_the_network_is_the_usual_the_one_asked_for_or_the_one_it_has(tmp_path: Path) -> None:
    assert network.network(tmp_path, "") == "127.0.41"
    assert network.network(tmp_path, "127.0.42") == "127.0.42"
    (tmp_path / "network").write_text("127.0.42\n")
    assert network.network(tmp_path, "") == "127.0.42"
    assert network.network(tmp_path, "127.0.42") == "127.0.42"
    with pytest.raises(network.DemoError, match=r"The demo here has the addresses 127\.0\.42\.\*; unset DEMO_NETWORK"):
        network.network(tmp_path, "127.0.43")


@pytest.mark.parametrize("asked", ["10.0.0", "127.0", "127.0.41.1", "127.0.256", "127.0.4;x", "127.0.41\n"])
def test_other_networks_than_loopback_are_refused(tmp_path: Path, asked: str) -> None:
    with pytest.raises(network.DemoError, match="it must be three numbers of a loopback address"):
        network.network(tmp_path, asked)


def test_anothers_oned_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEMO_NETWORK", FREE)
    demo = tmp_path / ".demo"
    with somebody_at(f"{FREE}.2"):
        assert network.main(demo, ["madrid-1=1", "paris-1=2"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"Another program listens at {FREE}.2:2633, perhaps another demo on this machine.")
    assert "DEMO_NETWORK=127.0.42 make demo" in told.err
    assert not demo.exists()
    assert network.main(demo, ["madrid-1=1", "paris-1=2"]) == 0
    assert capsys.readouterr().out == f"{FREE}\n"
    assert (demo / "network").read_text() == f"{FREE}\n"


def test_the_demos_own_oned_may_run(tmp_path: Path) -> None:
    location = tmp_path / "madrid-1"
    (location / "var").mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"]) as other:
        (location / "var/oned.pid").write_text(f"{other.pid}\n")
        with somebody_at(f"{FREE}.1"), pytest.raises(network.DemoError):
            network.check(tmp_path, FREE, {"madrid-1": 1})
        other.kill()
    (location / "oned").symlink_to(sys.executable)
    with subprocess.Popen([location / "oned", "-c", "input()"], stdin=subprocess.PIPE) as own:
        (location / "var/oned.pid").write_text(f"{own.pid}\n")
        # For an instant a process that is just being started shows no command line.
        wait_for(lambda: Path(f"/proc/{own.pid}/cmdline").read_bytes() != b"", "its command line")
        with somebody_at(f"{FREE}.1"):
            network.check(tmp_path, FREE, {"madrid-1": 1})
        own.kill()


def test_the_inventory_has_the_addresses_of_the_demo(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "inventories/demo", tmp_path / "inventories/demo")

    def address() -> str:
        ansible = str(Path(sys.executable).parent / "ansible")
        command = [ansible, "paris-1", "-i", "inventories/demo", "-m", "debug", "-a", "var=ansible_host"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert "127.0.41.2" in address()
    (tmp_path / ".demo").mkdir()
    (tmp_path / ".demo/network").write_text(f"{FREE}\n")
    assert f"{FREE}.2" in address()
