# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Questions to the endpoints found in zone records, which hold any text: OpenNebula does not check them."""

from __future__ import annotations

from ansible_collections.onefed.opennebula.plugins.module_utils import _topology as topology


def is_loopback(endpoint: str | None) -> bool:
    """Whether a URL or host:port leads whoever calls it to himself; false for what is neither."""
    try:
        return endpoint is not None and topology.is_loopback(endpoint)
    except ValueError:
        return False


def same_endpoint(one: str | None, other: str | None) -> bool:
    """Whether two endpoints are the same but for spelling; what is no URL is compared as text."""
    try:
        return topology.same_endpoint(one, other)
    except ValueError:
        return one == other
