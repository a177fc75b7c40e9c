# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Finding secrets in bytes, in whatever way they may have been written there."""

from __future__ import annotations

import base64
import bisect
import contextlib
import gzip
import html
import itertools
import json
import shlex
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import yaml

from tests.prove.processes import Seen

SHORTEST = 8  # bytes; anything shorter is found everywhere


@dataclass(frozen=True, order=True)
class Found:
    """A secret, by its name, and where it was."""

    secret: str
    place: str


def search(secrets: Mapping[str, str], seen: Iterable[Seen]) -> list[Found]:
    """Every secret (`secrets` gives them by name) in every place. What is compressed is looked into."""
    places, starts, parts, length = [], [], [], 0
    for one in seen:
        for data in _unpacked(one.data):
            places.append(one.place)
            starts.append(length)
            parts.append(data)
            length += len(data) + 1
    whole = b"\xff".join(parts)  # no form of a secret has this byte
    found = set()
    for name, secret in secrets.items():
        for form in forms(secret):
            found |= {Found(name, places[bisect.bisect_right(starts, at) - 1]) for at in _all(whole, form)}
    return sorted(found)


def forms(secret: str) -> set[bytes]:
    """The ways in which a secret is written. Raises ValueError for one that is too short to be told from other text."""
    if len(secret.encode()) < SHORTEST:
        raise ValueError(f"a secret of {len(secret.encode())} bytes cannot be searched for")
    quotings = (
        _json,
        lambda text: _json(_json(text)),  # Ansible's output of a module that shows JSON
        lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
        lambda text: yaml.safe_dump(text, width=1 << 20).strip().removesuffix("\n..."),
        lambda text: yaml.safe_dump(text, default_style='"', width=1 << 20).strip()[1:-1],
        lambda text: yaml.safe_dump(text, default_style="'", width=1 << 20).strip()[1:-1],
        lambda text: repr(text)[1:-1],
        shlex.quote,
        lambda text: urllib.parse.quote(text, safe=""),
        urllib.parse.quote,
        urllib.parse.quote_plus,
        html.escape,
        lambda text: html.escape(text, quote=False),
        lambda text: text.replace("\\", "\\\\"),
        lambda text: text.replace('"', '\\"'),
        lambda text: text.replace("\\", "\\\\").replace('"', '\\"'),
        lambda text: text.replace("\\", "\\\\").replace("'", "\\'"),
        lambda text: text.replace("'", "''"),
        lambda text: text.encode().hex(),
        lambda text: text.encode().hex().upper(),
        str.upper if _is_hex(secret) else str,
    )
    found = {quote(secret).encode() for quote in quotings} | {secret.encode()}
    with contextlib.suppress(UnicodeEncodeError):
        found |= {secret.encode("latin-1")}
    return found | set(_in_base64(secret.encode()))


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _is_hex(text: str) -> bool:
    return not text.strip("0123456789abcdef")


def _in_base64(secret: bytes) -> Iterator[bytes]:
    """What base64 makes of it at the beginning, in the middle or at the end of a longer text."""
    for before, altchars in itertools.product(range(3), (b"+/", b"-_")):
        coded = base64.b64encode(b"\0" * before + secret, altchars).rstrip(b"=")
        skipped = -(-before * 8 // 6)  # characters that bits of the text before are in
        # The last one holds bits of the text after it.
        kept = coded[skipped : (before + len(secret)) * 8 // 6]
        yield kept


def _unpacked(data: bytes) -> Iterator[bytes]:
    yield data
    if data.startswith(b"\x1f\x8b"):
        # One that was cut off is of no use to anybody.
        with contextlib.suppress(OSError, EOFError, zlib.error):
            yield gzip.decompress(data)


def _all(whole: bytes, form: bytes) -> Iterator[int]:
    at = whole.find(form)
    while at >= 0:
        yield at
        at = whole.find(form, at + 1)
