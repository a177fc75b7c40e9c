# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the copy of another server from the controller; all else is done by the module of the same name."""

from __future__ import annotations

from ..plugin_utils._transfer.carry import DeliveringAction


class ActionModule(DeliveringAction):
    module = "onefed.opennebula.federation_role"
    what = "copy of the database"
