# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that roles and playbooks read and that are no part of the topology.

Like the inventory variables of .variables they are checked with it: by name, and text must be text.
"""

from __future__ import annotations

from .variables import VARIABLES, Variable

# Read by role oned_install alone, on hosts with oned_install: they are no part of the topology.
INSTALL_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "oned_install_version",
        "str",
        "7.4",
        "OpenNebula to install, or to upgrade to (playbook upgrade needs it set): the newest patch of a minor version "
        "(7.4), or exactly one (7.4.0).",
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
        "Companions of oned to install and start: the part of their package names after C(opennebula-).",
        elements="str",
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

# Read by role secure_links and by what checks the inventory: files and secrets of the controller are no part of the
# topology, which every host may see.
LINK_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "federation_tls_ca",
        "str",
        "private",
        "Whose certificates the servers get: C(private) of an authority that is made on the controller, C(own) those "
        "of C(oned_tls_certificate) or C(oned_tls_command).",
        ("private", "own"),
    ),
    Variable(
        "federation_tls_folder",
        "path",
        "~/.local/state/onefed/tls",
        "Folder on the controller that keeps the private authority; made where missing. Keep a backup of it.",
    ),
    Variable(
        "federation_tls_passphrase",
        "str",
        None,
        "What encrypts the private key of the private authority, 12 characters or more; required with "
        "C(federation_tls) unless C(federation_tls_ca) is C(own).",
        secret=True,
    ),
    Variable("federation_tls_days", "int", 397, "How long a new certificate of the private authority is good for."),
    Variable(
        "federation_tls_ca_certificate",
        "path",
        None,
        "File on the controller with the authority that certificates of your own lead to; unset, the distributions' "
        "authorities count.",
    ),
    Variable(
        "federation_tls_revoked",
        "list",
        [],
        "Certificates of the private authority that are not good any more, by serial number or by name of the host.",
        elements="str",
    ),
    Variable(
        "oned_tls_certificate",
        "path",
        None,
        "File on the controller with the server's own certificate and its whole chain, in PEM.",
    ),
    Variable(
        "oned_tls_key",
        "path",
        None,
        "File on the controller with the private key of C(oned_tls_certificate); unset, that file has it.",
    ),
    Variable(
        "oned_tls_command",
        "str",
        None,
        "Command that runs on the controller and prints the server's own certificate, chain and private key in PEM.",
    ),
)

# Given to a playbook, most of them by another playbook.
PLAYBOOK_VARIABLES: tuple[Variable, ...] = (
    Variable("preflight_leave_out", "bool", False, "Whether the run may go on without zones that cannot join."),
    Variable(
        "preflight_import",
        "bool",
        False,
        "Whether the identities of every joining zone are imported, as with C(zone_import).",
    ),
    Variable(
        "preflight_install",
        "bool",
        False,
        "Whether PyMySQL is installed from the distribution on front-ends with MariaDB or MySQL that lack it, except "
        "in check mode.",
    ),
    Variable("install_leave_out", "bool", False, "Whether the run may go on without hosts that cannot be installed."),
    Variable(
        "rotate_password", "str", None, "The new password, from a vault. When unset, a random one is made.", secret=True
    ),
    Variable(
        "rotate_leave_out",
        "list",
        [],
        "Names of zones that are not in the inventory, or not well, and need not take part. They are cut off.",
        elements="str",
    ),
    Variable(
        "rotate_only_trust",
        "bool",
        False,
        "Whether playbook rotate_authority ends when all servers trust the new authority, so that users can be given "
        "it; the next run goes on.",
    ),
)

# Everything that a user of the collection may set.
ALL_VARIABLES: tuple[Variable, ...] = VARIABLES + INSTALL_VARIABLES + LINK_VARIABLES + PLAYBOOK_VARIABLES
