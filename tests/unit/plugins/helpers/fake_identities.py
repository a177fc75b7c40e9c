# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake oned with users, groups, VDCs and access rules: what a client wrote, and documents like OpenNebula's."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from fake_oned import FakeOned, parse_template

from ansible_collections.onefed.opennebula.plugins.module_utils._api.documents import attributes_of

TOKEN = "a-token"
RESOURCES = {"CLUSTER": "cluster", "HOST": "host", "DATASTORE": "datastore", "VNET": "vnet"}
QUOTAS = {"VM": ("VMS", "CPU", "MEMORY"), "DATASTORE": ("IMAGES", "SIZE"), "NETWORK": ("LEASES",), "IMAGE": ("RVMS",)}


def _xml(tag: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_xml(tag, item) for item in value)
    inner = "".join(_xml(*item) for item in value.items()) if isinstance(value, dict) else escape(str(value))
    return f"<{tag}>{inner}</{tag}>"


def _attributes(text: str) -> dict[str, Any]:
    """Attributes that came in either of the notations that OpenNebula reads."""
    return attributes_of(ElementTree.fromstring(text)) if text.startswith("<") else parse_template(text)


@dataclass
class Identities:
    """The shared tables. Quotas are not among them: every zone has its own."""

    users: dict[int, dict[str, Any]] = field(default_factory=dict)
    groups: dict[int, dict[str, Any]] = field(default_factory=dict)
    vdcs: dict[int, dict[str, Any]] = field(default_factory=dict)
    rules: dict[int, tuple[int, ...]] = field(default_factory=dict)


def _first() -> Identities:
    identities = Identities(groups={0: _group("oneadmin"), 1: _group("users")})
    identities.users = {0: _user("oneadmin", [0]), 1: _user("serveradmin", [0], driver="server_cipher")}
    identities.vdcs = {0: {"name": "default", "template": {}, "groups": [1], "resources": [("CLUSTER", 0, -10)]}}
    return identities


def _user(name: str, groups: list[int], password: str = "secret-word", driver: str = "core") -> dict[str, Any]:
    stored = hashlib.sha256(password.encode()).hexdigest() if driver == "core" else password
    template = {"TOKEN_PASSWORD": TOKEN}
    return {"name": name, "groups": groups, "password": stored, "driver": driver, "enabled": 1, "template": template}


def _group(name: str) -> dict[str, Any]:
    return {"name": name, "admins": [], "template": {}}


@dataclass
class FakeIdentities(FakeOned):
    """A slave has a `master` and shows its identities `delay` readings late."""

    identities: Identities = field(default_factory=_first)
    quotas: dict[tuple[str, int], list[tuple[str, dict[str, str]]]] = field(default_factory=dict)
    pools: dict[str, dict[int, str]] = field(default_factory=dict)

    def slave(self, delay: int, zone_id: int = 100) -> FakeIdentities:
        """A slave of this master, level with it."""
        return FakeIdentities(
            mode="SLAVE", zone_id=zone_id, master=self, delay=delay, identities=copy.deepcopy(self.identities)
        )

    @property
    def _target(self) -> Identities:
        return self.master.identities if isinstance(self.master, FakeIdentities) else self.identities

    def _read(self) -> Identities:
        if self._target != self.identities:
            self._late += 1
            if self._late > self.delay:
                self._late, self.identities = 0, copy.deepcopy(self._target)
        return self.identities

    @staticmethod
    def _missing(method: str, oid: int) -> list[Any]:
        return [False, f"[{method}] Error getting it [{oid}].", 0x400, oid, -1]

    # -- users

    def _user_xml(self, oid: int, quotas: bool) -> str:
        user = self.identities.users[oid]
        groups = "".join(_xml("ID", each) for each in sorted(user["groups"]))
        name = self.identities.groups[user["groups"][0]]["name"]
        # A slave has not the key that its master encrypts with.
        hidden = {"SSH_PRIVATE_KEY": "cipher"} if self.master and "SSH_PRIVATE_KEY" in user["template"] else {}
        return (
            f"<USER><ID>{oid}</ID><GID>{user['groups'][0]}</GID><GROUPS>{groups}</GROUPS>{_xml('GNAME', name)}"
            f"{_xml('NAME', user['name'])}{_xml('PASSWORD', user['password'])}{_xml('AUTH_DRIVER', user['driver'])}"
            f"<ENABLED>{user['enabled']}</ENABLED>{_xml('TEMPLATE', {**user['template'], **hidden})}"
            f"{self._quotas_xml('user', oid) if quotas else ''}</USER>"
        )

    def _quotas_xml(self, kind: str, oid: int) -> str:
        entries = self.quotas.get((kind, oid), [])
        return "".join(
            f"<{name}_QUOTA>{''.join(_xml(name, entry) for each, entry in entries if each == name)}</{name}_QUOTA>"
            for name in QUOTAS
        )

    def _userpool_info(self) -> Any:
        self._read()
        inner = "".join(
            f"{self._user_xml(oid, False)}<QUOTAS><ID>{oid}</ID>{self._quotas_xml('user', oid)}</QUOTAS>"
            for oid in self.identities.users
        )
        return [True, f"<USER_POOL>{inner}</USER_POOL>", 0]

    def _user_info(self, oid: int, _decrypt: bool) -> Any:
        if oid not in self._read().users:
            return self._missing("one.user.info", oid)
        return [True, self._user_xml(oid, True), 0]

    def _user_allocate(self, name: str, password: str, driver: str, groups: list[int]) -> Any:
        oid = max(self._target.users) + 1
        self._target.users[oid] = _user(name, list(groups), password, driver)
        return [True, oid, 0]

    def _user_chauth(self, oid: int, driver: str, password: str) -> Any:
        user = self._target.users[oid]
        stored = user["password"] if not password else _user("", [], password, driver)["password"]
        user.update(driver=driver, password=stored)
        return [True, oid, 0]

    def _user_passwd(self, oid: int, password: str) -> Any:
        return self._user_chauth(oid, self._target.users[oid]["driver"], password)

    def _user_enable(self, oid: int, enabled: bool) -> Any:
        self._target.users[oid]["enabled"] = int(enabled)
        return [True, oid, 0]

    def _user_chgrp(self, oid: int, gid: int) -> Any:
        user = self._target.users[oid]
        others = user["groups"] if gid in user["groups"] else user["groups"][1:]
        user["groups"] = [gid, *(each for each in others if each != gid)]
        return [True, oid, 0]

    def _user_addgroup(self, oid: int, gid: int) -> Any:
        assert gid not in self._target.users[oid]["groups"]
        self._target.users[oid]["groups"].append(gid)
        return [True, oid, 0]

    def _user_delgroup(self, oid: int, gid: int) -> Any:
        assert gid != self._target.users[oid]["groups"][0]
        self._target.users[oid]["groups"].remove(gid)
        return [True, oid, 0]

    def _user_update(self, oid: int, text: str, append: int) -> Any:
        return self._update(self._target.users, oid, text, append)

    def _user_delete(self, oid: int) -> Any:
        del self._target.users[oid]
        return [True, oid, 0]

    def _user_quota(self, oid: int, text: str) -> Any:
        if oid not in self.identities.users:
            return self._missing("one.user.quota", oid)
        return self._quota("user", oid, text)

    @staticmethod
    def _update(objects: dict[int, dict[str, Any]], oid: int, text: str, append: int) -> Any:
        given = _attributes(text)
        objects[oid]["template"] = {**(objects[oid]["template"] if append else {}), **given}
        return [True, oid, 0]

    def _quota(self, kind: str, oid: int, text: str) -> Any:
        """Like OpenNebula: an entry's limits that are not named become -1, and an entry of -1 alone goes."""
        entries = self.quotas.setdefault((kind, oid), [])
        for name, given in parse_template(text).items():
            for limits in given if isinstance(given, list) else [given]:
                key = {each: limits[each] for each in ("ID", "CLUSTER_IDS") if each in limits}
                unset = "-2" if "CLUSTER_IDS" in key else "-1"
                found = {metric: limits.get(metric, unset).replace("-1", unset) for metric in QUOTAS[name]}
                used = {f"{metric}_USED": "0" for metric in QUOTAS[name]}
                identity = (key.get("ID"), key.get("CLUSTER_IDS"))
                entries[:] = [
                    each
                    for each in entries
                    if each[0] != name or (each[1].get("ID"), each[1].get("CLUSTER_IDS")) != identity
                ]
                if set(found.values()) != {unset}:
                    entries.append((name, {**key, **found, **used}))
        return [True, oid, 0]

    # -- groups

    def _group_xml(self, oid: int, quotas: bool) -> str:
        group = self.identities.groups[oid]
        users = "".join(_xml("ID", uid) for uid, user in self.identities.users.items() if oid in user["groups"])
        admins = "".join(_xml("ID", uid) for uid in group["admins"])
        return (
            f"<GROUP><ID>{oid}</ID>{_xml('NAME', group['name'])}{_xml('TEMPLATE', group['template'])}"
            f"<USERS>{users}</USERS><ADMINS>{admins}</ADMINS>"
            f"{self._quotas_xml('group', oid) if quotas else ''}</GROUP>"
        )

    def _grouppool_info(self) -> Any:
        self._read()
        inner = "".join(
            f"{self._group_xml(oid, False)}<QUOTAS><ID>{oid}</ID>{self._quotas_xml('group', oid)}</QUOTAS>"
            for oid in self.identities.groups
        )
        return [True, f"<GROUP_POOL>{inner}</GROUP_POOL>", 0]

    def _group_info(self, oid: int, _decrypt: bool) -> Any:
        if oid not in self._read().groups:
            return self._missing("one.group.info", oid)
        return [True, self._group_xml(oid, True), 0]

    def _group_allocate(self, name: str) -> Any:
        oid = max(99, *self._target.groups) + 1
        self._target.groups[oid] = _group(name)
        self._target.vdcs[0]["groups"].append(oid)
        return [True, oid, 0]

    def _group_update(self, oid: int, text: str, append: int) -> Any:
        return self._update(self._target.groups, oid, text, append)

    def _group_addadmin(self, oid: int, uid: int) -> Any:
        assert oid in self._target.users[uid]["groups"]
        self._target.groups[oid]["admins"].append(uid)
        return [True, oid, 0]

    def _group_deladmin(self, oid: int, uid: int) -> Any:
        self._target.groups[oid]["admins"].remove(uid)
        return [True, oid, 0]

    def _group_delete(self, oid: int) -> Any:
        del self._target.groups[oid]
        for vdc in self._target.vdcs.values():
            vdc["groups"] = [gid for gid in vdc["groups"] if gid != oid]
        return [True, oid, 0]

    def _group_quota(self, oid: int, text: str) -> Any:
        if oid not in self.identities.groups:
            return self._missing("one.group.quota", oid)
        return self._quota("group", oid, text)

    # -- VDCs

    def _vdc_xml(self, oid: int) -> str:
        vdc = self.identities.vdcs[oid]
        groups = "".join(_xml("ID", gid) for gid in vdc["groups"])
        inner = ""
        for kind in RESOURCES:
            found = [(zone, resource) for each, zone, resource in vdc["resources"] if each == kind]
            inner += _xml(f"{kind}S", {kind: [{"ZONE_ID": zone, f"{kind}_ID": each} for zone, each in found]})
        return (
            f"<VDC><ID>{oid}</ID>{_xml('NAME', vdc['name'])}<GROUPS>{groups}</GROUPS>{inner}"
            f"{_xml('TEMPLATE', vdc['template'])}</VDC>"
        )

    def _vdcpool_info(self) -> Any:
        return [True, f"<VDC_POOL>{''.join(self._vdc_xml(oid) for oid in self._read().vdcs)}</VDC_POOL>", 0]

    def _vdc_info(self, oid: int, _decrypt: bool) -> Any:
        if oid not in self._read().vdcs:
            return self._missing("one.vdc.info", oid)
        return [True, self._vdc_xml(oid), 0]

    def _vdc_allocate(self, text: str) -> Any:
        oid = max(99, *self._target.vdcs) + 1
        template = _attributes(text)
        name = template.pop("NAME")
        self._target.vdcs[oid] = {"name": name, "template": template, "groups": [], "resources": []}
        return [True, oid, 0]

    def _vdc_update(self, oid: int, text: str, append: int) -> Any:
        return self._update(self._target.vdcs, oid, text, append)

    def _vdc_rename(self, oid: int, name: str) -> Any:
        self._target.vdcs[oid]["name"] = name
        return [True, oid, 0]

    def _vdc_delete(self, oid: int) -> Any:
        del self._target.vdcs[oid]
        return [True, oid, 0]

    def _vdc_addgroup(self, oid: int, gid: int) -> Any:
        self._target.vdcs[oid]["groups"].append(gid)
        return [True, oid, 0]

    def _vdc_delgroup(self, oid: int, gid: int) -> Any:
        self._target.vdcs[oid]["groups"].remove(gid)
        return [True, oid, 0]

    def __getattr__(self, name: str) -> Any:
        """`_vdc_addhost` and its kin."""
        for kind, word in RESOURCES.items():
            if name in (f"_vdc_add{word}", f"_vdc_del{word}"):
                return lambda oid, zone, each: self._resource(name[5:8], oid, (kind, zone, each))
        raise AttributeError(name)

    def _resource(self, action: str, oid: int, resource: tuple[str, int, int]) -> Any:
        held = self._target.vdcs[oid]["resources"]
        if action == "add":
            assert resource not in held
            if resource[2] == -10:
                held[:] = [each for each in held if each[:2] != resource[:2]]
            held.append(resource)
        else:
            held.remove(resource)
        return [True, oid, 0]

    # -- access rules

    def _acl_info(self) -> Any:
        inner = "".join(
            f"<ACL><ID>{oid}</ID><USER>{user:x}</USER><RESOURCE>{resource:x}</RESOURCE><RIGHTS>{rights:x}</RIGHTS>"
            f"<ZONE>{zone:x}</ZONE><STRING>-</STRING></ACL>"
            for oid, (user, resource, rights, zone) in self._read().rules.items()
        )
        return [True, f"<ACL_POOL>{inner}</ACL_POOL>", 0]

    def _acl_addrule(self, *words: str) -> Any:
        rule = tuple(int(word, 16) for word in words)
        if rule in self._target.rules.values():
            return [False, "[one.acl.addrule] Rule x already exists", 0x2000, -1, -1]
        oid = max(self._target.rules, default=-1) + 1
        self._target.rules[oid] = rule
        return [True, oid, 0]

    def _acl_delrule(self, oid: int) -> Any:
        del self._target.rules[oid]
        return [True, oid, 0]

    # -- objects of the zone

    def _named(self, kind: str) -> Any:
        tag = kind.upper()
        inner = "".join(f"<{tag}><ID>{oid}</ID>{_xml('NAME', name)}</{tag}>" for oid, name in self.pools[kind].items())
        return [True, f"<{tag}_POOL>{inner}</{tag}_POOL>", 0]

    def _clusterpool_info(self) -> Any:
        return self._named("cluster")

    def _hostpool_info(self) -> Any:
        return self._named("host")

    def _datastorepool_info(self) -> Any:
        return self._named("datastore")

    def _vnpool_info(self, *_flags: int) -> Any:
        return self._named("vnet")

    def _imagepool_info(self, *_flags: int) -> Any:
        return self._named("image")
