# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server gets the files of another one, keeps what is its own, and can be put back as it was."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._server_files import roots, sync

Run = Callable[..., dict[str, Any]]
CONF = """# leader's
HOSTNAME = "leader"
PORT = 2633
DB = [ BACKEND = "mysql", SERVER = "10.0.0.1",
       PASSWD = "leader's" ]
FEDERATION = [ MODE = "SLAVE", ZONE_ID = "100", SERVER_ID = "0", MASTER_ONED = "http://m:2633/RPC2",
    MASTER_ONED_GRPC = "m:2634" ]
RAFT_LEADER_HOOK = [ COMMAND = "raft/vip.sh", ARGUMENTS = "leader eth0 192.0.2.30/24" ]
"""
OWN_CONF = """# follower's
LISTEN_ADDRESS = 0.0.0.0
DB = [ BACKEND = "mysql", PASSWD = "own\\c #d" ]
FEDERATION = [ MODE = "STANDALONE", ZONE_ID = "0", SERVER_ID = "-1", MASTER_ONED = "" ]
"""


class Server:
    """A self-contained front-end whose account lives in its var folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, files: dict[str, tuple[str, int]]) -> None:
        for name, (content, mode) in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
            path.chmod(mode)

    def content(self) -> dict[str, tuple[int, str]]:
        """Mode and content of everything but the collection's own folder."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            if name.startswith("var/onefed"):
                continue
            status = path.lstat()
            text = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else ""
            found[name] = (0 if path.is_symlink() else stat.S_IMODE(status.st_mode), text)
        return found


@pytest.fixture
def leader(tmp_path: Path, at_home: None) -> Server:
    server = Server(tmp_path / "leader")
    server.write(
        {
            "etc/oned.conf": (CONF, 0o640),
            "etc/monitord.conf": ("leader", 0o640),
            "etc/oneflow-server.conf": ("leader", 0o640),
            "etc/auth/ldap_auth.conf": ("leader", 0o644),
            "etc/oned.conf.20250401T120000Z": ("old", 0o640),
            "etc/monitord.conf1743508800": ("old", 0o640),
            "etc/prometheus/prometheus.yml": ("leader", 0o640),
            "etc/fireedge/a.conf": ("leader", 0o640),
            "etc/fireedge/b/c.conf": ("leader", 0o640),
            "var/.one/one_auth": ("oneadmin:leader", 0o600),
            "var/.one/one_key": ("key", 0o644),
            "var/.ssh/id_ed25519": ("private", 0o600),
            "var/.ssh/authorized_keys": ("leader-key\nboth\n", 0o600),
            "var/remotes/hooks/mine.rb": ("#!/usr/bin/ruby", 0o755),
            "var/remotes/vmm/kvm/poll": ("poll", 0o4757),
            "var/remotes/vmm/__pycache__/x.pyc": ("x", 0o644),
        }
    )
    (server.root / "var/remotes/vmm/poll").symlink_to("kvm/poll")
    (server.root / "var/remotes/vmm/out").symlink_to("/etc/passwd")
    (server.root / "bin").mkdir()
    return server


@pytest.fixture
def follower(tmp_path: Path, at_home: None) -> Server:
    server = Server(tmp_path / "follower")
    server.write(
        {
            "etc/oned.conf": (OWN_CONF, 0o640),
            "etc/monitord.conf": ("own", 0o640),
            "etc/auth/own.conf": ("own", 0o640),
            "etc/prometheus/prometheus.yml": ("own", 0o640),
            "var/.one/one_auth": ("oneadmin:own", 0o600),
            "var/.one/oneflow_auth": ("serveradmin:own", 0o600),
            "var/.ssh/id_rsa": ("own", 0o600),
            "var/.ssh/authorized_keys": ("own-key\nboth\n", 0o600),
            "var/remotes/vmm/poll/a": ("a folder where the leader has a link", 0o644),
            "var/remotes/hooks/stale.rb": ("stale", 0o755),
        }
    )
    (server.root / "bin").mkdir()
    return server


@pytest.fixture
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roots, "_home", lambda frontend: frontend.var)


@pytest.fixture
def archive(leader: Server, run_module: Run, tmp_path: Path) -> Path:
    path = tmp_path / "packed.tar.gz"
    packed = run_module("server_files", oned_location=str(leader.root), state="packed", dest=str(path))
    assert (packed["changed"], packed["size"]) == (True, path.stat().st_size)
    assert packed["left_out"] == [
        {"path": "remotes/vmm/out", "reason": "it is a link out of its folder, to /etc/passwd"}
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path


@pytest.fixture
def call(follower: Server, run_module: Run) -> Run:
    def run(state: str, **options: Any) -> dict[str, Any]:
        return run_module("server_files", oned_location=str(follower.root), state=state, **options)

    return run


def test_a_follower_gets_the_leaders_files_and_keeps_its_own(call: Run, follower: Server, archive: Path) -> None:
    result = call("unpacked", src=str(archive), server_id=2)
    assert result["changed"] is True
    conf = follower.content()["etc/oned.conf"][1]
    assert {name: found for name, found in follower.content().items() if found[1] and name != "etc/oned.conf"} == {
        "etc/monitord.conf": (0o640, "leader"),
        "etc/auth/ldap_auth.conf": (0o644, "leader"),
        "etc/auth/own.conf": (0o640, "own"),
        "etc/prometheus/prometheus.yml": (0o640, "own"),
        "var/.one/one_auth": (0o600, "oneadmin:leader"),
        "var/.one/one_key": (0o600, "key"),
        "var/.ssh/id_ed25519": (0o600, "private"),
        "var/.ssh/id_rsa": (0o600, "own"),
        "var/.ssh/authorized_keys": (0o600, "own-key\nboth\nleader-key\n"),
        "var/remotes/hooks/mine.rb": (0o755, "#!/usr/bin/ruby"),
        "var/remotes/vmm/kvm/poll": (0o755, "poll"),
        "var/remotes/vmm/poll": (0, "kvm/poll"),
    }
    reason = "no such file or folder of a service is here"
    left_out = ("etc/fireedge", "etc/oneflow-server.conf")
    assert result["left_out"] == [{"path": path, "reason": reason} for path in left_out]
    assert conf.startswith("# leader's\n")
    assert 'DB = [ BACKEND = "mysql", PASSWD = "own\\c #d" ]' in conf
    assert "LISTEN_ADDRESS = 0.0.0.0\n" in conf
    assert ("HOSTNAME" in conf, "PORT =" in conf, "10.0.0.1" in conf) == (False, False, False)
    assert 'SERVER_ID = "2"' in conf and 'MASTER_ONED_GRPC = "m:2634"' in conf and "vip.sh" in conf
    again = call("unpacked", src=str(archive), server_id=2)
    assert (again["changed"], again["paths"]) == (False, [])


def test_without_a_server_id_oned_conf_is_left_alone(call: Run, follower: Server, archive: Path) -> None:
    assert "etc/oned.conf" not in call("unpacked", src=str(archive))["paths"]
    assert follower.content()["etc/oned.conf"][1] == OWN_CONF


def test_all_is_put_back_as_it_was(call: Run, follower: Server, archive: Path, tmp_path: Path) -> None:
    before = follower.content()
    backup = str(follower.root / "var/onefed/joins/x")
    taken = call("unpacked", src=str(archive), server_id=2, backup_dir=backup)
    assert taken["backup_file"] == f"{backup}/server-files.tar.gz"
    assert stat.S_IMODE(os.stat(taken["backup_file"]).st_mode) == 0o600
    # A repeated run, with other files of the leader, keeps the first copies.
    (follower.root / "var/.one/one_auth").write_text("changed")
    (follower.root / "etc/auth/own.conf").write_text("own")
    assert call("unpacked", src=str(archive), server_id=2, backup_dir=backup)["paths"] == ["one/one_auth"]
    restored = call("restored", backup_dir=backup)
    assert restored["paths"] == taken["paths"]
    assert follower.content() == before
    assert call("restored", backup_dir=backup)["changed"] is False
    nothing = call("restored", backup_dir=str(tmp_path))
    assert (nothing["changed"], nothing["backup_file"]) == (False, None)


def test_check_mode_predicts_and_shows_no_content(call: Run, follower: Server, archive: Path) -> None:
    before = follower.content()
    predicted = call("unpacked", src=str(archive), server_id=2, check_mode=True)
    assert follower.content() == before
    assert predicted["paths"] == call("unpacked", src=str(archive), server_id=2)["paths"]
    told = json.dumps(predicted)
    assert not [secret for secret in ("oneadmin:leader", "private", "own\\\\c") if secret in told]
    assert "one/one_auth: file 0600 oned:oned, other content" in predicted["diff"]["after"]
    assert call("unpacked", src="/missing", check_mode=True)["changed"] is True


def test_files_of_an_oned_that_runs_are_left_alone(
    call: Run, follower: Server, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = follower.content()
    monkeypatch.setattr(sync, "is_running", lambda frontend: True)
    told = call("unpacked", src=str(archive), server_id=2)["msg"]
    assert "oned runs with files that are to be replaced: one/" in told
    assert follower.content() == before


def test_a_link_on_the_way_is_replaced_never_followed(call: Run, follower: Server, archive: Path) -> None:
    outside = follower.root / "outside"
    outside.mkdir()
    (outside / "mine.rb").write_text("outside")
    hooks = follower.root / "var/remotes/hooks"
    (hooks / "stale.rb").unlink()
    hooks.rmdir()
    hooks.symlink_to(outside)
    (follower.root / "var/.one/one_auth").unlink()
    (follower.root / "var/.one/one_auth").symlink_to(outside / "mine.rb")
    call("unpacked", src=str(archive))
    assert (outside / "mine.rb").read_text() == "outside"
    assert (hooks / "mine.rb").read_text() == "#!/usr/bin/ruby"
    assert not hooks.is_symlink()


def entry(**changes: Any) -> dict[str, Any]:
    # Of the content b"x".
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    return {"kind": "file", "mode": 384, "owner": "oned", "group": "oned", "target": "", "sha256": digest, **changes}


def folder_link(target: str) -> dict[str, Any]:
    return entry(kind="link", target=target, sha256="")


FORGED: dict[str, tuple[dict[str, dict[str, Any]], str]] = {
    "absolute": ({"/etc/cron.d/x": entry()}, "no path of a server's file"),
    "up": ({"remotes/../../x": entry()}, "no path of a server's file"),
    "another root": ({"vms/x": entry()}, "no path of a server's file"),
    "a root itself": ({"remotes": entry()}, "no path of a server's file"),
    "link out": ({"remotes/a": folder_link("/etc")}, "leads out of its folder"),
    "link up and out": ({"remotes/a": folder_link("../x")}, "leads out of its folder"),
    "link by way of another": ({"remotes/a/b": folder_link("c/../../..")}, "leads out of its folder"),
    "below a link": ({"remotes/a": folder_link("b"), "remotes/a/x": entry()}, "lies below something"),
    "a device": ({"remotes/a": entry(kind="device")}, "of no kind that it may be"),
    "another account": ({"remotes/a": entry(owner="bin")}, "of no kind that it may be"),
    "other content": ({"remotes/a": entry(sha256="0" * 64)}, "is not what its list says"),
}


def forge(path: Path, entries: dict[str, Any], members: list[tarfile.TarInfo] | None = None) -> None:
    listing = json.dumps({"format": 1, "entries": entries, "absent": []}).encode()
    with tarfile.open(path, "w:gz") as tar:
        for name in (name for name, found in entries.items() if found["kind"] == "file"):
            member = tarfile.TarInfo(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
        for member in members or []:
            tar.addfile(member)
        member = tarfile.TarInfo("list.json")
        member.size = len(listing)
        tar.addfile(member, io.BytesIO(listing))


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_archive_changes_nothing(call: Run, follower: Server, tmp_path: Path, case: str) -> None:
    before = follower.content()
    entries, text = FORGED[case]
    forge(tmp_path / "forged.tar.gz", {"etc/monitord.conf": entry(), **entries})
    told = call("unpacked", src=str(tmp_path / "forged.tar.gz"))["msg"]
    assert text in told and "is refused" in told
    assert follower.content() == before


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE])
def test_members_that_are_no_contents_are_refused(call: Run, tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("remotes/a")
    member.type, member.linkname = kind, "etc/monitord.conf"
    forge(tmp_path / "forged.tar.gz", {"etc/monitord.conf": entry()}, [member])
    assert "is no content of a file" in call("unpacked", src=str(tmp_path / "forged.tar.gz"))["msg"]


def test_a_truncated_archive_changes_nothing(call: Run, follower: Server, archive: Path, tmp_path: Path) -> None:
    before, data = follower.content(), archive.read_bytes()
    plain = gzip.decompress(data)
    for broken in (data[: len(data) // 2], data[:-6], b"", b"text", gzip.compress(plain[: len(plain) // 2])):
        (tmp_path / "broken").write_bytes(broken)
        assert "is refused" in call("unpacked", src=str(tmp_path / "broken"))["msg"]
    assert "Cannot read the archive /missing" in call("unpacked", src="/missing")["msg"]
    assert follower.content() == before
