# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How onedb is called, and what its files tell."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._upgrade import onedb, programs
from tests.tools.playbooks import wait_for

MYSQL = """LISTEN_ADDRESS = "192.0.2.11"
PORT = 3633
DB = [ BACKEND = "mysql", SERVER = "db.example.org", PORT = 3307, USER = "one", PASSWD = "it's #1", DB_NAME = "zone" ]
"""


@pytest.fixture
def frontend(location: Path) -> Frontend:
    return Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})


def tool(frontend: Frontend, text: str, name: str = "onedb") -> None:
    path = Path(frontend.program(name))
    path.write_text(f"#!{sys.executable}\nimport os, sys, time\n{text}\n")
    path.chmod(0o755)


def test_the_password_is_in_no_argument(frontend: Frontend) -> None:
    Path(frontend.conf).write_text(MYSQL)
    how = onedb.connection(frontend)
    assert how.options == ["-t", "mysql", "-S", "db.example.org", "-P", "3307", "-u", "one", "-d", "zone"]
    assert how.environment == {"ONE_XMLRPC": "http://192.0.2.11:3633/RPC2", "ONE_DB_PASSWORD": "it's #1"}
    assert "it's" not in repr(how)
    tool(frontend, "print(sys.argv[1:], os.environ['ONE_DB_PASSWORD'])")
    assert onedb.run(frontend, ["version"], 10.0, how).lines == [
        "['version', '-t', 'mysql', '-S', 'db.example.org', '-P', '3307', '-u', 'one', '-d', 'zone'] ********"
    ]


@pytest.mark.parametrize(("password", "passes"), [("it's #1", False), ("it's+#1", True)])
def test_onedb_makes_a_plus_sign_of_a_blank(frontend: Frontend, password: str, passes: bool) -> None:
    Path(frontend.conf).write_text(MYSQL.replace("it's #1", password))
    assert onedb.login_passes(frontend) is passes
    Path(frontend.conf).write_text('DB = [ BACKEND = "sqlite" ]\n')
    assert onedb.login_passes(frontend) is True


def test_a_socket_is_given_as_client_libraries_take_it(frontend: Frontend) -> None:
    Path(frontend.conf).write_text('DB = [ BACKEND = "mysql" ]\n')
    login = {"login_unix_socket": "/run/db.sock", "login_user": "root", "login_password": "word"}
    how = onedb.connection(frontend, login)
    assert how.options[2:] == ["-S", "localhost", "-P", "3306", "-u", "root", "-d", "opennebula"]
    assert (how.environment["MYSQL_UNIX_PORT"], how.environment["ONE_DB_PASSWORD"]) == ("/run/db.sock", "word")


def test_versions_are_read_from_the_tools_own_file(frontend: Frontend) -> None:
    assert (onedb.required(frontend), onedb.migrators(frontend)) == (None, None)
    folder = Path(frontend.lib, "ruby/onedb")
    (folder / "shared").mkdir(parents=True)
    schema = folder / "database_schema.rb"
    schema.write_text("    LATEST_DB_VERSION = '7.2.0'\n    LATEST_LOCAL_DB_VERSION = \"7.4.0\"\n")
    assert onedb.required(frontend) == {"shared": "7.2.0", "local": "7.4.0"}
    for name in ("7.0.0_to_7.2.0.rb", "6.10.0_to_7.0.0.rbm", "README", "fsck.rb"):
        (folder / "shared" / name).touch()
    assert onedb.migrators(frontend) == {"shared": ["6.10.0_to_7.0.0", "7.0.0_to_7.2.0"], "local": []}
    schema.write_text("nothing")
    assert onedb.required(frontend) is None


def test_without_that_file_the_tool_is_asked(frontend: Frontend) -> None:
    tool(
        frontend,
        "print('Shared: 7.0.0\\nRequired shared version: 7.4.0\\nRequired local version:  7.2.0'); sys.exit(2)",
    )
    assert onedb.required(frontend) == {"shared": "7.4.0", "local": "7.2.0"}


@pytest.mark.parametrize(
    ("stored", "wanted", "end"),
    [
        ("6.10.0", "7.4.0", None),
        ("6.8.0", "7.4.0", "6.8.0"),
        ("7.4.0", "7.4.0", None),
        ("7.4.0", "7.10.0", "7.4.0"),
        ("6.10.0", "7.10.0", "7.4.0"),
        ("7.8.0", "7.4.0", None),
    ],
)
def test_the_way_of_the_migrators_is_followed(stored: str, wanted: str, end: str | None) -> None:
    known = {"shared": ["6.10.0_to_7.0.0", "7.0.0_to_7.4.0"], "local": []}
    assert onedb.missing("shared", known, stored, wanted) == end
    assert onedb.missing("shared", None, stored, wanted) is None


def test_what_was_written_last_is_kept(frontend: Frontend) -> None:
    tool(frontend, "for i in range(30000): print('line', i)\nsys.exit(3)")
    ended = programs.run(frontend, [frontend.program("onedb"), "x"], 10.0)
    assert (ended.code, ended.last[-1], len(ended.last)) == (3, "line 29999", programs.LINES)


def test_a_call_that_takes_too_long_is_ended(frontend: Frontend) -> None:
    tool(frontend, "time.sleep(60)")
    begun = time.monotonic()
    with pytest.raises(FrontendError, match=r"onedb fsck did not end within 0\.2 s; it was killed"):
        onedb.run(frontend, ["fsck", "--dry"], 0.2, onedb.connection(frontend))
    assert time.monotonic() - begun < 30


def test_what_such_a_call_started_ends_with_it(
    frontend: Frontend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(
        frontend,
        f"if os.fork() == 0: open({str(tmp_path / 'child')!r}, 'w').write(f'{{os.getpid()}}\\n')\ntime.sleep(60)",
    )
    start = programs.start_as_oned

    def started(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        process = start(*arguments, **options)
        wait_for(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text().endswith("\n"), "the child")
        return process

    monkeypatch.setattr(programs, "start_as_oned", started)
    with pytest.raises(FrontendError, match="did not end"):
        programs.run(frontend, [frontend.program("onedb"), "fsck"], 0.0)
    wait_for(lambda: not runs(int((tmp_path / "child").read_text())), "the end of the child")


def runs(pid: int) -> bool:
    """Whether there is such a process, and it is not only waiting to be noticed by its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def test_a_migration_that_still_runs_is_seen(frontend: Frontend) -> None:
    tool(frontend, "time.sleep(60)")
    assert onedb._running(frontend) == []
    process: Any = subprocess.Popen([frontend.program("onedb"), "upgrade", "-v"])
    try:
        while onedb._running(frontend) != [process.pid]:
            assert process.poll() is None
        other = Frontend(f"{frontend.location}/other", frontend.user, frontend.group, frontend.service)
        assert onedb._running(other) == []
    finally:
        process.kill()
        process.wait()
    onedb.await_end(frontend, 10.0)
