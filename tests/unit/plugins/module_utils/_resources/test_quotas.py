# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from fake_oned import parse_template

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import OnefedError
from ansible_collections.onefed.opennebula.plugins.module_utils._resources.quotas import (
    UNLIMITED,
    limits_of,
    merged_limits,
    quota_text,
    shown,
    wanted_limits,
)

DOCUMENT = """<USER><DATASTORE_QUOTA><DATASTORE><ID>1</ID><IMAGES>-1</IMAGES><IMAGES_USED>2</IMAGES_USED>
<SIZE>1000</SIZE><SIZE_USED>0</SIZE_USED></DATASTORE><DATASTORE><ID>2</ID><IMAGES>-1</IMAGES><IMAGES_USED>9</IMAGES_USED>
<SIZE>-1</SIZE></DATASTORE></DATASTORE_QUOTA><NETWORK_QUOTA/><VM_QUOTA><VM><CPU>2.5</CPU><CPU_USED>0</CPU_USED>
<VMS>3.00</VMS><MEMORY>-2</MEMORY></VM><VM><CLUSTER_IDS>0,100</CLUSTER_IDS><VMS>1</VMS><CPU>-2</CPU></VM></VM_QUOTA>
<IMAGE_QUOTA></IMAGE_QUOTA></USER>"""
LIMITS = {
    "vm": {"": {"CPU": "2.5", "MEMORY": "-2", "VMS": "3"}},
    "clusters": {"0,100": {"VMS": "1"}},
    "datastores": {"1": {"SIZE": "1000"}},
}


def resolve(kind: str, given: str) -> int:
    return {("cluster", "default"): 0, ("datastore", "fast"): 1}.get((kind, given)) or int(
        given.replace("default", "0")
    )


def test_limits_are_what_differs_from_the_default() -> None:
    assert limits_of(ElementTree.fromstring(DOCUMENT)) == LIMITS


def test_default_quotas_have_no_limit_where_nothing_is_set() -> None:
    text = "<DEFAULT_USER_QUOTAS><VM_QUOTA><VM><VMS>5</VMS><CPU>-2</CPU></VM></VM_QUOTA></DEFAULT_USER_QUOTAS>"
    assert limits_of(ElementTree.fromstring(text), UNLIMITED) == {"vm": {"": {"VMS": "5"}}}


def test_limits_are_shown_as_options_take_them() -> None:
    options = shown(LIMITS)
    assert options == {
        "vm": {"cpu": 2.5, "memory": -2, "vms": 3},
        "clusters": {"0,100": {"vms": 1}},
        "datastores": {"1": {"size": 1000}},
    }
    assert wanted_limits(options, resolve) == LIMITS


def test_names_are_looked_up_and_clusters_put_in_order() -> None:
    wanted = wanted_limits({"clusters": {"100, default": {"vms": 1}}, "datastores": {"fast": {"size": "7"}}}, resolve)
    assert wanted == {"clusters": {"0,100": {"VMS": "1"}}, "datastores": {"1": {"SIZE": "7"}}}


@pytest.mark.parametrize(
    ("quotas", "why"),
    [
        ({"vms": {}}, 'no quotas of "vms"'),
        ({"vm": 5}, "not a dictionary of limits"),
        ({"vm": {"vms": -3}}, "Give a number"),
        ({"vm": {"vms": True}}, "Give a number"),
        ({"vm": {"vms": "many"}}, "Give a number"),
        ({"datastores": {"fast": {"size": 1}, "1": {"size": 2}}}, "given twice"),
    ],
)
def test_what_is_no_limit_is_refused(quotas: dict[str, object], why: str) -> None:
    with pytest.raises(OnefedError) as caught:
        wanted_limits(quotas, resolve)
    assert why in str(caught.value)


def test_merging_keeps_and_replacing_drops() -> None:
    wanted = wanted_limits({"vm": {"vms": 4, "cpu": -1}, "datastores": {"1": {"size": -1}}}, resolve)
    assert merged_limits(LIMITS, wanted, replace=False) == {
        "vm": {"": {"MEMORY": "-2", "VMS": "4"}},
        "clusters": {"0,100": {"VMS": "1"}},
    }
    assert "clusters" not in merged_limits(LIMITS, {"clusters": {"0,100": {"VMS": "-2"}}}, replace=False)
    assert merged_limits(LIMITS, {"vm": {"": {"VMS": "-2"}}}, replace=True) == {"vm": {"": {"VMS": "-2"}}}
    assert merged_limits(LIMITS, wanted, replace=True) == {"vm": {"": {"VMS": "4"}}}


def test_the_text_names_every_limit_of_an_entry_that_changes() -> None:
    after = {"vm": {"": {"VMS": "4", "MEMORY": "-2"}}, "clusters": LIMITS["clusters"]}
    assert parse_template(quota_text(LIMITS, after)) == {
        "VM": {"CPU": "-1", "MEMORY": "-2", "VMS": "4"},
        "DATASTORE": {"ID": "1", "SIZE": "-1"},
    }
    assert parse_template(quota_text({}, LIMITS))["VM"][1] == {"CLUSTER_IDS": "0,100", "VMS": "1"}
    assert quota_text(LIMITS, LIMITS) == ""
