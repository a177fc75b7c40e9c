# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects by name or id."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.names import Names, NameUnknown


def names(*users: tuple[int, str]) -> Names:
    class Client:
        url = "http://192.0.2.11:2633/RPC2"

    client: Any = Client()
    return Names(client, pools={"user": list(users)})


def test_a_name_goes_before_an_id() -> None:
    known = names((104, "eve"), (7, "104"), (8, "ada"))
    assert [known.id("user", given) for given in ("104", 104, " ada ", "8", 7)] == [7, 7, 8, 8, 7]
    assert [known.id("user", given, True) for given in ("104", "ada")] == [104, 8]


def test_who_is_unknown_or_not_alone_is_told() -> None:
    with pytest.raises(NameUnknown, match='There is no user "105"'):
        names((104, "eve")).id("user", "105")
    with pytest.raises(OnefedError, match='are called "lan": 3, 4'):
        names((4, "lan"), (3, "lan")).id("user", "lan")
