# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
