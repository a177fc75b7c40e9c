# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Rules about a zone that becomes the master of its federation."""

from __future__ import annotations

from .problem import ERROR, WARNING, Rule

PROMOTE_ZONE_UNSET = Rule(
    "promote_zone_unset",
    ERROR,
    "Which zone becomes the master is the operator's choice.",
    "No zone is named. By their newest federated records: {indexes}.",
    "Run again with -e zone={proposed}.",
)
PROMOTE_ZONE_UNKNOWN = Rule(
    "promote_zone_unknown",
    ERROR,
    "The zone is named by its group in the inventory, or by its name.",
    "The inventory has no zone {zone!r}.",
    "Run again with -e zone= and one of: {known}.",
)
PROMOTE_NO_SLAVE = Rule(
    "promote_no_slave",
    ERROR,
    "Only a slave has the tables of its federation.",
    "By its oned.conf it is {mode}, not a slave of this federation.",
    "Name another zone, or let it join first with playbook federate.",
)
PROMOTE_NO_MAJORITY = Rule(
    "promote_no_majority",
    ERROR,
    "A zone of several servers works while a majority of them does.",
    "{usable} of its {listed} servers can be worked on: {detail}",
    "Make more of them reachable and run again; or promote another zone.",
)
PROMOTE_SERVER_SILENT = Rule(
    "promote_server_silent",
    ERROR,
    "A server of the former master that does not take part could lead its zone later, and would call it the master.",
    "It is a server of {master}, which is to give its place up, and cannot be worked on: {detail}",
    "Make it reachable; or take it out of its zone with oned_state: absent and playbook federate. Then run again.",
)
PROMOTE_SEVERAL_AHEAD = Rule(
    "promote_several_ahead",
    ERROR,
    "The log of a zone of several servers cannot be given the tables of a master that has received less.",
    "It has several servers and ends with federated record {index}, {label} with {mine}.",
    "Promote this zone instead, which also loses less.",
)
PROMOTE_WRITTEN = Rule(
    "promote_written",
    ERROR,
    "A master goes back into its place as long as nothing was written in its absence.",
    "{other} is the master since, and was written to: it took over after record {began}, and ends with {last}.",
    "Let {label} join as a slave with playbook federate, with zone_role: master for {other}; then promote it, which "
    "loses nothing.",
)
PROMOTE_TWO_MASTERS = Rule(
    "promote_two_masters",
    ERROR,
    "Where two zones call themselves the master, only the operator knows which of them the others follow.",
    "It calls itself the master, and {other} does, too.",
    "Give zone_role: master to the one that the other zones follow, and run playbook federate: the other one joins as "
    "a slave, and what only it has is named.",
)
PROMOTE_MASTER_REACHED = Rule(
    "promote_master_reached",
    ERROR,
    "The controller does not reach the master, and a zone does: it is not lost, and would go on writing.",
    "It reaches the master at {endpoint}, which the controller cannot log in to.",
    "Let the controller log in to the master, for a change without loss. Or switch its machine off and run again.",
)
PROMOTE_LOSS_UNPROVED = Rule(
    "promote_loss_unproved",
    ERROR,
    "A zone that cannot be asked may still be led by the master.",
    "It could not be asked whether it still reaches the master: {detail}",
    "Make it reachable; or, if you know that the master is lost, run again with -e lost={lost}.",
)
PROMOTE_NOT_LOST = Rule(
    "promote_not_lost",
    ERROR,
    "A master that can be examined gives its place without loss.",
    "It is called lost, and it answers.",
    "Run again without -e lost=, which changes places with it; or switch its machine off first.",
)
PROMOTE_LOST_OTHER = Rule(
    "promote_lost_other",
    ERROR,
    "The loss is confirmed by the name of the master's zone.",
    "-e lost={lost} names another zone than the master's, {master}.",
    "Run again with -e lost={master}, if that is lost.",
)
PROMOTE_LOSES = Rule(
    "promote_loses",
    WARNING,
    "Another zone has received more of what the lost master wrote.",
    "{records} federated records that {zones} have are given up, for {label} ends with {index}{names}.",
    "Promote {proposed} to keep them.",
)
FORMER_MASTER = Rule(
    "former_master",
    WARNING,
    "Another zone took the place of a master that was lost, and the lost one is back.",
    "It was the master. What only it has is given up{names}: objects here whose owner only it knew belong to whoever "
    "gets the owner's id.",
    "Its full database is backed up, and its identities are written down below federation_import_directory. Create "
    "what is missed anew, or with module identity_import, and give such objects their owners back.",
)
