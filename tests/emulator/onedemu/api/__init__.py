# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The methods of the API. Importing this package registers them all."""

from . import acl, group, host, local, market, owned, raft, system, user, vdc, zone

__all__ = ["acl", "group", "host", "local", "market", "owned", "raft", "system", "user", "vdc", "zone"]
