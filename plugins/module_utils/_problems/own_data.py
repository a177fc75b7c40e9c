# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Rules about what a joining zone has of its own: lost, kept by an import, or in the way of one."""

from __future__ import annotations

from .problem import ERROR, WARNING, Rule

OWN_DATA = Rule(
    "own_data",
    ERROR,
    "A slave's users, groups, VDCs, ACL rules and marketplaces are the master's. What the zone has would be lost.",
    "The zone has data of its own that the federation's would replace: {own}.",
    "Keep it with zone_import: true, or let it go with zone_discard: true (a full backup is kept).",
)
MASTER_STOPPED = Rule(
    "master_stopped",
    ERROR,
    "The master says which names are taken, and it does not answer.",
    "The master's oned does not run, so the import cannot be planned.",
    "Start it and run again; if this run starts it, just run again.",
)
IMPORT_HALF_DONE = Rule(
    "import_half_done",
    ERROR,
    "An import is only finished as an import: without it, objects would stay with ids of nobody.",
    "An interrupted run has begun to import its users, who would lose what they own.",
    "Run again with zone_import: true, or with playbook import_zone.",
)
IMPORT_DOCUMENT_LOST = Rule(
    "import_document_lost",
    ERROR,
    "What an import has read and decided is kept on the controller that began it.",
    "An interrupted run has begun its import, and what it kept of that is not on this controller.",
    "Run again where it was started, or bring its federation_import_directory here; a copy of the identities alone is "
    "{copy} on the host.",
)
IMPORT_TOO_LATE = Rule(
    "import_too_late",
    ERROR,
    "The zone's own users are gone with the first step of a join; they can only be read before.",
    "It is a slave already, or an interrupted run has begun to join it without its users.",
    "Let it join or be returned to what it was, as that run would have: without zone_import.",
)
IMPORT_ZONE_STOPPED = Rule(
    "import_zone_stopped",
    ERROR,
    "Users and what they own are read through the zone's own API.",
    "Its oned does not run or does not answer, so its users and what they own cannot be written down.",
    "Start it and run again.",
)
IMPORT_HOST_LOST = Rule(
    "import_host_lost",
    ERROR,
    "The host answered before, and not when its identities were to be read.",
    "Its import cannot be planned: the host was lost.",
    "Check the host and its network, and run again.",
)
IMPORT_NOT_PLANNED = Rule(
    "import_not_planned",
    ERROR,
    "The module that reads the zone's identities, or compares them at the master, failed. The message has its words.",
    "Its import cannot be planned: {detail}",
    "{what_to_do}",
    advice="Correct what the message says and run again.",
)
IMPORT_CONFLICT = Rule(
    "import_conflict",
    ERROR,
    "The federation has something of that name already, and nobody decided whether it is the same.",
    "Import: {detail}",
    "See zone_import_conflicts, zone_import_overrides and zone_import_suffix.",
)
IMPORT_REFUSED = Rule(
    "import_refused",
    ERROR,
    "Something of the zone cannot be kept as it is. The message says what, and which option decides it.",
    "Import: {detail}",
    "Decide it as the message says, or correct it in the zone, and run again.",
)
IMPORT_SAME_NAME = Rule(
    "import_same_name",
    ERROR,
    "Two zones that join in one run would create the same name, which exists once in a federation.",
    'Import: {kind} "{name}" would be created by {others} too.',
    "Rename one with zone_import_overrides, or let one zone join after the other: --limit <zone>,<master>.",
)
IMPORT_NOTE = Rule(
    "import_note",
    WARNING,
    "The import can be done, and something about it is worth knowing before.",
    "Import: {detail}",
    "Go on if that is what you want.",
)
