# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python's `cryptography`, which only those need who secure a federation's links: whether it is there."""

from __future__ import annotations

import contextlib
import importlib
import sys

from ...module_utils._errors import OnefedError

# The first release whose certificates tell their dates with a time zone.
OLDEST = (42, 0)


class CertificateError(OnefedError):
    """A certificate cannot be made, read or trusted; the text names the file or host, and what to do."""


def demand() -> None:
    """Raise CertificateError unless `cryptography` can be used here."""
    found = None
    with contextlib.suppress(ImportError):
        found = str(importlib.import_module("cryptography").__version__)
    if found is None or tuple(int(part) for part in found.split(".")[:2]) < OLDEST:
        raise CertificateError(
            f"Certificates need Python's cryptography {OLDEST[0]} or newer on the controller, and "
            f"{f'release {found} is' if found else 'none is'} there. Install it for the Python that runs Ansible: "
            f"{sys.executable} -m pip install 'cryptography>={OLDEST[0]}'"
        )
