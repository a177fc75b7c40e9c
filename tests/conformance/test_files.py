# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Files that oned writes: credentials, and its configuration as it understood it."""

from __future__ import annotations

import hashlib
import re

import pytest

from .federation import Federation
from .frontend import Frontend, Zone
from .truth import of_version, since

# Files of the services' user, by version; one_auth is the administrator's, one_key the daemon's.
SERVICES = {
    "6.10": ["oneflow_auth", "onegate_auth", "sunstone_auth"],
    "7.2": ["oneflow_auth", "oneform_auth", "onegate_auth", "sunstone_auth"],
    "7.4": ["oneflow_auth", "oneform_auth", "onegate_auth", "oneks_auth", "sunstone_auth"],
}


@pytest.fixture
def files(zone: Frontend) -> Frontend:
    if not zone.has_shell:
        pytest.skip("ONE_SHELL is not set")
    return zone


def listing(zone: Frontend) -> dict[str, str]:
    """Names and modes of the authentication directory."""
    text = zone.shell.must(f"cd {zone.paths.auth} && stat -c '%n %a' *")
    return dict(line.split() for line in text.splitlines())


def dump(zone: Frontend) -> list[str]:
    return zone.shell.read(zone.paths.dump).splitlines()


def test_credentials_of_a_new_zone(own: Zone) -> None:
    assert sorted(listing(own)) == sorted(["one_auth", "one_key", *of_version(SERVICES, own.expected_version)])


def test_modes(files: Frontend, version: str) -> None:
    modes = listing(files)
    assert {name: modes[name] for name in ["one_key", *of_version(SERVICES, version)]} == dict.fromkeys(
        ["one_key", *of_version(SERVICES, version)], "600"
    )


def test_one_auth_is_user_and_password(own: Zone) -> None:
    assert own.shell.read(f"{own.paths.auth}/one_auth").strip() == own.api.session


def test_services_share_one_secret(files: Frontend, version: str) -> None:
    contents = {files.shell.read(f"{files.paths.auth}/{name}") for name in of_version(SERVICES, version)}
    assert len(contents) == 1
    assert re.fullmatch(r"serveradmin:[0-9a-f]{64}\n?", contents.pop())


def test_secret_of_the_services_is_hashed_in_the_database(files: Frontend) -> None:
    secret = files.shell.read(f"{files.paths.auth}/sunstone_auth").strip().split(":")[1]
    assert files.api.xml("one.user.info", 1).findtext("PASSWORD") == hashlib.sha256(secret.encode()).hexdigest()


def test_one_key_is_the_configurations(files: Frontend) -> None:
    key = files.shell.read(f"{files.paths.auth}/one_key").strip()
    assert files.api.xml("one.system.config").findtext("ONE_KEY") == key


def test_lost_one_key_is_made_anew(stopped: Zone) -> None:
    key = f"{stopped.paths.auth}/one_key"
    before = stopped.shell.read(key)
    stopped.shell.must(f"rm {key}")
    stopped.start()
    assert re.fullmatch(r"[0-9a-f]{64}\n?", stopped.shell.read(key))
    assert stopped.shell.read(key) != before


def test_slave_keeps_its_own_key(federation: Federation) -> None:
    master, slave = federation.master, federation.slave
    if not isinstance(master, Zone) or not isinstance(slave, Zone):
        pytest.skip("given zones may have been made otherwise")
    assert slave.shell.read(f"{slave.paths.auth}/one_key") != master.shell.read(f"{master.paths.auth}/one_key")
    assert slave.shell.read(f"{slave.paths.auth}/one_auth") == master.shell.read(f"{master.paths.auth}/one_auth")


def test_dump_has_a_line_for_each_attribute(files: Frontend) -> None:
    lines = [line for line in dump(files) if line and not line.startswith(" ")]
    assert lines
    assert all(re.match(r"[A-Z][A-Z0-9_]*=", line) for line in lines)


def test_dump_shows_the_federation(files: Frontend, version: str) -> None:
    found = next(line for line in dump(files) if line.startswith("FEDERATION="))
    keys = [each.split("=")[0] for each in found.removeprefix("FEDERATION=").split(",")]
    expected = ["MASTER_ONED", "MASTER_ONED_GRPC", "MODE", "SERVER_ID", "ZONE_ID"]
    assert keys == (expected if since(version, "7.2") else [each for each in expected if "GRPC" not in each])


def test_dump_of_a_standalone_zone(own: Zone) -> None:
    found = next(line for line in dump(own) if line.startswith("FEDERATION="))
    assert found.replace("MASTER_ONED_GRPC=,", "") == "FEDERATION=MASTER_ONED=,MODE=STANDALONE,SERVER_ID=-1,ZONE_ID=0"


def test_dump_masks_the_database(own: Zone) -> None:
    assert next(line for line in dump(own) if line.startswith("DB=")) == "DB=BACKEND=***,TIMEOUT=2500"


def test_dump_lacks_the_key(files: Frontend) -> None:
    assert not [line for line in dump(files) if line.startswith("ONE_KEY")]


def test_dump_shows_the_log_settings(own: Zone) -> None:
    assert "LOG=DEBUG_LEVEL=3,SYSTEM=file,USE_VMS_LOCATION=NO" in dump(own)
