# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A problem as every part of the collection tells it, and the rule of which it is an instance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """A fault that was found. `where` is a host of the inventory or a server; None: the zone as a whole."""

    code: str
    severity: str
    where: str | None
    text: str
    remedy: str

    @property
    def message(self) -> str:
        """What is wrong and what to do."""
        return f"{self.text} {self.remedy}"

    @property
    def line(self) -> str:
        """The same with the place in front."""
        return f"{self.where}: {self.message}" if self.where else self.message

    def at(self, where: str) -> Problem:
        """The same fault, whose place only the caller of a check knows."""
        return replace(self, where=where)

    def as_warning(self) -> Problem:
        """The same fault where it stops nothing."""
        return replace(self, severity=WARNING)

    def shown(self, place: str) -> dict[str, str | None]:
        """The problem as JSON of filters and modules has it, where `place` is the key of what `where` names."""
        values = asdict(self)
        return {place: values.pop("where"), **values}


@dataclass(frozen=True)
class Rule:
    """A fault that can be found.

    `code` is its name and never changes; `severity` is its own unless the finder knows better; `cause` is how it comes
    about, for the page of all problems; `text` and `remedy` are templates with named fields, as str.format fills them.
    Where only the finder knows the remedy, `advice` is what the page says of it.
    """

    code: str
    severity: str
    cause: str
    text: str
    remedy: str
    advice: str = ""

    def problem(self, where: str | None = None, severity: str | None = None, **fields: object) -> Problem:
        """The fault as found at `where`. Raises KeyError for a field of the templates that was not given."""
        text, remedy = (template.format(**fields) for template in (self.text, self.remedy))
        return Problem(self.code, severity or self.severity, where, sentence(text), remedy)


def sentence(text: str) -> str:
    """A text with one end: what a daemon said may have an end of its own, or none."""
    return text if text.endswith(("!", "?", "…")) else f"{text.rstrip('. ')}."


def as_warnings(problems: Iterable[Problem]) -> list[Problem]:
    """The same faults where they stop nothing."""
    return [problem.as_warning() for problem in problems]
