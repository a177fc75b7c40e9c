# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a server does about the floating address: vip.sh, and follower_cleanup after the end of the daemon."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from emulated import INSTALL
from onedemu.files import Settings
from onedemu.packages import packages, vip_hook
from onedemu.versions import RELEASES

# Note how they are called. The interface has the address .30; flow and form are enabled, gate runs, hem is static.
_STUBS = {
    "sudo": 'echo "$*" >>"$CALLS"; exit ${SUDO_EXIT:-0}',
    "ip": 'echo "inet 192.0.2.30/24 scope global eth9"',
    "sleep": "",
    "systemctl": 'case "$*" in is-enabled\\ *-flow|is-enabled\\ *-form|is-active\\ *-gate) echo enabled ;; '
                 "is-enabled\\ *-hem) echo static ;; is-enabled\\ *) echo disabled; exit 1 ;; *) exit 3 ;; esac",
}


@dataclass
class Host:
    directory: Path

    def run(self, version: str, *words: str, **environment: str) -> tuple[int, list[str], str]:
        """Exit status, calls of sudo, standard error."""
        script = self.directory / "vip.sh"
        script.write_text(vip_hook(settings(version)))
        calls = self.directory / "calls"
        calls.unlink(missing_ok=True)
        done = subprocess.run(
            ["bash", str(script), *words], capture_output=True, text=True, check=False,
            env={"PATH": f"{self.directory}/bin:{os.environ['PATH']}", "CALLS": str(calls),
                 "ONE_LOCATION": str(self.directory), **environment})
        said = calls.read_text().splitlines() if calls.exists() else []
        return done.returncode, [line.removeprefix("-n ") for line in said], done.stderr


def settings(version: str) -> Settings:
    return Settings(RELEASES[version], "0.0.0.0", 2633, 2634, None, "/usr/bin/python3")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    if not shutil.which("flock") or not Path("/etc/systemd").is_dir():
        pytest.skip("vip.sh wants flock and /etc/systemd (Debian: util-linux, systemd)")
    (tmp_path / "bin").mkdir()
    (tmp_path / "var/lock").mkdir(parents=True)
    for name, text in _STUBS.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    return Host(tmp_path)


def test_leader_takes_the_address_and_starts_services(host: Host) -> None:
    code, calls, _said = host.run("7.4", "leader", "eth9", "192.0.2.40/24")
    assert code == 0
    assert calls[0] == "ip address add 192.0.2.40/24 dev eth9"
    assert calls[1:11] == ["arping -c 1 -U -I eth9 192.0.2.40", "arping -c 1 -A -I eth9 192.0.2.40"] * 5
    assert calls[11:] == [f"systemctl start opennebula-{unit}" for unit in ("flow", "form", "hem", "showback.timer")]
    assert "systemctl start opennebula-form" not in host.run("6.10", "leader", "eth9", "192.0.2.40/24")[1]


def test_follower_gives_up_only_what_it_has(host: Host) -> None:
    code, calls, _said = host.run("7.4", "follower", "eth9", "192.0.2.30/24", "eth8", "192.0.2.3/24")
    assert code == 0
    assert calls == ["ip address del 192.0.2.30/24 dev eth9",
                     *(f"systemctl stop opennebula-{unit}" for unit in ("flow", "gate", "form", "hem"))]


def test_failures_on_the_way_go_unnoticed(host: Host) -> None:
    assert host.run("7.4", "leader", "eth9", "192.0.2.40/24", SUDO_EXIT="1")[0] == 0


def test_wrong_words_are_refused(host: Host) -> None:
    assert host.run("7.4", "leader", "eth9") == (1, [], "No address for interface 'eth9'.\n")
    assert host.run("7.4", "what", "eth9", "192.0.2.30/24") == (1, [], "Neither leader nor follower: 'what'.\n")


@pytest.mark.parametrize(("hook", "said"), [
    ("RAFT_FOLLOWER_HOOK=ARGUMENTS=follower eth9,COMMAND=raft/x.sh\n", "follower eth9\n"),
    ("RAFT_FOLLOWER_HOOK=COMMAND=raft/x.sh alone\n", "alone\n"),
    ("RAFT={}\n", "")])
def test_cleanup_runs_the_followers_hook(tmp_path: Path, hook: str, said: str) -> None:
    text = next(file.text for package in packages(settings("7.4")) for file in package.files
                if file.path == "/usr/share/one/follower_cleanup")
    (tmp_path / "remotes/hooks/raft").mkdir(parents=True)
    (tmp_path / "remotes/hooks/raft/x.sh").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "remotes/hooks/raft/x.sh").chmod(0o755)
    (tmp_path / "config").write_text(f"PORT=2633\n{hook}")
    script = tmp_path / "follower_cleanup"
    script.write_text(text.replace('"/var/lib/one"', repr(str(tmp_path))))
    done = subprocess.run(["python3", str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


def test_packages_give_the_rights_that_it_takes() -> None:
    files = {file.path: file for package in packages(settings("7.4")) for file in package.files}
    alias = files["/etc/sudoers.d/opennebula"].text.replace("\\\n", "").partition("ONE_HA = ")[2]
    commands = {" ".join(each.split()) for each in alias.split(",")}
    assert {"/usr/bin/arping", "/usr/sbin/ip address *"} <= commands
    for unit in ("flow", "gate", "form", "hem", "showback.timer"):
        assert {f"/usr/bin/systemctl {action} opennebula-{unit}" for action in ("start", "stop")} <= commands
    assert files["/etc/sudoers.d/opennebula-server"].text == "oneadmin ALL=(ALL) NOPASSWD: ONE_HA\n"
    assert "ExecStopPost=/usr/share/one/follower_cleanup\n" in files[
        "/usr/lib/systemd/system/opennebula.service"].text
    assert files["/var/lib/one/remotes/hooks/raft/vip.sh"].mode == 0o755


def test_installations_have_the_script(tmp_path: Path) -> None:
    subprocess.run(["python3", str(INSTALL), "--location", str(tmp_path)], check=True, stdout=subprocess.DEVNULL)
    assert os.access(tmp_path / "var/remotes/hooks/raft/vip.sh", os.X_OK)
