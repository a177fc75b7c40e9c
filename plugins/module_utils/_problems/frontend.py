# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Rules about a front-end: whether it can be examined, its service, its files, its clock."""

from __future__ import annotations

from .problem import ERROR, WARNING, Rule

HOST_UNREACHABLE = Rule(
    "host_unreachable",
    ERROR,
    "Ansible could not log in to the host: a wrong address, no SSH, another account, or the host is down.",
    "Ansible cannot reach it: {detail}",
    "Check the address, SSH and the account.",
)
NOT_EXAMINED = Rule(
    "not_examined",
    ERROR,
    "The module that reads the front-end gave no answer. The message has its last words; often its Python is too old, "
    "or the account may not become root.",
    "It could not be examined: {detail}",
    "{what_to_do}",
    advice="Correct what the message says and run again. If Python is too old, set ansible_python_interpreter.",
)
NOT_IN_RUN = Rule(
    "not_in_run",
    ERROR,
    "The run was limited to a part of the zone's hosts.",
    "It was not examined.",
    "Run again without --limit, or with the whole zone in it.",
)
NOT_INSTALLED = Rule(
    "not_installed",
    ERROR,
    "There is no program oned, or no oned.conf, where packages or oned_location would have them.",
    "OpenNebula is not installed, or not completely ({path}).",
    "Install it, let federate do so with oned_install: true, or set oned_location.",
)
CONF_UNREADABLE = Rule(
    "conf_unreadable",
    ERROR,
    "oned.conf cannot be read, or oned itself would not take it.",
    "{detail}",
    "Correct {path}.",
)
JOURNAL_UNREADABLE = Rule(
    "journal_unreadable",
    ERROR,
    "The record of an interrupted join or upgrade cannot be read, so it is not known what has to be repaired.",
    "{detail}",
    "See the folder of the journal, which also has the backups that were made.",
)
SERVICE_UNKNOWN = Rule(
    "service_unknown",
    ERROR,
    "Neither systemd nor the install's own program one knows the service of oned.",
    "{detail}",
    "Set oned_service or oned_location.",
)
SERVICE_FAILED = Rule(
    "service_failed",
    ERROR,
    "oned ended by itself or could not start, and no interrupted join explains it.",
    "The service of oned has failed.",
    "See its journal and oned.log, correct the cause, and run again.",
)
ONED_STOPPED = Rule(
    "oned_stopped",
    ERROR,
    "What is to be done needs oned, which is stopped, still starts, or hangs.",
    "Its oned does not run, or does not answer.",
    "Start it; if it does not start, see its journal and oned.log.",
)
COPY_INTERRUPTED = Rule(
    "copy_interrupted",
    ERROR,
    "A run that made the zone a slave, or the server a copy of its leader, did not come to its end.",
    "The join or copy that was begun at {opened_at} is not complete.",
    "Run playbook federate, which completes it.",
)
DISK_SPACE = Rule(
    "disk_space",
    ERROR,
    "A join keeps full backups, and whether there is room for them is known before anything stops.",
    "Backups and the snapshot need {needed}, {free} are free.",
    "Make room in the file system of /var/lib/onefed; with oned_location, in that of its folder var.",
)
ONE_AUTH_NEEDED = Rule(
    "one_auth_needed",
    ERROR,
    "oned makes its first user from the file one_auth when it starts for the first time.",
    "oned was never started and has no one_auth file to make its first user from.",
    "Write oneadmin:<password> to the file one_auth, owned by oned's account, with mode 0600.",
)
ONE_AUTH_MISSING = Rule(
    "one_auth_missing",
    ERROR,
    "The collection asks oned with the name and password in one_auth, and the file is not there.",
    "Its one_auth file is missing.",
    "On a slave, run playbook federate, which gives it the master's file. On the master, write oneadmin:<current "
    "password> to one_auth in the .one folder of oned's account, or run playbook rotate_oneadmin with that password as "
    "rotate_password, which writes it in all zones.",
)
ONE_AUTH_REJECTED = Rule(
    "one_auth_rejected",
    ERROR,
    "The password of oneadmin was changed without changing the file one_auth.",
    "Its one_auth file is rejected: oned refuses the name and password in it.",
    ONE_AUTH_MISSING.remedy,
)
ONE_AUTH_REPLACED = Rule(
    "one_auth_replaced",
    WARNING,
    "The zone's own oned does not know the password in its one_auth. As it joins, the file becomes the master's.",
    "Its own oned refuses its one_auth file, which the master's will replace.",
    "Do nothing, unless companions of oned use that password.",
)
AUTH_FILES_FIXED = Rule(
    "auth_files_fixed",
    ERROR,
    "The auth files of all zones are the master's. Here one is a link to a place where oned's account may not write, "
    "as a secret mounted into a container is.",
    "The content of {files} in oned's .one folder is not the master's, and the file is a link to what oned's account "
    "cannot replace.",
    "Give it the content of the master's file where the link leads, in the secret say, or replace the link by a file.",
)
AUTH_FILES_NOT_COMPARED = Rule(
    "auth_files_not_compared",
    WARNING,
    "An auth file could not be read, so it is not known whether it is the master's.",
    "Its auth files were not compared: {detail}",
    "Correct this and run again.",
)
FIREEDGE_NOT_EDITED = Rule(
    "fireedge_not_edited",
    WARNING,
    "The zone is federated without it, but FireEdge goes on with the zone that its file names.",
    "FireEdge keeps the default_zone of its own file. {detail}",
    "Correct this and run again.",
)
LOCKED_DOWN = Rule(
    "locked_down",
    WARNING,
    "An import locks the zone down until ownership is restored, an upgrade until every zone has proved itself, and the "
    "run that did so did not come to its end.",
    "It is locked down, as during an import or an upgrade: its API refuses users.",
    "Where an upgrade is open (/var/lib/onefed/upgrade.json), run playbook upgrade again. Else run playbook federate, "
    "which ends the import and opens the zone. If the zone is not to be imported any more, open it: module "
    "zone_lockdown with state: open, on that host.",
)
CLOCK_OFF = Rule(
    "clock_off",
    WARNING,
    "Host and controller differ by more than federation_clock_skew: times of records and backups mislead.",
    "Its clock differs by {seconds} s from the controller's.",
    "Let it take its time from NTP, or raise federation_clock_skew.",
)
CLOCKS_APART = Rule(
    "clocks_apart",
    WARNING,
    "Tokens and records that one server of a zone makes fail on another whose clock is behind.",
    "The clocks of {first} and {last} are {seconds} s apart.",
    "Let all servers of the zone take their time from NTP, or raise federation_clock_skew.",
)
