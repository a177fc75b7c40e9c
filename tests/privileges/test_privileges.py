# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Nothing of root's is created, given away, read or run by what oned's account lays in its folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.privileges.__main__ import NAMESPACES

ROOT = Path(__file__).resolve().parents[2]
# How long everything is swapped, after every path has been once. `make prove-privileges` does it longer.
SECONDS = "4"


@pytest.fixture(scope="module")
def namespaces() -> None:
    if os.geteuid() != 0:
        pytest.skip("the attack needs root, and an account to take its place from")
    if subprocess.run(["unshare", *NAMESPACES, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine makes no namespaces (unshare)")


@pytest.mark.usefixtures("namespaces")
def test_oneds_account_gains_nothing_by_what_it_lays_in_its_folders() -> None:
    command = [sys.executable, "-m", "tests.privileges", SECONDS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip(), done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [], done.stderr
