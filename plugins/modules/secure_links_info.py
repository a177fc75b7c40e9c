#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: secure_links_info
short_description: What stands in the way of a server's TLS proxy
version_added: 1.0.0
description:
  - Tells whether the TLS proxy that role P(onefed.opennebula.secure_links#role) puts before C(oned) can be installed on
    a host, and whether one that runs has what it is to have.
options:
  port:
    description: Port of the proxy.
    type: int
    required: true
extends_documentation_fragment:
  - onefed.opennebula.frontend
  - onefed.opennebula.info
seealso:
  - module: onefed.opennebula.certificate
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: See what stands in the way of the proxy
  onefed.opennebula.secure_links_info:
    port: 2643
  register: found
"""

RETURN = r"""
links:
  description: What was found.
  returned: success
  type: dict
  contains:
    problems:
      description: What stands in the way, with what to do, as sentences.
      type: list
      elements: str
      sample: ["Port 2643, which the TLS proxy of this host needs, is taken by nginx (process 812). Stop that program,
        or choose another port: oned_tls_port."]
    missing:
      description: Packages that have to be installed first.
      type: list
      elements: str
      sample: [haproxy]
    configured:
      description: Whether the proxy has been configured.
      type: bool
    ipv6:
      description: Whether the kernel of the host has IPv6.
      type: bool
    selinux:
      description: Whether SELinux is in force or would be.
      type: bool
    outdated:
      description: Whether the proxy runs and a newer certificate or configuration waits for a reload.
      type: bool
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run
from ..module_utils._tls.proxy import describe


def secure_links_info(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    return {"changed": False, "links": describe(module.params["port"])}


def main() -> None:
    module = AnsibleModule(
        argument_spec={**FRONTEND, "port": {"type": "int", "required": True}}, supports_check_mode=True
    )
    run(module, secure_links_info)


if __name__ == "__main__":
    main()
