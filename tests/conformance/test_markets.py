# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Marketplaces and their apps, which a federation shares."""

from __future__ import annotations

import xmlrpc.client

import pytest

from .api import ACTION, INTERNAL, NO_EXISTS, Api
from .conftest import Made
from .frontend import Zone
from .truth import since

ALL_RESOURCES = (-2, -1, -1)
_PERMISSIONS = (
    "<PERMISSIONS>"
    + "".join(f"<{who}_{what}>1</{who}_{what}>" for who in ("OWNER", "GROUP", "OTHER") for what in "UMA")
    + "</PERMISSIONS>"
)


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


def _market(api: Api, name: str) -> str:
    """A marketplace's document as slaves send it to their master."""
    owner = "<UID>1</UID><GID>1</GID><UNAME>serveradmin</UNAME><GNAME>users</GNAME>"
    return (
        f"<MARKETPLACE><ID>-1</ID>{owner}<NAME>{name}</NAME><STATE>0</STATE><MARKET_MAD>http</MARKET_MAD>"
        f"<ZONE_ID>{api.zone_id()}</ZONE_ID><TOTAL_MB>0</TOTAL_MB><FREE_MB>0</FREE_MB><USED_MB>0</USED_MB>"
        f"<MARKETPLACEAPPS></MARKETPLACEAPPS>{_PERMISSIONS}<TEMPLATE><NOTE>a &lt; b</NOTE></TEMPLATE></MARKETPLACE>"
    )


def _app(api: Api, name: str, market: int) -> str:
    return (
        "<MARKETPLACEAPP><ID>-1</ID><UID>1</UID><GID>1</GID><UNAME>serveradmin</UNAME><GNAME>users</GNAME>"
        f"<REGTIME>5</REGTIME><NAME>{name}</NAME><ZONE_ID>{api.zone_id()}</ZONE_ID><ORIGIN_ID>7</ORIGIN_ID>"
        "<SOURCE>s</SOURCE><MD5>m</MD5><SIZE>3</SIZE><DESCRIPTION></DESCRIPTION><VERSION>1.2</VERSION>"
        f"<FORMAT>raw</FORMAT><APPTEMPLATE64></APPTEMPLATE64><MARKETPLACE_ID>{market}</MARKETPLACE_ID>"
        f"<MARKETPLACE>x</MARKETPLACE><STATE>1</STATE><TYPE>1</TYPE>{_PERMISSIONS}<TEMPLATE></TEMPLATE></MARKETPLACEAPP>"
    )


def test_records_are_written_by_document_and_go_when_a_marketplace_is_disabled(api: Api, made: Made) -> None:
    name = made.name()
    xml = _market(api, name)
    # The document twice: 7.4 reads the second parameter, and 6.10 the first.
    market = made._note(api, "one.market.delete", api.call("one.market.allocatedb", xml, xml))
    app_xml = _app(api, name, market)
    app = api.call("one.marketapp.allocatedb", app_xml, app_xml)
    found = api.xml("one.marketapp.info", app)
    shown = [
        found.findtext(tag) for tag in ("UID", "ORIGIN_ID", "SOURCE", "SIZE", "VERSION", "STATE", "TYPE", "REGTIME")
    ]
    assert shown == ["1", "7", "s", "3", "1.2", "1", "1", "5"]
    assert api.raw("one.marketapp.allocatedb", app_xml, app_xml)[2] == INTERNAL
    listing = xml.replace("<MARKETPLACEAPPS>", f"<MARKETPLACEAPPS><ID>{app}</ID>")
    for document in (listing, xml):
        # An app that is not named stays.
        assert api.call("one.market.updatedb", market, document.replace("<ID>-1</ID>", f"<ID>{market}</ID>")) == market
        assert [each.text for each in api.xml("one.market.info", market).findall("MARKETPLACEAPPS/ID")] == [str(app)]
    assert api.xml("one.market.info", market).findtext("TEMPLATE/NOTE") == "a < b"
    refused = api.raw("one.market.delete", market)
    assert refused[1:3] == [
        f"[one.market.delete] Cannot delete marketplace. marketplace  {market} is not empty.",
        ACTION,
    ]
    assert api.call("one.market.enable", market, False) == market
    assert api.xml("one.market.info", market).find("MARKETPLACEAPPS/ID") is None
    assert api.raw("one.marketapp.info", app)[2] == NO_EXISTS


def test_newer_releases_look_for_the_document_in_the_wrong_place(api: Api, version: str) -> None:
    if not since(version, "7.2"):
        pytest.skip("up to 7.0 it is taken where slaves send it")
    with pytest.raises(xmlrpc.client.Fault, match="Not enough parameters"):
        api.raw("one.market.allocatedb", "<MARKETPLACE></MARKETPLACE>")


def test_an_app_of_a_machines_template_is_ready_at_once(api: Api, made: Made) -> None:
    name = made.name()
    text = f'NAME="{name}"\nMARKET_MAD="http"\nBASE_URL="http://192.0.2.9/"\nPUBLIC_DIR="/var/tmp"'
    market = made._note(api, "one.market.delete", api.call("one.market.allocate", text))
    app = api.call("one.marketapp.allocate", f'NAME="{name}"\nORIGIN_ID="0"\nTYPE="VMTEMPLATE"', market)
    found = api.xml("one.marketapp.info", app)
    assert [found.findtext(tag) for tag in ("STATE", "TYPE", "MARKETPLACE", "ZONE_ID")] == [
        "1",
        "2",
        name,
        str(api.zone_id()),
    ]
    assert [each.text for each in api.xml("one.market.info", market).findall("MARKETPLACEAPPS/ID")] == [str(app)]
    assert api.call("one.market.enable", market, False) == market
