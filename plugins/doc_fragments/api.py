# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options in module_utils/_argspec.py API."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_url:
    description:
      - XML-RPC endpoint, for example V(http://192.0.2.11:2633/RPC2).
      - When unset, the module talks to the C(oned) of the host it runs on, as its C(oned.conf) says.
      - Falls back to the environment variable E(ONE_URL).
    type: str
  api_username:
    description:
      - Name of the OpenNebula user.
      - When O(api_username) and O(api_password) are unset, the C(one_auth) file of the host's C(oned) is used,
        so that no secret leaves the host.
      - Falls back to the environment variable E(ONE_USERNAME).
    type: str
  api_password:
    description:
      - Password of the OpenNebula user.
      - Falls back to the environment variable E(ONE_PASSWORD).
    type: str
  api_timeout:
    description:
      - Time limit of one call, in seconds.
      - It is one limit for all of a call, from looking up the name to the last byte of the answer.
    type: float
    default: 10.0
  api_answer_limit:
    description:
      - How long an answer may be, in MiB. It takes about the tenfold in memory.
      - The default holds a pool of 100 000 virtual machines. Answers about a single object end at 16 MiB.
    type: int
    default: 256
  validate_certs:
    description: Whether the certificate of an C(https) endpoint is verified.
    type: bool
    default: true
  ca_path:
    description: File with the certificates of the authorities to trust instead of the system's.
    type: path
"""
