# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``oneuser``"""

from __future__ import annotations

from ..versions import Release
from .common import CommandError, call, call_xml, dispatch, find_id, options, table, template_text

_USERS = (("ID", 4, False), ("NAME", 10, True), ("ENAB", 4, True), ("GROUP", 8, True), ("AUTH", 8, True),
          ("VMS", 9, False), ("MEMORY", 15, False), ("CPU", 10, False), ("PCI", 9, False))


def main(arguments: list[str], release: Release) -> int:
    columns = _USERS if release.since("7.2") else _USERS[:-1]
    return dispatch("oneuser", arguments, {
        "list": lambda words: list_users(words, columns), "show": show, "create": create, "delete": delete,
        "passwd": passwd})


def list_users(words: list[str], columns: tuple[tuple[str, int, bool], ...]) -> None:
    found, _dummy = options(words, {}, {"-x": "xml", "--xml": "xml"})
    if "xml" in found:
        print(call("one.userpool.info"))
        return
    rows = [(user.findtext("ID", ""), user.findtext("NAME", ""), "yes" if user.findtext("ENABLED") == "1" else "no",
             user.findtext("GNAME", ""), user.findtext("AUTH_DRIVER", ""), *["-"] * (len(columns) - 5))
            for user in call_xml("one.userpool.info").iterfind("USER")]
    print(table(columns, rows))


def show(words: list[str]) -> None:
    found, words = options(words, {}, {"-x": "xml", "--xml": "xml"})
    oid = find_id(call_xml("one.userpool.info"), "USER", words[0]) if words else -1
    if "xml" in found:
        print(call("one.user.info", oid))
        return
    user = call_xml("one.user.info", oid)
    print(f"{'USER ' + user.findtext('ID', '') + ' INFORMATION':<80}")
    for name, value in (("ID", user.findtext("ID", "")), ("NAME", user.findtext("NAME", "")),
                        ("GROUP", user.findtext("GNAME", "")), ("PASSWORD", user.findtext("PASSWORD", "")),
                        ("AUTH_DRIVER", user.findtext("AUTH_DRIVER", "")),
                        ("ENABLED", "Yes" if user.findtext("ENABLED") == "1" else "No")):
        print(f"{name:<16}: {value:<20}".rstrip())
    print(f"\n{'USER TEMPLATE':<80}")
    print(template_text(user.find("TEMPLATE")))


def create(words: list[str]) -> None:
    found, words = options(words, {"--driver": "driver", "--group": "group"}, {})
    if len(words) < 2:
        raise CommandError("Command create requires 2 parameters to run.")
    groups = [int(gid) for gid in found.get("group", "").split(",") if gid]
    print(f"ID: {call('one.user.allocate', words[0], words[1], found.get('driver', ''), groups)}")


def _user_id(words: list[str]) -> int:
    if not words:
        raise CommandError("The command requires one parameter to run")
    return find_id(call_xml("one.userpool.info"), "USER", words[0])


def delete(words: list[str]) -> None:
    call("one.user.delete", _user_id(words))


def passwd(words: list[str]) -> None:
    if len(words) < 2:
        raise CommandError("Command passwd requires 2 parameters to run.")
    call("one.user.passwd", _user_id(words), words[1])
