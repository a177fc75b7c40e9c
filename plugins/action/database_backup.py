# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the copy to the controller; all else is done by the module of the same name."""

from __future__ import annotations

from ..module_utils._database.dump_file import read_through
from ..plugin_utils._transfer.carry import FetchingAction


class ActionModule(FetchingAction):
    module = "onefed.opennebula.database_backup"
    what = "copy of the database"

    def check(self, path: str) -> None:
        read_through(path)
