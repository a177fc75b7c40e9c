# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The public inventory variables: the one home of their names, types, defaults and meaning.

docs/variables.md is written from this list, and the roles' argument_specs repeat it; a unit test holds them to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Variable:
    """A public variable. `scope` says where all hosts must agree on it: federation, zone or host."""

    name: str
    type: str
    default: Any
    meaning: str
    choices: tuple[str, ...] = ()
    secret: bool = False
    # Of a list: what its items are, "" where they are options of modules.
    elements: str = ""

    @property
    def scope(self) -> str:
        whole = dict.fromkeys(("federation", "upgrade", "backup", "restore"), "federation")
        scopes = {**whole, "zone": "zone", "oned": "host"}
        return scopes[self.name.split("_", 1)[0]]


VARIABLES: tuple[Variable, ...] = (
    Variable(
        "federation_group",
        "str",
        "federation",
        "Inventory group whose child groups are the zones; an extra variable only (C(-e federation_group=NAME)).",
    ),
    Variable(
        "federation_on_failure",
        "str",
        "rollback",
        "What happens to a zone whose join fails: C(rollback) returns it to what it was, "
        "C(stop) leaves it for inspection; the next run repairs it.",
        ("rollback", "stop"),
    ),
    Variable("federation_allow_loopback", "bool", False, "Accept loopback endpoints: a federation on one machine."),
    Variable("federation_log_records", "int", 1000, "Newest federated log records that a snapshot carries."),
    Variable("federation_replication_timeout", "int", 60, "Seconds in which replication must be proved."),
    Variable("federation_clock_skew", "int", 60, "Seconds by which a front-end's clock may differ before a warning."),
    Variable("federation_validate_certs", "bool", True, "Verify the certificates of C(https) endpoints."),
    Variable("federation_ca_path", "str", None, "File of trusted authorities, instead of the system's."),
    Variable("federation_answer_limit", "int", 256, "Longest answer of C(oned), in MiB; a pool of 100 000 VMs fits."),
    Variable(
        "federation_tls",
        "bool",
        False,
        "Whether the links between zones, and between the servers of a zone, go through TLS: every server gets a proxy "
        "with a certificate, and C(oned) listens on its own host only. Set back to C(false), a run takes it all away.",
    ),
    Variable(
        "federation_firewall",
        "bool",
        None,
        "Whether the ports of C(oned) are closed to all but the servers of the federation and C(federation_networks), "
        "by role firewall on every server. C(false) takes its rules away; unset, they are left alone.",
    ),
    Variable(
        "federation_networks",
        "list",
        [],
        "Addresses and networks (CIDR) of users that C(federation_firewall) lets in too. With C(federation_tls) the "
        "port of the TLS proxies, which is open to everybody otherwise, is closed to others where there are some.",
        elements="str",
    ),
    Variable(
        "federation_status_dir",
        "path",
        None,
        "Folder on the controller for status.json, status.html and status.prom; made when it does not exist.",
    ),
    Variable(
        "federation_status_fail",
        "bool",
        True,
        "Whether playbook status fails when the federation is not healthy, or was not compared.",
    ),
    Variable(
        "federation_export_file",
        "path",
        None,
        "File on the controller into which export_inventory writes the inventory; when unset it is only shown.",
    ),
    Variable(
        "federation_import_directory",
        "path",
        "~/.local/state/onefed/imports",
        "Folder on the controller that keeps the identities of imported zones, and what was done with them.",
    ),
    Variable(
        "federation_groups",
        "list",
        [],
        "Groups, as options of module M(onefed.opennebula.group). What is not declared is left alone, here as below.",
    ),
    Variable(
        "federation_users",
        "list",
        [],
        "Users, as options of module M(onefed.opennebula.user).",
        secret=True,
    ),
    Variable("federation_vdcs", "list", [], "VDCs, as options of module M(onefed.opennebula.vdc)."),
    Variable("federation_acls", "list", [], "Access rules, as options of module M(onefed.opennebula.acl)."),
    Variable(
        "federation_ignored_variables",
        "list",
        [],
        "Names, or patterns with C(*), of variables that begin like the collection's and are other people's.",
        elements="str",
    ),
    Variable("zone_role", "str", "slave", "Exactly one zone is the master.", ("master", "slave")),
    Variable(
        "zone_name",
        "str",
        None,
        "Name of the zone in OpenNebula; the group's name when unset, except that the master's zone keeps its name.",
    ),
    Variable(
        "zone_endpoint",
        "str",
        None,
        "XML-RPC endpoint that other zones and users call; when unset "
        "C(http://<VIP or first host's address>:<port>/RPC2), with C(federation_tls) C(https) and C(oned_tls_port).",
    ),
    Variable(
        "zone_endpoint_grpc",
        "str",
        None,
        "gRPC endpoint (OpenNebula 7.2 and newer); gRPC between zones is plain text and would be preferred.",
    ),
    Variable(
        "zone_oneflow_endpoint",
        "str",
        None,
        "URL at which OneFlow of the zone answers other zones, C(ONEFLOW_ENDPOINT) of its record; "
        "left as it is when unset.",
    ),
    Variable(
        "zone_fireedge_endpoint",
        "str",
        None,
        "URL at which FireEdge of the zone answers other zones, C(FIREEDGE_ENDPOINT) of its record, needed when it "
        "does not listen on port 2616; left as it is when unset.",
    ),
    Variable("zone_vip", "str", None, "Floating address of a zone with several servers, as address/prefix."),
    Variable("zone_vip_interface", "str", None, "Network interface that carries the floating address."),
    Variable("zone_allow_even", "bool", False, "Accept an even number of servers in the zone."),
    Variable(
        "zone_import",
        "bool",
        False,
        "Keep the users, groups, VDCs, ACL rules, quotas, marketplaces and ownership of a joining zone.",
    ),
    Variable(
        "zone_import_conflicts",
        "str",
        "fail",
        "What to do when the federation has a user, group, VDC or marketplace of the same name: C(fail) keeps the zone "
        "from joining, C(same_person) takes both for the same, C(rename) gives the zone's another name.",
        ("fail", "same_person", "rename"),
    ),
    Variable(
        "zone_import_overrides",
        "dict",
        {},
        "The same for single names, by C(users), C(groups), C(vdcs) and C(marketplaces); also C({rename: new name}).",
    ),
    Variable(
        "zone_import_suffix", "str", None, "What C(rename) appends to a name; when unset C(_) and the zone's name."
    ),
    Variable(
        "zone_import_acl_zones",
        "str",
        "own",
        "Where ACL rules hold that held in all zones: in the zone only (C(own)), or in the federation (C(all)).",
        ("own", "all"),
    ),
    Variable(
        "zone_import_allow_administrators",
        "bool",
        False,
        "Let members of the zone's group C(oneadmin) administer the whole federation, and import access rules that "
        "give power over what is not the zone's own.",
    ),
    Variable(
        "zone_import_orphans",
        "str",
        "fail",
        "Objects whose owner is gone keep the zone from joining (C(fail)), or become C(oneadmin)'s.",
        ("fail", "oneadmin"),
    ),
    Variable(
        "zone_import_leave_unmovable",
        "bool",
        False,
        "Let the zone join although machines that are done keep their owner's old id.",
    ),
    Variable(
        "zone_discard",
        "bool",
        False,
        "Let the federation's users, groups, VDCs, ACL rules and marketplaces replace those of a joining zone.",
    ),
    Variable(
        "zone_administrators",
        "list",
        [],
        "Administrators of the zone: names of users, or accounts with C(name) and C(password), C(auth_driver) or "
        "C(key) (a public key, for driver ssh); without, a password is generated into a file on the master host.",
        secret=True,
    ),
    Variable(
        "zone_admin_group",
        "str",
        "oneadmin",
        "Group of the zone's administrators. C(oneadmin) may do everything in all zones; any other group is made and "
        "gets full rights over this zone only.",
    ),
    Variable(
        "oned_state",
        "str",
        "present",
        "C(absent) takes the server out of its zone of several servers.",
        ("present", "absent"),
    ),
    Variable("oned_location", "path", None, "Folder of a self-contained install (ONE_LOCATION); unset for packages."),
    Variable("oned_user", "str", None, "Account of oned; C(oneadmin), or the owner of C(oned_location)."),
    Variable("oned_group", "str", None, "Group of oned; C(oneadmin), or the group of C(oned_location)."),
    Variable("oned_service", "str", "opennebula", "systemd unit of oned."),
    Variable("oned_address", "str", None, "Address by which other zones reach the server; C(ansible_host) when unset."),
    Variable("oned_port", "int", None, "Port of the XML-RPC API; set in C(oned.conf) when given, otherwise 2633."),
    Variable("oned_listen_address", "str", None, "Address the API listens on; set in C(oned.conf) when given."),
    Variable("oned_tls_port", "int", 2643, "Port of the server's TLS proxy, with C(federation_tls)."),
    Variable(
        "oned_source_addresses",
        "list",
        [],
        "Addresses and networks (CIDR) from which the server calls others, for C(federation_firewall); its "
        "C(oned_address) when empty. Needed where that is a name, and where NAT or a VPN shows others another address.",
        elements="str",
    ),
    Variable("oned_start_timeout", "int", 120, "Seconds in which oned must answer after a start."),
    Variable("oned_become", "bool", None, "Escalate privileges; unset: yes for packages, no for C(oned_location)."),
    Variable("oned_install", "bool", False, "Install OpenNebula from packages where it is not installed."),
    Variable(
        "upgrade_hosts",
        "str",
        "disable",
        "What happens to hypervisors while all zones are upgraded together: C(disable) disables those that are enabled "
        "until the end, C(leave) leaves them as they are.",
        ("disable", "leave"),
    ),
    Variable(
        "upgrade_wait",
        "int",
        300,
        "Seconds in which virtual machines that are transferred, migrated or saved must be done before an upgrade.",
    ),
    Variable(
        "upgrade_install_tasks",
        "path",
        None,
        "File of tasks on the controller that brings a release of OpenNebula onto a host, instead of the package "
        "manager.",
    ),
    Variable(
        "upgrade_id",
        "str",
        None,
        "Id of the upgrade to take back, the name of its folder in the state folder's C(upgrades); when unset the open "
        "one, else the newest.",
    ),
    Variable(
        "upgrade_rollback_confirm",
        "str",
        None,
        "Name of the federation's group; says that what was written since an upgrade may be lost on the way back.",
    ),
    Variable(
        "backup_folder",
        "path",
        "~/.local/state/onefed/backups",
        "Folder on the controller, which may be a mount, that keeps backups of federations; made where missing.",
    ),
    Variable(
        "backup_keep",
        "int",
        7,
        "How many complete backups are kept; older ones go when a new one is complete and checked. 0 keeps all.",
    ),
    Variable(
        "backup_recipient",
        "str",
        None,
        "Whom backups are encrypted for: a public key of age (age1…, or an SSH key), or else a key of gpg on the "
        "controller, by its id or name. Unset, backups are not encrypted.",
    ),
    Variable(
        "restore_from",
        "str",
        None,
        "The backup to restore: its id, the name of its folder in C(backup_folder), or its whole path; when unset the "
        "newest complete one.",
    ),
    Variable(
        "restore_zone",
        "str",
        None,
        "Inventory group of the zone to restore, or several with commas; when unset all zones.",
    ),
    Variable(
        "restore_identity",
        "path",
        None,
        "File on the controller with the secret key of age for C(backup_recipient); gpg finds its own.",
    ),
    Variable(
        "restore_again",
        "bool",
        False,
        "Restore a zone once more that was restored from the same backup; what was written since is lost.",
    ),
    Variable(
        "restore_confirm",
        "str",
        None,
        "Name of the federation's group; says that what was written since the backup may be lost.",
    ),
)
