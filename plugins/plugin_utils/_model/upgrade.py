# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module upgrade_info found on a front-end, and the journal of an upgrade, as modules document them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .host import Disk
from .journal import ReachedStep
from .release import edition_of

STEPS = ("opened", "stopped", "saved", "installed", "configured", "migrating", "migrated", "started", "proved")
# Steps of the way back: with the first it begins, with the second all is as it was but oned stands still.
ROLLED_BACK = "rolled_back"
PUT_BACK = "put_back"


@dataclass(frozen=True)
class UpgradeJournal:
    """The journal of an upgrade, open or closed; `slave` tells that its shared tables come from a master."""

    id: str
    directory: str | None = None
    zone_name: str | None = None
    method: str = "together"
    from_release: str | None = None
    to_release: str | None = None
    part: str = "leader"
    slave: bool = False
    opened_at: str = ""
    step: str = "opened"
    steps: tuple[ReachedStep, ...] = ()
    hypervisors: tuple[int, ...] | None = None
    packages: Mapping[str, str] = field(default_factory=dict)

    @property
    def leads(self) -> bool:
        return self.part == "leader"

    def reached(self, step: str) -> bool:
        """Whether it came as far as one of STEPS, be it on its way back by now."""
        passed = {self.step, *(one.step for one in self.steps)}
        return not passed.isdisjoint(STEPS[STEPS.index(step) :])


@dataclass(frozen=True)
class Versions:
    """Versions of the shared and of the local tables; None is unknown."""

    shared: str | None = None
    local: str | None = None
    is_slave: bool | None = None


@dataclass(frozen=True)
class Machine:
    """A virtual machine in a state that does not last."""

    id: int
    name: str
    state: str


@dataclass(frozen=True)
class Distribution:
    id: str = ""
    version_id: str = ""


@dataclass(frozen=True)
class ConfigTool:
    """What C(onecfg status) says."""

    installed: bool = False
    status: str = ""
    pending: bool = False


@dataclass(frozen=True)
class UpgradeInfo:
    """A front-end before, during or after an upgrade.

    `release` is installed; `required` is of its onedb, `stored` of the database; `candidates` are the versions of
    packages that would come. `login_passes` tells whether onedb can log in to the
    database, `written` whether anything was written since the newest upgrade was closed;
    `errors` why parts are not known.
    """

    release: str | None = None
    required: Versions = field(default_factory=Versions)
    stored: Versions = field(default_factory=Versions)
    packages: Mapping[str, str] = field(default_factory=dict)
    candidates: Mapping[str, str] = field(default_factory=dict)
    machines: tuple[Machine, ...] | None = None
    hypervisors: tuple[int, ...] | None = None
    distribution: Distribution = field(default_factory=Distribution)
    onecfg: ConfigTool = field(default_factory=ConfigTool)
    disk: Disk = field(default_factory=Disk)
    database_size: int = 0
    login_passes: bool | None = None
    journal: UpgradeJournal | None = None
    closed_journal: UpgradeJournal | None = None
    written: bool | None = None
    errors: tuple[str, ...] = ()

    @property
    def candidate(self) -> str | None:
        """The version of OpenNebula's main package that would come."""
        return self.candidates.get("opennebula")

    @property
    def last(self) -> UpgradeJournal | None:
        """The journal of the upgrade that is open, else of the newest that ended and was not taken back."""
        return self.journal or self.closed_journal

    @property
    def edition(self) -> str | None:
        """The edition that is installed, None when its packages do not tell."""
        return edition_of(self.packages.get("opennebula"))

    @property
    def unmigrated(self) -> tuple[str, str] | None:
        """Stored and required version of the first tables that are not what the installed release needs, as far as
        both are known; None when there are none.
        """
        kinds = ((self.stored.shared, self.required.shared), (self.stored.local, self.required.local))
        return next(((has, needs) for has, needs in kinds if has and needs and has != needs), None)

    @property
    def has_own_migrators(self) -> bool:
        """Whether migrators came as a package, or with the enterprise edition."""
        return self.edition == "enterprise" or any(name.startswith("opennebula-migration") for name in self.packages)
