# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What differs between the OpenNebula releases that the emulator can be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """One OpenNebula release.

    ``name`` is what it is asked for by, ``code`` what it calls itself. ``shared`` and ``local`` are the versions of the
    federated and of the other tables, which micro releases have in common; ``auth_files`` are the files of the server
    administrator written at bootstrap, in the order in which oned writes them.
    """

    name: str
    code: str
    shared: str
    local: str
    auth_files: tuple[str, ...]

    def since(self, name: str) -> bool:
        """Whether it is that release or a newer one: what 7.2 has, 7.4 has too."""
        return number(self.name) >= number(name)

    @property
    def is_6(self) -> bool:
        """Whether it is of the series before 7.0."""
        return not self.since("7.0")

    @property
    def rewritten(self) -> bool:
        """Whether requests are handled by what was written anew for gRPC, which is there beside XML-RPC: since 7.2."""
        return self.since("7.2")

    @property
    def grpc(self) -> bool:
        """Whether it has a gRPC API beside XML-RPC."""
        return self.rewritten

    @property
    def banner(self) -> str:
        """What oned calls itself; the brackets hold the commit, empty in a release build."""
        return f"OpenNebula {self.code} ()"


def number(version: str) -> tuple[int, ...]:
    """A version to compare: 7.10 is newer than 7.4, and anything than none."""
    return tuple(int(part) for part in version.split(".")) if version else (0,)


_AUTH_FILES = ("sunstone_auth", "onegate_auth", "oneflow_auth", "oneform_auth", "oneks_auth")
# 7.0.1 is there for what a micro release is: other packages over the same tables.
RELEASES: dict[str, Release] = {release.name: release for release in (
    Release("6.10", "6.10.0.1", "6.10.0", "6.10.0", _AUTH_FILES[:3]),
    Release("7.0", "7.0.2", "7.0.0", "7.0.0", _AUTH_FILES[:3]),
    Release("7.0.1", "7.0.1", "7.0.0", "7.0.0", _AUTH_FILES[:3]),
    Release("7.2", "7.2.0", "7.2.0", "7.2.0", _AUTH_FILES[:4]),
    Release("7.4", "7.4.0", "7.4.0", "7.4.0", _AUTH_FILES),
)}
