# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What federate.yml left on each server, and whether all of them are one federation."""

from __future__ import annotations

import re
from typing import Any

import pytest
from zones import AVAILABLE, CLUSTERS, MASTER, SERVERS, ZONE_OF, create_user, user_arrives

from tests.tools.playbooks import wait_for

HOME, STATE = "/var/lib/one", "/var/lib/onefed"
# What is a server's own in oned.conf.
OWN = re.compile(r"^\s*(SERVER_ID|PASSWD|HOSTNAME)\s*=.*$", re.M)
# Not federated.
LOCAL = ("cluster_pool", "host_pool", "image_pool", "datastore_pool", "network_pool", "template_pool", "pool_control")

testinfra_hosts = [f"ansible://{name}" for name in sorted(SERVERS)]


def vector(host: Any, name: str) -> dict[str, str]:
    """A vector of oned.conf, comments left out; empty if there is none."""
    text = re.sub(r"(?m)^\s*#.*", "", host.file("/etc/one/oned.conf").content_string)
    vectors = re.findall(rf'^{name}\s*=\s*\[((?:"(?:\\"|[^"])*"|[^\]"])*)\]', text, re.M)
    assert len(vectors) <= 1
    pairs = re.findall(r'(\w+)\s*=\s*(?:"((?:\\"|[^"])*)"|([^\s,"]+))', vectors[0]) if vectors else []
    return {key: quoted or bare for key, quoted, bare in pairs}


def record(zone: str) -> str:
    """The record of a zone, as the master has it."""
    pool = CLUSTERS[MASTER].ask("", "one.zonepool.info")
    records = re.findall(r"<ZONE>.*?</ZONE>", pool, re.S)
    return next(text for text in records if f"<![CDATA[{CLUSTERS[zone].url}]]>" in text)


def registered(zone: str) -> dict[str, tuple[int, str]]:
    """Id and endpoint by name of the servers of a zone."""
    found = {}
    for server in re.findall(r"<SERVER>.*?</SERVER>", record(zone), re.S):
        told = {key: value.removeprefix("<![CDATA[").removesuffix("]]>") for key, value in fields(server)}
        found[told["NAME"]] = int(told["ID"]), told["ENDPOINT"]
    return found


def fields(element: str) -> list[tuple[str, str]]:
    return re.findall(r"<(ID|NAME|ENDPOINT)>(.*?)</\1>", element, re.S)


@pytest.fixture
def name(host: Any) -> str:
    found: str = host.check_output("hostname")
    return found


def test_oned_runs_under_systemd_as_oneadmin(host: Any) -> None:
    service = host.service("opennebula")
    assert service.is_running
    assert host.process.get(pid=int(service.systemd_properties["MainPID"])).user == "oneadmin"
    assert service.systemd_properties["NRestarts"] == "0"


def test_each_server_knows_its_zone_its_master_and_its_number(host: Any, name: str) -> None:
    found, cluster = vector(host, "FEDERATION"), ZONE_OF[name]
    servers = registered(cluster.name)
    assert found["SERVER_ID"] == str(servers[name][0] if len(cluster.hosts) > 1 else -1)
    assert found["ZONE_ID"] == re.findall(r"<ID>(\d+)</ID>", record(cluster.name))[0]
    if cluster.name == MASTER:
        assert found["MODE"] == "MASTER"
    else:
        assert (found["MODE"], found["MASTER_ONED"]) == ("SLAVE", CLUSTERS[MASTER].url)


def test_the_zones_record_lists_each_server_with_its_own_endpoint(name: str) -> None:
    cluster = ZONE_OF[name]
    servers = registered(cluster.name)
    wanted = {host.name: host.url for host in cluster.hosts} if len(cluster.hosts) > 1 else {}
    assert {server: endpoint for server, (_number, endpoint) in servers.items()} == wanted
    assert sorted(number for number, _endpoint in servers.values()) == list(range(len(wanted)))


def test_hooks_move_the_floating_address_and_nothing_else_does(host: Any, name: str) -> None:
    for role in ("leader", "follower"):
        hook = vector(host, f"RAFT_{role.upper()}_HOOK")
        if ZONE_OF[name] is AVAILABLE:
            assert hook["COMMAND"] == "raft/vip.sh"
            assert hook["ARGUMENTS"] == f"{role} eth0 {AVAILABLE.floating}/24"
        else:
            assert hook == {}
    assert host.check_output("find /etc/systemd /run/systemd/system -name 'onefed-*'") == ""


def test_configuration_of_a_zones_servers_is_equal_but_for_what_is_their_own(host: Any, name: str) -> None:
    mine, first = host.file("/etc/one/oned.conf"), SERVERS[ZONE_OF[name].hosts[0].name]
    assert (mine.user, mine.group, mine.mode) == ("root", "oneadmin", 0o640)
    theirs = first.host.exec(["cat", "/etc/one/oned.conf"]).stdout
    assert OWN.sub("", mine.content_string) == OWN.sub("", theirs)
    password = ZONE_OF[name].host(name).spec.database_password
    assert vector(host, "DB")["PASSWD"] == password.replace('"', '\\"')


@pytest.mark.parametrize("folder", [f"{HOME}/.one", f"{HOME}/.ssh", f"{HOME}/remotes"])
def test_files_of_a_zones_servers_are_equal(host: Any, name: str, folder: str) -> None:
    look = f"find {folder} -type f ! -name authorized_keys -printf '%m %u %g ' -exec sha256sum {{}} ';' | sort -k5"
    first = SERVERS[ZONE_OF[name].hosts[0].name].host.exec(["sh", "-c", look]).stdout
    assert host.check_output(look) == first.strip()
    assert first


def test_the_first_servers_key_logs_in_to_every_server_of_its_zone_and_so_does_the_servers_own_old_one(
    host: Any, name: str
) -> None:
    first = SERVERS[ZONE_OF[name].hosts[0].name].host
    keys = host.file(f"{HOME}/.ssh/authorized_keys")
    assert (keys.user, keys.mode) == ("oneadmin", 0o644)
    lines = keys.content_string.splitlines()
    public = first.exec(["cat", f"{HOME}/.ssh/id_ed25519.pub"]).stdout.strip()
    assert public in lines and public.endswith(f"oneadmin@{first.name}")
    assert any(line.endswith(f"oneadmin@{name}") for line in lines)


def test_slaves_have_the_masters_auth_files_and_nobody_else_reads_them(host: Any) -> None:
    master = CLUSTERS[MASTER].hosts[0]
    files = [file for file in host.file(f"{HOME}/.one").listdir() if file.endswith("_auth")]
    assert "one_auth" in files
    for file in files:
        mine = host.file(f"{HOME}/.one/{file}")
        assert mine.content_string == master.exec(["cat", f"{HOME}/.one/{file}"]).stdout
        assert (mine.mode, mine.user, mine.group) == (0o600, "oneadmin", "oneadmin")


def test_joins_are_closed_and_nobody_else_reads_their_backups(host: Any, name: str) -> None:
    assert not host.file(f"{STATE}/journal.json").exists
    joins = host.file(f"{STATE}/joins").listdir() if host.file(f"{STATE}/joins").exists else []
    leads_the_master = name == CLUSTERS[MASTER].hosts[0].name
    assert bool(joins) != leads_the_master
    for folder in (f"{STATE}/joins/{join}" for join in joins):
        assert (host.file(folder).mode, host.file(folder).user) == (0o700, "root")
        modes = host.check_output(f"find {folder} -type f -printf '%m %u\\n' | sort -u").splitlines()
        assert modes == ["600 root"]


@pytest.mark.parametrize("folder", ["/tmp", "/var/tmp"])
def test_nothing_is_left_in_temporary_places(host: Any, folder: str) -> None:
    found = host.file(folder).listdir() if host.file(folder).exists else []
    assert [file for file in found if not file.startswith("systemd-private-")] == []


def test_user_created_through_a_server_arrives_on_every_server(name: str) -> None:
    user = f"through-{name}"
    create_user(ZONE_OF[name], user, name)
    user_arrives(user)


def test_one_server_leads_with_the_floating_address_and_the_others_follow() -> None:
    AVAILABLE.touch()
    leader = AVAILABLE.await_well()
    assert AVAILABLE.vip_holders() == [leader]
    assert {state.term for state in AVAILABLE.raft_states().values() if state} == {
        AVAILABLE.raft_states()[leader].term  # type: ignore[union-attr]
    }


def test_federated_tables_are_equal_on_all_servers(name: str) -> None:
    first = SERVERS[CLUSTERS[MASTER].hosts[0].name]
    assert {"oneadmin", "serveradmin"} <= {name for (name,) in first.rows("SELECT name FROM user_pool")}
    wait_for(lambda: SERVERS[name].tables() == first.tables(), f"the master's tables on {name}")


@pytest.mark.parametrize("table", LOCAL)
def test_tables_of_the_zone_are_equal_on_its_servers(name: str, table: str) -> None:
    query = f"SELECT * FROM {table} ORDER BY 1"
    first = SERVERS[ZONE_OF[name].hosts[0].name]
    wait_for(lambda: SERVERS[name].rows(query) == first.rows(query), f"{table} of the first server on {name}")


def test_logs_of_the_zones_servers_are_equal() -> None:
    query = "SELECT log_index, term, fed_index, applied, MD5(sqlcmd) FROM logdb ORDER BY 1"
    first = SERVERS[AVAILABLE.hosts[0].name]
    for host in AVAILABLE.hosts[1:]:
        wait_for(lambda host=host: SERVERS[host.name].rows(query) == first.rows(query), f"the log on {host.name}")  # type: ignore[misc]
