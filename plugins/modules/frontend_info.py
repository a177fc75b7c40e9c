#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: frontend_info
short_description: Examine an OpenNebula front-end
version_added: 1.0.0
description:
  - Collects all that matters for a federation from one front-end, in one go. It changes nothing.
  - A part that cannot be read holds an C(error); the other parts are returned all the same.
options:
  probe_endpoints:
    description: Endpoints of zones. It is tried whether this host reaches an C(oned) there.
    type: list
    elements: str
    default: []
  probe_ports:
    description: Ports of other hosts, as C(host:port). It is tried whether this host can connect to them.
    type: list
    elements: str
    default: []
    version_added: 1.1.0
  auth_key:
    description:
      - Random text, the same for all front-ends whose auth files are to be compared. Without it they are not.
      - Without this text the digests reveal nothing about the files.
    type: str
  vip:
    description:
      - Floating address of the zone, with the length of its network's prefix. It is tried whether another machine has
        it, and whether the Raft hooks of this front-end could move it.
    type: str
  vip_interface:
    description: The network interface that carries it. Needed with O(vip).
    type: str
  timeout:
    description: Limit of each call, in seconds. All calls together take four times as long at most.
    type: float
    default: 5.0
  validate_certs:
    description: Whether the certificates of C(https) endpoints in O(probe_endpoints) are verified.
    type: bool
    default: true
  ca_path:
    description: File with the certificates of the authorities to trust there instead of the system's.
    type: path
extends_documentation_fragment:
  - onefed.opennebula.info
  - onefed.opennebula.frontend
  - onefed.opennebula.login
seealso:
  - module: onefed.opennebula.federation_info
  - module: onefed.opennebula.database_info
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Examine the front-end, and whether it reaches the master
  onefed.opennebula.frontend_info:
    probe_endpoints:
      - http://192.0.2.11:2633/RPC2
  register: found

- name: Show the mode that is configured, and the one that runs
  ansible.builtin.debug:
    msg: "{{ found.frontend.conf.mode }} {{ found.frontend.api.mode }}"
"""

RETURN = r"""
frontend:
  description: The front-end. It holds no secret.
  returned: success
  type: dict
  contains:
    installed:
      description: Whether OpenNebula is there, and complete, as it is not after role C(oned_install) was interrupted.
      type: bool
    oned_version:
      description: Version of that program, V(null) if it does not tell.
      type: str
      sample: 7.4.0
    conf:
      description: What C(oned.conf) says, or would say if it left something to the defaults.
      type: dict
      contains:
        path:
          description: The file.
          type: str
          sample: /etc/one/oned.conf
        error:
          description: Why the file cannot be used, V(null) if it can. All else is V(null) then.
          type: str
        mode:
          description: C(MODE) of C(FEDERATION).
          type: str
          sample: STANDALONE
        zone_id:
          description: C(ZONE_ID) of C(FEDERATION).
          type: int
          sample: 0
        server_id:
          description: C(SERVER_ID) of C(FEDERATION).
          type: int
          sample: -1
        master_oned:
          description: C(MASTER_ONED) of C(FEDERATION).
          type: str
        port:
          description: Port of the API.
          type: int
          sample: 2633
        listen_address:
          description: Address of the API.
          type: str
          sample: 0.0.0.0
        grpc_listen_address:
          description: Address of the API for gRPC, which OpenNebula has from 7.2 on.
          type: str
          sample: 0.0.0.0
        backend:
          description: Database backend.
          type: str
          sample: sqlite
        db_name:
          description: Name of the database, V(null) with SQLite.
          type: str
        vectors:
          description:
            - C(FEDERATION), C(RAFT), C(RAFT_LEADER_HOOK) and C(RAFT_FOLLOWER_HOOK) as they are in the file.
          type: dict
          sample: {"FEDERATION": {"MODE": "STANDALONE", "ZONE_ID": "0"}}
        raft_leader_hook:
          description: Program that C(oned) runs when it takes the lead of its zone, V(null) without one.
          type: dict
          contains:
            command:
              description: The program, below C(remotes/hooks) of OpenNebula's var folder if it is no absolute path.
              type: str
              sample: raft/vip.sh
            arguments:
              description: Its arguments.
              type: str
              sample: leader eth0 192.0.2.30/24
        raft_follower_hook:
          description: The same, when it follows.
          type: dict
          contains:
            command:
              description: The program.
              type: str
            arguments:
              description: Its arguments.
              type: str
              sample: follower eth0 192.0.2.30/24
        lens_problems:
          description: What keeps C(onedb) from reading the file.
          type: list
          elements: str
    service:
      description: The service.
      type: dict
      contains:
        state:
          description: V(running), V(stopped), V(failed) (also while systemd waits for the next try) or V(unknown).
          type: str
          sample: running
        enabled:
          description: Whether it starts with the host, V(null) if that is unknown.
          type: bool
        restart_needed:
          description:
            - Whether the C(oned) that runs was noted as one that has to be restarted, see
              M(onefed.opennebula.oned_service).
          type: bool
        error:
          description: Why it is unknown.
          type: str
    api:
      description: What the running C(oned) says. What it did not tell is V(null).
      type: dict
      contains:
        state:
          description: V(open) when it answers, otherwise why not, such as V(refused) or V(timeout).
          type: str
          sample: open
        detail:
          description: The same in words.
          type: str
        authenticated:
          description: Whether it accepts C(one_auth).
          type: bool
        version:
          description: Version of the running program.
          type: str
          sample: 7.4.0
        mode:
          description: C(MODE) that runs.
          type: str
          sample: MASTER
        zone_id:
          description: C(ZONE_ID) that runs.
          type: int
        server_id:
          description: Id of this server in its zone, V(-1) in a zone of one server.
          type: int
        conf:
          description: The configuration that runs. C(PORT), C(LISTEN_ADDRESS) and the keys of C(FEDERATION).
          type: dict
          sample: {"PORT": "2633", "MODE": "MASTER", "ZONE_ID": "0"}
        zones:
          description: The zones it knows, as M(onefed.opennebula.zone_info) returns them.
          type: list
          elements: dict
        raft:
          description: Its Raft status, with keys in lower case.
          type: dict
          sample: {"state_name": "solo", "fedlog_index": 512, "federated_log": "filled"}
        errors:
          description: What went wrong in asking.
          type: list
          elements: str
    database:
      description:
        - The database as M(onefed.opennebula.database_info) returns it, or V(error).
        - If that is so because PyMySQL is not installed, V(driver_missing) is true and V(package) the package's name.
        - With MariaDB and MySQL it tells also V(isolation), the server's transaction isolation, V(galera), whether it
          is a node of a Galera cluster, and V(dump_program), the program on this host that dumps databases.
      type: dict
    auth_files:
      description: Names of the auth files.
      type: list
      elements: str
      sample: [one_auth, sunstone_auth]
    auth_files_fixed:
      description: Names of those that are links to what oned's account cannot replace, such as a mounted secret.
      type: list
      elements: str
      sample: []
    auth_digests:
      description:
        - With O(auth_key), a digest of each auth file by name, equal where the content is.
        - Empty text for the key of a service that is not installed. V(error) when a file cannot be read.
      type: dict
      sample: {"oneflow_auth": "7d0f0b4a3e0e3f0a2b9a6d7ff2a0c43a8f4a7f0e7f0d5f9d53ac7b0f2e6a1c55"}
    one_auth:
      description: V(ok), V(missing), V(rejected) by C(oned), or V(unknown) while the API does not answer.
      type: str
      sample: ok
    disk:
      description: Room for backups, in bytes.
      type: dict
      contains:
        free:
          description: What is free in the file system of the collection's state folder.
          type: int
        needed:
          description: What a join needs.
          type: int
        error:
          description: Why that is unknown.
          type: str
    time:
      description: The host's clock, in seconds since 1970.
      type: float
    journal:
      description: Journal of a join in progress as M(onefed.opennebula.join_journal) returns it, V(null) without one.
      type: dict
    upgrade:
      description:
        - Journal of an upgrade in progress as M(onefed.opennebula.upgrade_journal) returns it, V(null) without one.
      type: dict
    restore:
      description:
        - Journal of a restore in progress as M(onefed.opennebula.restore_journal) returns it, or else of the last one,
          which has C(closed_at). V(null) without any.
      type: dict
    probes:
      description: By endpoint, how it answered.
      type: dict
      sample: {"http://192.0.2.11:2633/RPC2": {"state": "open", "detail": "oned answers"}}
    companions:
      description:
        - Companions of C(oned), which are services of OpenNebula that keep credentials in memory, as far as they are
          installed. V(error) if that is unknown.
      type: list
      elements: dict
      contains:
        unit:
          description: The unit.
          type: str
          sample: opennebula-flow
        active:
          description: Whether it runs, or systemd is about to start it.
          type: bool
        enabled:
          description: Whether it starts with the host, V(null) if that is unknown.
          type: bool
    fireedge:
      description: Configuration of FireEdge, V(null) where it is not installed.
      type: dict
      contains:
        path:
          description: The file.
          type: str
          sample: /etc/one/fireedge-server.conf
        default_zone:
          description: The zone that FireEdge takes for its own, V(null) with an C(error). What is not set is V(null).
          type: dict
          sample: {"id": "0", "name": "OpenNebula", "endpoint": "http://localhost:2633/RPC2"}
        error:
          description: Why the file cannot be edited, V(null) if it can.
          type: str
    firewall:
      description: The packet filter that is active, V(null) without one, or when only root could see it.
      type: dict
      contains:
        kind:
          description: What it is managed with, V(firewalld), V(ufw), V(nftables) or V(iptables).
          type: str
          sample: nftables
        chain:
          description: Family, table and chain that incoming connections pass, for V(nftables).
          type: str
          sample: inet filter input
    addresses:
      description: The addresses of this host, or V(error).
      type: list
      elements: dict
      contains:
        interface:
          description: Name of the network interface.
          type: str
          sample: eth0
        address:
          description: The address.
          type: str
          sample: 192.0.2.31
        prefix:
          description: Length of its network's prefix.
          type: int
          sample: 24
        mac:
          description: Hardware address of the interface.
          type: str
          sample: "02:00:c0:00:02:1f"
    address_keeper:
      description:
        - What the unit of M(onefed.opennebula.floating_address) keeps, V(null) without that unit.
      type: dict
      contains:
        address:
          description: The address with the length of its network's prefix.
          type: str
          sample: 192.0.2.30/24
        interface:
          description: The network interface.
          type: str
          sample: eth0
    lockdown:
      description: Whether M(onefed.opennebula.zone_lockdown) closed the zone and it has not been opened since.
      type: bool
    guarded_ports:
      description:
        - Ports that role P(onefed.opennebula.firewall#role) closes to all but the federation, where its rules are in
          force. Empty without root.
      type: list
      elements: int
      sample: [2633, 2634]
      version_added: 1.1.0
    let_in:
      description: Addresses and networks that these rules let in.
      type: list
      elements: str
      sample: ["192.0.2.11", "198.51.100.0/24"]
      version_added: 1.1.0
    has_firewall:
      description: Whether the unit of role P(onefed.opennebula.firewall#role) is there, which loads its rules.
      type: bool
      version_added: 1.1.0
    open_ports:
      description: Which of O(probe_ports) accept a connection from this host.
      type: list
      elements: str
      sample: ["192.0.2.31:2633"]
      version_added: 1.1.0
    has_links:
      description: Whether role P(onefed.opennebula.secure_links#role) put a TLS proxy before C(oned).
      type: bool
    vip_answers:
      description:
        - Hardware addresses of other machines that have O(vip).
        - V(null) without that option, for IPv6, and without the right to ask by ARP.
      type: list
      elements: str
    vip_hook:
      description: Whether hooks can move O(vip), V(null) without that option, V(error) if that is unknown.
      type: dict
      contains:
        problems:
          description: What keeps them from it.
          type: list
          elements: dict
          contains:
            code:
              description: Name of the problem, as the page of all problems (docs/problems.md) has it.
              type: str
              sample: hook_missing
            severity:
              description: V(error) or V(warning).
              type: str
            where:
              description: V(null), as it is about this host.
              type: str
            text:
              description: What is wrong.
              type: str
            remedy:
              description: What to do.
              type: str
    config_digests:
      description:
        - With O(auth_key), a digest of each file that the servers of a zone have in common, by its path below
          OpenNebula's etc folder. C(oned.conf) is none of them. V(error) when a file cannot be read.
      type: dict
      sample: {"monitord.conf": "7d0f0b4a3e0e3f0a"}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import API, FRONTEND, LOGIN, TEXT
from ..module_utils._facts.frontend import examine
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._vip.unit import Floating

_TLS = ("validate_certs", "ca_path")


def frontend_info(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params = module.params
    vip = Floating.of(params["vip"], params["vip_interface"]) if params["vip"] else None
    tls = {name: params[name] for name in _TLS}
    ports = list(dict.fromkeys(params["probe_ports"]))
    facts = examine(frontend, params["probe_endpoints"], params["timeout"], params["auth_key"], params, vip, tls, ports)
    return {"changed": False, "frontend": facts}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **FRONTEND,
            **LOGIN,
            "probe_endpoints": {"type": "list", "elements": "str", "default": []},
            "probe_ports": {"type": "list", "elements": "str", "default": []},
            "auth_key": {"type": "str", "no_log": True},
            "vip": {"type": TEXT},
            "vip_interface": {"type": TEXT},
            "timeout": {"type": "float", "default": 5.0},
            **{name: API[name] for name in _TLS},
        },
        required_together=[("vip", "vip_interface")],
        supports_check_mode=True,
    )
    run(module, frontend_info)


if __name__ == "__main__":
    main()
