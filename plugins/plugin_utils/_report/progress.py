# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a run is: zones by steps, and what every host did. Text only; the callback decides where it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# From the mildest to the worst: a cell keeps the worst that happened in it.
OK, CHANGED, LOST, FAILED = "ok", "changed", "unreachable", "failed"
_RANK = (OK, CHANGED, LOST, FAILED)
COUNTS = (OK, CHANGED, FAILED, LOST)
GAP = "  "


@dataclass
class Cell:
    """What one zone did in one step. Times are seconds of one monotonic clock."""

    began: float
    ended: float
    state: str = OK

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass
class Progress:
    """Zones by steps. A step is there once something ran in it."""

    steps: list[str] = field(default_factory=list)
    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    _step: str = ""
    _tasks: dict[str, tuple[str, float]] = field(default_factory=dict)  # what runs now, and since when, by zone

    def begin(self, step: str) -> None:
        """The plays of this step begin; a step in which nothing runs leaves no trace."""
        self._step = heading(step)
        self._tasks.clear()

    def started(self, zone: str, task: str, now: float) -> None:
        """A task starts at a zone. It may turn out that it is skipped there."""
        self._tasks[zone] = (task, now)

    def ended(self, zone: str, state: str, now: float, elsewhere: str | None = None) -> None:
        """A task of a zone ended: C(ok), C(changed), C(unreachable) or C(failed). It may have run in another zone."""
        if self._step not in self.steps:
            self.steps.append(self._step)
        _task, began = self._tasks.pop(zone, ("", now))
        cell = self.cells.setdefault((elsewhere or zone, self._step), Cell(began, now))
        cell.ended = now
        cell.state = max(cell.state, state, key=_RANK.index)

    def rename(self, zones: Mapping[str, str]) -> None:
        """What ran for a host before its zone was known belongs to the zone."""
        for (name, step), cell in list(self.cells.items()):
            zone = zones.get(name, name)
            if zone != name:
                del self.cells[name, step]
                known = self.cells.setdefault((zone, step), cell)
                known.began, known.ended = min(known.began, cell.began), max(known.ended, cell.ended)
                known.state = max(known.state, cell.state, key=_RANK.index)

    def count(self, host: str, state: str) -> None:
        """Count a task for the host on which it ran, which is not always the host for which it ran."""
        counts = self.counts.setdefault(host, Counter())
        counts[state] += 1
        if state == CHANGED:
            counts[OK] += 1

    def zones(self) -> list[str]:
        """In the order in which they began."""
        return list(dict.fromkeys(zone for zone, _step in self.cells))

    def of_step(self, step: str) -> list[tuple[str, Cell]]:
        """The zones of a step, first those that ended first."""
        found = [(zone, cell) for (zone, name), cell in self.cells.items() if name == heading(step)]
        return sorted(found, key=lambda pair: pair[1].ended)

    def table(self, width: int, now: float | None = None) -> list[str]:
        """Zones by steps, no line longer than `width`; with `now` also the task that runs in each zone, since when."""
        rows = [["", *self.steps]]
        for zone in self.zones():
            rows.append([zone, *(self._cell(zone, step) for step in self.steps)])
        lines = aligned(rows)
        if now is not None:
            tasks = ["", *(self._task(zone, now) for zone in self.zones())]
            lines = [f"{line}{GAP}{task}".rstrip() for line, task in zip(lines, tasks)]
        return [line if len(line) <= width else f"{line[: width - 1]}…" for line in lines]

    def _cell(self, zone: str, step: str) -> str:
        cell = self.cells.get((zone, step))
        return f"{cell.state} {cell.seconds:.0f} s" if cell else ""

    def _task(self, zone: str, now: float) -> str:
        task, began = self._tasks.get(zone, ("", now))
        return f"… {task} {now - began:.0f} s" if task else ""

    def recap(self, zones: Mapping[str, str]) -> list[str]:
        """What every host did; `zones` maps hosts to their zones, and others come last."""
        rows = [["host", "zone", *COUNTS]]
        known = [host for host in zones if host in self.counts]
        for host in [*known, *(host for host in self.counts if host not in zones)]:
            rows.append([host, zones.get(host, "–"), *(str(self.counts[host][name]) for name in COUNTS)])
        return aligned(rows)


def heading(step: str) -> str:
    """The name of a play up to its first comma: "Step 2" of "Step 2, zones join side by side"."""
    return step.partition(",")[0]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns of equal width, two blanks apart."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [GAP.join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows]
