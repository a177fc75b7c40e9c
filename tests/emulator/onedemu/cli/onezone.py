# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``onezone``"""

from __future__ import annotations

from xml.etree import ElementTree

from ..versions import Release
from .common import (
    CommandError,
    call,
    call_xml,
    credentials,
    dispatch,
    endpoint,
    find_id,
    options,
    read_input,
    table,
    template_text,
)

RAFT_SECONDS = 5
_STATES = {"0": "solo", "1": "candidate", "2": "follower", "3": "leader"}
_ZONES = (("C", 1, True), ("ID", 4, False), ("NAME", 15, True), ("ENDPOINT", 45, True), ("FED_INDEX", 10, True),
          ("STAT", 4, True))
_SERVERS = (("ID", 2, False), ("NAME", 15, True), ("ENDPOINT", 63, True))
_SYNC = (("ID", 2, False), ("NAME", 15, True), ("STATE", 10, True), ("TERM", 10, True), ("INDEX", 10, True),
         ("COMMIT", 10, True), ("VOTE", 5, True), ("FED_INDEX", 10, True))


def main(arguments: list[str], release: Release) -> int:
    return dispatch("onezone", arguments, {
        "list": list_zones, "show": show, "create": create, "delete": delete, "rename": rename, "update": update,
        "enable": lambda words: _enable(words, True), "disable": lambda words: _enable(words, False),
        "server-add": server_add, "server-del": server_del, "server-reset": server_reset})


def _raft(at: str) -> dict[str, str] | None:
    """What a server says of itself; None whatever the reason it does not."""
    try:
        status = call("one.zone.raftstatus", at=at, seconds=RAFT_SECONDS)
    except CommandError:
        return None
    return {element.tag: element.text or "" for element in ElementTree.fromstring(status)}


def _pool() -> ElementTree.Element:
    return call_xml("one.zonepool.info")


def _zone_id(words: list[str]) -> int:
    if not words:
        raise CommandError("The command requires one parameter to run")
    return find_id(_pool(), "ZONE", words[0])


def list_zones(words: list[str]) -> None:
    found, _dummy = options(words, {}, {"-x": "xml", "--xml": "xml"})
    credentials()
    if "xml" in found:
        print(call("one.zonepool.info"))
        return
    rows = []
    for zone in _pool():
        address = zone.findtext("TEMPLATE/ENDPOINT") or ""
        raft = _raft(address)
        rows.append(("*" if address == endpoint() else "", zone.findtext("ID", ""), zone.findtext("NAME", ""), address,
                     raft["FEDLOG_INDEX"] if raft else "-", "off" if zone.findtext("STATE") == "1" else "on"))
    print(table(_ZONES, rows))


def show(words: list[str]) -> None:
    found, words = options(words, {}, {"-x": "xml", "--xml": "xml"})
    oid = _zone_id(words)
    if "xml" in found:
        print(call("one.zone.info", oid))
        return
    zone = call_xml("one.zone.info", oid)
    print(f"{f'ZONE {oid} INFORMATION':<80}")
    for name, value in (("ID", str(oid)), ("NAME", zone.findtext("NAME", "")),
                        ("STATE", "DISABLED" if zone.findtext("STATE") == "1" else "ENABLED")):
        print(f"{name:<18}: {value:<20}")
    print()
    servers = zone.findall("SERVER_POOL/SERVER")
    if servers:
        _show_servers(servers)
    print(f"\n{'ZONE TEMPLATE':<80}")
    print(template_text(zone.find("TEMPLATE")))


def _show_servers(servers: list[ElementTree.Element]) -> None:
    known = [(s.findtext("ID", ""), s.findtext("NAME", ""), s.findtext("ENDPOINT", "")) for s in servers]
    print(f"\n{'ZONE SERVERS':<80}\n{table(_SERVERS, known)}")
    rows = []
    for oid, name, address in known:
        raft = _raft(address)
        rest = ["error", "-", "-", "-", "-", "-"] if raft is None else [
            _STATES.get(raft["STATE"], "error"), raft["TERM"], raft["LOG_INDEX"], raft["COMMIT"], raft["VOTEDFOR"],
            raft["FEDLOG_INDEX"]]
        rows.append((oid, name, *rest))
    print(f"\n{'HA & FEDERATION SYNC STATUS':<80}\n{table(_SYNC, rows)}")


def create(words: list[str]) -> None:
    print(f"ID: {call('one.zone.allocate', read_input(words))}")


def delete(words: list[str]) -> None:
    for word in words[0].split(",") if words else ():
        call("one.zone.delete", _zone_id([word]))


def rename(words: list[str]) -> None:
    if len(words) < 2:
        raise CommandError("Command rename requires 2 parameters to run.")
    call("one.zone.rename", _zone_id(words), words[1])


def update(words: list[str]) -> None:
    found, words = options(words, {}, {"-a": "append", "--append": "append"})
    call("one.zone.update", _zone_id(words), read_input(words[1:]), int("append" in found))


def _enable(words: list[str], enabled: bool) -> None:
    call("one.zone.enable", _zone_id(words), enabled)


def server_add(words: list[str]) -> None:
    found, words = options(words, {"-n": "NAME", "--name": "NAME", "-r": "ENDPOINT", "--rpc": "ENDPOINT",
                                   "--grpc": "ENDPOINT_GRPC"}, {})
    inner = ",".join(f'{name}="{value}"' for name, value in found.items())
    call("one.zone.addserver", _zone_id(words), f"SERVER=[{inner}]")


def server_del(words: list[str]) -> None:
    if len(words) < 2:
        raise CommandError("Command server-del requires 2 parameters to run.")
    call("one.zone.delserver", _zone_id(words), int(words[1]))


def server_reset(words: list[str]) -> None:
    if len(words) < 2:
        raise CommandError("Command server-reset requires 2 parameters to run.")
    call("one.zone.resetserver", _zone_id(words), int(words[1]))
