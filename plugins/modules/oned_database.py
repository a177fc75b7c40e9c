#!/usr/bin/python
# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oned_database
short_description: Give a new front-end its MariaDB or MySQL database
version_added: 1.0.0
description:
  - Creates the database and the account of C(oned) at a MariaDB or MySQL server, with all rights on this one database,
    and writes the C(DB) section of C(oned.conf). OpenNebula itself creates the tables at its first start.
  - A database or account that exists is used; only what is missing is changed.
  - Without O(password) the one in C(oned.conf) is used, or a new one is made on the host, which never leaves it.
  - Refuses a front-end that keeps its data in another database.
options:
  name:
    description: Name of the database.
    type: str
    default: opennebula
  user:
    description: Account of C(oned) at the server.
    type: str
    default: oneadmin
  password:
    description: Password of that account.
    type: str
  host:
    description:
      - The server, as C(oned) reaches it.
      - V(localhost) means the socket of a server on this host.
    type: str
    default: localhost
  port:
    description: Port of the server; V(0) is its default.
    type: int
    default: 0
  charset:
    description:
      - Charset of a new database, or of one without tables. It must be the same in all zones of a federation.
      - A database that holds tables in another charset is refused.
    type: str
    default: utf8mb4
  account_host:
    description:
      - From where a new account may log in, as the server sees it.
      - Defaults to V(localhost) with the socket, to V(%) otherwise.
    type: str
  login_user:
    description:
      - Account that may create databases and accounts.
      - Defaults to C(root) when O(host) is V(localhost), where the server knows it by its socket. With a server
        elsewhere database and account must exist when this is unset.
    type: str
  login_password:
    description: Password of O(login_user).
    type: str
  login_unix_socket:
    description:
      - Socket of the server.
      - Looked for where MariaDB and MySQL have it by default when O(host) is V(localhost).
    type: path
extends_documentation_fragment:
  - onefed.opennebula.change
  - onefed.opennebula.frontend
attributes:
  diff_mode:
    description: Shows C(oned.conf) before and after, secrets masked, and what is done at the server.
    support: full
requirements:
  - PyMySQL, of the distribution's package python3-pymysql or python3-PyMySQL
notes:
  - Passwords travel to a server elsewhere as they are, unless the network is protected.
  - OpenNebula recommends the isolation level READ COMMITTED; the module warns when the server has another.
seealso:
  - module: onefed.opennebula.oned_conf
  - module: onefed.opennebula.database_info
author:
  - onefed contributors (@onefed)
"""

EXAMPLES = r"""
- name: Use the MariaDB of this host, with a password that nobody needs to know
  onefed.opennebula.oned_database:
    charset: utf8mb4

- name: Use a database server elsewhere
  onefed.opennebula.oned_database:
    host: db.paris.example.org
    name: paris
    user: one_paris
    password: "{{ vault_paris_database }}"
    account_host: 192.0.2.31
    login_user: admin
    login_password: "{{ vault_paris_admin }}"
"""

RETURN = r"""
changes:
  description: What was done, or would be, in order.
  returned: success
  type: list
  elements: str
  sample: ["create database opennebula", "create account oneadmin@localhost", "grant it all rights on it"]
database:
  description: The database.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: opennebula
    charset:
      description: Its charset.
      type: str
      sample: utf8mb4
    empty:
      description: Whether it holds no table, so that no C(oned) has used it.
      type: bool
      sample: true
    server:
      description: Brand and version of the server.
      type: str
      sample: 10.11.11-MariaDB-0+deb12u1
    isolation:
      description: The server's isolation level for transactions.
      type: str
      sample: READ-COMMITTED
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._argspec import FRONTEND, TEXT
from ..module_utils._database.mysql_account import RECOMMENDED_ISOLATION
from ..module_utils._database.provision import Wanted, provide
from ..module_utils._frontend.layout import Frontend
from ..module_utils._module import run

_ADMIN = ("login_user", "login_password", "login_unix_socket")


def oned_database(module: AnsibleModule, frontend: Frontend) -> dict[str, Any]:
    params = module.params
    named = {name: params[name] for name in ("host", "port", "name", "user", "password", "charset")}
    admin = {name: params[name] for name in _ADMIN}
    result = provide(frontend, Wanted(**named, origin=params["account_host"], admin=admin), module.check_mode)
    isolation = result["database"]["isolation"]
    if isolation != RECOMMENDED_ISOLATION:
        module.warn(
            f"The database server isolates transactions by {isolation}; OpenNebula recommends {RECOMMENDED_ISOLATION}."
        )
    if not module._diff:
        del result["diff"]
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **FRONTEND,
            "name": {"type": TEXT, "default": "opennebula"},
            "user": {"type": TEXT, "default": "oneadmin"},
            "password": {"type": TEXT, "no_log": True},
            "host": {"type": TEXT, "default": "localhost"},
            "port": {"type": "int", "default": 0},
            "charset": {"type": TEXT, "default": "utf8mb4"},
            "account_host": {"type": TEXT},
            "login_user": {"type": TEXT},
            "login_password": {"type": TEXT, "no_log": True},
            "login_unix_socket": {"type": "path"},
        },
        supports_check_mode=True,
    )
    run(module, oned_database)


if __name__ == "__main__":
    main()
