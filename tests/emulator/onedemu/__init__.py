# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A stand-in for OpenNebula's ``oned``, for tests and demonstrations only."""
