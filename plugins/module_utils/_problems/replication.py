# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Rules about replication: whether a slave has what the master wrote, and can go on from there."""

from __future__ import annotations

from .answers import RESYNC
from .problem import ERROR, WARNING, Rule

EMPTY_FEDERATED_LOG = Rule(
    "empty_federated_log",
    ERROR,
    "The master's tables were restored without any record of its log, as the stock tool can do.",
    "Its federated log is empty: it drops records without any error, and the master believes it has them.",
    RESYNC,
)
NOTHING_TO_REPLICATE = Rule(
    "nothing_to_replicate",
    WARNING,
    "A new master has written nothing yet that zones share.",
    "Its federated log has no record yet, so there is nothing to replicate.",
    "Do nothing: the first record after the change to MASTER is made when a zone is created.",
)
AHEAD_OF_MASTER = Rule(
    "ahead_of_master",
    ERROR,
    "The master was put back to an older state, or the slave was a slave of another master.",
    "Its federated index is {index}, the master's {newest}: it holds records that the master never had, and takes no "
    "more.",
    f"{RESYNC} To keep what it holds instead, switch the master off and make this zone the master: playbook promote.",
)
CATCHING_UP = Rule(
    "catching_up",
    WARNING,
    "The slave receives records; there were many, or it was away.",
    "Its federated index is {index}, the master's {newest}; it is catching up.",
    "Wait, and look again: playbook status.",
)
LAGGING = Rule(
    "lagging",
    ERROR,
    "A slave lacks records of the master's and did not move while it was watched.",
    "Its federated index is {index}, the master's {newest}, and it does not move.",
    "After a restart of the master the next federated write moves it: run module replication_probe. If it stays, look "
    "for 'Error replicating log entry', 'Zone log is outdated' and 'SQL command was' in its oned.log and for 'Missing "
    f"federation record' in the master's. {RESYNC}",
)
STALE = Rule(
    "stale",
    ERROR,
    "The slave was away for longer than the master keeps records (LOG_RETENTION), or has a record that it never made.",
    "Its federated index {index} is no record of the master's log, which begins at {oldest}: it can never catch up.",
    RESYNC,
)
DIGESTS_DIFFER = Rule(
    "digests_differ",
    ERROR,
    "Records were lost or applied in part: the stock backup of a busy master, a hung oned, or a change by hand.",
    "At the same federated index its content differs from the master's in {tables}.",
    RESYNC,
)
DATABASE_NOT_READ = Rule(
    "database_not_read",
    ERROR,
    "The server answers, but nobody looked into its database, so its tables may hold anything.",
    "Its database was not read{why}: it is not known whether it holds the master's tables.",
    "{what_to_do}",
    advice="Run without --limit, correct why it could not be read, or give its description to module federation_info.",
)
NOT_COMPARED = Rule(
    "not_compared",
    ERROR,
    "Tables are compared with the master's, and those were not read.",
    "Its tables were not compared with the master's, whose database was not read{why}.",
    "{what_to_do}",
    advice="Run without --limit, or correct why the database of the master could not be read.",
)
READ_AT_OTHER_INDEX = Rule(
    "read_at_other_index",
    WARNING,
    "Something was written between the two readings, so that they cannot be equal.",
    "Its tables were not compared with the master's: the two were read at different federated indexes, {index} and "
    "{masters}.",
    "Compare again when fewer writes are made: playbook status.",
)
