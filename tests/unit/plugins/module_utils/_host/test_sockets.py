# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who accepts connections on a port."""

from __future__ import annotations

import os
import socket

from ansible_collections.onefed.opennebula.plugins.module_utils._host.sockets import (
    Process,
    listeners,
    listening_processes,
)


def test_the_processes_that_listen_on_a_port_are_found_and_whose_they_are() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        assert listening_processes(port) == []
        listening.listen()
        [found] = [one for one in listening_processes(port) if one.pid == os.getpid()]
        assert found.uid == os.getuid() and found.name
        assert listeners(port) == [os.getuid()]


def test_a_process_is_of_the_unit_that_its_control_group_names() -> None:
    process = Process(7, 0, "haproxy", "/system.slice/onefed-links.service")
    assert process.is_of("onefed-links.service")
    assert not process.is_of("links.service")
