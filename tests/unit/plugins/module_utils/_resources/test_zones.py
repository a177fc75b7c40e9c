# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.lookup import find
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.zone import (
    Wanted,
    created,
    desired,
    predicted,
    record,
)

MADRID = "http://192.0.2.11:2633/RPC2"
PARIS = "http://192.0.2.31:2633/RPC2"


def zone(zone_id: int, name: str, endpoint: str, **attributes: Any) -> dict[str, Any]:
    template = {"ENDPOINT": endpoint, **attributes}
    return {"id": zone_id, "name": name, "state": "enabled", "endpoint": endpoint, "template": template, "servers": []}


ZONES = [zone(0, "OpenNebula", MADRID, COLOR="blue"), zone(100, "paris", PARIS, ENDPOINT_GRPC="192.0.2.31:2634")]


def compared(zones: list[dict[str, Any]], wanted: Wanted) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The record of the zone as it is, None without one, and as it is to be."""
    found = find(zones, wanted)
    before = None if found is None else record(found)
    return before, desired(before or created(wanted), zones, wanted)


def test_a_new_zone_has_no_id_yet() -> None:
    before, after = compared(ZONES, Wanted("lyon", endpoint="http://192.0.2.41:2633/RPC2", template={"site": "L"}))
    assert before is None
    assert after == {
        "id": None,
        "name": "lyon",
        "state": "enabled",
        "template": {"ENDPOINT": "http://192.0.2.41:2633/RPC2", "SITE": "L"},
    }


def test_a_record_of_equal_name_and_endpoint_is_adopted() -> None:
    before, after = compared(ZONES, Wanted("paris", endpoint="HTTP://192.0.2.31:2633/RPC2/"))
    assert before is not None
    assert before == after
    assert after["id"] == 100


def test_nothing_given_changes_nothing() -> None:
    before, after = compared(ZONES, Wanted("paris"))
    assert before == after


def test_a_template_is_merged() -> None:
    _before, after = compared(ZONES, Wanted(None, id=0, template={"Site": "M", "color": None}))
    assert after["template"] == {"ENDPOINT": MADRID, "SITE": "M"}


def test_a_template_is_replaced_but_for_the_endpoints() -> None:
    _before, after = compared(ZONES, Wanted("paris", template={"SITE": "P"}, replace=True))
    assert after["template"] == {"ENDPOINT": PARIS, "ENDPOINT_GRPC": "192.0.2.31:2634", "SITE": "P"}


def test_replacing_drops_a_leftover_marker() -> None:
    marked = [zone(0, "OpenNebula", MADRID, ONEFED_PROBE="x")]
    assert compared(marked, Wanted(None, id=0, replace=True))[1]["template"] == {"ENDPOINT": MADRID}


def test_an_empty_grpc_endpoint_removes_it() -> None:
    _before, after = compared(ZONES, Wanted("paris", endpoint_grpc=""))
    assert after["template"] == {"ENDPOINT": PARIS}
    before, after = compared(ZONES, Wanted(None, id=0, endpoint_grpc=""))
    assert before == after


def test_a_zone_is_renamed_by_its_id() -> None:
    before, after = compared(ZONES, Wanted("madrid", id=0))
    assert before is not None
    assert (before["name"], after["name"], after["id"]) == ("OpenNebula", "madrid", 0)


def test_an_endpoint_changes_by_id_or_when_told_to() -> None:
    new = "http://192.0.2.30:2633/RPC2"
    for wanted in (Wanted(None, id=100, endpoint=new), Wanted("paris", endpoint=new, update_endpoint=True)):
        assert compared(ZONES, wanted)[1]["template"]["ENDPOINT"] == new


def test_a_zone_that_only_has_the_same_name_is_not_touched() -> None:
    with pytest.raises(OnefedError, match=r'"paris" \(id 100\) exists with another endpoint.*update_endpoint or id'):
        compared(ZONES, Wanted("paris", endpoint="http://192.0.2.30:2633/RPC2"))


@pytest.mark.parametrize("wanted", [Wanted("lyon", endpoint=PARIS), Wanted(None, id=0, endpoint=PARIS)])
def test_an_endpoint_of_another_zone_is_refused(wanted: Wanted) -> None:
    with pytest.raises(OnefedError, match=r'belongs to zone "paris" \(id 100\).*set id to 100'):
        compared(ZONES, wanted)


def test_a_name_of_another_zone_is_refused() -> None:
    with pytest.raises(OnefedError, match='The name "paris" is taken by zone 100'):
        compared(ZONES, Wanted("paris", id=0))


def test_two_zones_without_endpoint_are_no_conflict() -> None:
    bare = [{**zone(0, "a", "-"), "endpoint": "-"}, {**zone(100, "b", "-"), "endpoint": "-"}]
    assert compared(bare, Wanted("b"))[1]["id"] == 100


def test_ids_are_not_ours_to_choose() -> None:
    with pytest.raises(OnefedError, match="no zone 7. OpenNebula chooses"):
        compared(ZONES, Wanted("lyon", id=7, endpoint="http://192.0.2.41:2633/RPC2"))


def test_a_zone_without_endpoint_cannot_be_created() -> None:
    with pytest.raises(OnefedError, match='no zone "lyon". Set endpoint'):
        compared(ZONES, Wanted("lyon"))


def test_a_zone_of_which_nothing_is_known_is_predicted_as_declared() -> None:
    wanted = Wanted(None, id=0, endpoint=MADRID, endpoint_grpc="")
    assert predicted(wanted) == {"id": 0, "name": None, "state": "enabled", "template": {"ENDPOINT": MADRID}}


@pytest.mark.parametrize("endpoint", ["http://localhost:2633/RPC2", "http://127.9.9.9:2633/RPC2", "https://[::1]/RPC2"])
def test_a_loopback_endpoint_needs_consent(endpoint: str) -> None:
    with pytest.raises(OnefedError, match="loopback address.*allow_loopback"):
        Wanted("a", endpoint=endpoint).check()
    Wanted("a", endpoint=endpoint, allow_loopback=True).check()


def test_a_loopback_grpc_endpoint_needs_consent() -> None:
    with pytest.raises(OnefedError, match="loopback address"):
        Wanted("a", endpoint_grpc="localhost:2634").check()
    Wanted("a", endpoint_grpc="localhost:2634", allow_loopback=True).check()


@pytest.mark.parametrize(
    "endpoint", ["http://192.0.2.9:2633", "http://192.0.2.9:2633/rpc2", "http://RPC2.example.com/"]
)
def test_an_endpoint_without_rpc2_is_refused(endpoint: str) -> None:
    with pytest.raises(OnefedError, match="does not contain RPC2"):
        Wanted("a", endpoint=endpoint).check()


@pytest.mark.parametrize("endpoint", ["", "192.0.2.9:2633/RPC2", "ftp://192.0.2.9/RPC2"])
def test_what_is_no_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(OnefedError, match="not an XML-RPC endpoint"):
        Wanted("a", endpoint=endpoint).check()


@pytest.mark.parametrize("endpoint", ["http://192.0.2.9:2633/RPC2", "192.0.2.9", "a b:2634", "user@192.0.2.9:2634"])
def test_what_is_no_grpc_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(OnefedError, match="not a gRPC endpoint"):
        Wanted("a", endpoint_grpc=endpoint).check()


@pytest.mark.parametrize("name", ["name", "ENDPOINT", "Endpoint_grpc", "SERVER", "ONEFED_PROBE"])
@pytest.mark.parametrize("value", ["x", None])
def test_attributes_with_a_better_place_are_refused_in_the_template(name: str, value: str | None) -> None:
    with pytest.raises(OnefedError, match=f"template must not hold {name.upper()}"):
        Wanted("a", template={name: value}).check()
