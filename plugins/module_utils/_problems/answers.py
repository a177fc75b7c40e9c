# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Rules about answers of a server: whether oned answers, and what it refuses to tell."""

from __future__ import annotations

from .problem import ERROR, Rule

RESYNC = "Give the zone a new copy of the master's tables: playbook resync."

# By what became of the connection, for the remedy of UNREACHABLE.
UNREACHABLE_REMEDIES = {
    "refused": "Start oned there; if it does not start, see its journal and oned.log.",
    "timeout": "Open the path from this host to that port, or start the host.",
    "unresolvable": "Correct the endpoint of the zone, or the name service of this host.",
    "tls": "Correct the server's certificate or what this host trusts; oned trusts the authorities of its system only.",
    "no_server": "Start oned of a server of the zone, or let the load balancer know its servers.",
    "not_opennebula": "Correct the endpoint of the zone.",
}
ANY_REMEDY = "Check the host, its network and oned."
UNREACHABLE = Rule(
    "unreachable",
    ERROR,
    "oned does not run, a firewall or the network is in the way, the name does not resolve, the certificate is not "
    "trusted, or something else listens there. The message says which, and what to do about it.",
    "No answer at {endpoint}: {detail}.",
    "{what_to_do}",
    advice="Start oned or the host, open the path to the port, or correct endpoint, name service or certificate.",
)
HUNG = Rule(
    "hung",
    ERROR,
    "Calls that read are answered from memory, while calls that touch the log wait for a database that failed.",
    "oned at {endpoint} answers calls, but no call that touches its log: no write is possible, nothing replicates. "
    "oned hangs so for good when its database fails while it writes.",
    "See that its database runs, kill oned (an orderly stop waits 90 s in vain) and start it. Then run "
    "playbook federate: a change that was stored but not logged shows as tables that differ.",
)
HUNG_SERVER = Rule(
    "hung_server",
    ERROR,
    "A leader without a majority waits for ever before it answers the user whose write waits; so does any oned whose "
    "database failed.",
    "oned at {endpoint} answers calls, but no call that touches its log: no write is possible. A leader hangs so for "
    "this user while fewer than a majority of its zone's servers run, and any oned when its database fails.",
    "Start the zone's other servers. If it goes on, see that its database runs, kill oned and start it.",
)
AUTHENTICATION_REFUSED = Rule(
    "authentication_refused",
    ERROR,
    "The server's users are not the master's, its auth files are old, or its database is down.",
    "It refuses the user and password that the asked zone accepts, at {endpoint}. If it refuses the master's oneadmin "
    "as well, it gets no record, and master and slave retry in a loop.",
    "oned refuses every user while its database is down: start the database. Otherwise its tables or auth files are "
    f"not the master's. {RESYNC}",
)
NOT_AUTHORIZED = Rule(
    "not_authorized",
    ERROR,
    "The user who asks may not see the Raft state of that zone.",
    "It does not tell its status to this user, at {endpoint}.",
    "Ask as oneadmin, or as a user with ADMIN rights on the zone.",
)
NO_ZONE_RECORD = Rule(
    "no_zone_record",
    ERROR,
    "The zone was declared a slave in its oned.conf without restoring the master's tables.",
    "Its own database has no zone with its ZONE_ID, {zone_id}, at {endpoint}: it never got the master's tables.",
    RESYNC,
)
ANSWERS_NOT_UNDERSTOOD = Rule(
    "answers_not_understood",
    ERROR,
    "Something answers calls of OpenNebula's API, and not as OpenNebula does.",
    "Its answers are not understood: {detail}",
    "See what listens there: an oned of a release that this collection supports, unaltered, or something else. Correct "
    "the endpoint of the zone, or repair that oned.",
)
STATUS_REFUSED = Rule(
    "status_refused",
    ERROR,
    "oned answers with an error that is neither about the user nor about its zone.",
    "It does not tell its status at {endpoint}: {detail}.",
    "See oned.log there.",
)
