# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Rules about upgrades from one release of OpenNebula to another, and about the way back."""

from __future__ import annotations

from .problem import ERROR, WARNING, Rule

_SET_TARGET = (
    "Set oned_install_version to the release, 7.4 or 7.4.0 say, for all hosts of the inventory, or add "
    "-e oned_install_version=7.4 to the command."
)

UPGRADE_TARGET_UNSET = Rule(
    "upgrade_target_unset",
    ERROR,
    "An upgrade has no default: the release is the operator's choice.",
    "oned_install_version is not set, so it is not known to which release to upgrade.",
    _SET_TARGET,
)
UPGRADE_TARGET_UNKNOWN = Rule(
    "upgrade_target_unknown",
    ERROR,
    "A release of OpenNebula has two to four numbers.",
    "oned_install_version is {target!r}, which is no release of OpenNebula.",
    _SET_TARGET,
)
UPGRADE_TARGETS_DIFFER = Rule(
    "upgrade_targets_differ",
    ERROR,
    "Zones of a federation share tables, so one run has one target.",
    "oned_install_version differs between hosts: {targets}.",
    _SET_TARGET,
)
UPGRADE_NOT_EXAMINED = Rule(
    "upgrade_not_examined",
    ERROR,
    "The module that reads releases, versions and packages gave no answer.",
    "What is installed there could not be read: {detail}",
    "{what_to_do}",
    advice="Correct what the message says and run again.",
)
UPGRADE_ZONE_SKIPPED = Rule(
    "upgrade_zone_skipped",
    ERROR,
    "The shared tables change, and a zone that keeps the old ones is cut off from the federation.",
    "It is a zone of the federation, whose shared tables change, and takes no part in this run.",
    "Run again without --limit, so that all zones of the federation change together.",
)
UPGRADE_MEMBER_NOT_DECLARED = Rule(
    "upgrade_member_not_declared",
    ERROR,
    "The shared tables change, and a zone that keeps the old ones is cut off from the federation.",
    "It belongs to the federation, whose shared tables change, but is not in the inventory: it would be cut off.",
    "Add it to the inventory, or delete its record at the master first (onezone delete).",
)
UPGRADE_NO_PATH = Rule(
    "upgrade_no_path",
    ERROR,
    "onedb migrates a database step by step, and the target's tools do not have all steps from there.",
    "Its tables have version {stored}, from which the onedb of {target} is not known to migrate.",
    "Upgrade to 7.4 instead, or first: it migrates from 5.0 on. For a target below 7.0, install the package "
    "opennebula-migration, which has the steps, and run again.",
)
UPGRADE_DOWNGRADE = Rule(
    "upgrade_downgrade",
    ERROR,
    "onedb never migrates to an older version.",
    "It has OpenNebula {release}, which is newer than {target}.",
    "Set oned_install_version to {release} or newer. Only playbook upgrade_rollback leads to an older release, with "
    "the backups that the upgrade to {release} made.",
)
UPGRADE_DISK_SPACE = Rule(
    "upgrade_disk_space",
    ERROR,
    "An upgrade keeps configuration and database as they were, and migrates beside them.",
    "Backups and migration need {needed}, {free} are free.",
    "Make room in the file system of /var/lib/onefed; with oned_location, in that of its folder var.",
)
UPGRADE_MACHINES_MOVE = Rule(
    "upgrade_machines_move",
    ERROR,
    "A transfer, migration or shutdown is under way, and oned would not see its end while it is stopped.",
    "Something is being done with virtual machines: {machines}.",
    "Wait until it is done and run again, or set upgrade_wait to more seconds, for which the run waits itself; of a "
    "machine that hangs, onevm show tells more.",
)
UPGRADE_EDITION_CHANGES = Rule(
    "upgrade_edition_changes",
    ERROR,
    "Community and enterprise edition are different packages, and playbook upgrade does not change the edition.",
    "Its packages are of the {installed} edition, those of {target} would be of the {wanted} edition.",
    "Set oned_install_edition to {installed}, with the repository and oned_install_token that it needs.",
)
UPGRADE_CONFIG_PENDING = Rule(
    "upgrade_config_pending",
    ERROR,
    "An earlier upgrade left the configuration files as they were, and onecfg goes on only from where it knows them.",
    "onecfg has updates that were not made: {status}",
    "Run onecfg upgrade as root on that host, and run again; if it says that its metadata are outdated, run onecfg "
    "init --force instead.",
)
UPGRADE_PASSWORD = Rule(
    "upgrade_password",
    ERROR,
    "OpenNebula's onedb turns a space in the password into a plus sign, so that the database server refuses it.",
    "The password of oned's database account has a space, with which onedb upgrade cannot log in.",
    "Give the account a password without spaces, in the database server and in DB of oned.conf, restart oned, and run "
    "again.",
)
UPGRADE_DISTRIBUTION = Rule(
    "upgrade_distribution",
    ERROR,
    "OpenNebula stops making packages for distributions when they are old.",
    "OpenNebula {target} has no packages for {distribution} {version}.",
    "Upgrade the distribution of the host first, or set upgrade_install_tasks to a file of tasks that installs "
    "the release.",
)
UPGRADE_NO_PACKAGES = Rule(
    "upgrade_no_packages",
    ERROR,
    "Without packages, only the operator's own tasks can bring another release onto the host.",
    "OpenNebula was not installed from packages there, and upgrade_install_tasks is not set.",
    "Set upgrade_install_tasks to a file of tasks that installs the release.",
)
UPGRADE_OTHER_TARGET = Rule(
    "upgrade_other_target",
    ERROR,
    "An upgrade to another release was begun and did not come to its end.",
    "The upgrade to {open_target} that was begun at {opened_at} is not complete.",
    "Set oned_install_version to {open_target} and run again, which completes it; or run playbook upgrade_rollback, "
    "which takes it back.",
)
UPGRADE_OPEN = Rule(
    "upgrade_open",
    ERROR,
    "A run that was to upgrade the front-end did not come to its end, and its database may be half migrated.",
    "The upgrade to {release} that was begun at {opened_at} is not complete.",
    "Run playbook upgrade with -e oned_install_version={release}, which completes it; or run playbook "
    "upgrade_rollback, which takes it back.",
)
UPGRADE_GOES_BACK = Rule(
    "upgrade_goes_back",
    ERROR,
    "A run that was to take an upgrade back did not come to its end.",
    "The upgrade to {release} that was begun at {opened_at} was to be taken back, and that is not complete.",
    "Run playbook upgrade_rollback again, which completes it.",
)
UPGRADE_RELEASES_MIXED = Rule(
    "upgrade_releases_mixed",
    ERROR,
    "Packages were changed by hand on some of the zone's servers.",
    "Its servers have different releases of OpenNebula: {releases}.",
    "Install the same release on all of them, that of the leader, and run again.",
)
UPGRADE_HALF_DONE = Rule(
    "upgrade_half_done",
    ERROR,
    "Packages were changed without migrating the database, by hand or by automatic updates.",
    "Its packages are of {release}, which needs tables of version {required}, and its tables have version {stored}: "
    "oned does not start.",
    "Install the packages of the former release again, start oned, and run again.",
)
UPGRADE_LEAVING = Rule(
    "upgrade_leaving",
    ERROR,
    "A server with oned_state: absent stays in its zone until federate takes it out, and the others count on its vote.",
    "It has oned_state: absent, and is still a server of its zone.",
    "Run playbook federate first, which takes it out of the zone.",
)
UPGRADE_NOT_A_SERVER = Rule(
    "upgrade_not_a_server",
    WARNING,
    "The host is in the zone's group, and the zone's list of servers does not have it.",
    "It is no server of its zone yet, so it is not upgraded.",
    "Once the zone is upgraded, install the same release there, and run playbook federate, which adds it to the zone.",
)
UPGRADE_DROPS_DOCUMENTS = Rule(
    "upgrade_drops_documents",
    WARNING,
    "OpenNebula's migrators to 7.0 remove all documents but services of OneFlow and their templates.",
    "The migration removes documents that are neither services nor their templates.",
    "Do nothing, unless a program of your own keeps documents in OpenNebula: export them before the upgrade.",
)
ROLLBACK_NOTHING = Rule(
    "rollback_nothing",
    ERROR,
    "Only an upgrade by this collection leaves the backups that lead back.",
    "There is no upgrade that could be taken back.",
    "Check that the inventory and --limit have the hosts that were upgraded, that their folder "
    "/var/lib/onefed/upgrades is there (with oned_location, var/onefed/upgrades below it), and that upgrade_id, if it "
    "is set, is the newest upgrade in it.",
)
ROLLBACK_WRITTEN = Rule(
    "rollback_written",
    ERROR,
    "The backups are of the time before the upgrade.",
    "It was written to since the upgrade to {release}, or may have been: what was written would be lost.",
    "If it may be lost, add -e upgrade_rollback_confirm={group} to the command.",
)
ROLLBACK_ZONE_ALONE = Rule(
    "rollback_zone_alone",
    ERROR,
    "Once the master is migrated, a zone with the old tables is cut off from the federation.",
    "The upgrade has migrated the master's tables, or the master was not examined, and zones are missing in this run.",
    "Run again without --limit, so that all zones of the federation go back together.",
)
