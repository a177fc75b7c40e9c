# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The services beside oned, small: they read their configuration and credentials, listen, and call oned."""
