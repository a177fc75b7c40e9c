# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options in module_utils/_argspec.py LOGIN."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  login_host:
    description:
      - Host of the MariaDB or MySQL server.
      - What is unset here comes from the C(DB) section of C(oned.conf); all C(login_*) are without effect with SQLite.
      - V(localhost) means the server's socket, as for C(oned).
    type: str
  login_port:
    description: Port of the server. With a server on V(localhost) it is reached over TCP then.
    type: int
  login_unix_socket:
    description:
      - Socket of the server.
      - Looked for where MariaDB and MySQL have it by default when the server is V(localhost).
    type: path
  login_user:
    description:
      - Account on the server.
      - It needs all rights on the database that C(oned) needs, C(LOCK TABLES) among them.
    type: str
  login_password:
    description: Password of that account.
    type: str
"""
