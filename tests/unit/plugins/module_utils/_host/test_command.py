# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs end in time, and an error names the program and what became of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import FrontendError
from ansible_collections.onefed.opennebula.plugins.module_utils._host.command import find_program, run_command


def test_the_words_are_english_and_the_status_is_the_callers_to_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "es_ES.UTF-8")
    ended = run_command(["sh", "-c", r"printf 'a\377'; echo $LC_ALL >&2; cat; exit 3"])
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "a\N{REPLACEMENT CHARACTER}", "C\n")


def test_an_environment_of_the_callers_replaces_the_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_AUTH", "/somewhere")
    assert run_command(["/usr/bin/env"], environment={"LC_ALL": "C.UTF-8"}).stdout == "LC_ALL=C.UTF-8\n"


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (["no-such-program"], "There is no no-such-program on this host. Install it."),
        (["/"], "Cannot run /: [Errno 13] Permission denied: '/'."),
        (["sleep", "60"], "sleep 60 did not answer within 0.1 s."),
    ],
)
def test_what_cannot_be_run_is_named(command: list[str], text: str) -> None:
    with pytest.raises(FrontendError) as caught:
        run_command(command, timeout=0.1)
    assert str(caught.value) == text


def test_without_systemd_the_remedy_is_the_self_contained_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(FrontendError, match="There is no systemctl on this host. .* set oned_location"):
        run_command(["systemctl", "show"])


def test_without_a_path_no_program_of_the_current_folder_is_found(tmp_path: Path) -> None:
    """A module's current folder may be one in which oned's account can lay a program."""
    (tmp_path / "nft").write_text("#!/bin/sh\n")
    (tmp_path / "nft").chmod(0o755)
    search = f"from {find_program.__module__} import find_program; print(find_program('nft'), find_program('sh'))"
    python = [sys.executable, "-c", search]
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    found = subprocess.run(python, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    nft, sh = found.split()
    assert nft != "nft" and os.path.isabs(sh)


def test_a_long_command_is_cut_in_an_error() -> None:
    with pytest.raises(FrontendError) as caught:
        run_command(["sleep", *["60"] * 500], timeout=0.1)
    assert len(str(caught.value)) < 160
