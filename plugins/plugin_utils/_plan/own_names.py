# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one zone has and another has not, as text. Pure."""

from __future__ import annotations

from .._model.database import OwnData


def more_names(theirs: OwnData, mine: OwnData) -> str:
    """Names of shared objects that `theirs` has beyond `mine`, by kind; empty without any."""
    kinds = [
        (kind, [name for name in getattr(theirs, kind) if name not in getattr(mine, kind)])
        for kind in ("users", "groups", "vdcs", "marketplaces")
    ]
    return "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds if names)
