# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Writes docs/problems.md, the page of all problems, from the rule book, see `make problems-page`."""

from __future__ import annotations

import string
from pathlib import Path

from ansible_collections.onefed.opennebula.plugins.module_utils._problems.book import SUBJECTS
from ansible_collections.onefed.opennebula.plugins.module_utils._problems.problem import Rule

PAGE = Path(__file__).resolve().parents[2] / "docs" / "problems.md"
INTRODUCTION = """\
# Problems, their causes and remedies

Every problem that playbooks, preflight, status or a module tell of has a code, a message and a remedy. The code does
not change between releases: monitoring may rely on it. A problem is an error where it stops a zone or means that the
federation is not healthy, else a warning; the same fault may be an error in a zone that is to join and a warning in one
that is a member. In messages, what is *slanted* is filled in.

This page is written from the collection's own table of rules (`make problems-page`), not by hand.
"""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, "".join(f"* [{subject}](#{_anchor(subject)})\n" for subject in SUBJECTS)]
    for subject, rules in SUBJECTS.items():
        parts.append(f"## {subject}\n")
        parts += [_section(rule) for rule in rules]
    return "\n".join(parts)


def _section(rule: Rule) -> str:
    remedy = _escaped(rule.advice) or shown(rule.remedy)
    return (
        f"### {rule.code}\n\n{rule.severity.capitalize()}: {shown(rule.text)}\n\n"
        f"**Cause:** {_escaped(rule.cause)}\n\n**Remedy:** {remedy}\n"
    )


def shown(template: str) -> str:
    """A template with its fields as words."""
    parts = ""
    for literal, field, _spec, _conversion in string.Formatter().parse(template):
        parts += _escaped(literal)
        # What is filled in may be more of the sentence, or another one.
        gap = " " if field and parts and (parts[-1].isalnum() or parts[-1] == ".") else ""
        parts += f"{gap}*{field.replace('_', ' ')}*" if field else ""
    return parts


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;")


def _anchor(subject: str) -> str:
    return subject.lower().replace(" ", "-")


if __name__ == "__main__":
    PAGE.write_text(page())
