# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The collection's exceptions. Operators read their text: what was attempted, where, what happened, what to do."""

from __future__ import annotations

from . import _python  # noqa: F401 - refuses a Python that is too old, here because all others import this first


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
