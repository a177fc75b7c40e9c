# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The public inventory variables: the one home of their names, types, defaults and meaning.

The README's table and the roles' argument_specs repeat this list; a unit test holds them to it.
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

    @property
    def scope(self) -> str:
        return {"federation": "federation", "zone": "zone", "oned": "host"}[self.name.split("_", 1)[0]]


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
        "federation_status_dir",
        "path",
        None,
        "Folder on the controller for status.json and status.html; made when it does not exist.",
    ),
    Variable(
        "federation_status_fail",
        "bool",
        True,
        "Whether playbook status fails when the federation is not healthy, or was not compared.",
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
        "C(http://<VIP or first host's address>:<port>/RPC2).",
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
    Variable("oned_start_timeout", "int", 120, "Seconds in which oned must answer after a start."),
    Variable("oned_become", "bool", None, "Escalate privileges; unset: yes for packages, no for C(oned_location)."),
    Variable("oned_install", "bool", False, "Install OpenNebula from packages where it is not installed."),
)

# Read by role oned_install alone, on hosts with oned_install: they are no part of the topology.
INSTALL_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "oned_install_version",
        "str",
        "7.4",
        "OpenNebula to install: the newest patch of a minor version (7.4), or exactly one (7.4.0).",
    ),
    Variable(
        "oned_install_edition",
        "str",
        "community",
        "Edition; C(enterprise) needs C(oned_install_token).",
        ("community", "enterprise"),
    ),
    Variable(
        "oned_install_token",
        "str",
        None,
        "Credentials of the package repository, as C(user:password); kept in a file of mode 0600.",
        secret=True,
    ),
    Variable(
        "oned_install_repository",
        "str",
        None,
        "Package repository instead of OpenNebula's: for apt what follows C(deb) in sources.list "
        "(URL, suite, components), for dnf the base URL.",
    ),
    Variable(
        "oned_install_key",
        "str",
        "https://downloads.opennebula.io/repo/repo2.key",
        "Key that signs the repository, ASCII-armored: a URL, or a file on the controller.",
    ),
    Variable(
        "oned_install_companions",
        "list",
        ["fireedge", "flow", "gate"],
        "Services beside oned to install and start: the part of their package names after C(opennebula-).",
    ),
    Variable(
        "oned_install_password",
        "str",
        None,
        "Password of oneadmin in OpenNebula; when unset the package generates one, see one_auth on the host.",
        secret=True,
    ),
    Variable("oned_install_database", "str", "sqlite", "Database backend.", ("sqlite", "mysql")),
    Variable(
        "oned_install_database_host",
        "str",
        "localhost",
        "Database server; C(localhost): MariaDB is installed on the front-end.",
    ),
    Variable("oned_install_database_port", "int", 0, "Port of the database server; C(0) is its default."),
    Variable("oned_install_database_name", "str", "opennebula", "Name of the database."),
    Variable("oned_install_database_user", "str", "oneadmin", "Account of oned at the database server."),
    Variable(
        "oned_install_database_password",
        "str",
        None,
        "Its password; when unset one is generated on the host and kept in C(oned.conf) only.",
        secret=True,
    ),
    Variable("oned_install_database_charset", "str", "utf8mb4", "Charset of a new database; the same in every zone."),
    Variable(
        "oned_install_database_admin",
        "str",
        None,
        "Account that creates database and account at a remote server; unset: they exist already.",
    ),
    Variable("oned_install_database_admin_password", "str", None, "Its password.", secret=True),
)
