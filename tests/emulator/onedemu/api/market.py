# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Marketplaces and their apps, to read."""

from __future__ import annotations

from .local import pool_reader, reader

reader("one.market.info", "MARKETPLACE", "marketplace_pool")
reader("one.marketapp.info", "MARKETPLACEAPP", "marketplaceapp_pool")
pool_reader("one.marketpool.info", "MARKETPLACE", "MARKETPLACE_POOL", "marketplace_pool")
pool_reader("one.marketapppool.info", "MARKETPLACEAPP", "MARKETPLACEAPP_POOL", "marketplaceapp_pool")
