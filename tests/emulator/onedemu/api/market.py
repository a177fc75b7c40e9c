# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Marketplaces and their apps, which all zones share: shown, made, and written as slaves have their master write them.

An app of a virtual machine's template is ready at once; of images there is the record only.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from xml.etree import ElementTree

from .. import client, xmlrpc
from ..auth import Permissions
from ..context import Context
from ..database import DatabaseError
from ..gate import ACTION, ALLOCATE, AUTHORIZATION, INTERNAL, NO_EXISTS, Failure, Request, method
from ..pool import PoolError, check_name
from ..template import Template, cdata
from . import shared
from .local import pool_reader, read_object, reader

_MARKETS, _APPS = "marketplace_pool", "marketplaceapp_pool"
_KIND = {_MARKETS: "MARKETPLACE", _APPS: "MARKETPLACEAPP"}
_LAST_SYSTEM_ID = 99
_READY, _LOCKED = 1, 2
_TYPES = {"IMAGE": 1, "VMTEMPLATE": 2, "SERVICE_TEMPLATE": 3}
_PERMISSIONS = "".join(f"<{who}_{what}>{int(who == 'OWNER' and what != 'A')}</{who}_{what}>"
                       for who in ("OWNER", "GROUP", "OTHER") for what in "UMA")

reader("one.market.info", "MARKETPLACE", _MARKETS)
reader("one.marketapp.info", "MARKETPLACEAPP", _APPS)
pool_reader("one.marketpool.info", "MARKETPLACE", "MARKETPLACE_POOL", _MARKETS)
pool_reader("one.marketapppool.info", "MARKETPLACEAPP", "MARKETPLACEAPP_POOL", _APPS)


def _store(context: Context, table: str, body: str, oid: int | None = None) -> int:
    """Write a document under a new id, or under its own.

    :raises Failure: INTERNAL if the database refuses.
    """
    root = ElementTree.fromstring(body)
    escape = context.logdb.database.escape
    bits = {column: root.findtext(f"PERMISSIONS/{name}") or "0"
            for column, name in (("owner_u", "OWNER_U"), ("group_u", "GROUP_U"), ("other_u", "OTHER_U"))}
    columns = {"name": f"'{escape(root.findtext('NAME') or '')}'", "uid": root.findtext("UID") or "0",
               "gid": root.findtext("GID") or "0", **bits}
    try:
        if oid is None:
            rows = context.logdb.query(f"SELECT last_oid FROM pool_control WHERE tablename='{table}'")
            oid = int(rows[0][0]) + 1 if rows else 0
            body = re.sub(r"<ID>-?\d+</ID>", f"<ID>{oid}</ID>", body, count=1)
            context.write_federated(
                f"INSERT INTO {table} (oid, body, {', '.join(columns)}) VALUES "
                f"({oid},'{escape(body)}',{','.join(columns.values())})")
            context.write_federated(f"REPLACE INTO pool_control (tablename, last_oid) VALUES ('{table}',{oid})")
        else:
            values = ", ".join(f"{name} = {value}" for name, value in columns.items())
            context.write_federated(f"UPDATE {table} SET body = '{escape(body)}', {values} WHERE oid = {oid}")
    except DatabaseError as error:
        raise Failure(INTERNAL) from error
    return oid


def _body(context: Context, table: str, oid: int) -> str:
    rows = context.logdb.query(f"SELECT body FROM {table} WHERE oid = {oid}")
    if not rows:
        raise Failure(NO_EXISTS, oid=oid, kind=_KIND[table])
    return str(rows[0][0])


def _set_apps(body: str, apps: Iterable[int]) -> str:
    inner = "".join(f"<ID>{app}</ID>" for app in sorted(apps))
    return re.sub(r"<MARKETPLACEAPPS>.*?</MARKETPLACEAPPS>", f"<MARKETPLACEAPPS>{inner}</MARKETPLACEAPPS>", body)


def _apps(body: str) -> set[int]:
    return {int(item.text or 0) for item in ElementTree.fromstring(body).iterfind("MARKETPLACEAPPS/ID")}


def _head(request: Request, name: str, before_name: str = "") -> str:
    context, caller = request.context, request.caller
    user, group = context.users.get(caller.uid), context.groups.get(caller.gid)
    return (f"<ID>-1</ID><UID>{caller.uid}</UID><GID>{caller.gid}</GID><UNAME>{user.name if user else ''}</UNAME>"
            f"<GNAME>{group.name if group else ''}</GNAME>{before_name}<NAME>{name}</NAME>")


def _refuse(kind: str, text: str) -> Failure:
    return Failure(ALLOCATE, text, kind=kind)


def _check(request: Request, table: str, name: str, condition: str) -> None:
    try:
        check_name(request.context.release, name)
    except PoolError as error:
        raise _refuse(_KIND[table], str(error)) from error
    escaped = request.context.logdb.database.escape(name)
    rows = request.context.logdb.query(f"SELECT oid FROM {table} WHERE name = '{escaped}'{condition}")
    if rows:
        raise _refuse(_KIND[table], f"NAME is already taken by {_KIND[table]} {rows[0][0]}")


def _write(request: Request, table: str, body: str) -> int:
    """Store a new document here, or have the master do it."""
    if not request.context.is_slave:
        return _store(request.context, table, body)
    word = "market" if table == _MARKETS else "marketapp"
    prefix = f"Cannot allocate {word} at federation master: "
    try:
        answer = request.context.call_master(f"one.{word}.allocatedb", body)
    except (client.CallError, xmlrpc.Fault) as error:
        raise _refuse(_KIND[table], f"{prefix}{error}") from error
    if not answer[0]:
        raise _refuse(_KIND[table], f"{prefix}{answer[1]}")
    return int(str(answer[1]))


@method("one.market.allocate", "MARKETPLACE", "s")
def allocate(request: Request, text: str) -> int:
    context = request.context
    template = shared.template_of(text, INTERNAL)
    request.authorize(("CREATE", Permissions("MARKETPLACE", uid=request.caller.uid)))
    name = template.take("NAME")
    _check(request, _MARKETS, name, "")
    driver = template.single("MARKET_MAD")
    if not driver:
        raise _refuse("MARKETPLACE", "No marketplace driver (MARKET_MAD) in template.")
    section = next((v for v in context.conf.template.vectors("MARKET_MAD_CONF") if v.get("NAME") == driver), None)
    if section is None:
        raise _refuse("MARKETPLACE", f'MARKET_MAD_CONF named "{driver}" is not defined in oned.conf')
    for wanted in filter(None, section.get("REQUIRED_ATTRS", "").split(",")):
        if not template.single(wanted.strip().upper()):
            raise _refuse("MARKETPLACE", f'MarketPlace template is missing the "{wanted.strip().upper()}" attribute '
                                         "or it's empty.")
    body = (f"<MARKETPLACE>{_head(request, name)}<STATE>0</STATE><MARKET_MAD>{cdata(driver)}</MARKET_MAD>"
            f"<ZONE_ID>{cdata(str(context.zone_id))}</ZONE_ID><TOTAL_MB>0</TOTAL_MB><FREE_MB>0</FREE_MB>"
            f"<USED_MB>0</USED_MB><MARKETPLACEAPPS></MARKETPLACEAPPS><PERMISSIONS>{_PERMISSIONS}</PERMISSIONS>"
            f"{template.to_xml()}</MARKETPLACE>")
    return _write(request, _MARKETS, body)


@method("one.market.delete", "MARKETPLACE", "i", proxied=True)
def delete(request: Request, oid: int) -> int:
    body = read_object(request, "MARKETPLACE", _MARKETS, oid, "ADMIN")
    if oid <= _LAST_SYSTEM_ID:
        raise Failure(AUTHORIZATION)
    if _apps(body):
        raise Failure(ACTION, f"Cannot delete marketplace. marketplace  {oid} is not empty.")
    request.context.write_federated(f"DELETE FROM {_MARKETS} WHERE oid={oid}")
    request.context.acl.delete_about("MARKETPLACE", oid)
    return oid


@method("one.market.enable", "MARKETPLACE", "ib", proxied=True)
def enable(request: Request, oid: int, enabled: bool) -> int:
    """A marketplace that is disabled loses the records of its apps."""
    context = request.context
    body = read_object(request, "MARKETPLACE", _MARKETS, oid, "ADMIN")
    state = int(not enabled)
    if f"<STATE>{state}</STATE>" in body:
        return oid
    apps = set() if enabled else _apps(body)
    body = body.replace(f"<STATE>{1 - state}</STATE>", f"<STATE>{state}</STATE>", 1)
    _store(context, _MARKETS, body if enabled else _set_apps(body, ()), oid)
    for app in sorted(apps):
        context.write_federated(f"DELETE FROM {_APPS} WHERE oid={app}")
    return oid


@method("one.marketapp.allocate", "MARKETPLACEAPP", "si?s")
def allocate_app(request: Request, text: str, market: int, kind: str = "") -> int:
    context, caller = request.context, request.caller
    template = shared.template_of(text, INTERNAL)
    market_body = _body(context, _MARKETS, market)
    request.authorize(("CREATE", Permissions("MARKETPLACEAPP", uid=caller.uid)))
    name = template.take("NAME")
    _check(request, _APPS, name, f" AND uid = {caller.uid}")
    app = _app(request, template, name, market, ElementTree.fromstring(market_body).findtext("NAME") or "", kind)
    oid = _write(request, _APPS, app)
    changed = _set_apps(market_body, {*_apps(market_body), oid})
    if context.is_slave:
        context.call_master("one.market.updatedb", market, changed)
    else:
        _store(context, _MARKETS, changed, market)
    return oid


def _app(request: Request, template: Template, name: str, market: int, market_name: str, kind: str) -> str:
    origin = template.take("ORIGIN_ID")
    if not origin:
        raise _refuse("MARKETPLACEAPP", "Missing ORIGIN_ID for the MARKETPLACEAPP")
    number = _TYPES.get((kind or template.single("TYPE")).upper(), _TYPES["IMAGE"])
    state = _LOCKED if number == _TYPES["IMAGE"] else _READY
    texts = (("ZONE_ID", str(request.context.zone_id)), ("ORIGIN_ID", origin), ("SOURCE", ""), ("MD5", ""))
    more = (("DESCRIPTION", template.single("DESCRIPTION")), ("VERSION", template.single("VERSION") or "0.0"),
            ("FORMAT", ""), ("APPTEMPLATE64", template.single("APPTEMPLATE64")))
    first, second = ("".join(f"<{tag}>{cdata(value)}</{tag}>" for tag, value in part) for part in (texts, more))
    regtime = f"<REGTIME>{int(time.time())}</REGTIME>"
    return (f"<MARKETPLACEAPP>{_head(request, name, regtime)}{first}<SIZE>0</SIZE>{second}"
            f"<MARKETPLACE_ID>{market}</MARKETPLACE_ID><MARKETPLACE>{market_name}</MARKETPLACE><STATE>{state}</STATE>"
            f"<TYPE>{number}</TYPE><PERMISSIONS>{_PERMISSIONS}</PERMISSIONS>{template.to_xml()}</MARKETPLACEAPP>")


def _canonical(request: Request, table: str, xml: str) -> str:
    """A document as oned would write what it reads: in its own order, texts quoted, nothing left out.

    :raises Failure: AUTHORIZATION for anybody but oneadmin.
    """
    if not request.caller.is_oneadmin:
        raise Failure(AUTHORIZATION)
    root = ElementTree.fromstring(xml)
    order = _ORDER[table]
    quoted = {"MARKET_MAD", "ZONE_ID", "ORIGIN_ID", "SOURCE", "MD5", "DESCRIPTION", "VERSION", "FORMAT",
              "APPTEMPLATE64"}
    inner = ""
    for tag in order:
        element = root.find(tag)
        leaves = () if element is None else tuple(element)
        if tag in ("PERMISSIONS", "MARKETPLACEAPPS"):
            inner += f"<{tag}>" + "".join(f"<{leaf.tag}>{leaf.text or ''}</{leaf.tag}>" for leaf in leaves) + (
                f"</{tag}>")
        elif tag == "TEMPLATE":
            inner += shared.template_of(f"<TEMPLATE>{''.join(map(_text, leaves))}</TEMPLATE>", INTERNAL).to_xml()
        else:
            value = "" if element is None else element.text or ""
            inner += f"<{tag}>{cdata(value) if tag in quoted else value}</{tag}>"
    return f"<{_KIND[table]}>{inner}</{_KIND[table]}>"


def _text(element: ElementTree.Element) -> str:
    return ElementTree.tostring(element, encoding="unicode")


_OWNER = ("ID", "UID", "GID", "UNAME", "GNAME")
_ORDER = {
    _MARKETS: (*_OWNER, "NAME", "STATE", "MARKET_MAD", "ZONE_ID", "TOTAL_MB", "FREE_MB", "USED_MB", "MARKETPLACEAPPS",
               "PERMISSIONS", "TEMPLATE"),
    _APPS: (*_OWNER, "REGTIME", "NAME", "ZONE_ID", "ORIGIN_ID", "SOURCE", "MD5", "SIZE", "DESCRIPTION", "VERSION",
            "FORMAT", "APPTEMPLATE64", "MARKETPLACE_ID", "MARKETPLACE", "STATE", "TYPE", "PERMISSIONS", "TEMPLATE"),
}


def _register(word: str, table: str) -> None:
    @method(f"one.{word}.allocatedb", _KIND[table], "s?s")
    def allocatedb(request: Request, xml: str, again: str | None = None) -> int:
        """Releases since 7.2 look for the document behind the parameter in which slaves send it."""
        if request.context.release.rewritten:
            if again is None:
                raise xmlrpc.Fault(xmlrpc.FAULT_TYPE, "Not enough parameters")
            xml = again
        return _store(request.context, table, _canonical(request, table, xml))

    @method(f"one.{word}.updatedb", _KIND[table], "is")
    def updatedb(request: Request, oid: int, xml: str) -> int:
        old, new = _body(request.context, table, oid), _canonical(request, table, xml)
        if table == _MARKETS:
            # What is read is added to the apps that the marketplace has; none leaves it in this way.
            new = _set_apps(new, _apps(old) | _apps(new))
        return _store(request.context, table, new, oid)


_register("market", _MARKETS)
_register("marketapp", _APPS)


@method("one.marketapp.dropdb", "MARKETPLACEAPP", "i")
def drop_app(request: Request, oid: int) -> int:
    """The record goes; the marketplace goes on to list it."""
    if not request.caller.is_oneadmin:
        raise Failure(AUTHORIZATION)
    _body(request.context, _APPS, oid)
    request.context.write_federated(f"DELETE FROM {_APPS} WHERE oid={oid}")
    return oid
