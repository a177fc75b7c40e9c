# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The collection's exceptions. Operators read their text: what was attempted, where, what happened, what to do."""

from __future__ import annotations

from ._python import refuse_old

refuse_old()  # every module imports this first, or _argspec

# What is shown of a text that another host sent.
_LONGEST = 2000


def printable(text: str) -> str:
    """Foreign text as one line of a terminal: what would move the cursor, colour, hide or reorder it is written out."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def printable_lines(text: str) -> str:
    """The same for a text of several lines, which stay lines."""
    return "\n".join(map(printable, text.split("\n")))


def quoted(text: str) -> str:
    """What another host sent, as an error may repeat it: on one line, cut when it is long."""
    return printable(text if len(text) <= _LONGEST else f"{text[:_LONGEST]} [{len(text)} characters]")


class OnefedError(Exception):
    """Base of all errors that a module reports by failing with the error's text."""


class ApiError(OnefedError):
    """OpenNebula answered a call with a failure."""

    def __init__(self, method: str, url: str, code: int, text: str) -> None:
        self.method, self.url, self.code, self.text = method, url, code, text
        super().__init__(f"{method} at {url} failed with OpenNebula's code 0x{code:04x}: {text}")


class ApiUnreachable(OnefedError):
    """No answer from an endpoint. `refused` is true when the host answered and nobody listens there."""

    def __init__(self, method: str, url: str, reason: str, refused: bool = False) -> None:
        self.method, self.url, self.reason, self.refused = method, url, reason, refused
        super().__init__(f"{method} at {url} got no answer: {reason}")


class AnswerError(OnefedError):
    """An answer is none that OpenNebula gives to that call; `reason` says what is odd about it, and what to do."""

    def __init__(self, method: str, url: str, reason: str) -> None:
        self.method, self.url, self.reason = method, url, reason
        super().__init__(f"{method} at {url} was answered, but the answer is not understood: {reason}.")


class ConfigError(OnefedError):
    """A configuration file cannot be read or would not be accepted by OpenNebula."""


class DatabaseError(OnefedError):
    """OpenNebula's database cannot be reached, read or written."""


class DriverMissing(DatabaseError):
    """PyMySQL is not installed; `package` is the distribution's name for it."""

    def __init__(self, text: str, package: str) -> None:
        self.package = package
        super().__init__(text)


class SnapshotError(OnefedError):
    """A federated snapshot is truncated, altered or not meant for this database."""


class FrontendError(OnefedError):
    """A front-end's files, journal or service are not as they must be."""
