# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's programs run as oned, and with nothing of ours but what is passed to them."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import subprocess
from pathlib import Path

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.run_as import run_as_oned, start_as_oned


@pytest.fixture
def frontend() -> Frontend:
    """One whose oned has the account nobody if these tests may take its place, else their own."""
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    return Frontend(None, account.pw_name, grp.getgrgid(account.pw_gid).gr_name, "opennebula")


def output(frontend: Frontend, script: str, *passed: int) -> str:
    command = ["sh", "-c", script]
    with start_as_oned(frontend, command, stdout=subprocess.PIPE, pass_fds=passed) as process:
        assert process.stdout
        return process.stdout.read().decode()


@pytest.mark.skipif(os.geteuid() != 0, reason="acting as another account needs root")
def test_it_has_no_id_and_no_group_of_roots(frontend: Frontend) -> None:
    uid, gid = frontend.ids()
    text = output(frontend, "cat /proc/self/status")
    found = dict(line.split(":", 1) for line in text.splitlines())
    assert found["Uid"].split() == [str(uid)] * 4
    assert found["Gid"].split() == [str(gid)] * 4
    assert found["Groups"].split() == [str(gid)]
    assert int(found["CapEff"], 16) == int(found["CapPrm"], 16) == 0


def test_it_inherits_what_is_passed_and_nothing_else(frontend: Frontend, tmp_path: Path) -> None:
    (tmp_path / "options").write_text("[client]\n")
    (tmp_path / "other").write_text("x")
    passed, other = (os.open(tmp_path / name, os.O_RDONLY) for name in ("options", "other"))
    os.set_inheritable(other, True)
    try:
        listed = output(frontend, f"cat /dev/fd/{passed}; ls /proc/$$/fd", passed).split()
        assert listed[0] == "[client]"
        assert str(passed) in listed and str(other) not in listed
    finally:
        os.close(passed)
        os.close(other)


def test_what_it_makes_is_for_nobody_else_and_it_stands_where_nobody_leads_it(frontend: Frontend, public: Path) -> None:
    public.chmod(0o777)
    assert output(frontend, f"pwd; touch {public}/file").strip() == "/"
    assert stat.S_IMODE((public / "file").stat().st_mode) == 0o600
    assert (public / "file").stat().st_uid == frontend.ids()[0]


def test_one_that_does_not_end_is_ended(frontend: Frontend) -> None:
    with pytest.raises(FrontendError, match=r"sleep 100 did not end within 0\.1 s"):
        run_as_oned(frontend, ["sleep", "100"], 0.1)


def test_one_that_is_not_there_is_named(frontend: Frontend) -> None:
    with pytest.raises(FrontendError, match=f"Cannot run /nowhere as {frontend.user}: .*No such file"):
        run_as_oned(frontend, ["/nowhere"], 5)
