# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An exported inventory as a YAML file with comments.

Ansible takes texts in such a file for templates. Those that zones and servers have given, and that are one, are left
out and told: a zone must not run anything on the controller.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from ...module_utils._errors import printable
from .export import Exported, ExportedZone

_WIDTH = 116
_LONG = 10_000
_INDENT = 4
_TEMPLATES = ("{{", "{%", "{#")
_HEAD = (
    "Written by playbook export_inventory of the collection onefed.opennebula, from what was found on the front-ends. "
    "Only variables that differ from their defaults are here.",
)


def inventory_text(exported: Exported) -> str:
    """The file. The same inventory is always the same text."""
    lines = ["---", *_comments(_HEAD, 0), *_comments([f"- {note}" for note in exported.notes], 0)]
    lines.append(_key(exported.group, 0))
    variables, left_out = _plain(exported.variables)
    lines += _comments(left_out, 2)
    lines += _mapping("vars", variables, 2)
    lines.append(_key("children", 2))
    for zone in exported.zones:
        lines += _zone(zone)
    return "\n".join(lines) + "\n"


def _zone(zone: ExportedZone) -> list[str]:
    variables, left_out = _plain(zone.variables)
    hosts = {host: _plain(values) for host, values in zone.hosts.items()}
    left_out += [f"{host}: {note}" for host, (_values, notes) in hosts.items() for note in notes]
    lines = [*_comments([f"- {note}" for note in (*zone.notes, *left_out)], _INDENT), _key(zone.group, _INDENT)]
    lines += _mapping("vars", variables, _INDENT + 2)
    lines.append(_key("hosts", _INDENT + 2))
    for host, (values, _notes) in hosts.items():
        lines += _mapping(host, values, _INDENT + 4) or [_key(host, _INDENT + 4)]
    return lines


def _plain(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The values without those that Ansible would take for templates, and a note for each of these."""
    templates = [name for name, value in values.items() if any(sign in str(value) for sign in _TEMPLATES)]
    notes = [f"{name} was left out: {values[name]} would be taken for a template." for name in templates]
    return {name: value for name, value in values.items() if name not in templates}, notes


def _key(name: str, indent: int) -> str:
    return " " * indent + _yaml({name: None}).removesuffix(" null\n")


def _mapping(name: str, values: Mapping[str, Any], indent: int) -> list[str]:
    return textwrap.indent(_yaml({name: dict(values)}), " " * indent).splitlines() if values else []


def _yaml(data: Mapping[str, Any]) -> str:
    # By way of JSON: Ansible's own kinds of text and number are none to YAML.
    return yaml.safe_dump(json.loads(json.dumps(data)), sort_keys=False, width=_LONG, allow_unicode=True)


def _comments(texts: Sequence[str], indent: int) -> list[str]:
    return [
        f"{' ' * indent}# {line}"
        for text in texts
        for line in textwrap.wrap(printable(text), _WIDTH - indent, subsequent_indent="  " if text[:2] == "- " else "")
    ]
