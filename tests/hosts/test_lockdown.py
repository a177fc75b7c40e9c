# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A lockdown in a real kernel: who is let through to oned, also after a boot, and that nothing of it stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.tools.playbooks import wait_for

from .host import Host
from .image import USER
from .lab import Lab, Spec
from .opennebula import PORT

GUEST, STRANGER = "10.90.0.12", "10.90.0.13"
UNIT = "onefed-zone-lockdown.service"
PROXY, FIREEDGE = 8443, 2616
# A companion of oned that starts with the host, whatever stopped it before.
BESIDE = f"""[Service]
User=oneadmin
ExecStart=/usr/bin/python3 -m http.server {FIREEDGE}
[Install]
WantedBy=multi-user.target
"""
# Prints what a client sees: an HTTP status line, or the reason why there is none.
ASK = """import socket
try:
    with socket.create_connection(("{}", {}), 5) as connection:
        connection.sendall(b"GET /RPC2 HTTP/1.0\\r\\n\\r\\n")
        print(connection.recv(9).decode())
except OSError as error:
    print(type(error).__name__)
"""
ANSWERED, REFUSED = "HTTP/1.", "ConnectionRefusedError"


@pytest.fixture(scope="module")
def lab(hosts: None) -> Iterator[Lab]:
    with Lab.temporary("lockdown") as lab:
        lab.up(Spec("one", "10.90.0.11", started=True), Spec("two", GUEST), Spec("three", STRANGER))
        yield lab


@pytest.fixture
def one(lab: Lab) -> Iterator[Host]:
    yield lab["one"]
    zone_lockdown(lab, state="open")


def zone_lockdown(lab: Lab, **options: Any) -> dict[str, Any]:
    """What the module returns on host one."""
    return lab.module("one", "zone_lockdown", {"allow": [GUEST], **options})


def asked(host: Host, account: str = "root", address: str = "10.90.0.11", port: int = PORT) -> str:
    """What a client with this account on a host sees of oned on host one."""
    program = ASK.format(address, port)
    answer = host.exec(["runuser", "-u", account, "--", "python3", "-c", program]).stdout.strip()
    return ANSWERED if answer.startswith(ANSWERED) else answer


def seen(lab: Lab) -> dict[str, str]:
    one = lab["one"]
    return {
        "guest": asked(lab["two"]),
        "stranger": asked(lab["three"]),
        "root": asked(one),
        "oned": asked(one, "oneadmin", "127.0.0.1"),
        "account": asked(one, USER, "127.0.0.1"),
        "account, by the address": asked(one, USER),
    }


EVERYBODY = dict.fromkeys(("guest", "stranger", "root", "oned", "account", "account, by the address"), ANSWERED)
CLOSED = {**EVERYBODY, **dict.fromkeys(("stranger", "account", "account, by the address"), REFUSED)}


def main_pid(host: Host) -> str:
    return host.exec(["systemctl", "show", "-p", "MainPID", "opennebula"]).stdout


def left(host: Host) -> str:
    units = host.exec(["find", "/etc/systemd", "-name", "onefed-zone-lockdown*", "-o", "-name", "*.requires"]).stdout
    return units + host.exec(["nft", "list", "tables"]).stdout


def test_a_closed_lockdown_lets_its_guests_through_and_an_open_one_everybody(lab: Lab, one: Host) -> None:
    assert seen(lab) == EVERYBODY
    before, pid = left(one), main_pid(one)
    result = zone_lockdown(lab)
    assert (result["changed"], result["closed"], result["reason"]) == (True, True, None)
    assert seen(lab) == CLOSED
    assert zone_lockdown(lab)["changed"] is False
    assert zone_lockdown(lab, state="open")["changed"] is True
    assert seen(lab) == EVERYBODY
    assert (left(one), main_pid(one)) == (before, pid)
    assert zone_lockdown(lab, state="open")["changed"] is False


def test_a_connection_that_was_open_is_cut(lab: Lab, one: Host) -> None:
    with lab.connect(one.address, PORT) as connection:
        connection.settimeout(5)
        zone_lockdown(lab)
        with pytest.raises(ConnectionError):
            connection.sendall(b"GET /RPC2 HTTP/1.0\r\n\r\n")
            assert connection.recv(1) is None


def test_a_closed_lockdown_stays_closed_after_a_power_failure(lab: Lab, one: Host) -> None:
    zone_lockdown(lab)
    one.power_off()
    lab.boot(one)
    wait_for(lambda: asked(one) == ANSWERED, "oned after the boot")
    assert seen(lab) == CLOSED
    assert zone_lockdown(lab)["changed"] is False


def test_companions_of_oned_that_start_with_the_host_are_closed_with_it(lab: Lab, one: Host) -> None:
    one.exec(["sh", "-c", f"echo '{BESIDE}' > /etc/systemd/system/beside.service; systemctl enable --now beside"])
    wait_for(lambda: asked(lab["three"], port=FIREEDGE) == ANSWERED, "the service")
    one.exec(["systemctl", "stop", "beside"])
    zone_lockdown(lab)
    one.power_off()
    lab.boot(one)
    wait_for(lambda: asked(one, port=FIREEDGE) == ANSWERED, "the service after the boot")
    assert asked(lab["two"], port=FIREEDGE) == ANSWERED
    for host, account in ((lab["three"], "root"), (one, USER), (one, "nobody")):
        assert asked(host, account, port=FIREEDGE) == REFUSED
    one.exec(["systemctl", "disable", "--now", "beside"])


def test_oned_never_starts_without_its_lockdown(lab: Lab, one: Host) -> None:
    zone_lockdown(lab)
    one.exec(["nft", "flush", "ruleset"])
    one.exec(["systemctl", "restart", "opennebula"])
    assert seen(lab) == CLOSED
    one.exec(["systemctl", "restart", "nftables"])
    assert asked(lab["three"]) == REFUSED
    one.exec(["systemctl", "disable", "--now", "nftables"], check=False)


def test_rules_of_the_host_that_let_all_in_do_not_open_the_lockdown(lab: Lab, one: Host) -> None:
    rules = "table inet own { chain input { type filter hook input priority 0; accept; }; }"
    one.exec(["nft", rules])
    zone_lockdown(lab)
    assert seen(lab) == CLOSED
    zone_lockdown(lab, state="open")
    assert "table inet own" in left(one)
    one.exec(["nft", "delete", "table", "inet", "own"])


def test_a_proxy_on_the_host_is_closed_with_it(lab: Lab, one: Host) -> None:
    one.exec(["systemd-run", "--unit=proxy", "--uid=nobody", "python3", "-m", "http.server", str(PROXY)])
    wait_for(lambda: asked(lab["three"], port=PROXY) == ANSWERED, "the proxy")
    zone_lockdown(lab)
    assert (asked(one, "nobody"), asked(lab["three"], port=PROXY)) == (REFUSED, ANSWERED)
    zone_lockdown(lab, endpoint=f"https://one:{PROXY}/RPC2")
    assert asked(one, "nobody") == ANSWERED
    assert asked(lab["two"], port=PROXY) == ANSWERED
    assert asked(lab["three"], port=PROXY) == REFUSED
    one.exec(["systemctl", "stop", "proxy"])
