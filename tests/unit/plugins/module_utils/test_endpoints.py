# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints are declared by people and stored by OpenNebula unchecked: any text has an answer."""

from __future__ import annotations

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._endpoints import (
    host_of,
    is_loopback,
    is_public,
    port_of,
)


@pytest.mark.parametrize(
    ("endpoint", "host", "port"),
    [
        ("http://192.0.2.11:2633/RPC2", "192.0.2.11", 2633),
        ("https://One.example.org/RPC2", "one.example.org", 443),
        ("http://one.example.org/RPC2", "one.example.org", 80),
        ("[2001:db8::1]:2634", "2001:db8::1", 2634),
        ("one.example.org:2634", "one.example.org", 2634),
        ("one.example.org", "one.example.org", None),
        ("localhost:grpc", "localhost", None),
        ("http://[broken", "", None),
        ("-", "-", None),
    ],
)
def test_host_and_port(endpoint: str, host: str, port: int | None) -> None:
    assert (host_of(endpoint), port_of(endpoint)) == (host, port)


@pytest.mark.parametrize(
    ("endpoint", "loopback", "public"),
    [
        ("http://127.0.0.1:2633/RPC2", True, False),
        ("localhost:2634", True, False),
        ("localhost:grpc", True, False),
        ("[::1]:2634", True, False),
        ("http://10.1.2.3:2633/RPC2", False, False),
        ("http://100.64.1.1:2633/RPC2", False, False),
        ("http://192.0.2.11:2633/RPC2", False, False),
        ("http://9.9.9.9:2633/RPC2", False, True),
        ("[2606:4700::1]:2634", False, True),
        ("http://one.example.org:2633/RPC2", False, False),
        ("http://[broken", False, False),
        (None, False, False),
    ],
)
def test_whom_an_endpoint_leads_to(endpoint: str | None, loopback: bool, public: bool) -> None:
    assert (is_loopback(endpoint), is_public(endpoint)) == (loopback, public)
