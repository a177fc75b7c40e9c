# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Systemd units that the collection itself writes, and removes when they have served."""

from __future__ import annotations

import os

from .._errors import FrontendError
from .command import run_command
from .files import (
    Attributes,
    read_bytes,
    sync_folder,
    write_bytes,
)

FOLDER = "/etc/systemd/system"


class OwnUnit:
    """A unit by its name, such as "onefed-zone-lockdown.service". Every method raises FrontendError."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def path(self) -> str:
        return os.path.join(FOLDER, self.name)

    def read(self) -> str:
        """The unit's text; "" when there is none."""
        try:
            return read_bytes(self.path).decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise FrontendError(f"Cannot read {self.path}: {error.strerror or error}.") from error

    def write(self, text: str) -> None:
        """Write the unit, for systemd to know after its daemon-reload."""
        try:
            write_bytes(self.path, text.encode(), Attributes(0, 0, 0o644))
        except OSError as error:
            raise FrontendError(f"Cannot write {self.path}: {error.strerror or error}.") from error

    def unlink(self) -> None:
        """Remove the unit's file, for systemd to forget after its daemon-reload."""
        try:
            os.unlink(self.path)
            sync_folder(FOLDER)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise FrontendError(f"Cannot remove {self.path}: {error.strerror}.") from error

    def enabled(self) -> bool:
        """Whether systemd starts the unit with others that want it."""
        return "UnitFileState=enabled" in run_command(["systemctl", "show", "-p", "UnitFileState", self.name]).stdout

    def runs(self) -> bool:
        """Whether the unit has done its work, and will do it after a boot."""
        shown = run_command(["systemctl", "show", "-p", "ActiveState,UnitFileState", self.name]).stdout.split()
        return "ActiveState=active" in shown and "UnitFileState=enabled" in shown

    def systemctl(self, *words: str) -> None:
        """Order something of systemd. The error's text has the unit's own words."""
        ended = run_command(["systemctl", *words])
        if ended.returncode:
            output = run_command(["journalctl", "--no-pager", "-q", "-o", "cat", "-u", self.name, "-n", "5"]).stdout
            raise FrontendError(
                f"systemctl {' '.join(words)} failed: {ended.stderr.strip()} {' | '.join(output.strip().splitlines())}"
            )

    def forget(self) -> None:
        """Let systemd forget a failure of a unit whose file is gone."""
        run_command(["systemctl", "reset-failed", self.name])
