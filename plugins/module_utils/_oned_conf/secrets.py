# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Where oned.conf holds secrets, and how they are kept out of diffs, errors and logs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .document import Document
from .grammar import Scalar

MASK = "********"
SECRET_NAMES = ("ONE_KEY", "PASSWD", "PASSWORD")
# Also in comments, where an administrator may have left a former vector. What was meant there is not known: without
# quotes a value ends at the next key or at the end of the line, for it may hold a comma, a bracket or a number sign.
_VALUE = r'"(?:\\"|[^"\n])*"|\S[^\n]*?(?=[ \t]*,[ \t]*[A-Za-z_]\w*[ \t]*=|[ \t]*$)'
_ASSIGNED = re.compile(rf"(?im)\b({'|'.join(SECRET_NAMES)})([ \t]*=[ \t]*)({_VALUE})")
_CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/@\s\"]+(?=@)")


def secrets(document: Document) -> list[str]:
    """The secret values, for scrub()."""
    return [scalar.value for scalar in _secret_scalars(document) if scalar.value]


def scrub(text: str, hidden: Iterable[str]) -> str:
    """`text` without any of the `hidden` values and without credentials in URLs."""
    # The longest first: one may hold another.
    for value in sorted(filter(None, hidden), key=len, reverse=True):
        text = text.replace(value, MASK)
    return _CREDENTIALS_IN_URL.sub(MASK, text)


def masked(document: Document, before: Document | None = None) -> str:
    """The text for a diff, each secret replaced; one that is not in `before` is marked as new."""
    known = secrets(before) if before else None
    text = document.text
    for scalar in reversed(_secret_scalars(document)):
        mask = MASK if known is None or scalar.value in known else f"{MASK} (new)"
        text = f'{text[: scalar.start]}"{mask}"{text[scalar.end :]}'
    text = _ASSIGNED.sub(lambda found: found.group() if MASK in found.group(3) else _hidden(found), text)
    return _CREDENTIALS_IN_URL.sub(MASK, text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _hidden(found: re.Match[str]) -> str:
    return f'{found.group(1)}{found.group(2)}"{MASK}"'


def _secret_scalars(document: Document) -> list[Scalar]:
    scalars = []
    for entry in document.entries:
        scalars += [scalar for scalar in ([entry.scalar] if entry.scalar else entry.pairs) if _is_secret(scalar)]
    return scalars


def _is_secret(scalar: Scalar) -> bool:
    return scalar.name.upper() in SECRET_NAMES
