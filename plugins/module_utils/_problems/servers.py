# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Rules about the servers of a highly available zone: who is one, who leads, and who follows."""

from __future__ import annotations

from .problem import ERROR, WARNING, Rule

# How to replace what a server holds.
COPY_LEADER = "Give it a new copy of its leader's database: playbook resync, which leaves alone what is well."
_FALLEN_OUT = (
    "fallen out of its leader's log, or cannot store a record: see 'Failed to replicate log record' in the leader's "
    f"oned.log and the follower's own. {COPY_LEADER}"
)

SERVER_ID_UNSET = Rule(
    "server_id_unset",
    ERROR,
    "The server is in the zone's list, and its own oned.conf does not say so, or it did not restart since.",
    "It is listed as server {server_id} of its zone, but runs without SERVER_ID.",
    "Set SERVER_ID to {server_id} in its oned.conf and restart it.",
)
WRONG_SERVER_ID = Rule(
    "wrong_server_id",
    ERROR,
    "Its oned.conf was copied from another server of the zone, or the server was removed and added again.",
    "It is listed as server {server_id} of its zone, but runs as server {found}.",
    SERVER_ID_UNSET.remedy,
)
SERVER_ID_OF_ZONE = Rule(
    "server_id_of_zone",
    ERROR,
    "While a server leads the master's zone, oned sends nothing to the zone that has the same id as the server.",
    "Its server id is, or would be, {server_id}, the id of a slave: while this server leads the master's zone, that "
    "slave gets nothing, without a word.",
    "Let another zone be the master with playbook promote; add the servers of this one with playbook federate; and "
    "promote it again, which gives the server another id.",
)
LOG_DIVERGED = Rule(
    "log_diverged",
    ERROR,
    "Two servers led at the same time, or a server came back with what no majority ever had.",
    "Its log ends at {index} like its leader's, but with a record of term {term} rather than {leaders}: the two hold "
    "different data.",
    COPY_LEADER,
)
NOT_FOLLOWING = Rule(
    "not_following",
    ERROR,
    "The server stands for election or runs alone, while another one leads.",
    "It does not follow its leader (state {state}).",
    COPY_LEADER,
)
SERVER_TABLES_DIFFER = Rule(
    "server_tables_differ",
    ERROR,
    "Records were lost or applied in part on one of the two.",
    "At the same federated index its shared tables differ from its leader's.",
    COPY_LEADER,
)
FOLLOWER_FALLEN_OUT = Rule(
    "follower_fallen_out",
    ERROR,
    "The follower was away for longer than its leader keeps records.",
    "Its log ends at {index}, its leader's at {leaders}, whose oldest record is {oldest}: it can never catch up.",
    COPY_LEADER,
)
FOLLOWER_STUCK = Rule(
    "follower_stuck",
    ERROR,
    "The leader offers records, and the follower takes none.",
    "Its log ends at {index}, its leader's at {leaders}, and it does not move although its leader writes.",
    f"It has {_FALLEN_OUT}",
)
FOLLOWER_BEHIND = Rule(
    "follower_behind",
    WARNING,
    "A leader offers records only when something is written.",
    "Its log ends at {index}, its leader's at {leaders}.",
    f"The next write in the zone moves it: module zone_server_info with prove. If that does not, it has {_FALLEN_OUT}",
)
NO_LEADER = Rule(
    "no_leader",
    ERROR,
    "An election goes on, too few of the zone's servers run, or they do not reach each other.",
    "None of its servers that answer leads, so the zone takes no writes.",
    "An election takes seconds. If nobody leads after that, start the servers that do not run{silent}, compare "
    "SERVER_ID and the zone's list of servers, and see oned.log.",
)
SPLIT_BRAIN = Rule(
    "split_brain",
    ERROR,
    "A network that was cut let servers elect a leader of their own, or servers have different lists of the zone's.",
    "Several of its servers lead: {leaders}.",
    "Stop {others} at once; {newest} has the newest term. Then run playbook resync, which gives them a copy of its "
    "database.",
)
NO_QUORUM = Rule(
    "no_quorum",
    ERROR,
    "Raft writes only what a majority of the zone's servers has.",
    "Only {running} of its {servers} servers run, no majority: every write waits for ever, and with it what is called "
    "as the same user.",
    "Start {silent}. What waits is carried out then.",
)
SERVER_NOT_LISTED = Rule(
    "server_not_listed",
    WARNING,
    "A server was added to the inventory, and no run has added it to the zone yet.",
    "The inventory has servers that are not in the zone's list: {hosts}.",
    "Add them: playbook federate. Until then do not start their oned as a server of this zone: its leader would step "
    "down.",
)
NOT_YET_A_SERVER = Rule(
    "not_yet_a_server",
    ERROR,
    "The inventory has the server, and the zone's record does not.",
    "It is no server of zone {zone} yet.",
    "Run playbook federate, which adds it.",
)
LEADER_LEFT_OUT = Rule(
    "leader_left_out",
    ERROR,
    "A server gets a copy of its leader's database, and the limit of the run holds the one without the other.",
    "Its tables come from {leader}, which the limit leaves out.",
    "Use --limit {limit}.",
)
SERVER_NOT_DECLARED = Rule(
    "server_not_declared",
    WARNING,
    "A server was added by hand, or taken out of the inventory and not out of the zone. It counts for every majority.",
    "It is in the zone's list (endpoint {endpoint}), but the inventory has no such server.",
    "Add it to the zone's group; or, if it is to go, add it with oned_state: absent and run playbook federate; or "
    "remove it with module zone_server.",
)
LINKS_OF_SERVERS = Rule(
    "links_of_servers",
    ERROR,
    "The links among servers that form a zone change all at once. A server that is not there then would not be found "
    "by the others, nor find them.",
    "The servers of its zone call each other {now} TLS, which is to change for all at once, and this one {why}.",
    "Start it, or let playbook federate take it out of the zone (oned_state: absent) with federation_tls: {tls}, as it "
    "was. Then run again. Where others made its TLS proxy, keep federation_tls: {tls}.",
)
SERVER_MOVED = Rule(
    "server_moved",
    WARNING,
    "A server that gets another address or port is found there by the others once all have restarted. Until then these "
    "have to be enough for the zone, so that one server moves at a time, while all run, and where it answers already.",
    "The zone's list has it at {listed}, the inventory at {endpoint}: it does not move there now, as {why}.",
    "Let all servers run, give one of them its new address beside the old one, declare it, and run playbook federate; "
    "then the next. Or set oned_state: absent for it and run playbook federate, which takes it out of the zone; then "
    "take that away and run playbook federate again, which adds it where it is declared.",
)
HA_ON_SQLITE = Rule(
    "ha_on_sqlite",
    ERROR,
    "OpenNebula does not support several servers on SQLite.",
    "Its database is SQLite, on which OpenNebula gives the records of a follower a wrong federated index.",
    "Move it to MariaDB or MySQL with onedb sqlite2mysql, or declare one server in this zone.",
)
SERVER_VERSION_DIFFERS = Rule(
    "server_version_differs",
    ERROR,
    "A server is given its leader's whole database, whose form belongs to one version.",
    "It runs OpenNebula {version}, its zone's leader {leaders}.",
    "Install {higher} on both; the servers of the zone get it with playbook upgrade.",
)
SERVER_BACKEND_DIFFERS = Rule(
    "server_backend_differs",
    ERROR,
    "A server is given its leader's whole database, which another backend cannot load.",
    "Its database backend is {backend}, that of its zone's leader {leaders}.",
    "Write a DB section for a database of its own on the leader's kind of server into its oned.conf.",
)
SERVER_CHARSET_DIFFERS = Rule(
    "server_charset_differs",
    ERROR,
    "A server is given its leader's whole database, and oned speaks the charset of the database it finds.",
    "Its database charset is {charset}, that of its zone's leader {leaders}.",
    "ALTER DATABASE … CHARACTER SET {leaders} on its server; what is in it will be replaced anyway.",
)
SERVER_ELSEWHERE = Rule(
    "server_elsewhere",
    ERROR,
    "The host is to be a server of this zone, and its oned.conf belongs to another zone or federation.",
    "By its oned.conf it is {mode} with ZONE_ID {zone_id}, of another zone or federation.",
    "Take it out of there first: MODE STANDALONE, and a database of its own.",
)
OTHER_CLUSTER = Rule(
    "other_cluster",
    ERROR,
    "The host is declared in this zone, and by its oned.conf it is a server of a cluster of its own.",
    "By its oned.conf {host} is a server of a standalone zone (SERVER_ID is set), but not of this one.",
    "Set SERVER_ID to -1 there and restart it, or correct the inventory.",
)
CONFIG_REPLACED = Rule(
    "config_replaced",
    WARNING,
    "Any server may lead, so all of a zone's servers get the leader's configuration.",
    "Its configuration differs from that of its zone's leader and is replaced: {files}.",
    "To keep something of it, copy it to the leader first. A backup is kept.",
)
CONFIG_LACKING = Rule(
    "config_lacking",
    WARNING,
    "Configuration of a service that is not installed on the server is not copied.",
    "It lacks configuration that its zone's leader has, and is not given it: {files}.",
    "Install the services to which it belongs, or copy to it what it needs when it leads.",
)
SERVER_SILENT = Rule(
    "server_silent",
    ERROR,
    "Every server has to restart to know a new one, and one of them cannot be examined.",
    "A zone gets a new server only while all that it has run and can restart, to learn of the new one: {why}",
    "Start it; or, if it is gone for good, mark it oned_state: absent and give the zone another one.",
)
LEAVING_RUNS = Rule(
    "leaving_runs",
    ERROR,
    "A server that leaves has to stop first, and the run cannot log in to stop it.",
    "Its oned runs, but Ansible cannot stop it, and one that is not told of its removal deposes the zone's leaders.",
    "Let Ansible reach it, or stop it by hand, and run again.",
)
LEAVING_LOSES_QUORUM = Rule(
    "leaving_loses_quorum",
    ERROR,
    "The server stops before it is removed, and until then it still counts for the majority.",
    "It cannot leave: of the zone's {servers} servers only {others} would run meanwhile, no majority, and every write "
    "would wait for ever.",
    "Start others first; mark those that are gone for good oned_state: absent, too: they leave before it.",
)
LEFT_UNEXAMINED = Rule(
    "left_unexamined",
    WARNING,
    "The server is out of the zone, and nobody could see whether its oned may start again.",
    "It has left the zone, but it cannot be examined. Unless this federation stopped its oned before, that stands for "
    "election without end as soon as the host is back.",
    "Leave the host off, or disable the service of its oned before it is back.",
)
OVERTAKEN = Rule(
    "overtaken",
    ERROR,
    "While one server joined as a slave, another one took over the zone it came from.",
    "{leader} leads its zone, although an interrupted run has begun to make {host} a slave, which would replace what "
    "is written there.",
    "Stop oned on the zone's other servers if that may be lost, and run again.",
)
