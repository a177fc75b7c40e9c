# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What ``onedb`` is made of. Unlike the daemon it touches the database from outside."""
