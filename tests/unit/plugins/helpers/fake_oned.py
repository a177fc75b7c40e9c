# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few calls of oned on a loopback port, with just enough state to see what a client did to it."""

from __future__ import annotations

import contextlib
import re
import ssl
import threading
import time
import xmlrpc.client
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.etree import ElementTree

from ansible_collections.onefed.opennebula.plugins.module_utils._api.client import Client

SESSION = "oneadmin:secret-word"
NO_INDEX = 2**64 - 1


def zone_xml(zone_id: int, name: str, template: dict[str, Any], state: int = 0, servers: Any = ()) -> str:
    """A ZONE document as OpenNebula writes it."""

    def attribute(key: str, value: Any) -> str:
        if isinstance(value, list):
            return "".join(attribute(key, item) for item in value)
        inner = (
            "".join(attribute(*item) for item in value.items()) if isinstance(value, dict) else f"<![CDATA[{value}]]>"
        )
        return f"<{key}>{inner}</{key}>"

    attributes = "".join(attribute(key, template[key]) for key in sorted(template))
    pool = "".join(f"<SERVER>{''.join(attribute(*item) for item in server.items())}</SERVER>" for server in servers)
    return (
        f"<ZONE><ID>{zone_id}</ID><NAME>{name}</NAME><STATE>{state}</STATE><TEMPLATE>{attributes}</TEMPLATE>"
        f"<SERVER_POOL>{pool}</SERVER_POOL></ZONE>"
    )


def raft_xml(status: dict[str, int]) -> str:
    """A RAFT document."""
    return f"<RAFT>{''.join(f'<{key}>{value}</{key}>' for key, value in status.items())}</RAFT>"


_NAME = re.compile(r"\s*([A-Za-z0-9_]+)[ \t]*=[ \t]*")
# flex takes the longest match: a backslash before a quote never ends the value.
_QUOTED = re.compile(r'"((?:[^"\\]|\\"|\\(?!"))*)"')
_PLAIN = re.compile(r"([^\s=#,\[\]]+)")


def parse_template(text: str) -> dict[str, Any]:
    """What OpenNebula's parser makes of a template text: its lexer's rules, then unescaping and trimming."""
    values: dict[str, Any] = {}
    position = 0
    while text[position:].strip():
        key, position = _expect(_NAME, text, position)
        value: Any
        if text[position] == "[":
            value, separator = {}, ","
            while separator == ",":
                name, position = _expect(_NAME, text, position + 1)
                value[name.upper()], position = _value(text, position)
                separator = text[position]
            assert separator == "]"
            position += 1
        else:
            value, position = _value(text, position)
        key = key.upper()
        known = values.get(key, [])
        values[key] = [*(known if isinstance(known, list) else [known]), value] if key in values else value
    return values


def _value(text: str, position: int) -> tuple[str, int]:
    value, end = _expect(_QUOTED if text[position] == '"' else _PLAIN, text, position)
    return value.replace('\\"', '"').strip(), end


def _expect(pattern: re.Pattern[str], text: str, position: int) -> tuple[str, int]:
    match = pattern.match(text, position)
    assert match, f"parse error at {text[position:]!r}"
    return match.group(1), match.end()


@dataclass
class FakeOned:
    """State of one oned, and what it was asked. A slave has a `master` and shows its zones `delay` readings late."""

    zones: dict[int, dict[str, Any]] = field(default_factory=dict)
    mode: str = "MASTER"
    zone_id: int = 0
    version: str = "7.4.0"
    raft: dict[str, int] = field(default_factory=dict)
    session: str = SESSION
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    # Replies by method that come instead of the usual ones: a reply, a fault, raw bytes, an
    # HTTP status, None to hang up, or seconds (float) after which the usual one comes.
    instead: dict[str, Any] = field(default_factory=dict)
    master: FakeOned | None = None
    cluster: dict[str, Any] = field(default_factory=lambda: {"RESERVED_CPU": ""})
    delay: int = 0
    login_tokens: tuple[str, ...] = ()
    documents: list[str] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        status = {"SERVER_ID": -1, "STATE": 0, "TERM": 0, "VOTEDFOR": -1, "COMMIT": 0, "LOG_INDEX": -1, "LOG_TERM": -1}
        self.raft = {**status, "FEDLOG_INDEX": 10, **self.raft}
        self._late = 0

    @property
    def writes(self) -> list[tuple[Any, ...]]:
        """Calls that make federated records."""
        return [call for call in self.calls if not call[0].endswith(("info", "raftstatus", "version", "config"))]

    def add(self, zone_id: int, name: str, template: dict[str, Any], **more: Any) -> None:
        self.zones[zone_id] = {"name": name, "template": template, "state": 0, "servers": (), **more}

    def client(self, **options: Any) -> Client:
        username, password = SESSION.split(":")
        return Client(self.url, username, password, **{"timeout": 5.0, **options})

    def reply(self, method: str, params: tuple[Any, ...]) -> Any:
        self.calls.append((method, *params[1:]))
        instead = self.instead.get(method)
        if isinstance(instead, float):
            time.sleep(instead)
        elif method in self.instead:
            return instead
        if params[0] != self.session:
            return [False, f"[{method}] User couldn't be authenticated, aborting call.", 0x100, -1, -1]
        return getattr(self, "_" + method[len("one.") :].replace(".", "_"))(*params[1:])

    def _visible(self) -> dict[int, dict[str, Any]]:
        if self.master is None:
            return self.zones
        if self.master.zones != self.zones:
            self._late += 1
            if self._late > self.delay:
                self._late = 0
                self.zones = {key: dict(zone) for key, zone in self.master.zones.items()}
                self.raft["FEDLOG_INDEX"] = self.master.raft["FEDLOG_INDEX"]
        return self.zones

    def _user_info(self, oid: int, _decrypt: bool) -> Any:
        tokens = "".join(f"<LOGIN_TOKEN><TOKEN>{token}</TOKEN></LOGIN_TOKEN>" for token in self.login_tokens)
        return [True, f"<USER><ID>{oid}</ID><NAME>oneadmin</NAME>{tokens}</USER>", 0]

    def _zonepool_info(self) -> Any:
        body = "".join(zone_xml(zone_id, **zone) for zone_id, zone in self._visible().items())
        return [True, f"<ZONE_POOL>{body}</ZONE_POOL>", 0]

    def _zone_info(self, zone_id: int, _decrypt: bool) -> Any:
        zone = self._visible().get(zone_id)
        if zone is None:
            return [False, f"[one.zone.info] Error getting zone [{zone_id}].", 0x400, zone_id, -1]
        return [True, zone_xml(zone_id, **zone), 0]

    def _written(self, change: Any) -> None:
        target = self.master or self
        change(target.zones)
        target.raft["FEDLOG_INDEX"] += 1

    def _zone_allocate(self, text: str) -> Any:
        template = parse_template(text)
        target = self.master or self
        zone_id = max([99, *target.zones]) + 1
        name = template.pop("NAME")
        self._written(lambda zones: target.add(zone_id, name, template))
        return [True, zone_id, 0]

    def _zone_update(self, zone_id: int, text: str, append: int) -> Any:
        def change(zones: dict[int, dict[str, Any]]) -> None:
            old = zones[zone_id]["template"] if append else {}
            zones[zone_id] = {**zones[zone_id], "template": {**old, **parse_template(text)}}

        self._written(change)
        return [True, zone_id, 0]

    def _zone_rename(self, zone_id: int, name: str) -> Any:
        self._written(lambda zones: zones.update({zone_id: {**zones[zone_id], "name": name}}))
        return [True, zone_id, 0]

    def _zone_enable(self, zone_id: int, enable: bool) -> Any:
        self._written(lambda zones: zones.update({zone_id: {**zones[zone_id], "state": 0 if enable else 1}}))
        return [True, zone_id, 0]

    def _zone_delete(self, zone_id: int) -> Any:
        self._written(lambda zones: zones.pop(zone_id))
        return [True, zone_id, 0]

    def _zone_addserver(self, zone_id: int, text: str) -> Any:
        if zone_id != self.zone_id:
            return [
                False,
                "[one.zone.addserver] Servers have to be added through the target zone endpoints",
                0x800,
                -1,
                -1,
            ]
        listed = self.zones[zone_id]["servers"]
        server = {**parse_template(text)["SERVER"], "ID": max([-1, *(one["ID"] for one in listed)]) + 1}
        self._serves(zone_id, [*listed, server])
        return [True, zone_id, 0]

    def _zone_delserver(self, zone_id: int, server_id: int) -> Any:
        self._serves(zone_id, [one for one in self.zones[zone_id]["servers"] if one["ID"] != server_id])
        return [True, zone_id, 0]

    def _serves(self, zone_id: int, servers: list[dict[str, Any]]) -> None:
        self._written(lambda zones: zones.update({zone_id: {**zones[zone_id], "servers": tuple(servers)}}))

    def _zone_updatedb(self, zone_id: int, document: str) -> Any:
        """Takes the servers of the document; `documents` keeps it."""
        if self.master is not None:
            return xmlrpc.client.Fault(-506, "Method 'one.zone.updatedb' not defined")
        self.documents.append(document)
        servers = [
            {one.tag: int(one.text or 0) if one.tag == "ID" else one.text or "" for one in server}
            for server in ElementTree.fromstring(document).findall("SERVER_POOL/SERVER")
        ]
        self._serves(zone_id, servers)
        return [True, zone_id, 0]

    def _zone_resetserver(self, zone_id: int, server_id: int) -> Any:
        return [True, zone_id, 0]

    def _cluster_info(self, cluster_id: int) -> Any:
        body = "".join(f"<{key}><![CDATA[{value}]]></{key}>" for key, value in self.cluster.items())
        return [True, f"<CLUSTER><ID>{cluster_id}</ID><TEMPLATE>{body}</TEMPLATE></CLUSTER>", 0]

    def _cluster_update(self, cluster_id: int, text: str, append: int) -> Any:
        self.cluster = {**(self.cluster if append else {}), **parse_template(text)}
        return [True, cluster_id, 0]

    def _zone_raftstatus(self) -> Any:
        self._visible()
        return [True, raft_xml(self.raft), 0]

    def _system_version(self) -> Any:
        return [True, self.version, 0]

    def _system_config(self) -> Any:
        federation = f"<MODE><![CDATA[{self.mode}]]></MODE><ZONE_ID><![CDATA[{self.zone_id}]]></ZONE_ID>"
        federation += f"<MASTER_ONED><![CDATA[{self.master.url}]]></MASTER_ONED>" if self.master else ""
        return [True, f"<OPENNEBULA_CONFIGURATION><FEDERATION>{federation}</FEDERATION></OPENNEBULA_CONFIGURATION>", 0]


class Served:
    """Serves a FakeOned on a free port of loopback for as long as the `with` block lasts."""

    def __init__(self, oned: FakeOned, context: ssl.SSLContext | None = None) -> None:
        self.oned = oned

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                params, method = xmlrpc.client.loads(body)
                reply = oned.reply(str(method), params)
                status = 200
                if isinstance(reply, int):
                    status, reply = reply, b""
                if reply is None:
                    return
                if isinstance(reply, xmlrpc.client.Fault):
                    reply = xmlrpc.client.dumps(reply, methodresponse=True).encode()
                if not isinstance(reply, bytes):
                    reply = xmlrpc.client.dumps((reply,), methodresponse=True).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):  # who was kept waiting may be gone
                    self.wfile.write(reply)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        scheme = "https" if context else "http"
        oned.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}/RPC2"

    def __enter__(self) -> FakeOned:
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()
        return self.oned

    def __exit__(self, *_: Any) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
