# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Acting with the rights of another account."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def acting_as(uid: int, gid: int) -> Iterator[None]:
    """Use these effective ids inside the block, so that files made there belong to them; nothing unless root."""
    if os.geteuid() != 0:
        yield
        return
    own_gid, own_groups = os.getegid(), os.getgroups()
    os.setgroups([gid])
    try:
        os.setegid(gid)
        os.seteuid(uid)
        try:
            yield
        finally:
            os.seteuid(0)
            os.setegid(own_gid)
    finally:
        os.setgroups(own_groups)
