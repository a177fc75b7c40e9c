# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Rules about a zone that leaves its federation."""

from __future__ import annotations

from .problem import ERROR, WARNING, Rule

REMOVE_ZONE_UNKNOWN = Rule(
    "remove_zone_unknown",
    ERROR,
    "The zone is named by its group in the inventory, or by the name in its record.",
    "Neither the inventory nor the federation has a zone {zone!r}.",
    "Run again with -e zone= and one of: {known}.",
)
REMOVE_MASTER = Rule(
    "remove_master",
    ERROR,
    "A federation without its master is none.",
    "{zone} is the master's zone, which cannot leave.",
    "Let another zone become the master first with playbook promote, or name another zone.",
)
REMOVE_MASTER_UNUSABLE = Rule(
    "remove_master_unusable",
    ERROR,
    "The record of a zone is deleted at the master.",
    "The master cannot be asked: {detail}",
    "Make it run, or let another zone become the master with playbook promote, and run again.",
)
REMOVE_UNCONFIRMED = Rule(
    "remove_unconfirmed",
    ERROR,
    "A zone that has left can only join again, under another id.",
    "That {zone} leaves is not confirmed.",
    "Look at the plan with --check. If that is what you want, add -e remove_confirm={zone} to the command.",
)
REMOVE_AS_UNKNOWN = Rule(
    "remove_as_unknown",
    ERROR,
    "What the zone is afterwards is one of two things.",
    "remove_as is {value!r}.",
    "Run again with -e remove_as=standalone, or with -e remove_as=stopped.",
)
REMOVE_HALF_REACHABLE = Rule(
    "remove_half_reachable",
    ERROR,
    "A server that is left out would go on as a part of the federation.",
    "It cannot be used, and other servers of its zone can: {detail}",
    "Make it reachable; or, if it is lost for good and a majority of its zone is not, add -e lost={host} to the "
    "command; or take it from its zone with oned_state: absent and playbook federate.",
)
REMOVE_SERVER_LOST = Rule(
    "remove_server_lost",
    WARNING,
    "A server that is lost stays in the record of its zone, and has a log that the others do not have.",
    "{zone} leaves without it.",
    "Keep its oned stopped. Take it from the zone with onezone server-del; or, when it is back, run the same command "
    "again, which makes it a copy of the others.",
)
REMOVE_NOT_LOST = Rule(
    "remove_not_lost",
    ERROR,
    "A zone that can be examined leaves without loss.",
    "{zone} is called lost, and it answers.",
    "Run again without -e lost=.",
)
REMOVE_LOST_REACHED = Rule(
    "remove_lost_reached",
    ERROR,
    "The controller does not reach the zone, and the master does: it is not lost, and would go on as a slave.",
    "{zone} is called lost, and something answers at its endpoint {endpoint}.",
    "Let the controller log in to its hosts, and run again without -e lost=. Or switch them off and run again.",
)
REMOVE_LOSS_UNCONFIRMED = Rule(
    "remove_loss_unconfirmed",
    ERROR,
    "A zone that nobody reaches may come back, and would go on to follow the master.",
    "{zone} cannot be examined, so only its record would go: {detail}",
    "Make it reachable; or, if it is lost for good, add -e lost={zone} to the command.",
)
REMOVE_OTHER_FEDERATION = Rule(
    "remove_other_federation",
    ERROR,
    "Only a slave leaves its federation, and only the one of this inventory.",
    "By its oned.conf it is {mode} with zone id {zone_id}, not a member of this federation.",
    "Name a zone of this federation, or correct the hosts of this one in the inventory.",
)
REMOVE_NO_COPY = Rule(
    "remove_no_copy",
    ERROR,
    "A zone goes on with the tables that it has.",
    "It has no record of its own zone {zone_id}: somebody deleted it at the master, or it never got the tables.",
    "Run playbook federate, which lets it join again, and then run again.",
)
REMOVE_JOIN_OPEN = Rule(
    "remove_join_open",
    ERROR,
    "A join that was interrupted left the zone between two states.",
    "Its join, which began at {opened_at}, is not complete.",
    "Run playbook federate, which completes it or takes it back, and then run again.",
)
REMOVE_SERVER_LEFT = Rule(
    "remove_server_left",
    ERROR,
    "All servers of a zone leave together: one that is left out has the old log, and a say in who leads.",
    "The zone's record lists server {server} (endpoint {endpoint}), which no host of its group in the inventory runs.",
    "Add it to the zone's group, as the server it is; or take it from the zone with oned_state: absent and playbook "
    "federate, or with module zone_server. Then run again.",
)
REMOVE_PASSWORD_KNOWN = Rule(
    "remove_password_known",
    WARNING,
    "All zones of a federation have one oneadmin, whose password a zone keeps that leaves.",
    "{zone} keeps the users with their passwords, oneadmin's and serveradmin's too.",
    "If others run it from now on, run playbook rotate_oneadmin, and give it other passwords.",
)
