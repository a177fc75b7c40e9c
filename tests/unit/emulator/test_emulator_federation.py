# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Two zones, two processes: replication, what is passed on, and every way in which replication gets stuck."""

from __future__ import annotations

import time
import xmlrpc.client

import pytest
from emulated import Federation, MakeZone, Zone, wait_for

EMPTY = 18446744073709551615
# Long enough for what must not happen to happen: the longest pause between retries is shorter.
QUIET = 0.4


def stays(zone: Zone, index: int) -> None:
    """The zone's index is that, and remains so."""
    time.sleep(QUIET)
    assert zone.fed_index() == index


def test_a_record_needs_no_time_and_the_slave_keeps_its_number(federation: Federation) -> None:
    master, slave = federation.master, federation.slave
    assert (master.fed_index(), slave.fed_index()) == (2, 2)
    user = master.call("one.user.allocate", "bob", "pw", "", [])
    wait_for(lambda: slave.raw("one.user.info", user)[0], "the slave has the user")
    index = federation.in_step()
    assert index == 6
    assert slave.sql("SELECT fed_index FROM logdb WHERE typeof(fed_index) = 'integer' ORDER BY log_index") == [
        (1,), (2,), (3,), (4,), (6,)]
    assert slave.raw("one.user.info", user, session="bob:pw")[0] is True
    assert slave.xml("one.userpool.info").findall("QUOTAS/ID")[-1].text == "0"


def test_a_slave_passes_changes_on_and_gives_the_answer_back(federation: Federation) -> None:
    master, slave = federation.master, federation.slave
    assert slave.raw("one.group.allocate", "devs") == [True, 100, 0]
    wait_for(lambda: slave.raw("one.group.info", 100)[0], "the slave has the group")
    assert slave.raw("one.group.allocate", "devs") == [
        False, "[one.group.allocate] NAME is already taken by GROUP 100.", 8192, -1, -1]
    assert slave.raw("one.zone.allocate", "NAME=z\nENDPOINT=http://192.0.2.1:2633/RPC2") == [True, 101, 0]
    assert slave.raw("one.zone.delete", 101) == [True, 101, 0]
    master.stop()
    assert slave.raw("one.group.allocate", "more") == [
        False, "[one.group.allocate] Could not connect to the federation master oned", 8192, -1, -1]
    assert slave.raw("one.grouppool.info")[0] is True


def test_what_slaves_refuse_or_do_not_know(federation: Federation) -> None:
    slave = federation.slave
    assert slave.raw("one.system.sql", "SELECT 1", True) == [
        False, "[one.system.sql] SQL command has to be executed on a master zone", 2048, -1, -1]
    with pytest.raises(xmlrpc.client.Fault) as caught:
        slave.raw("one.zone.updatedb", 0, "<ZONE/>")
    assert (caught.value.faultCode, caught.value.faultString) == (-506, "Method 'one.zone.updatedb' not defined")


def test_servers_and_state_of_a_slave_go_through_the_master(federation: Federation) -> None:
    master, slave, zone_id = federation.master, federation.slave, federation.zone_id
    server = 'SERVER=[NAME="{}",ENDPOINT="http://192.0.2.1:2633/RPC2"]'
    refusal = [False, "[one.zone.addserver] Servers have to be added through the target zone endpoints", 2048, -1, -1]
    assert master.raw("one.zone.addserver", zone_id, server.format("n0")) == refusal
    for name in ("n0", "n1"):
        assert slave.raw("one.zone.addserver", zone_id, server.format(name)) == [True, zone_id, 0]
        federation.in_step()
    for zone in (master, slave):
        servers = zone.xml("one.zone.info", zone_id).findall("SERVER_POOL/SERVER")
        assert [(s.findtext("ID"), s.findtext("NAME")) for s in servers] == [("0", "n0"), ("1", "n1")]
    assert slave.raw("one.zone.delserver", zone_id, 0) == [True, zone_id, 0]
    assert slave.raw("one.zone.enable", zone_id, False) == [True, zone_id, 0]
    federation.in_step()
    assert master.xml("one.zone.info", zone_id).findtext("STATE") == "1"
    assert slave.raw("one.acl.info") == [False, "[one.acl.info] Cannot process request, zone disabled", 8192, -1, -1]
    master.mark("STILL")
    wait_for(lambda: slave.has("STILL"), "a disabled slave goes on replicating")


def test_a_wrong_one_auth_of_a_slave_breaks_its_own_calls_only(federation: Federation) -> None:
    slave, zone_id = federation.slave, federation.zone_id
    slave.stop()
    (slave.location / "var/.one/one_auth").write_text("oneadmin:wrong\n")
    slave.start()
    assert slave.raw("one.group.allocate", "devs")[0] is True
    assert slave.raw("one.zone.addserver", zone_id, 'SERVER=[NAME=n,ENDPOINT="http://192.0.2.1:2633/RPC2"]') == [
        False, "[one.zone.addserver] Cannot update zone at federation master: [one.zone.updatedb] User couldn't be "
               "authenticated, aborting call.", 2048, -1, -1]
    federation.in_step()


def test_a_slave_that_was_down_catches_up_by_itself(federation: Federation) -> None:
    master, slave = federation.master, federation.slave
    slave.stop()
    master.mark("ONE")
    master.mark("TWO")
    wait_for(lambda: "[FRM][E]: Error replicating log entry" in master.log(), "the master complains")
    slave.start()
    federation.in_step()
    assert slave.has("TWO")


def test_after_a_restart_of_the_master_nothing_moves_before_the_next_change(federation: Federation) -> None:
    master, slave = federation.master, federation.slave
    index = slave.fed_index()
    slave.stop()
    master.mark("ONE")
    master.restart()
    slave.start()
    stays(slave, index)
    master.mark("TWO")
    federation.in_step()
    assert slave.has("ONE")


def test_an_endpoint_is_read_at_start_only(federation: Federation) -> None:
    master, slave, zone_id = federation.master, federation.slave, federation.zone_id
    master.call("one.zone.update", zone_id, 'ENDPOINT="http://127.0.1.251:1/RPC2"', 1)
    federation.in_step()
    master.restart()
    master.mark("LOST")
    wait_for(lambda: f"on zone {zone_id} (http://127.0.1.251:1/RPC2)" in master.log(), "the new endpoint is used")
    assert not slave.has("LOST")


class TestStuck:
    def test_an_empty_log_loses_records_silently(self, federation: Federation) -> None:
        master, slave = federation.master, federation.slave
        slave.stop()
        slave.sql("DELETE FROM logdb WHERE log_index > 0")
        slave.start()
        assert slave.fed_index() == EMPTY
        before = master.log().count("[FRM][E]")
        master.mark("ONE")
        master.mark("TWO")
        wait_for(lambda: f"[ReM][I]: Error replicating log entry {master.fed_index()} in zone" in slave.log(),
                 "the slave complains")
        stays(slave, EMPTY)
        assert not slave.has("ONE")
        assert master.log().count("[FRM][E]") == before
        assert "1844674407 on" in master.run("onezone", "list").stdout

    def test_an_index_purged_at_the_master(self, federation: Federation) -> None:
        master, slave = federation.master, federation.slave
        slave.stop()
        for name in ("A", "B", "C"):
            master.mark(name)
        master.stop()
        master.sql("DELETE FROM logdb WHERE log_index BETWEEN 1 AND 3")
        master.start()
        slave.start()
        master.mark("D")
        wait_for(lambda: slave.log().count("Zone log is outdated last log index is 2") == 1, "the slave complains")
        stays(slave, 2)
        master.mark("E")
        wait_for(lambda: slave.log().count("Zone log is outdated last log index is 2") == 2, "and again")
        assert "[FRM][E]" not in master.log()

    def test_the_record_to_send_is_the_first_of_the_log(self, federation: Federation) -> None:
        master, slave = federation.master, federation.slave
        slave.stop()
        master.mark("A")
        master.stop()
        master.sql("DELETE FROM logdb WHERE log_index BETWEEN 1 AND 2")
        master.start()
        slave.start()
        master.mark("B")
        wait_for(lambda: master.log().count("[FRM][E]: Missing federation record previous to: 3") >= 2,
                 "the master complains, and tries again")
        stays(slave, 2)
        assert "outdated" not in slave.log()

    def test_a_slave_ahead_of_the_master(self, federation: Federation) -> None:
        master, slave = federation.master, federation.slave
        slave.stop()
        slave.sql("UPDATE logdb SET fed_index = 9000 WHERE fed_index = 2")
        slave.start()
        master.mark("A")
        wait_for(lambda: "Zone log is outdated last log index is 9000" in slave.log(), "the slave complains")
        stays(slave, 9000)

    def test_refused_credentials_make_a_loop(self, federation: Federation) -> None:
        master, slave = federation.master, federation.slave
        slave.stop()
        slave.sql("UPDATE user_pool SET body = replace(body, '<ENABLED>1', '<ENABLED>0') WHERE oid = 0")
        slave.start()
        before = master.log().count("[FRM][E]")
        master.mark("A")
        refusals = "one.zone.fedreplicate result FAILURE [one.zone.fedreplicate] User couldn't be authenticated"
        wait_for(lambda: slave.log().count(refusals) > 20, "the slave refuses without end")
        assert master.log().count("[FRM][E]") == before

    @pytest.mark.parametrize(("mode", "index"), [("STANDALONE", -1), ("MASTER", 2)])
    def test_a_zone_in_the_wrong_mode_makes_a_loop_and_heals(self, federation: Federation, mode: str,
                                                             index: int) -> None:
        master, slave = federation.master, federation.slave
        slave.stop()
        values: dict[str, str | int] = {"ZONE_ID": federation.zone_id, "SERVER_ID": -1, "MASTER_ONED": master.endpoint}
        slave.configure("FEDERATION", MODE=mode, **values)
        slave.start()
        master.mark("A")
        wait_for(lambda: slave.log().count("Cannot replicate federate log records on federation master") > 20,
                 "the zone refuses without end")
        assert slave.fed_index() == index
        slave.stop()
        assert "All modules finalized, exiting." in slave.log()
        slave.configure("FEDERATION", MODE="SLAVE", **values)
        slave.start()
        federation.in_step()

    def test_a_command_that_fails_at_the_slave(self, federation: Federation) -> None:
        master, slave = federation.master, federation.slave
        slave.sql("CREATE TRIGGER t BEFORE UPDATE ON zone_pool BEGIN SELECT RAISE(ABORT, 'no'); END")
        master.mark("A")
        wait_for(lambda: "[ReM][I]: Error replicating log entry 3 in zone" in slave.log(), "the first is lost")
        time.sleep(QUIET)
        assert slave.log().count("Error replicating log entry 3 in zone") == 1
        master.mark("B")
        wait_for(lambda: slave.log().count("Error replicating log entry 3 in zone") > 10
                 and slave.log().count("Zone log is outdated last log index is 2") > 10, "from the second on: a loop")
        assert slave.fed_index() == 2
        slave.sql("DROP TRIGGER t")
        federation.in_step()
        assert slave.has("B")

    def test_a_grpc_endpoint_of_this_host_stands_still_without_a_word(self, federation: Federation) -> None:
        master, slave = federation.master, federation.slave
        master.call("one.zone.update", federation.zone_id, 'ENDPOINT_GRPC="localhost:2634"', 1)
        index = federation.in_step()
        master.restart()
        master.mark("A")
        stays(slave, index)
        assert "[FRM][E]" not in master.log()

    def test_a_grpc_endpoint_of_the_zone_is_preferred(self, federation: Federation) -> None:
        master, slave = federation.master, federation.slave
        host, port = slave.endpoint.removeprefix("http://").removesuffix("/RPC2").split(":")
        master.call("one.zone.update", federation.zone_id,
                    f'ENDPOINT = "http://127.0.1.251:1/RPC2"\nENDPOINT_GRPC="{host}:{int(port) + 1}"', 1)
        federation.in_step()
        master.restart()
        master.mark("A")
        federation.in_step()

    def test_a_redump_heals(self, federation: Federation) -> None:
        master, slave = federation.master, federation.slave
        slave.stop()
        slave.sql("DELETE FROM logdb WHERE log_index > 0")
        master.mark("A")
        federation.restore()
        slave.start()
        master.mark("B")
        federation.in_step()
        assert slave.has("B")


def test_release_6_10_federates_too(make_zone: MakeZone) -> None:
    federation = Federation.join(make_zone("master", version="6.10"), make_zone("slave", version="6.10"))
    federation.master.mark("A")
    assert federation.in_step() == 3
