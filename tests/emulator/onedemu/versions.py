# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What differs between the OpenNebula releases that the emulator can be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """One OpenNebula release.

    ``shared`` and ``local`` are the versions of the federated and of the other tables; ``auth_files`` are the
    files of the server administrator written at bootstrap, in the order in which oned writes them.
    """

    name: str
    code: str
    shared: str
    local: str
    auth_files: tuple[str, ...]

    @property
    def is_6(self) -> bool:
        """Whether it is one of the releases before much of oned was written anew."""
        return self.name.startswith("6.")

    @property
    def grpc(self) -> bool:
        """Whether it has a gRPC API beside XML-RPC: since 7.2."""
        return not self.is_6

    @property
    def banner(self) -> str:
        """What oned calls itself; the brackets hold the commit, empty in a release build."""
        return f"OpenNebula {self.code} ()"


RELEASES: dict[str, Release] = {
    "6.10": Release(
        name="6.10",
        code="6.10.0.1",
        shared="6.10.0",
        local="6.10.0",
        auth_files=("sunstone_auth", "onegate_auth", "oneflow_auth"),
    ),
    "7.4": Release(
        name="7.4",
        code="7.4.0",
        shared="7.4.0",
        local="7.4.0",
        auth_files=("sunstone_auth", "onegate_auth", "oneflow_auth", "oneform_auth", "oneks_auth"),
    ),
}
