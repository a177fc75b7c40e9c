# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The servers of a zone among each other: elections, the common log, hooks."""
