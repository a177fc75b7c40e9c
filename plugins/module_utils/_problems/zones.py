# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Rules about zones of a federation: their records, their roles, and what a run is to do with them."""

from __future__ import annotations

from .database import UPGRADE_THE_OLDER
from .problem import ERROR, WARNING, Rule

ZONE_DISABLED = Rule(
    "zone_disabled",
    WARNING,
    "Somebody disabled the zone, for maintenance say.",
    "The zone is disabled: its oned refuses nearly every write{more}.",
    "Enable it when its maintenance is over: onezone enable, on one of its own servers.",
)
LEFTOVER_PROBE = Rule(
    "leftover_probe",
    WARNING,
    "A proof of replication writes an attribute to a zone's record and removes it at its end; this one was killed.",
    "Its record carries {attribute}, which a replication_probe that was killed left behind.",
    "Harmless. Run module replication_probe with zone_id {zone_id}, which removes it.",
)
LEFTOVER_LOGIN_TOKEN = Rule(
    "leftover_login_token",
    WARNING,
    "While oneadmin's password changes, a login token keeps zones in touch that still have the old one.",
    "A change of oneadmin's password goes on or was interrupted: the login token that bridges it is accepted in all "
    "zones and does not expire. Whoever has read it is oneadmin.",
    "Unless it goes on right now, run playbook rotate_oneadmin, which completes it and removes the token.",
)
NOT_FEDERATED = Rule(
    "not_federated",
    ERROR,
    "The zone is in the master's list while its own oned.conf has MODE STANDALONE, or it did not restart since.",
    "It takes part in no federation (MODE {mode}, federated index -1).{spin}",
    "Set MODE to {wanted} and ZONE_ID to {zone_id} in FEDERATION in its oned.conf and restart it.",
)
WRONG_MODE = Rule(
    "wrong_mode",
    ERROR,
    "Its oned.conf has another MODE than its place in the federation demands.",
    "It runs as {mode} rather than {wanted}.{spin}",
    NOT_FEDERATED.remedy,
)
WRONG_ZONE_ID = Rule(
    "wrong_zone_id",
    ERROR,
    "Its oned.conf has the id of another zone, or the endpoint leads to another zone's oned.",
    "The oned at {endpoint} has ZONE_ID {found}, but the endpoint is listed for zone {zone_id}.",
    "Set MODE to {wanted} and ZONE_ID to {zone_id} in FEDERATION in its oned.conf and restart it; or correct the "
    "zone's endpoint, if it leads to another zone's oned.",
)
WRONG_ZONE_ANSWERS = Rule(
    "wrong_zone_answers",
    ERROR,
    "A floating address or a load balancer leads to the servers of another zone.",
    "Zone {found} answers at the zone's endpoint {endpoint}.",
    "Correct the endpoint of the zone, then restart the master.",
)
VERSION_DIFFERS = Rule(
    "version_differs",
    ERROR,
    "Zones of a federation share tables, whose form changes with the release of OpenNebula.",
    "It runs OpenNebula {version}, the master {masters}: the shared tables of the two differ.",
    UPGRADE_THE_OLDER,
)
PATCH_VERSION_DIFFERS = Rule(
    "patch_version_differs",
    WARNING,
    "Within a series the shared tables keep their form; OpenNebula recommends one version all the same.",
    "It runs OpenNebula {version}, the master {masters}.",
    VERSION_DIFFERS.remedy,
)
MASTER_ONED_DIFFERS = Rule(
    "master_oned_differs",
    WARNING,
    "The master's endpoint was changed without changing the slave's oned.conf.",
    "It passes writes on to {found}, the master's zone has the endpoint {endpoint}.",
    "If that is not the same oned, correct MASTER_ONED in its oned.conf and restart it.",
)
MASTER_IS_SLAVE = Rule(
    "master_is_slave",
    ERROR,
    "The zone that the inventory declares the master belongs to another master.",
    "It is a slave of the federation at {master}.",
    "Declare that federation's master as master, or take the zone out of it first.",
)
OWN_FEDERATION = Rule(
    "own_federation",
    ERROR,
    "The zone is to be a slave, and by its oned.conf it leads a federation.",
    "It is the master of a federation of its own.",
    "Dissolve that federation first.",
)
OTHER_FEDERATION = Rule(
    "other_federation",
    ERROR,
    "Neither MASTER_ONED nor the zone's own tables show this federation's master.",
    "It is a slave of another federation, whose master is {master}.",
    "Take it out of that federation first.",
)
OTHER_ZONE_ID = Rule(
    "other_zone_id",
    ERROR,
    "The zone joined under another name, or its record was deleted and made again.",
    "It is in this federation under another id: its ZONE_ID is {zone_id}, {known}.",
    "Correct zone_name, or remove the zone from the federation and join it anew.",
)
NO_SLAVE = Rule(
    "no_slave",
    ERROR,
    "Only a slave of this federation has a copy of the master's tables that could be made anew.",
    "It is no slave of this federation.",
    "Let zone {zone} join: playbook federate.",
)
NOTHING_TO_ASK = Rule(
    "nothing_to_ask",
    ERROR,
    "What is to be done needs the master, or a server of the zone, and none of them can be asked.",
    "{who} cannot be asked: {why}",
    "{what_to_do}",
    advice="Correct what the message says and run again.",
)
MEMBER_NOT_DECLARED = Rule(
    "member_not_declared",
    ERROR,
    "Whatever changes on every server of a federation has to reach all of its zones.",
    "It belongs to the federation but is not in the inventory: it would be cut off.",
    "Add it, or name it in rotate_leave_out if it may be.",
)
ZONE_NAME_REFUSED = Rule(
    "zone_name_refused",
    ERROR,
    "The master's release of OpenNebula does not take such a name.",
    "Its zone name {name!r} {fault}.",
    "Set zone_name.",
)
ZONE_NAME_TAKEN = Rule(
    "zone_name_taken",
    ERROR,
    "The federation knows a zone of that name, and it is not this one.",
    "The federation has a zone {name!r} (id {zone_id}) at another endpoint, {endpoint}.",
    "Give this zone another zone_name, or correct zone_endpoint.",
)
ZONE_MISSING = Rule(
    "zone_missing",
    ERROR,
    "The zone has not joined yet, or was removed.",
    "The inventory declares it, but the federation has no such zone.",
    "Let it join: playbook federate.",
)
ZONE_NOT_DECLARED = Rule(
    "zone_not_declared",
    WARNING,
    "The federation has a zone that this inventory does not have.",
    "The inventory has no zone like it (endpoint {endpoint}): it is not checked, and its problems are shown as "
    "warnings.",
    "Add its group to the inventory, or pass the inventory (-i) that has it.",
)
ZONE_NOT_CHECKED = Rule(
    "zone_not_checked",
    WARNING,
    "The run was limited to other zones.",
    "It is outside of the limit: it is not checked, and its problems are shown as warnings.",
    "Run without --limit, or add the zone to it.",
)
LIMIT_SPLITS_ZONE = Rule(
    "limit_splits_zone",
    ERROR,
    "The servers of a zone change together.",
    "The limit takes only a part of its servers ({hosts}).",
    "Name whole zones in --limit, the master's among them.",
)
ACCESS_ZONE_UNKNOWN = Rule(
    "access_zone_unknown",
    ERROR,
    "Access policies name a zone that is neither declared nor known to the master.",
    "{variable} names the zone {name!r}, which does not exist; there are {known}.",
    "Correct it, or declare the zone.",
)
ACCESS_NAME_REFUSED = Rule(
    "access_name_refused",
    ERROR,
    "The master's release of OpenNebula takes no new object with such a name; older releases did.",
    "{variable} names the {kind} {name!r}, which does not exist yet: it {fault}.",
    "Choose another name, such as {accepted!r}, or the name of a {kind} that exists.",
)
