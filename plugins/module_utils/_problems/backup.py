# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Rules about backups of whole federations, and about restoring them."""

from __future__ import annotations

from .problem import ERROR, WARNING, Rule

BACKUP_NOT_IN_RUN = Rule(
    "backup_not_in_run",
    ERROR,
    "The limit of the run leaves the host out, and a backup of a federation has all of its zones.",
    "It takes no part in this run, so the backup lacks it.",
    "Run playbook backup again without --limit.",
)
BACKUP_JOIN_OPEN = Rule(
    "backup_join_open",
    ERROR,
    "A run that was to let the zone join did not come to its end, so its database belongs to no federation.",
    "The join that was begun at {opened_at} is not complete, so the backup lacks it.",
    "Run playbook federate, which completes the join, and playbook backup again.",
)
BACKUP_OUT_OF_STEP = Rule(
    "backup_out_of_step",
    WARNING,
    "At the same federated index the shared tables of all zones are the same, unless records were lost.",
    "Its shared tables {tables} differ from the master's at the same federated index, {index}.",
    "Run playbook resync, which gives the zone the master's tables, and playbook backup again.",
)
RESTORE_OPEN = Rule(
    "restore_open",
    ERROR,
    "A run that was to restore the front-end from a backup did not come to its end, and its database may not be whole.",
    "The restore of backup {backup} that was begun at {opened_at} is not complete.",
    "Run playbook restore with -e restore_from={backup}, which completes it.",
)
RESTORE_OTHER_OPEN = Rule(
    "restore_other_open",
    ERROR,
    "A run that was to restore the front-end from another backup did not come to its end.",
    "The restore of backup {backup} that was begun at {opened_at} is not complete.",
    "Add -e restore_from={backup} to the command, which completes it.",
)
RESTORE_UNCONFIRMED = Rule(
    "restore_unconfirmed",
    ERROR,
    "A restore replaces databases, and what was written since the backup is no longer in them.",
    "What is there now would be replaced by what was there at {created}.",
    "If that is what you want, add -e restore_confirm={group} to the command. What is there now is kept on each host.",
)
RESTORE_ALTERED = Rule(
    "restore_altered",
    ERROR,
    "Every file of a backup has a digest in its manifest.",
    "The backup is not what was written: {faults}.",
    "Set restore_from to another backup. If the files cannot be decrypted, give the key: restore_identity for age, or "
    "the keyring of gpg.",
)
RESTORE_LACKS_ZONE = Rule(
    "restore_lacks_zone",
    ERROR,
    "The zone could not be backed up, was not declared then, or joined the federation later.",
    "The backup lacks it: {reason}",
    "Set restore_from to a backup that has it, or restore_zone to the zones that the backup has. A slave that joined "
    "later joins again with playbook federate, once the master is restored.",
)
RESTORE_UNKNOWN_ZONE = Rule(
    "restore_unknown_zone",
    ERROR,
    "Zones are named as their groups in the inventory are.",
    "restore_zone names {zone}, which is no zone of the inventory.",
    "Correct restore_zone; the zones are {zones}.",
)
RESTORE_BACKEND = Rule(
    "restore_backend",
    ERROR,
    "A copy of SQLite is a file of SQLite, and one of MariaDB or MySQL is statements for such a server.",
    "Its database is on {found}, and the backup is of one on {saved}.",
    "Set DB in oned.conf, or oned_install_database where oned_install installs the host, to {saved}, and run again.",
)
RESTORE_CHARSET = Rule(
    "restore_charset",
    ERROR,
    "oned speaks to its server in the charset of the database.",
    "The charset of its database is {found}, that of the backup is {saved}.",
    "Give the database that charset (ALTER DATABASE … CHARACTER SET {saved}), and run again.",
)
RESTORE_VERSION = Rule(
    "restore_version",
    ERROR,
    "A database belongs to a release of OpenNebula, whose oned refuses tables of another version.",
    "OpenNebula {release} is installed, whose tables have version {needed}; those of the backup have {saved}.",
    "Install OpenNebula {saved_release} there (oned_install_version on a bare host), and run again.",
)
RESTORE_MASTER_OLDER = Rule(
    "restore_master_older",
    ERROR,
    "A slave that has records which the master lacks refuses those that follow, or goes its own way unnoticed.",
    "The master would have the federated index {saved}, and its slave {zone} has {found}, so what the master lacks.",
    "Make that slave the master, which loses nothing: playbook promote with -e zone={zone}. Give it zone_role: master "
    "then and run this command again: the old master comes back as its slave. Or restore all zones: leave restore_zone "
    "unset.",
)
RESTORE_SLAVE_UNSEEN = Rule(
    "restore_slave_unseen",
    ERROR,
    "A slave that is newer than its master can be noticed only when it can be asked.",
    "It is not known whether the slave {zone} is newer than the backup of the master: {reason}",
    "Correct that and run again, or restore all zones: leave restore_zone unset.",
)
RESTORE_MASTER_AWAY = Rule(
    "restore_master_away",
    ERROR,
    "A restored slave gets the shared tables that the master has now.",
    "The master of the federation does not answer on {host}.",
    "Start it, or restore it too: add its group {master} to restore_zone.",
)
RESTORE_ZONE_GONE = Rule(
    "restore_zone_gone",
    ERROR,
    "The zone was removed from the federation, or the master was restored from a backup without it.",
    "The master has no zone with id {zone_id} that is called {name}.",
    "Let the zone join with playbook federate instead of restoring it.",
)
RESTORE_NOT_READABLE = Rule(
    "restore_not_readable",
    ERROR,
    "What is there before a restore is kept, and this database cannot be copied.",
    "Its database cannot be read: {detail}",
    "Start the database server. If the database is damaged, take it out of the way yourself (with SQLite: mv one.db "
    "one.db.damaged), and run again.",
)
RESTORE_SERVER_ALONE = Rule(
    "restore_server_alone",
    ERROR,
    "The servers of a zone have one database; some with an old copy of it would not follow the others.",
    "The run leaves out servers of the zone: {hosts}.",
    "Run again with a limit that has all servers of the zone, or without --limit.",
)
RESTORE_FORMER_MASTER = Rule(
    "restore_former_master",
    WARNING,
    "Another zone took the place of the master after the backup was made, with the newest records that it had.",
    "It was the master when the backup was made, and is a slave now. The federation goes on without what only the "
    "backup of it has: {names}. Objects here whose owner is among them belong to whoever gets the owner's id.",
    "Create what is missed anew, and give such objects their owners back.",
)
RESTORE_ROLE = Rule(
    "restore_role",
    ERROR,
    "Another zone became the master after the backup was made, or zone_role was changed by hand. A master of then is "
    "restored as a slave, a slave of then not as the master.",
    "In the backup it is a {saved}, in the inventory a {declared}.",
    "Set zone_role of all zones as it was when the backup was made, or set restore_from to a later backup.",
)
