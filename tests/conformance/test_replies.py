# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The shape of XML-RPC replies, which every client relies on."""

from __future__ import annotations

import xmlrpc.client
from typing import Any

import pyone
import pytest

from .api import NO_EXISTS, Api, outline
from .conftest import Made
from .frontend import Frontend
from .truth import OPAQUE, load, of_version

REFUSALS = load("refusals")
DOCUMENTS = load("documents")


def test_success_is_true_value_and_zero(api: Api) -> None:
    reply = api.raw("one.system.version")
    assert [type(each) for each in reply] == [bool, str, int]
    assert reply[0] is True
    assert reply[2] == 0


def test_success_of_a_write_carries_the_id_as_integer(api: Api, made: Made) -> None:
    name = made.name()
    reply = api.raw("one.user.allocate", name, "pw", "", [])
    assert reply[0] is True
    number = reply[1]
    assert isinstance(number, int) and not isinstance(number, bool)
    assert api.raw("one.user.delete", number) == [True, number, 0]


def test_failure_has_five_items(api: Api) -> None:
    reply = api.raw("one.zone.info", 99, False)
    assert [type(each) for each in reply] == [bool, str, int, int, int]
    assert reply[0] is False


def test_failed_lookup_names_the_object(api: Api) -> None:
    assert api.raw("one.zone.info", 99, False)[2:] == [NO_EXISTS, 99, -1]


@pytest.mark.parametrize("method", ["one.zone.info", "one.user.info", "one.group.info", "one.vdc.info"])
def test_failure_text_begins_with_the_method(api: Api, method: str) -> None:
    assert api.raw(method, 987654, False)[1].startswith(f"[{method}] ")


def test_unknown_method_is_a_fault(api: Api) -> None:
    with pytest.raises(xmlrpc.client.Fault) as fault:
        api.raw("one.zone.nothing")
    assert (fault.value.faultCode, fault.value.faultString) == (-506, "Method 'one.zone.nothing' not defined")


def test_argument_of_another_type_is_a_fault(api: Api) -> None:
    with pytest.raises(xmlrpc.client.Fault) as fault:
        api.raw("one.zone.rename", "zero", "x")
    assert fault.value.faultCode == -501
    assert fault.value.faultString == "Parameter that is supposed to be integer is not"


def test_missing_argument_is_a_fault(api: Api) -> None:
    with pytest.raises(xmlrpc.client.Fault) as fault:
        api.raw("one.zone.rename", 0)
    assert (fault.value.faultCode, fault.value.faultString) == (-501, "Not enough parameters")


def test_replication_insists_on_long_integers(api: Api) -> None:
    with pytest.raises(xmlrpc.client.Fault) as fault:
        api.raw("one.zone.fedreplicate", 5, 4, "select 1")
    assert fault.value.faultCode == -501
    assert fault.value.faultString == "Parameter that is supposed to be 64-bit integer is not"


@pytest.mark.parametrize(
    ("method", "args", "exception"),
    [
        ("zone.info", (99,), pyone.OneNoExistsException),
        ("zone.delete", (0,), pyone.OneActionException),
        ("acl.delrule", (987654,), pyone.OneInternalException),
    ],
)
def test_pyone_takes_the_code_for_an_exception(one: Any, method: str, args: tuple[int], exception: type) -> None:
    entity, action = method.split(".")
    with pytest.raises(exception, match=rf"^\[one.{method}\]"):
        getattr(getattr(one, entity), action)(*args)


class Stage:
    """Objects that the recorded calls speak of, by the names of their placeholders."""

    def __init__(self, api: Api, made: Made) -> None:
        group = made.group(api)
        self.username = made.name()
        user = made.user(api, self.username, "pw", "", (group,))
        vdc = made.vdc(api)
        self.values: dict[str, Any] = {"user": user, "group": group, "vdc": vdc, "username": self.username}
        self.api = api

    def session(self, who: str) -> Api:
        return {
            "oneadmin": self.api,
            "user": self.api.as_user(self.username, "pw"),
            "wrong": self.api.as_user(self.api.username, "wrong"),
        }[who]

    def fill(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.startswith("{") and value[1:-1] in self.values:
            return self.values[value[1:-1]]
        for name, each in self.values.items():
            value = value.replace("{" + name + "}", str(each))
        return value


def check_refusal(api: Api, made: Made, case: dict[str, Any]) -> None:
    stage = Stage(api, made)
    reply = stage.session(case.get("as", "oneadmin")).raw(case["method"], *map(stage.fill, case["args"]))
    text = f"[{case['method']}] {stage.fill(case['text'])}"
    assert reply == [False, text, case["code"], stage.fill(case.get("object", -1)), -1]


def _label(case: dict[str, Any]) -> str:
    return "-".join([case["method"], *(str(each)[:24] for each in case["args"]), case.get("as", "")])


@pytest.mark.parametrize("case", REFUSALS["any"], ids=_label)
def test_recorded_refusal(api: Api, made: Made, case: dict[str, Any]) -> None:
    check_refusal(api, made, case)


@pytest.mark.parametrize("case", REFUSALS["standalone"], ids=_label)
def test_recorded_refusal_of_a_standalone_zone(standalone: Frontend, made: Made, case: dict[str, Any]) -> None:
    check_refusal(standalone.api, made, case)


@pytest.mark.parametrize("case", REFUSALS["master"], ids=_label)
def test_recorded_refusal_of_a_master(master: Frontend, made: Made, case: dict[str, Any]) -> None:
    check_refusal(master.api, made, case)


@pytest.mark.parametrize("method", [each for each in DOCUMENTS if each.startswith("one.")])
def test_recorded_document(api: Api, made: Made, version: str, method: str) -> None:
    """The elements of the reply and their order."""
    stage = Stage(api, made)
    vdc = stage.values["vdc"]
    api.call("one.vdc.addgroup", vdc, stage.values["group"])
    api.call("one.vdc.addcluster", vdc, api.zone_id(), -10)
    subject = method.split(".")[1]
    args: dict[str, tuple[Any, ...]] = {
        "zone": () if method.endswith("raftstatus") else (0,),
        "user": (stage.values["user"],),
        "group": (stage.values["group"],),
        "vdc": (vdc,),
        "marketpool": (-2, -1, -1),
    }
    reply = api.call(method, *args.get(subject, ()))
    assert outline(reply, OPAQUE) == of_version(DOCUMENTS[method], version)
