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
    grpc: bool
    plans: bool
    group_vlans: bool
    pci_quotas: bool
    saml: bool
    fsck_reports_errors: bool

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
        grpc=False,
        plans=False,
        group_vlans=False,
        pci_quotas=False,
        saml=False,
        fsck_reports_errors=False,
    ),
    "7.4": Release(
        name="7.4",
        code="7.4.0",
        shared="7.4.0",
        local="7.4.0",
        auth_files=("sunstone_auth", "onegate_auth", "oneflow_auth", "oneform_auth", "oneks_auth"),
        grpc=True,
        plans=True,
        group_vlans=True,
        pci_quotas=True,
        saml=True,
        fsck_reports_errors=True,
    ),
}
