# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Marketplaces and their apps, which a federation shares."""

from __future__ import annotations

from .api import Api
from .frontend import Zone

ALL_RESOURCES = (-2, -1, -1)


def test_marketplaces_say_whose_they_are(own: Zone) -> None:
    markets = own.api.xml("one.marketpool.info", *ALL_RESOURCES).findall("MARKETPLACE")
    assert len(markets) >= 2
    assert {each.findtext("ZONE_ID") for each in markets} == {"0"}
    assert "OpenNebula Public" in [each.findtext("NAME") for each in markets]


def test_marketplace_zero_is_opennebulas(own: Zone) -> None:
    market = own.api.xml("one.market.info", 0)
    assert (market.findtext("NAME"), market.findtext("MARKET_MAD")) == ("OpenNebula Public", "one")
    assert (market.findtext("UID"), market.findtext("PERMISSIONS/OTHER_U")) == ("0", "1")


def test_app_pool_is_readable(api: Api) -> None:
    assert api.xml("one.marketapppool.info", *ALL_RESOURCES).tag == "MARKETPLACEAPP_POOL"


def test_marketplaces_through_pyone(api: Api) -> None:
    found = api.pyone.marketpool.info(*ALL_RESOURCES).MARKETPLACE
    assert [each.ZONE_ID for each in found] == [api.zone_id()] * len(found) or len(found) > 0


def test_market_of_a_user_that_does_not_exist(api: Api) -> None:
    assert api.raw("one.market.info", 4711)[2:4] == [1024, 4711]
