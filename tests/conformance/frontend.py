# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Front-ends: one that is given, or zones of our own below a directory (ONE_LOCATION) that may be broken at will."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from .api import Api
from .shell import Result, Shell
from .truth import since

T = TypeVar("T")

# A real oned needs some seconds: it sleeps 2.5 s and waits for its drivers.
START_LIMIT = 60.0


def wait_for(condition: Callable[[], T], what: str, limit: float = 10.0, pause: float = 0.02) -> T:
    """Poll until the condition is true; its value is returned."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {limit:g} s: {what}"
        time.sleep(pause)


@dataclass(frozen=True)
class Paths:
    """Where a front-end keeps its things, as packages install it or below ONE_LOCATION."""

    configuration: str
    database: str
    log: str
    dump: str
    auth: str
    lock: str
    onedb: str

    @classmethod
    def packaged(cls, database: str = "/var/lib/one/one.db") -> Paths:
        return cls(
            configuration="/etc/one/oned.conf",
            database=database,
            log="/var/log/one/oned.log",
            dump="/var/lib/one/config",
            auth="/var/lib/one/.one",
            lock="/var/lock/one/one",
            onedb="onedb",
        )

    @classmethod
    def below(cls, location: str) -> Paths:
        here = shlex.quote(location)
        return cls(
            configuration=f"{location}/etc/oned.conf",
            database=f"{location}/var/one.db",
            log=f"{location}/var/oned.log",
            dump=f"{location}/var/config",
            auth=f"{location}/var/.one",
            lock=f"{location}/var/lock/.lock",
            onedb=f"ONE_LOCATION={here} ONE_AUTH={here}/var/.one/one_auth {here}/bin/onedb",
        )


class Frontend:
    """A front-end that answers; *shell* and *paths* are there only if its machine can be reached."""

    def __init__(self, api: Api, shell: Shell | None = None, paths: Paths | None = None) -> None:
        self.api = api
        self._shell = shell
        self._paths = paths

    @property
    def has_shell(self) -> bool:
        return self._shell is not None

    @property
    def shell(self) -> Shell:
        assert self._shell is not None
        return self._shell

    @property
    def paths(self) -> Paths:
        assert self._paths is not None
        return self._paths

    @property
    def version(self) -> str:
        """Major and minor: 6.10, 7.4."""
        return ".".join(self.api.call("one.system.version").split(".")[:2])

    def select(self, query: str) -> list[list[Any]]:
        return self.shell.select(self.paths.database, query)

    def log(self) -> str:
        return self.shell.read(self.paths.log)

    def onedb(self, arguments: str, timeout: float = 60) -> Result:
        return self.shell.run(f"{self.paths.onedb} {arguments}", timeout)


class Zone(Frontend):
    """A zone below a directory of its own, which this suite starts and stops."""

    def __init__(self, shell: Shell, location: str, version: str, address: str, port: int, password: str) -> None:
        self.endpoint = f"http://{address}:{port}/RPC2"
        super().__init__(Api(self.endpoint, "oneadmin", password), shell, Paths.below(location))
        self.location = location
        self.expected_version = version
        self._started = False

    @property
    def environment(self) -> str:
        here = shlex.quote(self.location)
        return f"ONE_LOCATION={here} ONE_AUTH={here}/var/.one/one_auth"

    @property
    def database_option(self) -> str:
        return f"-s {shlex.quote(self.paths.database)}"

    def oned(self, arguments: str = "-f", timeout: float = 30) -> Result:
        """Run oned until it ends by itself (124: it did not, and was ended)."""
        here = shlex.quote(self.location)
        return self.shell.run(
            f"{self.environment} timeout -k 5 {timeout:g} {here}/bin/oned {arguments}; rc=$?; "
            f"rm -f {shlex.quote(self.paths.lock)}; exit $rc",
            timeout + 20,
        )

    @property
    def running(self) -> bool:
        return self._started

    def start(self) -> Zone:
        here = shlex.quote(self.location)
        # Nothing of the background job may hold this command's own output open.
        self.shell.must(
            f"cd {here} && rm -f oned.exit && ( {self.environment} "
            "sh -c 'echo $$ >oned.pid; exec \"$ONE_LOCATION/bin/oned\" -f' >oned.out 2>oned.err; "
            "echo $? >oned.exit ) >/dev/null 2>&1 &"
        )
        self._started = True

        def ready() -> bool:
            if self.shell.exists(f"{self.location}/oned.exit"):
                said = self.shell.run(f"cd {here}; cat oned.exit oned.out oned.err; tail -n 20 var/oned.log").stdout
                raise AssertionError(f"oned ended: {said}")
            return self.api.answers()

        wait_for(ready, f"oned answering at {self.endpoint}", START_LIMIT, 0.05)
        return self

    def stop(self) -> None:
        if not self._started:
            return
        here = shlex.quote(self.location)
        self.shell.run(f'cd {here} && test -e oned.exit || kill "$(cat oned.pid)"')
        try:
            wait_for(lambda: self.shell.exists(f"{self.location}/oned.exit"), "oned to end", 30)
        except AssertionError:
            self.kill()
            raise
        finally:
            self._started = False

    def kill(self) -> None:
        """End it as a crash would, and take its lock away."""
        here = shlex.quote(self.location)
        self.shell.run(f'kill -9 "$(cat {here}/oned.pid)"; rm -f {shlex.quote(self.paths.lock)}')
        wait_for(lambda: self.shell.exists(f"{self.location}/oned.exit"), "oned to end", 30)
        self._started = False

    def restart(self) -> None:
        self.stop()
        self.start()

    def exit_status(self) -> int:
        return int(self.shell.read(f"{self.location}/oned.exit"))

    def execute(self, statements: str) -> None:
        """Change the database behind a stopped oned."""
        assert not self._started
        self.shell.execute(self.paths.database, statements)

    def read_configuration(self) -> str:
        return self.shell.read(self.paths.configuration)

    def write_configuration(self, text: str) -> None:
        self.shell.write(self.paths.configuration, text, "644")

    def set_vector(self, name: str, values: dict[str, str | int]) -> None:
        """Replace one vector attribute of oned.conf."""
        body = ",\n".join(f"    {key} = {_quoted(value)}" for key, value in values.items())
        pattern = re.compile(rf"^{name}\s*=\s*\[.*?\]", re.M | re.S)
        text, found = pattern.subn(lambda _: f"{name} = [\n{body}\n]", self.read_configuration())
        assert found == 1, f"{name} stands {found} times in oned.conf"
        self.write_configuration(text)

    def federate(self, mode: str, zone_id: int = 0, master: str = "", server_id: int = -1) -> None:
        """Write the FEDERATION vector of this version."""
        values: dict[str, str | int] = {"MODE": mode, "ZONE_ID": zone_id, "SERVER_ID": server_id, "MASTER_ONED": master}
        if since(self.expected_version, "7.2"):
            values["MASTER_ONED_GRPC"] = ""
        self.set_vector("FEDERATION", values)

    def take_auth_files_from(self, other: Zone) -> None:
        """Replace one_auth and the other *_auth files, as the federation guide demands; one_key stays."""
        listed = other.shell.must(f"cd {shlex.quote(other.paths.auth)} && ls").split()
        for name in (each for each in listed if each.endswith("_auth")):
            self.shell.write(f"{self.paths.auth}/{name}", other.shell.read(f"{other.paths.auth}/{name}"))


class Spoilable:
    """A stopped zone that can be had back as it was."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        zone.shell.must(f"cd {shlex.quote(zone.location)} && mkdir saved && cp -a etc var saved")

    def fresh(self) -> Zone:
        self.zone.shell.must(f"cd {shlex.quote(self.zone.location)} && rm -rf etc var && cp -a saved/etc saved/var .")
        return self.zone


def _quoted(value: str | int) -> str:
    return str(value) if isinstance(value, int) else f'"{value}"'
