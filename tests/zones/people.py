# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Zones full of users, rules and objects, and what can be said of them afterwards."""

from __future__ import annotations

import re
import shutil
import xmlrpc.client
from typing import Any
from xml.etree import ElementTree

from .lab import Zone

PASSWORD = "a-password"
EVERYTHING = (-2, -1, -1)


def fill(zone: Zone) -> None:
    """Users of three drivers, one disabled and one with an encrypted attribute; groups, a VDC, rules, quotas, a
    marketplace with an app, and objects of every kind. Two users give each other's names to images."""
    call = zone.call
    dev, ops = call("one.group.allocate", "dev"), call("one.group.allocate", "ops")
    call("one.group.update", dev, 'SUNSTONE=[VIEWS="cloud"]', 0)
    alice = call("one.user.allocate", "alice", PASSWORD, "", [dev, ops])
    bob = call("one.user.allocate", "bob", PASSWORD, "", [ops])
    carol = call("one.user.allocate", "carol", "/CN=carol", "x509", [1])
    call("one.user.update", alice, 'SSH_PRIVATE_KEY="line 1\nline \\"2\\""\nNOTE="back\\slash"', 1)
    call("one.user.enable", bob, False)
    call("one.group.addadmin", dev, alice)
    call("one.vdc.delgroup", 0, ops)
    vdc = call("one.vdc.allocate", 'NAME="lab"\nNOTE="x"')
    call("one.vdc.addgroup", vdc, ops)
    call("one.vdc.addcluster", vdc, 0, 0)
    call("one.vdc.addvnet", vdc, 0, -10)
    rules = (
        (0x100000000 + bob, 0x10100000000, 1, 0x100000000),  # #bob USER/#0 USE #0
        (0x200000000 + ops, 0x4100000000, 3, 0x100000000),  # @ops NET/#0 USE+MANAGE #0
        (0x100000000 + carol, 0x1100400000000, 8, 0x400000000),  # #carol DATASTORE+SECGROUP/* CREATE *
    )
    for rule in rules:
        call("one.acl.addrule", *(f"{word:x}" for word in rule))
    call("one.userquota.update", 'VM=[VMS="1"]')
    call("one.user.quota", alice, 'VM=[VMS="2",CPU="4.5"]\nDATASTORE=[ID="1",SIZE="1000"]')
    call("one.group.quota", ops, 'VM=[MEMORY="4096"]')
    call("one.group.vlan", dev, 'VLAN=[ID="6-8",SCOPE="ANY"]')
    market = call("one.market.allocate", 'NAME="shelf"\nMARKET_MAD="http"\nBASE_URL="http://x/"\nPUBLIC_DIR="/tmp/m"')
    app = 'NAME="recipe"\nORIGIN_ID="0"\nTYPE="VMTEMPLATE"\nAPPTEMPLATE64="eA=="'
    call("one.marketapp.allocate", app, market)
    _objects(zone, {"alice": (alice, dev), "bob": (bob, ops), "carol": (carol, 1)})


def _objects(zone: Zone, people: dict[str, tuple[int, int]]) -> None:
    templates: dict[str, tuple[Any, ...]] = {
        "template": ('NAME="{}"',),
        "vntemplate": ('NAME="{}"\nVN_MAD="bridge"',),
        "secgroup": ('NAME="{}"',),
        "vmgroup": ('NAME="{}"\nROLE=[NAME="r"]',),
        "vrouter": ('NAME="{}"',),
        "backupjob": ('NAME="{}"\nBACKUP_VMS="0"\nDATASTORE_ID="1"',),
        "document": ('NAME="{}"', 7),
        "vn": ('NAME="{}"\nVN_MAD="bridge"\nBRIDGE="b"', -1),
        "image": ('NAME="{}"\nTYPE="DATABLOCK"\nSIZE="10"', 1),
        "datastore": ('NAME="{}"\nDS_MAD="fs"\nTM_MAD="local"', -1),
        "vm": ('NAME="{}"\nCPU="0.5"\nMEMORY="64"', True),
    }
    for kind, (text, *more) in templates.items():
        for name, (uid, gid) in people.items():
            # One name for all, where one owner may have it once.
            called = f"d-{name}" if kind == "datastore" else "thing"
            oid = zone.call(f"one.{kind}.allocate", text.format(called), *more)
            zone.call(f"one.{kind}.chown", oid, uid, gid)
    again = zone.call("one.vrouter.allocate", 'NAME="second"')
    zone.call("one.vrouter.chown", again, *people["alice"])
    zone.call("one.vrouter.rename", again, "thing")
    zone.call("one.template.lock", 0, 2)


def as_user(zone: Zone, session: str, method: str, *arguments: Any) -> list[Any]:
    """The whole answer to somebody's call."""
    proxy: Any = xmlrpc.client.ServerProxy(zone.url)
    answer: list[Any] = getattr(proxy, method)(session, *arguments)
    return answer


def owners(zone: Zone, pool: str, *arguments: int) -> dict[int, tuple[str, str, str, str]]:
    """Owner and group of all objects of a pool, by the ids they have and by the names that they have stored."""
    names = {
        kind: {
            each.findtext("ID"): each.findtext("NAME", "")
            for each in xml(zone, f"one.{kind}pool.info").iterfind(kind.upper())
        }
        for kind in ("user", "group")
    }
    return {
        int(each.findtext("ID", "")): (
            names["user"].get(each.findtext("UID"), "?"),
            names["group"].get(each.findtext("GID"), "?"),
            each.findtext("UNAME", ""),
            each.findtext("GNAME", ""),
        )
        for each in xml(zone, f"one.{pool}pool.info", *arguments)
        if each.find("UID") is not None
    }


def xml(zone: Zone, method: str, *arguments: Any) -> ElementTree.Element:
    return ElementTree.fromstring(zone.call(method, *arguments))


def join(master: Zone, slave: Zone, zone_id: int) -> None:
    """Put a zone under a master by OpenNebula's documented steps; it loses all identities of its own."""
    dump = str(slave.location / "federated.sql")
    slave.one("stop")
    master.tool("onedb", "backup", "--federated", "-f", dump)
    slave.tool("onedb", "restore", "--federated", dump)
    for file in (master.location / "var/.one").glob("*_auth"):
        shutil.copy(file, slave.location / "var/.one")
    configure(slave, "SLAVE", zone_id, master.url)
    slave.one("start")


def make_master(zone: Zone) -> None:
    zone.call("one.zone.update", 0, f'ENDPOINT="{zone.url}"', 1)
    zone.one("stop")
    configure(zone, "MASTER", 0, "")
    zone.one("start")


def configure(zone: Zone, mode: str, zone_id: int, master: str) -> None:
    section = (
        f'FEDERATION = [\n MODE = "{mode}",\n ZONE_ID = {zone_id},\n SERVER_ID = -1,\n MASTER_ONED = "{master}"\n]'
    )
    text, count = re.subn(
        r"^FEDERATION *= *\[.*?\]", section, zone.conf.read_text(), count=1, flags=re.DOTALL | re.MULTILINE
    )
    assert count == 1
    zone.conf.write_text(text)
