# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migration on MariaDB: the password comes by the environment, and a failure is undone from the dump."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import DatabaseError
from ansible_collections.onefed.opennebula.plugins.module_utils._frontend.layout import Frontend
from ansible_collections.onefed.opennebula.plugins.module_utils._recovery.backup import back_up_database
from ansible_collections.onefed.opennebula.plugins.module_utils._upgrade.migration import migrate
from tests.unit.plugins.one_mysql import ACCOUNT, PASSWORD, MysqlOneDb

TOOL = """#!{python}
import os, pathlib, sys, pymysql
option = lambda name: sys.argv[sys.argv.index(name) + 1]
assert option("-t") == "mysql" and option("-S") == "localhost"
db = pymysql.connect(unix_socket=os.environ["MYSQL_UNIX_PORT"], user=option("-u"), database=option("-d"),
                     password=os.environ["ONE_DB_PASSWORD"].encode(), autocommit=True)
cursor = db.cursor()
cursor.execute("INSERT INTO db_versioning VALUES (1, '7.6.0', 1, '')")
if pathlib.Path(__file__).with_name("broken").exists():
    cursor.execute("DROP TABLE template_pool")
    cursor.execute("CREATE TABLE half_made (oid INTEGER)")
    sys.exit("no more: " + os.environ["ONE_DB_PASSWORD"])
cursor.execute("INSERT INTO local_db_versioning VALUES (1, '7.6.0', 1, '', 0)")
"""


@pytest.fixture
def zone(location: Path, mysql_master: MysqlOneDb, open_upgrade: Any) -> Any:
    """Migrate the database of a stopped master; `broken` is when the tool gives up in the middle."""
    (location / "etc/oned.conf").write_text(f'DB = [ BACKEND = "mysql", DB_NAME = "{mysql_master.name}" ]\n')
    (location / "bin/onedb").write_text(TOOL.format(python=sys.executable))
    (location / "bin/onedb").chmod(0o755)
    for kind in ("shared", "local"):
        (location / "lib/ruby/onedb" / kind).mkdir(parents=True)
        (location / "lib/ruby/onedb" / kind / "7.4.0_to_7.6.0.rb").touch()
    schema = location / "lib/ruby/onedb/database_schema.rb"
    schema.write_text("LATEST_DB_VERSION = '7.6.0'\nLATEST_LOCAL_DB_VERSION = '7.6.0'\n")
    frontend = Frontend.from_params({"oned_location": str(location), "oned_service": "opennebula"})
    journal = open_upgrade(frontend, step="configured")
    login = {"login_unix_socket": mysql_master.server.socket, "login_user": ACCOUNT, "login_password": PASSWORD}
    back_up_database(frontend, f"{journal.directory}/", 1.0, check_mode=False, login=login)

    def run(broken: bool = False) -> dict[str, Any]:
        (location / "bin/broken").touch() if broken else (location / "bin/broken").unlink(missing_ok=True)
        return migrate(frontend, {**login, "slave": False, "fsck": False, "timeout": 30.0}, False)

    return run


def test_what_failed_is_undone_and_what_works_stays(zone: Any, mysql_master: MysqlOneDb) -> None:
    before = mysql_master.content()
    with pytest.raises(DatabaseError, match=r"ended with status 1(.|\n)*no more: \*{8}(.|\n)*is again what") as error:
        zone(broken=True)
    assert PASSWORD not in str(error.value)
    assert mysql_master.content() == before
    result = zone()
    assert (result["changed"], result["after"]["shared"], result["after"]["local"]) == (True, "7.6.0", "7.6.0")
    assert zone()["changed"] is False
