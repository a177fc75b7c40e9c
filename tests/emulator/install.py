# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Install the OpenNebula emulator; see README.md beside this file."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from onedemu.files import Settings  # noqa: E402
from onedemu.install import install_location, install_packages  # noqa: E402
from onedemu.mysql import Login  # noqa: E402
from onedemu.versions import RELEASES  # noqa: E402


def _login(options: argparse.Namespace) -> Login | None:
    if options.db_server is None:
        return None
    password = os.environ.get("ONE_DB_PASSWORD", "oneadmin")
    if options.db_password_file is not None:
        password = options.db_password_file.read_text(encoding="utf-8").split("\n", 1)[0]
    return Login(options.db_server, options.db_port, options.db_user, password, options.db_name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", choices=sorted(RELEASES), default="7.4", help="release to be (default 7.4)")
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--location", metavar="DIR", help="install self-contained below this directory")
    place.add_argument("--packages", action="store_true", help="install where distribution packages do")
    parser.add_argument("--root", default="/", metavar="DIR", help="root directory for --packages (default /)")
    parser.add_argument("--with", dest="extra", action="append", default=[], metavar="PACKAGE",
                        help="with --packages: another one, such as opennebula-flow; can be given several times")
    parser.add_argument("--python", metavar="FILE",
                        help="interpreter of the commands (default: this one, or the system's for another root)")
    parser.add_argument("--listen", default="0.0.0.0", metavar="ADDRESS", help="address to listen on (default all)")
    parser.add_argument("--port", type=int, default=2633, help="port of the API (default 2633)")
    parser.add_argument("--password", help="oneadmin's password (default: a random one, in one_auth)")
    database = parser.add_argument_group("MariaDB or MySQL instead of SQLite", (
        "The password is the first line of a file, or stands in the environment as ONE_DB_PASSWORD. A self-contained "
        "installation needs PyMySQL for its interpreter; packages depend on python3-pymysql."))
    database.add_argument("--db-server", metavar="HOST", help="the server; localhost is its socket")
    database.add_argument("--db-port", type=int, default=0, help="its port (default 0: the usual one)")
    database.add_argument("--db-user", default="oneadmin", help="user (default oneadmin)")
    database.add_argument("--db-name", default="opennebula", help="database (default opennebula)")
    database.add_argument("--db-password-file", type=Path, metavar="FILE", help="file that holds the password")
    options = parser.parse_args()
    elsewhere = options.packages and options.root != "/"
    settings = Settings(RELEASES[options.version], options.listen, options.port, options.port + 1, options.password,
                        options.python or ("/usr/bin/python3" if elsewhere else sys.executable), _login(options))
    if options.packages:
        install_packages(options.root, settings, tuple(options.extra))
    else:
        install_location(options.location, settings)
    print(f"installed OpenNebula emulator {settings.release.code} below {options.location or options.root}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
