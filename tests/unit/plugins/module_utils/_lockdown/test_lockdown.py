# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lockdown of a joining zone's API: what closes it, what opens it, who is let through. Real: tests/hosts."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fake_systemd import Packaged, packaged

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._host import systemctl, systemd_unit
from ansible_collections.onefed.opennebula.plugins.module_utils._lockdown import lockdown, ports
from ansible_collections.onefed.opennebula.plugins.module_utils._lockdown import rules as _rules
from ansible_collections.onefed.opennebula.plugins.module_utils._lockdown.lockdown import UNIT, manage
from ansible_collections.onefed.opennebula.plugins.module_utils._lockdown.ports import (
    addresses_of,
    endpoint_port,
    service_ports,
)
from ansible_collections.onefed.opennebula.plugins.module_utils._lockdown.rules import Lockdown

MASTER = "192.0.2.11"


class Host:
    """A host whose systemd runs our unit, and whose kernel keeps the table that the unit loads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.table = ""
        self.enabled = False
        self.known = ""
        self.orders: list[str] = []
        self.fails: set[str] = set()
        self.refuses = ""
        self.folder = folder / "units"
        self.folder.mkdir()
        monkeypatch.setattr(systemd_unit, "FOLDER", str(self.folder))
        monkeypatch.setattr(systemctl, "run_command", self.systemd)
        monkeypatch.setattr(lockdown, "SYSTEMD", str(folder))
        monkeypatch.setattr(_rules, "nft_program", lambda: "/usr/sbin/nft")
        monkeypatch.setattr(_rules, "run_nft", self.nft)
        for name in ("chown", "fchown"):
            monkeypatch.setattr(os, name, lambda *_arguments: None)
        monkeypatch.setattr(os, "geteuid", lambda: 0)

    @property
    def unit(self) -> Path:
        return self.folder / UNIT.name

    def systemd(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        if command[1] == "show":
            return subprocess.CompletedProcess(command, 0, f"UnitFileState={'enabled' if self.enabled else ''}\n", "")
        if command[0] == "journalctl":
            return subprocess.CompletedProcess(command, 0, "Error: no\nfailed\n", "")
        verb = command[1]
        self.orders.append(verb)
        if verb in self.fails:
            return subprocess.CompletedProcess(command, 1, "", "Job failed.")
        if verb == "daemon-reload":
            self.known = self.unit.read_text() if self.unit.exists() else ""
        if verb == "start":
            [line] = re.findall(r"^ExecStart=(.*)$", self.known.replace("\\\n", " "), re.MULTILINE)
            self.nft(*shlex.split(line)[1:])
        self.enabled = {"enable": True, "disable": False}.get(verb, self.enabled)
        return subprocess.CompletedProcess(command, 0, "", "")

    def nft(self, *words: str) -> subprocess.CompletedProcess[str]:
        if words[0] == "-c":
            return subprocess.CompletedProcess(words, int(bool(self.refuses)), "", f"{self.refuses}\nmore\n")
        if words[:3] == ("-n", "list", "table"):
            assert words[3:] == ("inet", "onefed_zone_lockdown")
            return subprocess.CompletedProcess(words, 0 if self.table else 1, self.table, "")
        assert words[0].startswith("add table inet onefed_zone_lockdown; ")
        self.table = self.listing(words[0])
        return subprocess.CompletedProcess(words, 0, "", "")

    @staticmethod
    def listing(text: str) -> str:
        """The table that these commands make, as nft 1.0 lists it."""
        chains = re.findall(r"chain (\w+) \{ (.*?) \};", text)
        if not chains:
            return ""
        lines = ["table inet onefed_zone_lockdown {"]
        for name, rules in chains:
            each = [rule.strip() for rule in re.findall(r"type [^;]*; policy accept;|[^;]+", rules) if rule.strip()]
            lines += [f"\tchain {name} {{", *(f"\t\t{rule}" for rule in each), "\t}", ""]
        return "\n".join([*lines[:-1], "}", ""]).replace("\treject", "\tmeta l4proto 6 reject")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Host:
    return Host(monkeypatch, tmp_path)


@pytest.fixture
def frontend(tmp_path: Path) -> Packaged:
    return packaged(tmp_path)


def do(frontend: Frontend, state: str = "closed", check: bool = False, **options: Any) -> dict[str, Any]:
    return manage(frontend, {"state": state, "allow": [MASTER], "endpoint": None, **options}, check)


def test_a_closed_lockdown_lets_in_its_guests_and_on_this_host_two_accounts(frontend: Packaged, host: Host) -> None:
    result = do(frontend, allow=["2001:DB8:0::11", MASTER, "::ffff:192.0.2.12"])
    assert (result["changed"], result["closed"], result["reason"]) == (True, True, None)
    chains = dict(re.findall(r"chain (\w+) \{\n(.*?)\n\t\}", host.table, re.DOTALL))
    callers = [line.strip() for line in chains["callers"].splitlines()]
    assert callers == [
        'iifname "lo" accept',
        "ip saddr 192.0.2.11 accept",
        "ip saddr 192.0.2.12 accept",
        "ip6 saddr 2001:db8::11 accept",
        "meta l4proto 6 reject with tcp reset",
    ]
    assert [line.strip() for line in chains["input"].splitlines()] == [
        "type filter hook input priority -10; policy accept;",
        *(f"tcp dport {port} jump callers" for port in (1, 2634, 2474, 2616, 5030, 9869)),
    ]
    assert 'oifname "lo" tcp dport 1 jump accounts' in chains["output"]
    accounts = [line.strip() for line in chains["accounts"].splitlines()]
    own = frontend.ids()[0]
    assert accounts == [
        *(f"meta skuid {uid} accept" for uid in sorted({0, own})),
        "meta skuid != 0 reject with tcp reset",
    ]


def test_oned_requires_the_unit_and_starts_after_it(frontend: Packaged, host: Host) -> None:
    do(frontend)
    lines = host.unit.read_text().splitlines()
    assert {"Before=opennebula.service", "RequiredBy=opennebula.service", "Type=oneshot"} < set(lines)
    assert "RemainAfterExit=yes" not in lines
    assert host.orders == ["daemon-reload", "enable", "start"]
    assert do(frontend)["changed"] is False
    assert len(host.orders) == 3


def test_an_open_lockdown_leaves_nothing_and_never_stops_what_oned_requires(frontend: Packaged, host: Host) -> None:
    do(frontend)
    result = do(frontend, "open")
    assert (result["changed"], result["closed"], result["reason"]) == (True, False, None)
    assert (host.table, host.enabled, host.unit.exists()) == ("", False, False)
    assert host.orders[3:] == ["disable", "daemon-reload", "reset-failed"]
    assert do(frontend, "open")["changed"] is False


@pytest.mark.parametrize("state", ["closed", "open"])
def test_check_mode_tells_what_a_run_does_and_touches_nothing(frontend: Packaged, host: Host, state: str) -> None:
    if state == "open":
        do(frontend)
    before = (host.table, host.enabled, list(host.orders), host.unit.exists())
    predicted = do(frontend, state, check=True)
    assert (host.table, host.enabled, host.orders, host.unit.exists()) == before
    assert predicted == do(frontend, state)
    assert predicted["changed"] is True


def test_the_diff_shows_the_unit_and_the_rules(frontend: Packaged, host: Host) -> None:
    diff = do(frontend, check=True)["diff"]
    assert diff["before"] == f"{host.unit}: none\nno rules in force\n"
    assert diff["after"].startswith(f"{host.unit}: enabled\ntable inet onefed_zone_lockdown {{\nchain input {{\n")
    assert "ip saddr 192.0.2.11 accept\n" in diff["after"]


@pytest.mark.parametrize("missing", ["table", "rule", "enabled", "edited", "guest"])
def test_what_is_missing_of_a_closed_lockdown_is_mended(frontend: Packaged, host: Host, missing: str) -> None:
    do(frontend, allow=["192.0.2.99"] if missing == "guest" else [MASTER])
    if missing == "table":
        host.table = ""
    elif missing == "rule":
        host.table = host.table.replace("\t\tmeta l4proto 6 reject with tcp reset\n", "")
    elif missing == "enabled":
        host.enabled = False
    elif missing == "edited":
        host.unit.write_text(host.unit.read_text() + "# edited\n")
    result = do(frontend)
    assert (result["changed"], result["closed"]) == (True, True)
    assert "192.0.2.99" not in host.table
    assert do(frontend)["changed"] is False


@pytest.mark.parametrize("left", ["unit", "table"])
def test_what_a_killed_run_left_is_opened(frontend: Packaged, host: Host, left: str) -> None:
    do(frontend)
    host.enabled = False
    if left == "unit":
        host.table = ""
    else:
        host.unit.unlink()
    assert do(frontend, "open")["changed"] is True
    assert (host.table, host.unit.exists()) == ("", False)


def test_rules_that_fail_to_load_are_not_left_in_the_way_of_oned(frontend: Packaged, host: Host) -> None:
    host.fails.add("start")
    with pytest.raises(FrontendError, match=r"systemctl start .* failed: Job failed. Error: no \| failed"):
        do(frontend)
    assert (host.table, host.enabled, host.unit.exists()) == ("", False, False)


def test_a_closed_lockdown_is_not_opened_by_failing_to_mend_it(frontend: Packaged, host: Host) -> None:
    do(frontend)
    host.fails.add("start")
    with pytest.raises(FrontendError, match="systemctl start"):
        do(frontend, allow=["192.0.2.12"])
    assert "ip saddr 192.0.2.11 accept" in host.table
    assert host.unit.exists()


def test_a_host_that_cannot_have_a_lockdown_tells_why(
    frontend: Packaged, host: Host, location: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reason(given: Frontend) -> str:
        result = do(given)
        assert (result["changed"], result["closed"]) == (False, False)
        assert not host.orders
        return str(result["reason"])

    contained = Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})
    assert "A self-contained OpenNebula has no systemd unit" in reason(contained)
    host.refuses = "Error: Operation not supported"
    assert "does not take the rules of the lockdown on this host: Error: Operation not supported." in reason(frontend)
    monkeypatch.setattr(_rules, "nft_program", lambda: None)
    assert "Install nftables, or let only the servers of the master zone reach" in reason(frontend)
    assert do(frontend, "open")["changed"] is False
    monkeypatch.setattr(lockdown, "SYSTEMD", str(host.folder / "none"))
    assert "does not run systemd" in reason(frontend)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "Use become, or let only" in reason(frontend)


def test_only_root_opens_a_lockdown(frontend: Packaged, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    do(frontend)
    # The lock of a packaged front-end is root's already; that of a self-contained one is not.
    monkeypatch.setattr(Packaged, "make_dir", lambda self, path: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(FrontendError, match="Only root may remove .*onefed-zone-lockdown.service"):
        do(frontend, "open")
    assert host.unit.exists()


def test_a_proxy_on_this_host_is_closed_too_and_may_call_oned(
    frontend: Packaged, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lockdown, "listeners", {443: [0, 4033]}.get)
    assert do(frontend, endpoint="https://one.example/RPC2")["closed"] is True
    assert "tcp dport 443 jump callers" in host.table
    accounts, own = host.table.split("chain own")
    assert ("meta skuid 4033 accept" in accounts, "4033" in own) == (True, False)
    assert do(frontend, endpoint="http://192.0.2.31:1/RPC2")["changed"] is True
    assert "443" not in host.table


def test_a_proxy_elsewhere_cannot_be_closed_here(frontend: Packaged, host: Host) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        result = do(frontend, endpoint=f"http://192.0.2.9:{unused.getsockname()[1]}/RPC2")
    assert (result["changed"], result["closed"]) == (False, False)
    assert "nothing on this host listens on port" in result["reason"]
    assert not host.unit.exists()


def test_ports_are_those_of_oned_conf(frontend: Packaged, host: Host) -> None:
    Path(frontend.conf).write_text("PORT = 12633\nGRPC_PORT = 12634\n")
    do(frontend)
    assert re.findall(r"tcp dport (\d+) jump callers", host.table)[:2] == ["12633", "12634"]
    Path(frontend.conf).write_text("PORT = 99999\n")
    with pytest.raises(FrontendError, match="PORT in .*oned.conf is '99999', which is no port"):
        do(frontend)


def test_companions_of_oned_have_the_ports_of_their_files(tmp_path: Path) -> None:
    assert service_ports(str(tmp_path)) == [2474, 2616, 5030, 9869]
    (tmp_path / "fireedge-server.conf").write_text("# port: 1\nport: 12616 # ours\nguacd:\n  port: 4822\n")
    (tmp_path / "oneks-server.conf").write_text(":server:\n  :port: 10780\n:memcache_port: 11211\n:port: 99999\n")
    (tmp_path / "oned.conf").write_text("port: 7\n")
    assert service_ports(str(tmp_path)) == [2474, 2616, 4822, 5030, 9869, 10780, 12616]


def test_a_service_beside_oned_answers_whom_oned_answers(frontend: Packaged, host: Host) -> None:
    Path(frontend.etc, "fireedge-server.conf").write_text("port: 12616\n")
    do(frontend)
    beside = [2474, 2616, 5030, 9869, 12616]
    assert [int(port) for port in re.findall(r"tcp dport (\d+) jump own", host.table)] == beside
    own = [line.strip() for line in host.table.split("chain own {")[1].splitlines()[1:-2]]
    assert own == [
        *(f"meta skuid {uid} accept" for uid in sorted({0, frontend.ids()[0]})),
        "meta skuid != 0 reject with tcp reset",
    ]


def test_names_stand_for_all_their_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(name: str, *_arguments: Any, **_options: Any) -> list[Any]:
        known = {"madrid": ["192.0.2.11", "2001:db8::11"], "192.0.2.2": ["192.0.2.2"], "fe80::1": ["fe80::1%eth0"]}
        if name not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(0, 0, 0, "", (address, 0)) for address in known[name]]

    monkeypatch.setattr(ports.socket, "getaddrinfo", resolve)
    wanted = ["192.0.2.2", "192.0.2.11", "2001:db8::11", "fe80::1"]
    assert addresses_of(["madrid", "192.0.2.2", "[fe80::1]", "madrid"]) == wanted
    with pytest.raises(FrontendError, match="cannot resolve 'lisbon'.*Name it in /etc/hosts here, or give an address"):
        addresses_of(["lisbon"])


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [("https://one.example/RPC2", 443), ("http://one.example/RPC2", 80), ("http://[2001:db8::1]:2633/RPC2", 2633)],
)
def test_an_endpoint_has_a_port(endpoint: str, port: int) -> None:
    assert endpoint_port(endpoint) == port


@pytest.mark.parametrize("endpoint", ["one.example:2633", "http://one.example:port/RPC2", ""])
def test_what_is_no_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(FrontendError, match="is no endpoint; expected such as"):
        endpoint_port(endpoint)


def test_the_unit_and_the_kernel_have_the_same_rules() -> None:
    lockdown = Lockdown((2633,), (MASTER,), (0, 33, 9869), (2616,), (0, 9869))
    listed = Host.listing(lockdown.commands().replace("\n", " "))
    squeezed = [" ".join(line.split()) for line in listed.splitlines() if line.strip()]
    assert [line.replace("meta l4proto 6 ", "") for line in squeezed] == lockdown.shown().splitlines()
