# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would keep OpenNebula's hook from moving the floating address is found before a zone relies on it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_systemd import FakeSystemd, Packaged, packaged

from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._problems.problem import Problem
from ansible_collections.onefed.opennebula.plugins.module_utils._vip import hook as _vip_hook
from ansible_collections.onefed.opennebula.plugins.module_utils._vip.unit import Floating

FLOATING = Floating("192.0.2.30/24", "eth0")
HOOK = "#!/bin/bash\nsudo -n systemctl start opennebula-flow\nsudo -n systemctl stop opennebula-flow\n"
SYSTEM = ("sh", "env", "test", "bash", "grep")
TOOLS = {
    "flock": "exit 0",
    "ip": "exit 0",
    "arping": "echo 'arping from iputils 20221126'",
    # As sudo -n -l -- COMMAND: whether the account may run it without a password.
    "sudo": '[ "$1 $2 $3" = "-n -l --" ] && shift 3 && ! grep -qxF -- "$*" "$(dirname "$0")/refused"',
}


class Account:
    """oned's account with the programs that it finds; and its front-end."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.frontend: Packaged = packaged(root)
        self.hook = Path(self.frontend.var, "remotes/hooks/raft/vip.sh")
        self.hook.parent.mkdir(parents=True)
        self.hook.write_text(HOOK)
        self.hook.chmod(0o755)
        self.programs = root / "programs"
        self.programs.mkdir()
        for name in (*SYSTEM, "dirname"):
            found = subprocess.run(["sh", "-c", 'command -v "$0"', name], capture_output=True, text=True, check=True)
            path = found.stdout.strip() if found.stdout.startswith("/") else f"/usr/bin/{name}"
            (self.programs / name).symlink_to(path)
        for name, script in TOOLS.items():
            self.write(name, script)
        self.refused = self.programs / "refused"
        self.refused.write_text("")
        monkeypatch.setattr(_vip_hook, "PATH", str(self.programs))
        self.unit = ""
        monkeypatch.setattr(_vip_hook, "show", self.show)

    def write(self, name: str, script: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def show(self, units: list[str], _properties: str) -> dict[str, dict[str, str]]:
        return {unit: dict(line.split("=", 1) for line in self.unit.splitlines()) for unit in units}

    def problems(self) -> list[Problem]:
        return _vip_hook.problems(self.frontend, FLOATING)


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    FakeSystemd(monkeypatch, "opennebula-flow")
    return Account(tmp_path, monkeypatch)


def test_an_account_as_the_packages_make_it_has_no_problem(account: Account) -> None:
    account.unit = "NoNewPrivileges=no\nCapabilityBoundingSet=cap_chown cap_net_admin cap_net_raw\n"
    assert account.problems() == []


@pytest.mark.parametrize("spoil", [lambda hook: hook.unlink(), lambda hook: hook.chmod(0o600)])
def test_a_hook_that_cannot_be_run_is_told(account: Account, spoil: Callable[[Path], None]) -> None:
    spoil(account.hook)
    [found] = account.problems()
    assert found.text.startswith(f"There is no hook {account.hook} that")


@pytest.mark.parametrize(
    ("tool", "remedy"),
    [("arping", "iputils-arping"), ("flock", "util-linux"), ("ip", "iproute2"), ("sudo", "Install sudo.")],
)
def test_a_missing_tool_is_told_with_its_package(account: Account, tool: str, remedy: str) -> None:
    (account.programs / tool).unlink()
    [found] = account.problems()
    assert found.text.startswith(f"The hook raft/vip.sh needs the program {tool}, which")
    assert remedy in found.remedy


def test_the_arping_of_another_package_is_told(account: Account) -> None:
    account.write("arping", "echo 'ARPing 2.23, by Thomas Habets <thomas@habets.se>'")
    assert [found.text for found in account.problems()] == [
        "The program arping is not that of iputils, whose options vip.sh uses."
    ]


@pytest.mark.parametrize(
    "command",
    [
        "ip address add 192.0.2.30/24 dev eth0",
        "ip address del 192.0.2.30/24 dev eth0",
        "arping -c 1 -U -I eth0 192.0.2.30",
        "systemctl start opennebula-flow",
        "systemctl stop opennebula-flow",
    ],
)
def test_a_right_that_sudo_does_not_give_is_told(account: Account, command: str) -> None:
    account.refused.write_text(f"{command}\n")
    [found] = account.problems()
    assert found.text == (f"{account.frontend.user} may not run with sudo and without a password: {command}.")
    assert "NOPASSWD: ONE_HA" in found.remedy


def test_services_that_are_not_installed_need_no_right(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeSystemd(monkeypatch)
    account.refused.write_text("systemctl start opennebula-flow\n")
    assert account.problems() == []


def test_a_unit_that_forbids_its_processes_to_change_addresses_is_told(account: Account) -> None:
    account.unit = "NoNewPrivileges=yes\nCapabilityBoundingSet=cap_chown cap_net_raw\n"
    assert [found.text for found in account.problems()] == [
        "The unit opennebula has NoNewPrivileges=yes, with which sudo does not work.",
        "The unit opennebula has a CapabilityBoundingSet without CAP_NET_ADMIN.",
    ]


def test_a_container_without_the_capability_is_told(
    account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # As a service with CapabilityBoundingSet=~CAP_NET_ADMIN, and one without, see it.
    status = tmp_path / "status"
    monkeypatch.setattr(_vip_hook, "STATUS", str(status))
    status.write_text("CapEff:\t000001ffffffefff\nCapBnd:\t00000000fcecafff\nCapAmb:\t0\n")
    [found] = account.problems()
    assert "container without CAP_NET_ADMIN" in found.text
    status.write_text("CapBnd:\t000001fffeffffff\n")
    assert account.problems() == []


def test_a_self_contained_install_has_no_unit_to_look_at(
    account: Account, location: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.unit = "NoNewPrivileges=yes\n"
    frontend = Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})
    [found] = _vip_hook.problems(frontend, FLOATING)
    assert found.text.startswith(f"There is no hook {location}/var/remotes/hooks/raft/vip.sh")
