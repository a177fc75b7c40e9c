# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The rule book: every problem that preflight, playbooks and status can tell of, by subject and by code."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from . import (
    answers,
    authority,
    backup,
    database,
    endpoints,
    frontend,
    own_data,
    promotion,
    removal,
    replication,
    servers,
    upgrade,
    vip,
    zones,
)
from .problem import Rule


def rules_of(subject: ModuleType) -> list[Rule]:
    """The rules of one module of this package, as they stand there."""
    return [value for value in vars(subject).values() if isinstance(value, Rule)]


SUBJECTS: Mapping[str, list[Rule]] = {
    "Front-ends": rules_of(frontend),
    "Endpoints and paths to them": rules_of(endpoints),
    "Answers of servers": rules_of(answers),
    "Zones and their roles": rules_of(zones),
    "Replication": rules_of(replication),
    "Databases": rules_of(database),
    "Servers of a highly available zone": rules_of(servers),
    "Floating addresses": rules_of(vip),
    "Own data and imports": rules_of(own_data),
    "Upgrades": rules_of(upgrade),
    "Backups and restores": rules_of(backup),
    "Another master": rules_of(promotion),
    "Zones that leave": rules_of(removal),
    "Another authority": rules_of(authority),
}
RULES: Mapping[str, Rule] = {rule.code: rule for rules in SUBJECTS.values() for rule in rules}
