# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The federated objects, between their XML documents and Python.

Every class reads the document of its ``body`` column and writes it back with the same elements in the same order.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar
from xml.etree import ElementTree

from .template import Template, Vector, cdata, from_element

ALL_RESOURCES = -10
RESOURCE_KINDS = ("CLUSTER", "HOST", "DATASTORE", "VNET")


def _text(element: ElementTree.Element, path: str) -> str:
    return element.findtext(path) or ""


def _number(element: ElementTree.Element, path: str, default: int = 0) -> int:
    text = _text(element, path)
    return int(text) if text else default


def _template(element: ElementTree.Element, path: str = "TEMPLATE") -> Template:
    child = element.find(path)
    return Template() if child is None else from_element(child)


def _ids(element: ElementTree.Element, path: str) -> set[int]:
    return {int(item.text or 0) for item in element.iterfind(f"{path}/ID")}


def _ids_xml(name: str, ids: Iterable[int]) -> str:
    return f"<{name}>" + "".join(f"<ID>{oid}</ID>" for oid in sorted(ids)) + f"</{name}>"


@dataclass
class PoolObject:
    """What all objects share. The permissions go into columns of their own."""

    kind: ClassVar[str] = ""
    oid: int = -1
    name: str = ""
    uid: int = 0
    gid: int = 0
    owner_u: int = 1
    group_u: int = 0
    other_u: int = 0
    template: Template = field(default_factory=Template)

    @classmethod
    def from_xml(cls, body: str) -> PoolObject:
        raise NotImplementedError

    def to_xml(self) -> str:
        raise NotImplementedError


@dataclass
class LoginToken:
    token: str
    expires: int
    egid: int

    def valid(self) -> bool:
        return self.expires == -1 or self.expires >= time.time()

    def to_xml(self) -> str:
        return (f"<LOGIN_TOKEN><TOKEN>{self.token}</TOKEN><EXPIRATION_TIME>{self.expires}</EXPIRATION_TIME>"
                f"<EGID>{self.egid}</EGID></LOGIN_TOKEN>")


@dataclass
class User(PoolObject):
    kind: ClassVar[str] = "USER"
    groups: set[int] = field(default_factory=set)
    gname: str = ""
    password: str = ""
    auth_driver: str = "core"
    enabled: bool = True
    tokens: list[LoginToken] = field(default_factory=list)

    @classmethod
    def from_xml(cls, body: str) -> User:
        root = ElementTree.fromstring(body)
        return cls(
            oid=_number(root, "ID"), name=_text(root, "NAME"), uid=_number(root, "ID"), gid=_number(root, "GID"),
            groups=_ids(root, "GROUPS"), gname=_text(root, "GNAME"), password=_text(root, "PASSWORD"),
            auth_driver=_text(root, "AUTH_DRIVER"), enabled=_text(root, "ENABLED") != "0",
            tokens=[LoginToken(_text(t, "TOKEN"), _number(t, "EXPIRATION_TIME"), _number(t, "EGID"))
                    for t in root.iterfind("LOGIN_TOKEN")],
            template=_template(root))

    def to_xml(self) -> str:
        return (f"<USER>{self.inner_xml()}</USER>")

    def inner_xml(self) -> str:
        """The document without its root, for adding the quotas."""
        self.uid = self.oid
        return (f"<ID>{self.oid}</ID><GID>{self.gid}</GID>{_ids_xml('GROUPS', self.groups)}"
                f"<GNAME>{self.gname}</GNAME><NAME>{self.name}</NAME><PASSWORD>{cdata(self.password)}</PASSWORD>"
                f"<AUTH_DRIVER>{cdata(self.auth_driver)}</AUTH_DRIVER><ENABLED>{int(self.enabled)}</ENABLED>"
                + "".join(token.to_xml() for token in self.tokens) + self.template.to_xml())


@dataclass
class Group(PoolObject):
    kind: ClassVar[str] = "GROUP"
    group_u: int = 1
    users: set[int] = field(default_factory=set)
    admins: set[int] = field(default_factory=set)

    @classmethod
    def from_xml(cls, body: str) -> Group:
        root = ElementTree.fromstring(body)
        oid = _number(root, "ID")
        return cls(oid=oid, name=_text(root, "NAME"), gid=oid, template=_template(root),
                   users=_ids(root, "USERS"), admins=_ids(root, "ADMINS"))

    def to_xml(self) -> str:
        return f"<GROUP>{self.inner_xml()}</GROUP>"

    def inner_xml(self) -> str:
        self.gid = self.oid
        return (f"<ID>{self.oid}</ID><NAME>{self.name}</NAME>{self.template.to_xml()}"
                f"{_ids_xml('USERS', self.users)}{_ids_xml('ADMINS', self.admins)}")


@dataclass
class Zone(PoolObject):
    kind: ClassVar[str] = "ZONE"
    disabled: bool = False
    servers: list[Vector] = field(default_factory=list)

    @classmethod
    def from_xml(cls, body: str) -> Zone:
        """:raises ValueError: if TEMPLATE or SERVER_POOL is missing."""
        root = ElementTree.fromstring(body)
        if root.tag != "ZONE" or root.find("TEMPLATE") is None or root.find("SERVER_POOL") is None:
            raise ValueError("no zone document")
        return cls(oid=_number(root, "ID", -1), name=_text(root, "NAME"), disabled=_text(root, "STATE") == "1",
                   template=_template(root), servers=_template(root, "SERVER_POOL").vectors("SERVER"))

    def to_xml(self) -> str:
        servers = Template([("SERVER", server) for server in self.servers]).to_xml("SERVER_POOL")
        return (f"<ZONE><ID>{self.oid}</ID><NAME>{self.name}</NAME><STATE>{int(self.disabled)}</STATE>"
                f"{self.template.to_xml()}{servers}</ZONE>")


@dataclass
class Vdc(PoolObject):
    """``resources`` holds pairs of zone id and resource id by kind; -10 stands for all of a zone."""

    kind: ClassVar[str] = "VDC"
    groups: set[int] = field(default_factory=set)
    resources: dict[str, set[tuple[int, int]]] = field(
        default_factory=lambda: {kind: set() for kind in RESOURCE_KINDS})

    @classmethod
    def from_xml(cls, body: str) -> Vdc:
        root = ElementTree.fromstring(body)
        return cls(
            oid=_number(root, "ID"), name=_text(root, "NAME"), groups=_ids(root, "GROUPS"), template=_template(root),
            resources={kind: {(_number(item, "ZONE_ID"), _number(item, f"{kind}_ID"))
                              for item in root.iterfind(f"{kind}S/{kind}")} for kind in RESOURCE_KINDS})

    def to_xml(self) -> str:
        resources = "".join(
            f"<{kind}S>" + "".join(
                f"<{kind}><ZONE_ID>{zone}</ZONE_ID><{kind}_ID>{oid}</{kind}_ID></{kind}>"
                for zone, oid in sorted(self.resources[kind])) + f"</{kind}S>" for kind in RESOURCE_KINDS)
        return (f"<VDC><ID>{self.oid}</ID><NAME>{self.name}</NAME>{_ids_xml('GROUPS', self.groups)}{resources}"
                f"{self.template.to_xml()}</VDC>")
