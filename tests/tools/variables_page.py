# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/variables.md, the page of all public variables, from their one home, see `make variables-page`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible_collections.onefed.opennebula.plugins.plugin_utils._inventory.role_variables import (
    INSTALL_VARIABLES,
    LINK_VARIABLES,
    PLAYBOOK_VARIABLES,
)
from ansible_collections.onefed.opennebula.plugins.plugin_utils._inventory.variables import VARIABLES, Variable

PAGE = Path(__file__).resolve().parents[2] / "docs" / "variables.md"
INTRODUCTION = """\
# Variables

Every variable has a default that suits a stock package install. Those that begin with `federation_`, `upgrade_`,
`backup_` or `restore_` hold for the whole federation: set them on its group, or with `-e`. Those that begin with
`zone_` belong on a zone's group, and those that begin with `oned_` are a front-end's: set them where they hold.

Put texts in quotes where YAML would read something else: names such as `NO`, passwords such as `01234567` or `1_0_0`. A
number, a boolean or a date where a text belongs is refused. So is a variable that begins like the collection's and is
none, with the one that was probably meant; those of other software are named in `federation_ignored_variables`.

Variables marked *secret* belong into a [vault](howto/vault.md).

This page is written from the collection's own list (`make variables-page`), not by hand. `ansible-doc -t role
onefed.opennebula.preflight` shows the same list.
"""
# What the first word of a name says it is about.
SUBJECTS = {
    "federation": "The federation",
    "zone": "Zones",
    "oned": "Front-ends",
    "upgrade": "Upgrades",
    "backup": "Backups",
    "restore": "Restores",
    "promote": "Promotion",
    "remove": "Removal",
}
TABLE = "| variable | default | meaning |\n|---|---|---|\n"


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for begin in dict.fromkeys(variable.name.split("_", 1)[0] for variable in VARIABLES):
        parts.append(_section(SUBJECTS[begin], (one for one in VARIABLES if one.name.startswith(f"{begin}_"))))
    parts.append(_section("Bare hosts, with `oned_install: true`", INSTALL_VARIABLES))
    parts.append(_section("Secure links, with `federation_tls: true`", LINK_VARIABLES))
    parts.append(_section("Playbooks", PLAYBOOK_VARIABLES))
    return "\n".join(parts)


def _section(title: str, variables: Iterable[Variable]) -> str:
    return f"## {title}\n\n{TABLE}" + "".join(map(_row, variables))


def _row(variable: Variable) -> str:
    meaning = re.sub(r"[CM]\((?:onefed\.opennebula\.)?([^)]*)\)", r"`\1`", variable.meaning)
    meaning = meaning.replace("|", "\\|").replace("<", "&lt;")
    secret = " *Secret.*" if variable.secret else ""
    return f"| `{variable.name}` | {shown(variable.default)} | {meaning}{secret} |\n"


def shown(default: Any) -> str:
    """A default as the page shows it."""
    if default is None:
        return "–"
    return f"`[{', '.join(default)}]`" if isinstance(default, list) else f"`{str(default).lower()}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
