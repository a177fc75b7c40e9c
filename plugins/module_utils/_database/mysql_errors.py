# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What MariaDB's and MySQL's errors mean for an operator of OpenNebula.

Numbers: the servers' and clients' own lists, equal in MariaDB 10.6 to 11 and MySQL 8 as far as they are named here.
"""

from __future__ import annotations

from .login import Login

LOCK_WAIT = 1205
UNKNOWN_DATABASE = 1049
# Of a whole database, of a table, of a server-wide right.
DENIED = (1044, 1142, 1143, 1227)
DUPLICATE = 1062
LOST = (1053, 1080, 1152, 1153, 1158, 1159, 1160, 1161, 1317, 1927, 2006, 2013, 2055, 3169, 4031)
# The client knows no such method of logging in.
NOT_LOADED = 2059
_REFUSED = (1045, 1251, 1698, 1862, NOT_LOADED, 3118, 3159, 4151)
_UNREACHABLE = (1040, 1129, 1130, 1203, 1226, 2002, 2003, 2005)
_LOCKED = (LOCK_WAIT, 1213, 3572)
_FULL = (3, 20, 1021, 1026, 1114, 1878)
_READ_ONLY = (1290, 1792, 1836, 3100)
# Their texts may quote values or statements, which hold hashes of passwords.
_QUOTING = (1064, 1292, 1366, 1406)

_PRIVILEGES = "all privileges on the database, as OpenNebula's documentation has it"


def reason(error: Exception, login: Login) -> str:
    """Why, and what to do, without a full stop. Holds no secret."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    words = _words(error, number)
    if number in _REFUSED:
        return f"the server refused {login.user}: {words}. Correct USER and PASSWD of DB in oned.conf, or the account"
    if number in _UNREACHABLE:
        return f"{words}. Start the server, or correct SERVER and PORT of DB in oned.conf"
    if number == UNKNOWN_DATABASE:
        return "there is no such database. Start oned once, or correct DB_NAME of DB in oned.conf"
    if number in DENIED:
        return f"{words}. Grant {login.user} {_PRIVILEGES}"
    if number == 1153:
        return f"{words}. Raise max_allowed_packet of the server"
    if number in LOST:
        return f"the connection was lost: {words}. Nothing of it was committed. Check the server and its log"
    if number in _LOCKED:
        return f"another session kept it locked: {words}. Stop oned, or end that session"
    if number in _FULL or (number == 1030 and " 28 " in words):
        return f"the server's disk is full: {words}. Nothing was changed; make room on its file system"
    if number in _READ_ONLY:
        return f"{words}. Use the server that oned writes to, and make it writable"
    if number == DUPLICATE:
        return f"{words}. Names that its collation takes for equal are not so at the source: make both collations equal"
    return f"{words}. Check the server's log, and the tables with CHECK TABLE"


def _words(error: Exception, number: int) -> str:
    if number in _QUOTING:
        return f"error {number}, a statement or value that the server does not take"
    text = str(error.args[1]) if len(error.args) > 1 else ""
    return f"{text.rstrip('.') or type(error).__name__} ({number})"
