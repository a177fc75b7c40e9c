# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Checks of what must be true of any OpenNebula; see README.md."""
