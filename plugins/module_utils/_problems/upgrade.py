# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Rules about upgrades from one release of OpenNebula to another, and about the way back."""

from __future__ import annotations

from .problem import ERROR, WARNING, Rule

_COMPLETE = (
    "Run playbook upgrade with its release as oned_install_version, which completes it; or take it back: playbook "
    "upgrade_rollback."
)
_SET_TARGET = "Set oned_install_version to the release, 7.4 or 7.4.0 say, for all hosts of the inventory."

UPGRADE_TARGET_UNSET = Rule(
    "upgrade_target_unset",
    ERROR,
    "An upgrade has no default: the release is the operator's choice.",
    "The inventory does not say to which release it is to be upgraded.",
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
    "What it has installed could not be read: {detail}",
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
    "Add it to the inventory, or take it out of the federation first (onezone delete).",
)
UPGRADE_NO_PATH = Rule(
    "upgrade_no_path",
    ERROR,
    "onedb migrates a database step by step, and the target's tools do not have all steps from there.",
    "Its tables have version {stored}, from which the onedb of {target} is not known to migrate.",
    "Upgrade to a release between the two first (from below 6.10 to 7.4, which has all steps), or install the package "
    "opennebula-migration or the enterprise edition, which bring them.",
)
UPGRADE_DOWNGRADE = Rule(
    "upgrade_downgrade",
    ERROR,
    "onedb never migrates to an older version.",
    "It has OpenNebula {release}, which is newer than {target}.",
    "Set oned_install_version to {release} or newer. Only the backup that an upgrade made leads back to an older "
    "release.",
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
    "Machines are in states that do not last: {machines}.",
    "Wait until they are done, or raise upgrade_wait; onevm show tells of one that hangs.",
)
UPGRADE_EDITION_CHANGES = Rule(
    "upgrade_edition_changes",
    ERROR,
    "Community and enterprise edition are different packages, and a change of both at once is not tried.",
    "Its packages are of the {installed} edition, those of {target} would be of the {wanted} edition.",
    "Set oned_install_edition to {installed}, with the repository and oned_install_token that it needs.",
)
UPGRADE_CONFIG_PENDING = Rule(
    "upgrade_config_pending",
    ERROR,
    "An earlier upgrade left the configuration files as they were, and onecfg goes on only from where it knows them.",
    "onecfg has updates that were not made: {status}",
    "Run onecfg upgrade there; if it says that its metadata are outdated, onecfg init --force.",
)
UPGRADE_PASSWORD = Rule(
    "upgrade_password",
    ERROR,
    "OpenNebula's onedb makes a plus sign of a blank in the password, so that the database server refuses it.",
    "The password of oned's database account has a blank, with which onedb upgrade cannot log in.",
    "Give the account a password without blanks, in the database server and in DB of oned.conf, and restart oned.",
)
UPGRADE_DISTRIBUTION = Rule(
    "upgrade_distribution",
    ERROR,
    "OpenNebula stops making packages for distributions when they are old.",
    "OpenNebula {target} has no packages for {distribution} {version}.",
    "Upgrade the distribution of the host first, or set upgrade_install_tasks to a file of tasks that installs it.",
)
UPGRADE_NO_PACKAGES = Rule(
    "upgrade_no_packages",
    ERROR,
    "Releases come as packages, and this OpenNebula did not.",
    "OpenNebula was not installed from packages, and nothing tells how the new release comes onto the host.",
    "Set upgrade_install_tasks to a file of tasks that installs it.",
)
UPGRADE_OTHER_TARGET = Rule(
    "upgrade_other_target",
    ERROR,
    "An upgrade to another release was begun and did not come to its end.",
    "The upgrade to {open_target} that was begun at {opened_at} is not complete.",
    "Set oned_install_version to {open_target} and run again, which completes it.",
)
UPGRADE_OPEN = Rule(
    "upgrade_open",
    ERROR,
    "A run that was to upgrade the front-end did not come to its end, and its database may be half migrated.",
    "The upgrade to {release} that was begun at {opened_at} is not complete.",
    _COMPLETE,
)
UPGRADE_GOES_BACK = Rule(
    "upgrade_goes_back",
    ERROR,
    "An upgrade was taken back, and that run did not come to its end.",
    "The upgrade to {release} that was begun at {opened_at} is taken back, which is not complete.",
    "Run playbook upgrade_rollback again, which completes it.",
)
UPGRADE_RELEASES_MIXED = Rule(
    "upgrade_releases_mixed",
    ERROR,
    "Packages were changed by hand on a part of the zone's servers.",
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
    "It is to leave its zone, and is a server of it still.",
    "Run playbook federate first, which takes it out.",
)
UPGRADE_NOT_A_SERVER = Rule(
    "upgrade_not_a_server",
    WARNING,
    "The host is in the zone's group, and the zone's list of servers does not have it.",
    "It is no server of its zone yet and is left out.",
    "Run playbook federate when the zone is upgraded, which adds it, and install the same release there first.",
)
UPGRADE_DROPS_DOCUMENTS = Rule(
    "upgrade_drops_documents",
    WARNING,
    "OpenNebula's migrators to 7.0 remove all documents but services of OneFlow and their templates.",
    "The migration removes documents that are neither services nor their templates.",
    "Do nothing, unless a program of your own keeps documents in OpenNebula: export those first.",
)
ROLLBACK_NOTHING = Rule(
    "rollback_nothing",
    ERROR,
    "Only an upgrade by this collection leaves the backups that lead back.",
    "There is no upgrade that could be taken back.",
    "Check that the hosts are those that were upgraded, and that nobody removed their folder of backups.",
)
ROLLBACK_WRITTEN = Rule(
    "rollback_written",
    ERROR,
    "The backups are of the time before the upgrade.",
    "Writes have happened since the upgrade to {release}, or it is not known that none have: they would be lost.",
    "If they may be lost, add -e upgrade_rollback_confirm={group} to the command.",
)
ROLLBACK_ZONE_ALONE = Rule(
    "rollback_zone_alone",
    ERROR,
    "Once the master is migrated, a zone with the old tables is cut off from the federation.",
    "It belongs to an upgrade whose master is migrated, or was not asked, and other zones take no part in this run.",
    "Run again without --limit, so that all zones of the federation go back together.",
)
