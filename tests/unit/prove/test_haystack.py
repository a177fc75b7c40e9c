# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import gzip
import json
import shlex
import urllib.parse
from typing import Callable

import pytest
import yaml

from tests.prove.haystack import Found, search
from tests.prove.places import at_home
from tests.prove.processes import Seen

SECRET = 'it\'s "so" #1 \\o/ años'


@pytest.mark.parametrize(
    "write",
    [
        str,
        json.dumps,
        lambda text: json.dumps({"inner": json.dumps({"password": text})}),
        lambda text: yaml.safe_dump({"password": text}),
        lambda text: yaml.safe_dump({"password": text}, default_style='"'),
        shlex.quote,
        repr,
        urllib.parse.quote_plus,
        lambda text: text.replace('"', '\\"'),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.b64encode(f"oneadmin:{text}".encode()).decode(),
        lambda text: base64.urlsafe_b64encode(f"user:{text}, and more".encode()).decode(),
    ],
)
def test_a_secret_is_found_however_it_is_written(write: Callable[[str], str]) -> None:
    seen = [Seen("before", b"nothing"), Seen("here", f"a {write(SECRET)} b".encode()), Seen("after", b"nothing")]
    assert search({"password": SECRET}, seen) == [Found("password", "here")]


def test_a_secret_is_found_in_what_is_compressed() -> None:
    assert search({"password": SECRET}, [Seen("file", gzip.compress(SECRET.encode()))]) == [Found("password", "file")]


def test_the_beginning_of_a_secret_is_none() -> None:
    assert search({"password": SECRET}, [Seen("file", SECRET[:-1].encode())]) == []


def test_a_secret_too_short_to_be_told_from_other_text_is_refused() -> None:
    with pytest.raises(ValueError, match="7 bytes"):
        search({"password": "1234567"}, [Seen("file", b"1234567")])


@pytest.mark.parametrize(
    ("path", "owner", "mode", "wanted"),
    [
        ("/var/lib/one/.one/one_auth", "oneadmin", 0o600, True),
        ("/var/lib/one/.one/one_auth", "oneadmin", 0o640, False),
        ("/var/lib/one/.one/one_auth", "root", 0o600, False),
        ("/var/lib/onefed/joins/x/undo.sql", "root", 0o600, True),
        ("/var/lib/onefed/joins/x/undo.sql", "root", 0o644, False),
        ("/var/lib/onefed/joins/x/undo.sql", "oneadmin", 0o600, False),
        ("/etc/one/oned.conf.20261121", "oneadmin", 0o640, True),
        ("/etc/one/other.conf", "oneadmin", 0o640, False),
        ("/tmp/one_auth", "oneadmin", 0o600, False),
    ],
)
def test_secrets_belong_into_few_files_with_their_owner_and_mode(
    path: str, owner: str, mode: int, wanted: bool
) -> None:
    group = "root" if owner == "root" else "oneadmin"
    assert at_home(path, owner, group, mode) is wanted
