# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit keeps a floating address until hooks do; neither is left behind. On hosts: tests/hosts/test_floating.py."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from fake_systemd import Packaged, packaged

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._host import network, systemctl, systemd_unit
from ansible_collections.onefed.opennebula.plugins.module_utils._vip import address as _floating_address
from ansible_collections.onefed.opennebula.plugins.module_utils._vip.address import manage
from ansible_collections.onefed.opennebula.plugins.module_utils._vip.unit import UNIT, Floating, keeper

CIDR = "192.0.2.30/24"


class Host:
    """A host with interface eth0, and a systemd that does what our unit says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.addresses = ["192.0.2.31/24"]
        self.others: list[str] = []
        self.active = self.enabled = False
        self.orders: list[str] = []
        self.fails: set[str] = set()
        self.folder = folder
        folder.mkdir()
        monkeypatch.setattr(systemctl, "run_command", self.systemd)
        monkeypatch.setattr(systemd_unit, "FOLDER", str(folder))
        monkeypatch.setattr(_floating_address, "POLL", 0.01)
        monkeypatch.setattr(network, "program", lambda name: f"/sbin/{name}")
        monkeypatch.setattr(network, "iputils_arping", lambda: "/bin/arping")
        monkeypatch.setattr(network, "interface_state", {"eth0": "UP", "eth1": "DOWN"}.get)
        monkeypatch.setattr(network, "answers", lambda _interface, _address: self.others)
        monkeypatch.setattr(network, "addresses", self.listed)
        monkeypatch.setattr(network, "ip", self.ip)
        monkeypatch.setattr("os.geteuid", lambda: 0)
        monkeypatch.setattr("os.chown", lambda *_arguments: None)
        monkeypatch.setattr("os.fchown", lambda *_arguments: None)

    @property
    def unit(self) -> Path:
        return self.folder / UNIT.name

    def listed(self) -> list[dict[str, Any]]:
        pairs = [address.split("/") for address in self.addresses]
        return [{"interface": "eth0", "address": text, "prefix": int(bits), "mac": "02::1"} for text, bits in pairs]

    def ip(self, *words: str) -> str:
        assert words[:2] == ("address", "del")
        assert words[3:] == ("dev", "eth0")
        self.addresses.remove(words[2])
        return ""

    def systemd(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        if command[1] == "show":
            state = f"ActiveState={'active' if self.active else 'inactive'}\n"
            return subprocess.CompletedProcess(command, 0, state + f"UnitFileState={'enabled' if self.enabled else ''}")
        if command[0] == "journalctl":
            return subprocess.CompletedProcess(command, 0, "no such device\nfailed\n", "")
        verb = command[1]
        self.orders.append(verb)
        if verb in self.fails:
            return subprocess.CompletedProcess(command, 1, "", "Job failed.")
        if verb == "restart":
            self.active = True
            [line] = [line for line in self.unit.read_text().splitlines() if "ip address replace" in line]
            if line.split()[3] not in self.addresses:
                self.addresses.append(line.split()[3])
        self.enabled = {"enable": True, "disable": False}.get(verb, self.enabled)
        self.active = self.active and verb != "disable"
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Host:
    return Host(monkeypatch, tmp_path / "units")


@pytest.fixture
def frontend(tmp_path: Path) -> Packaged:
    return packaged(tmp_path)


def do(frontend: Frontend, state: str, check: bool = False, **options: Any) -> dict[str, Any]:
    given = {"address": CIDR, "interface": "eth0", "present": True, "timeout": 0.05, **options}
    return manage(frontend, {**given, "state": state}, check)


def test_an_address_is_kept_by_a_unit_that_starts_with_the_host(frontend: Frontend, host: Host) -> None:
    result = do(frontend, "kept")
    assert {key: result[key] for key in ("changed", "present", "kept", "unit")} == {
        "changed": True,
        "present": True,
        "kept": True,
        "unit": str(host.unit),
    }
    assert host.orders == ["daemon-reload", "enable", "restart"]
    lines = host.unit.read_text().splitlines()
    assert "ExecStart=/sbin/ip address replace 192.0.2.30/24 dev eth0" in lines
    assert lines.index("ExecStartPre=/bin/arping -q -D -c 2 -w 3 -I eth0 192.0.2.30") < lines.index("[Install]")
    assert "Before=opennebula.service" in lines
    assert not any(line.startswith("ExecStop") for line in lines)
    assert keeper() == {"address": CIDR, "interface": "eth0"}
    assert do(frontend, "kept")["changed"] is False
    assert len(host.orders) == 3


def test_the_diff_shows_the_address_and_the_unit(frontend: Frontend, host: Host) -> None:
    diff = do(frontend, "kept", check=True)["diff"]
    assert diff["before"] == f"192.0.2.30/24 on eth0: no\n{host.unit}: none\n"
    assert diff["after"].startswith(f"192.0.2.30/24 on eth0: yes\n{host.unit}: runs\n# Written by")


@pytest.mark.parametrize("state", ["kept", "handed_over", "absent"])
def test_check_mode_tells_what_a_run_does_and_touches_nothing(frontend: Frontend, host: Host, state: str) -> None:
    if state != "kept":
        do(frontend, "kept")
    before = (list(host.addresses), list(host.orders), host.unit.exists())
    predicted = do(frontend, state, check=True)
    assert (host.addresses, host.orders, host.unit.exists()) == before
    assert predicted == do(frontend, state)
    assert predicted["changed"] is True
    assert do(frontend, state, check=True)["changed"] is False


def test_what_is_missing_of_a_kept_address_is_mended(frontend: Frontend, host: Host) -> None:
    do(frontend, "kept")
    host.addresses.remove(CIDR)
    assert do(frontend, "kept")["changed"] is True
    assert CIDR in host.addresses
    host.enabled = False
    assert do(frontend, "kept")["changed"] is True
    assert host.enabled
    host.unit.write_text(host.unit.read_text() + "# edited\n")
    assert do(frontend, "kept")["changed"] is True
    assert "# edited" not in host.unit.read_text()


def test_an_address_that_is_handed_over_stays_and_nothing_keeps_it(frontend: Frontend, host: Host) -> None:
    do(frontend, "kept")
    result = do(frontend, "handed_over")
    assert (result["changed"], result["present"], result["kept"], result["unit"]) == (True, True, False, None)
    assert host.addresses == ["192.0.2.31/24", CIDR]
    assert (host.active, host.enabled, host.unit.exists(), keeper()) == (False, False, False, None)
    assert host.orders[3:] == ["disable", "daemon-reload", "reset-failed"]
    assert do(frontend, "handed_over")["changed"] is False


def test_an_absent_address_goes_with_its_unit_whatever_its_prefix(frontend: Frontend, host: Host) -> None:
    do(frontend, "kept")
    host.addresses.append("192.0.2.30/32")
    result = do(frontend, "absent")
    assert (result["changed"], result["present"], result["unit"]) == (True, False, None)
    assert host.addresses == ["192.0.2.31/24"]
    assert not host.unit.exists()
    assert do(frontend, "absent")["changed"] is False


@pytest.mark.parametrize(("state", "left"), [("kept", ["192.0.2.40/24"]), ("handed_over", []), ("absent", [])])
def test_the_address_of_an_earlier_declaration_is_not_left(
    frontend: Frontend, host: Host, state: str, left: list[str]
) -> None:
    do(frontend, "kept")
    assert do(frontend, state, address="192.0.2.40/24")["changed"] is True
    assert host.addresses == ["192.0.2.31/24", *left]


def test_an_address_that_another_machine_has_is_refused_in_check_mode_too(frontend: Frontend, host: Host) -> None:
    host.others = ["02:99"]
    for check in (True, False):
        with pytest.raises(FrontendError, match="192.0.2.30/24 is in use by the machine .* 02:99"):
            do(frontend, "kept", check)
    assert not host.unit.exists()


@pytest.mark.parametrize(("interface", "words"), [("eth9", "There is no interface eth9"), ("eth1", "no link on")])
def test_an_interface_that_cannot_carry_it_is_refused(
    frontend: Frontend, host: Host, interface: str, words: str
) -> None:
    with pytest.raises(FrontendError, match=words):
        do(frontend, "kept", interface=interface)


def test_a_unit_that_fails_is_not_left_to_a_later_boot(frontend: Frontend, host: Host) -> None:
    host.fails.add("restart")
    with pytest.raises(FrontendError, match=r"systemctl restart .* failed: Job failed. no such device \| failed"):
        do(frontend, "kept")
    assert (host.unit.exists(), host.enabled) == (False, False)


def test_a_unit_stays_as_it_was_when_its_new_text_cannot_be_written(
    frontend: Frontend, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(frontend, "kept")
    former = host.unit.read_text() + "# edited\n"
    host.unit.write_text(former)

    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(systemd_unit, "write_bytes", full)
    with pytest.raises(FrontendError, match=f"Cannot write {host.unit}: No space left on device."):
        do(frontend, "kept")
    assert (host.unit.read_text(), host.enabled, host.active) == (former, True, True)


def test_an_ipv6_address_that_the_kernel_finds_elsewhere_is_taken_off(
    frontend: Frontend, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = iter([None, True])
    monkeypatch.setattr(network, "duplicate", lambda _interface, _address: next(seen))
    with pytest.raises(FrontendError, match="2001:db8::30/64 is in use by another machine"):
        do(frontend, "kept", address="2001:db8::30/64")
    assert (host.addresses, host.unit.exists()) == (["192.0.2.31/24"], False)


def test_an_ipv6_address_is_kept_without_arp(frontend: Frontend, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "duplicate", lambda _interface, _address: False)
    assert do(frontend, "kept", address="2001:DB8:0::30/64")["kept"] is True
    assert "2001:db8::30/64" in host.addresses
    assert "arping" not in host.unit.read_text()


def test_without_arping_the_address_is_kept_unannounced(
    frontend: Frontend, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "iputils_arping", lambda: None)
    assert do(frontend, "kept")["kept"] is True
    assert "arping" not in host.unit.read_text()


def test_hooks_are_waited_for_and_told_when_they_did_nothing(frontend: Frontend, host: Host) -> None:
    with pytest.raises(FrontendError, match="did not come to eth0 within 0.05 s.*end with success whatever happened"):
        do(frontend, "awaited")
    assert do(frontend, "awaited", check=True)["present"] is False
    assert do(frontend, "awaited", present=False)["present"] is False
    host.addresses.append(CIDR)
    result = do(frontend, "awaited")
    assert (result["changed"], result["present"], result["kept"]) == (False, True, False)
    with pytest.raises(FrontendError, match="was still on eth0 after 0.05 s"):
        do(frontend, "awaited", present=False)


def test_a_self_contained_install_needs_the_address_to_be_there(location: Path, host: Host) -> None:
    frontend = Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})
    with pytest.raises(FrontendError, match="self-contained OpenNebula has no systemd unit.*network configuration"):
        do(frontend, "kept")
    host.addresses.append(CIDR)
    result = do(frontend, "kept")
    assert (result["changed"], result["present"], result["kept"], result["unit"]) == (False, True, False, None)
    assert do(frontend, "handed_over")["changed"] is False
    assert host.orders == []


def test_only_root_changes_addresses(frontend: Frontend, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(FrontendError, match="Run as root."):  # the lock is root's, like all state
        do(frontend, "kept")
    assert not host.unit.exists()


@pytest.mark.parametrize("address", ["192.0.2.30", "192.0.2.300/24", "vip/24", "192.0.2.30/33", ""])
def test_what_is_no_address_with_a_prefix_is_refused(address: str) -> None:
    with pytest.raises(FrontendError, match="is no floating address; expected such as 192.0.2.30/24"):
        Floating.of(address, "eth0")


@pytest.mark.parametrize("interface", ["", "eth0 eth1", "-x", "eth0\n", "a" * 16, "$(id)"])
def test_what_cannot_be_an_interface_is_refused(interface: str) -> None:
    with pytest.raises(FrontendError, match="cannot be the name of a network interface"):
        Floating.of(CIDR, interface)
