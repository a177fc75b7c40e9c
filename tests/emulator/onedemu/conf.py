# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``oned.conf`` as the daemon sees it: the file, completed with the built-in values."""

from __future__ import annotations

import secrets
from pathlib import Path

from .paths import Layout
from .syntax import SyntaxFailure, parse_text
from .template import Template, Value, Vector, cdata
from .versions import Release

_SINGLES: dict[str, str] = {
    "MANAGER_TIMER": "15",
    "MONITORING_INTERVAL_MARKET": "600",
    "MONITORING_INTERVAL_DATASTORE": "300",
    "DS_MONITOR_VM_DISK": "10",
    "PORT": "2633",
    "LISTEN_ADDRESS": "0.0.0.0",
    "SCRIPTS_REMOTE_DIR": "/var/tmp/one",
    "VM_SUBMIT_ON_HOLD": "NO",
    "API_LIST_ORDER": "DESC",
    "SHOWBACK_ONLY_RUNNING": "NO",
    "CONTEXT_RESTRICTED_DIRS": "/etc",
    "CONTEXT_SAFE_DIRS": "",
    "MAX_CONN": "15",
    "MAX_CONN_BACKLOG": "15",
    "KEEPALIVE_TIMEOUT": "15",
    "KEEPALIVE_MAX_CONN": "30",
    "TIMEOUT": "15",
    "RPC_LOG": "NO",
    "MESSAGE_SIZE": "1073741824",
    "LOG_CALL_FORMAT": "Req:%i UID:%u IP:%A %m invoked %l",
    "MAC_PREFIX": "02:00",
    "NETWORK_SIZE": "254",
    "PCI_PASSTHROUGH_BUS": "0x01",
    "DATASTORE_CAPACITY_CHECK": "YES",
    "DEFAULT_IMAGE_TYPE": "OS",
    "DEFAULT_IMAGE_PERSISTENT": "",
    "DEFAULT_IMAGE_PERSISTENT_NEW": "",
    "DEFAULT_DEVICE_PREFIX": "hd",
    "VM_SNAPSHOT_FACTOR": "0",
    "DEFAULT_AUTH": "default",
    "SESSION_EXPIRATION_TIME": "0",
    "ENABLE_OTHER_PERMISSIONS": "YES",
    "DEFAULT_UMASK": "177",
}
_VECTORS: dict[str, Vector] = {
    "DB": {"BACKEND": "sqlite", "TIMEOUT": "2500"},
    "LOG": {"SYSTEM": "file", "DEBUG_LEVEL": "3", "USE_VMS_LOCATION": "NO"},
    "VNC_PORTS": {"RESERVED": "", "START": "5900"},
    "RAFT": {
        "LOG_RETENTION": "500000", "LOG_PURGE_TIMEOUT": "600", "ELECTION_TIMEOUT_MS": "1500",
        "BROADCAST_TIMEOUT_MS": "500", "XMLRPC_TIMEOUT_MS": "100", "LIMIT_PURGE": "100000",
    },
    "DEFAULT_COST": {"CPU_COST": "0", "MEMORY_COST": "0", "DISK_COST": "0"},
    "VLAN_IDS": {"RESERVED": "0, 1, 4095", "START": "2"},
    "VXLAN_IDS": {"START": "2"},
    "HOOK_LOG_CONF": {"LOG_RETENTION": "10"},
}
# Authentication drivers: password change, driver managed groups, their administrators, longest token.
_AUTH: dict[str, tuple[str, str, str, str]] = {
    "core": ("YES", "NO", "NO", "-1"),
    "public": ("NO", "NO", "NO", "-1"),
    "ssh": ("YES", "NO", "NO", "-1"),
    "x509": ("NO", "NO", "NO", "-1"),
    "ldap": ("YES", "YES", "YES", "86400"),
    "saml": ("YES", "YES", "YES", "86400"),
    "server_cipher": ("NO", "NO", "NO", "-1"),
    "server_x509": ("NO", "NO", "NO", "-1"),
}
# Datastore drivers that no stock file names: attributes that a datastore of that kind needs.
_DATASTORES = {"shared": "", "ssh": "", "vmfs": "BRIDGE_LIST"}
# Singles by the first release that has them, and by the first that has not.
_SINCE: dict[str, dict[str, str]] = {
    "7.0": {"CONTEXT_ALLOW_ETH_UPDATES": "NO"},
    "7.4": {"LOG_RESULT_LENGTH": "20", "MAC_GLOBAL_SPACE": "NO"},
}
_BEFORE = {"7.2": {"VM_MONITORING_EXPIRATION_TIME": "14400"}}
_MASK = "***"
_HIDDEN_DB_KEYS = frozenset({"BACKEND", "SERVER", "PORT", "USER", "PASSWD", "DB_NAME"})


class ConfError(Exception):
    """A configuration that oned refuses; the text is what it prints before it exits."""


class Conf:
    """The configuration: ``template`` holds it all, ``key`` is the master key of encrypted attributes."""

    def __init__(self, template: Template, release: Release) -> None:
        self.template = template
        self.release = release

    def single(self, name: str) -> str:
        return self.template.single(name)

    def integer(self, name: str, default: int) -> int:
        return to_int(self.template.single(name), default)

    def vector(self, name: str) -> Vector:
        return self.template.vector(name) or {}

    def auth_driver(self, name: str) -> Vector:
        """The AUTH_MAD_CONF section of a driver; empty if there is none."""
        return next((v for v in self.template.vectors("AUTH_MAD_CONF") if v.get("NAME", "").lower() == name.lower()),
                    {})

    def to_xml(self, hide_database: bool) -> str:
        """What ``one.system.config`` answers. What is hidden stands there without CDATA."""
        text = _masked(self.template, hide_database).to_xml("OPENNEBULA_CONFIGURATION")
        return text.replace(cdata(_MASK), _MASK)

    def to_text(self) -> str:
        """What oned writes to ``<var>/config`` and its log: one line an attribute, DB masked."""
        return "".join(f"{name}={_flat(value)}\n" for name, value in _masked(self.template, True))

    def load_key(self, directory: Path) -> None:
        """Read the master key, or make one."""
        path = directory / "one_key"
        if path.exists():
            key = path.read_text(encoding="utf-8").strip()
        else:
            directory.mkdir(mode=0o700, exist_ok=True)
            key = secrets.token_hex(32)
            path.touch(mode=0o600)
            path.write_text(key + "\n", encoding="utf-8")
        self.template.add("ONE_KEY", key)


def to_int(text: str, default: int) -> int:
    """A clean decimal number, or the default: what cannot be read counts as missing."""
    try:
        return int(text) if text.strip() == text and text else default
    except ValueError:
        return default


def _flat(value: Value) -> str:
    return value if isinstance(value, str) else ",".join(f"{key}={value[key]}" for key in sorted(value))


def _masked(template: Template, hide: bool) -> Template:
    if not hide:
        return template
    return Template([
        (name, {k: _MASK if k in _HIDDEN_DB_KEYS else v for k, v in value.items()}
         if name == "DB" and isinstance(value, dict) else value)
        for name, value in template])


def _defaults(layout: Layout, release: Release) -> Template:
    federation = {"MODE": "STANDALONE", "ZONE_ID": "0", "SERVER_ID": "-1", "MASTER_ONED": ""}
    more = [*(item for name, values in _SINCE.items() if release.since(name) for item in values.items()),
            *(item for name, values in _BEFORE.items() if not release.since(name) for item in values.items())]
    template = Template([*_SINGLES.items(), *_VECTORS.items(), *more])
    template.add("DATASTORE_LOCATION", layout.var + "/datastores")
    if release.grpc:
        federation["MASTER_ONED_GRPC"] = ""
        template.add("GRPC_PORT", "2634")
        template.add("GRPC_LISTEN_ADDRESS", "0.0.0.0")
    template.add("FEDERATION", federation)
    return template


def _complete(template: Template, layout: Layout, release: Release) -> None:
    """Add what the file leaves out. Attributes are completed as a whole: no vector is merged with its default."""
    for name, value in _defaults(layout, release):
        if name not in template:
            template.add(name, value)
    known = {vector.get("NAME") for vector in template.vectors("DS_MAD_CONF")}
    for driver, required in _DATASTORES.items():
        if driver not in known:
            template.add("DS_MAD_CONF", {"NAME": driver, "REQUIRED_ATTRS": required, "PERSISTENT_ONLY": "NO"})
    if release.is_6 and not any(vector.get("NAME") == "vmfs" for vector in template.vectors("TM_MAD_CONF")):
        template.add("TM_MAD_CONF", {"NAME": "vmfs", "LN_TARGET": "NONE", "CLONE_TARGET": "SYSTEM", "SHARED": "YES",
                                     "DS_MIGRATE": "NO", "DRIVER": ""})
    known = {vector.get("NAME") for vector in template.vectors("AUTH_MAD_CONF")}
    for driver, (change, groups, admins, tokens) in _AUTH.items():
        if driver not in known and (driver != "saml" or not release.is_6):
            template.add("AUTH_MAD_CONF", {
                "NAME": driver, "PASSWORD_CHANGE": change, "DRIVER_MANAGED_GROUPS": groups,
                "DRIVER_MANAGED_GROUP_ADMIN": admins, "MAX_TOKEN_TIME": tokens})


def load(layout: Layout, release: Release) -> Conf:
    """Read ``oned.conf`` and complete it.

    :raises ConfError: if the file cannot be opened or read; its text goes to standard output.
    """
    try:
        text = layout.conf.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise ConfError("Error opening template file") from error
    try:
        template = Template(parse_text(text, first_line=1))
    except SyntaxFailure as error:
        if str(error):
            raise ConfError(str(error)) from error
        # Where the grammar gives up without a message oned goes on with what it has.
        template = Template(error.attributes)
    _complete(template, layout, release)
    return Conf(template, release)
