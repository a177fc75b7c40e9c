# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What distribution packages of OpenNebula own: names, files, units, and what happens when they are installed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .companions.settings import COMPANIONS, Companion, companions
from .files import DATA, SCHEMA, Settings, migrator_files, schema_file, script, stock_conf, stock_text
from .paths import PACKAGED
from .versions import Release

# The packages' user and group.
USER = "oneadmin"
UID = 9869
EMULATOR = f"{PACKAGED.lib}/emulator"
# Whose each command is.
_COMMANDS = {"oned": "opennebula", "one": "opennebula", "onedb": "opennebula", "onezone": "opennebula-tools",
             "oneuser": "opennebula-tools"}
_PYTHON = "#!/usr/bin/python3\n"
_UNITS = "/usr/lib/systemd/system"
# The migrators have a package of their own, which nothing depends on.
MIGRATION = "opennebula-migration"
# OpenNebula has it in its main package; here it may be missing, as it is in the community's 6.10.
ONECFG = "opennebula-onecfg"
# Below the directory of the daemon's data.
VIP_HOOK = "remotes/hooks/raft/vip.sh"


@dataclass(frozen=True)
class File:
    """``mode`` 0640 is for configuration: it belongs to root and the group oneadmin."""

    path: str
    text: str
    mode: int = 0o644

    @property
    def is_conf(self) -> bool:
        return self.path.startswith(PACKAGED.etc)


@dataclass
class Package:
    name: str
    summary: str
    depends: list[str]
    files: list[File] = field(default_factory=list)
    recommends: str = ""

    @property
    def conffiles(self) -> list[str]:
        return [file.path for file in self.files if file.path.startswith("/etc/")]


def package_names(release: Release) -> list[str]:
    """In an order in which each comes after those that it depends on."""
    own = [f"opennebula-{each.unit}" for each in companions(release) if not each.package]
    more = [] if release.is_6 else [MIGRATION, ONECFG]
    return ["opennebula-common", "opennebula-libs", "opennebula-tools", "opennebula", *more, *own]


def packages(settings: Settings) -> list[Package]:
    """The packages of the release with their files, but for the emulator itself, which is in opennebula-libs."""
    release = settings.release
    version = package_version(release)
    common = Package("opennebula-common", "user, directories and permissions", ["passwd"])
    common.files = [
        File("/usr/lib/tmpfiles.d/opennebula-common.conf", _data("tmpfiles.conf")),
        File("/etc/sudoers.d/opennebula", stock_text(settings, "packages/sudoers.in"), 0o440),
    ]
    libs = Package("opennebula-libs", "libraries", [f"opennebula-common (= {version})", "python3", "python3-pymysql"])
    tools = Package("opennebula-tools", "commands", [f"opennebula-libs (= {version})"])
    core = Package("opennebula", "daemon", [f"opennebula-tools (= {version})"],
                   recommends="default-mysql-client | mariadb-client, iproute2, iputils-arping, sudo")
    core.files = [
        *(File(f"{PACKAGED.etc}/{name}", stock_conf(settings, name), 0o640) for name in ("oned.conf", "monitord.conf")),
        File("/etc/sudoers.d/opennebula-server", _data("sudoers-server"), 0o440),
        File("/usr/share/one/pre_cleanup", _data("pre_cleanup"), 0o755),
        File("/usr/share/one/follower_cleanup", _PYTHON + _data("follower_cleanup"), 0o755),
        File(f"{PACKAGED.var}{VIP_HOOK}", vip_hook(settings), 0o755),
        File(f"{_UNITS}/opennebula-showback.service", _data("opennebula-showback.service")),
        File(f"{_UNITS}/opennebula-showback.timer", _data("opennebula-showback.timer")),
        File(f"{_UNITS}/opennebula.service", stock_text(settings, "packages/opennebula.service.in")),
        File(f"{_UNITS}/opennebula-ssh-agent.service", _data("opennebula-ssh-agent.service")),
        File(f"{PACKAGED.lib}/{SCHEMA}", schema_file(release)),
    ]
    migration = Package(MIGRATION, "migrators of the database", [f"opennebula (= {version})"])
    migration.files = [File(f"{PACKAGED.lib}/{name}", text) for name, text in migrator_files(release).items()]
    onecfg = Package(ONECFG, "upgrades of configuration files", [f"opennebula (= {version})"])
    onecfg.files = [File(f"{PACKAGED.bin}/onecfg", script(settings, EMULATOR, "onecfg"), 0o755)]
    found = {package.name: package for package in (common, libs, tools, core, migration, onecfg)}
    for command, owner in _COMMANDS.items():
        found[owner].files.append(File(
            f"{PACKAGED.bin}/{command}", script(settings, EMULATOR, command), 0o755))
    for companion in companions(release):
        owner = companion.package or f"opennebula-{companion.unit}"
        if owner not in found:
            found[owner] = Package(owner, companion.description, [f"opennebula-libs (= {version})"])
        found[owner].files += _companion_files(settings, companion)
    return [found[name] for name in package_names(release)]


def package_version(release: Release) -> str:
    return f"{release.code}-1"


def _companion_files(settings: Settings, companion: Companion) -> list[File]:
    command = f"{PACKAGED.lib}/{companion.stem}/{companion.stem}-server"
    needs = f"AssertFileNotEmpty={PACKAGED.var}.one/{companion.needs}\n" if companion.needs else ""
    unit = _data("companion.service").format(
        description=companion.description, needs=needs, command=command, unit=companion.unit)
    return [
        File(f"{PACKAGED.etc}/{companion.conf}", stock_conf(settings, companion.conf), 0o640),
        File(command, script(settings, EMULATOR, "companion", companion.unit), 0o755),
        File(f"{_UNITS}/opennebula-{companion.unit}.service", unit),
    ]


def _data(name: str) -> str:
    return (DATA / "packages" / f"{name}.in").read_text(encoding="utf-8")


def vip_hook(settings: Settings) -> str:
    """What the hooks of a zone with a floating address run."""
    return stock_text(settings, "packages/vip.sh.in")


def emulator_files() -> list[tuple[Path, str]]:
    """The emulator's own files and where they go."""
    top = Path(__file__).parent
    return [(path, f"{EMULATOR}/onedemu/{path.relative_to(top)}") for path in sorted(top.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts]


def post_installation(name: str, release: Release) -> str:
    """The script that runs after a package was unpacked: owners, modes, credentials. Nothing is started."""
    confs = [f"{PACKAGED.etc}/{companion.conf}" for companion in COMPANIONS.values()
             if (companion.package or f"opennebula-{companion.unit}") == name and companion.exists_in(release)]
    if name == "opennebula":
        confs += [f"{PACKAGED.etc}/oned.conf", f"{PACKAGED.etc}/monitord.conf"]
    steps = {"opennebula-common": _ADD_USER, "opennebula-libs": _COMPILE, "opennebula": _ONE_AUTH}.get(name, "")
    owners = "".join(f"chown root:{USER} {path}; chmod 0640 {path}\n" for path in confs)
    return f"#!/bin/sh\nset -e\n[ \"$1\" = configure ] || exit 0\n{steps}{owners}{_RELOAD}exit 0\n"


_ADD_USER = f"""if ! getent group {USER} >/dev/null; then
    if getent group {UID} >/dev/null; then groupadd {USER}; else groupadd -g {UID} {USER}; fi
fi
if ! getent passwd {USER} >/dev/null; then
    if getent passwd {UID} >/dev/null; then uid=; else uid="-u {UID}"; fi
    useradd $uid -g {USER} -d /var/lib/one -s /bin/bash -M {USER}
fi
install -d -o root -g {USER} -m 0750 /etc/one
install -d -o {USER} -g {USER} -m 0750 /var/lib/one /var/log/one
if command -v systemd-tmpfiles >/dev/null; then systemd-tmpfiles --create opennebula-common.conf || true; fi
"""
_COMPILE = f"python3 -m compileall -q {EMULATOR} || true\n"
_ONE_AUTH = f"""install -d -o {USER} -g {USER} -m 0700 /var/lib/one/.one
if [ ! -e /var/lib/one/.one/one_auth ]; then
    password=$(python3 -c 'import secrets; print(secrets.token_urlsafe(12))')
    (umask 077; echo "{USER}:$password" >/var/lib/one/.one/one_auth)
    chown {USER}:{USER} /var/lib/one/.one/one_auth
fi
chown -R {USER}:{USER} /var/lib/one/remotes
"""
_RELOAD = "if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi\n"
