# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Acting with the rights of another account, and with no more."""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
from collections.abc import Iterator


@functools.cache
def groups_of(uid: int, gid: int) -> tuple[int, ...]:
    """All groups of an account, `gid` among them, but never root's."""
    try:
        found = os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)
    except (KeyError, OSError):
        found = [gid]
    return tuple(group for group in found if group or not gid)


@contextlib.contextmanager
def acting_as(uid: int, gid: int) -> Iterator[None]:
    """Use these effective ids, and that account's groups, inside the block; nothing unless root.

    Files made there belong to the account, and no link that it laid reaches more than the account itself does.
    """
    if os.geteuid() != 0 or uid == 0:
        yield
        return
    own_gid, own_groups = os.getegid(), os.getgroups()
    os.setgroups(groups_of(uid, gid))
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
