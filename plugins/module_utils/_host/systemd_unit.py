# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Systemd units that the collection itself writes, and removes when they have served."""

from __future__ import annotations

import os

from .._errors import FrontendError
from .files import (
    Attributes,
    read_bytes,
    sync_folder,
    write_bytes,
)
from .systemctl import last_words, show, systemctl

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

    def enabled(self) -> bool:
        """Whether systemd starts the unit with others that want it."""
        return self._show("UnitFileState") == {"UnitFileState": "enabled"}

    def runs(self) -> bool:
        """Whether the unit has done its work, and will do it after a boot."""
        shown = self._show("ActiveState,UnitFileState")
        return shown == {"ActiveState": "active", "UnitFileState": "enabled"}

    def install(self, text: str, verb: str) -> None:
        """Write the unit, let systemd start it with others that want it, and start or restart it now by `verb`.

        The error's text has the unit's own words. What is to become of a unit that fails is the caller's to judge.
        """
        self._write(text)
        for order in (["daemon-reload"], ["enable", self.name], [verb, self.name]):
            self._order(*order)

    def remove(self) -> None:
        """Stop the unit, and remove it and what systemd knows of it; nothing where there is none."""
        # Stopped while systemd knows it: it would go on counting as running.
        if self.read():
            self._order("disable", "--now", self.name)
        self._unlink()
        self._order("daemon-reload")
        # A failure of a unit whose file is gone.
        systemctl("reset-failed", self.name)

    def _order(self, *words: str) -> None:
        ended = systemctl(*words)
        if ended.returncode:
            last = " | ".join(last_words(self.name, 5))
            raise FrontendError(f"systemctl {' '.join(words)} failed: {ended.stderr.strip()} {last}")

    def _show(self, properties: str) -> dict[str, str]:
        return show([self.name], properties)[self.name]

    def _write(self, text: str) -> None:
        try:
            write_bytes(self.path, text.encode(), Attributes(0, 0, 0o644))
        except OSError as error:
            raise FrontendError(f"Cannot write {self.path}: {error.strerror or error}.") from error

    def _unlink(self) -> None:
        try:
            os.unlink(self.path)
            sync_folder(FOLDER)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise FrontendError(f"Cannot remove {self.path}: {error.strerror}.") from error
