# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""oned's account attacks a packaged front-end while root's modules work on it. See docs/security.md."""
