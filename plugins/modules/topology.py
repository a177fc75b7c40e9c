#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: topology
short_description: Read the federation that the inventory declares
version_added: 1.0.0
description:
  - Turns the inventory into the federation it declares, on the controller. Nothing is asked of any host.
  - Fails with every contradiction at once, with texts that YAML read as numbers, booleans or dates, and with variables
    that begin like the collection's and are none.
options:
  group:
    description: Group whose child groups are the zones.
    type: str
    default: federation
  imports:
    description: Whether the identities of every joining zone are imported, whatever its variable C(zone_import) says.
    type: bool
    default: false
  master:
    description:
      - Group of the zone that is the master by now, whatever C(zone_role) says of the zones. Zones keep their names.
    type: str
  without_master:
    description:
      - Whether a limit (C(--limit)) may leave out the master's zone. Without, it fails and names the limit to use.
    type: bool
    default: false
attributes:
  check_mode:
    description: Can run in check mode and predict the change.
    support: full
    details:
      - It changes nothing.
  diff_mode:
    description: Returns what is different, before and after.
    support: none
notes:
  - It gives all hosts of a play the same; use C(run_once).
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Read the federation from the inventory
  onefed.opennebula.topology:
  register: federation
  run_once: true

- name: Show where its master is
  ansible.builtin.debug:
    var: federation.master_host
"""

RETURN = r"""
group:
  description: Group of the federation.
  returned: success
  type: str
  sample: federation
settings:
  description: Values of the variables that begin with C(federation_), without that.
  returned: success
  type: dict
  sample: {"log_records": 1000}
api_options:
  description: Options that all modules of action group C(api) share.
  returned: success
  type: dict
  sample: {"validate_certs": true}
master:
  description: Group of the master's zone.
  returned: success
  type: str
  sample: madrid
master_host:
  description: First server of the master's zone.
  returned: success
  type: str
  sample: madrid-1
zones:
  description: Zones by group, with C(name), C(endpoint), C(servers) and what else is declared of them.
  returned: success
  type: dict
  sample: {"paris": {"name": "paris", "host": "paris-1"}}
hosts:
  description: Servers by name, with C(zone), C(address) and what else is declared of them.
  returned: success
  type: dict
  sample: {"paris-1": {"zone": "paris", "address": "192.0.2.31"}}
probes:
  description: Endpoints that front-ends must reach.
  returned: success
  type: list
  elements: str
  sample: ["http://192.0.2.31:2633/RPC2"]
plain_ports:
  description: Ports of C(oned) behind its TLS proxy, which no other host is to reach, as C(host:port) by host.
  returned: success
  type: dict
  sample: {"paris-1": ["192.0.2.31:2633", "192.0.2.31:2634"]}
  version_added: 1.1.0
access:
  description: What is declared of access policies and administrators, without secrets.
  returned: success
  type: dict
  sample: {"declared": false, "zones": [], "names": []}
problems:
  description: Everything that is to be corrected in the inventory.
  returned: failure
  type: list
  elements: str
  sample: ["Exactly one zone must have zone_role: master; no zone is."]
"""
