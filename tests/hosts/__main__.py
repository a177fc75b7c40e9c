# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The labs' command line: python -m tests.hosts --help, as root and in the checkout."""

from __future__ import annotations

import argparse
import json
import os
import sys

from . import requirements
from .commands import LABS, HostsError
from .host import Spec
from .lab import Lab


def specs(options: argparse.Namespace) -> list[Spec]:
    """NAME=ADDRESS words with the options of all, or a JSON list of Spec's fields on standard input."""
    if options.hosts == ["-"]:
        return [Spec(**fields) for fields in json.load(sys.stdin)]
    version = None if options.version == "none" else options.version
    words = [word.partition("=") for word in options.hosts]
    return [Spec(name, address, version, options.database, options.started) for name, _equals, address in words]


def labs() -> list[str]:
    return sorted(path.name for path in LABS.glob("*"))


def up(options: argparse.Namespace) -> None:
    lab = Lab(options.lab)
    lab.up(*specs(options))
    show(options)


def down(options: argparse.Namespace) -> None:
    for name in labs() if options.all else options.labs:
        Lab(name).down()


def show(options: argparse.Namespace) -> None:
    for name in [options.lab] if options.lab else labs():
        lab = Lab(name)
        print(f"{name}: ssh -F {lab.ssh_config} HOST; ip netns exec {lab.network.namespace()} COMMAND")
        for host in lab.hosts:
            state = "on" if host.machine.leader() else "off"
            print(f"  {host.name:16}{host.address:16}{host.spec.version or 'bare':6}{host.spec.database:9}{state}")


def execute(options: argparse.Namespace) -> None:
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    command = Lab(options.lab)[options.host].machine.inside(words or ["bash", "-l"], options.user)
    os.execvp(command[0], command)


def act(options: argparse.Namespace) -> None:
    lab = Lab(options.lab)
    for host in [lab[name] for name in options.names] or lab.hosts:
        getattr(host, options.act)()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hosts", description="Hosts that behave like machines.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    one = commands.add_parser("up", help="boot new hosts; makes the image if need be")
    one.set_defaults(run=up)
    one.add_argument("lab")
    one.add_argument("hosts", nargs="+", metavar="NAME=ADDRESS", help="addresses in 10.90.0.0/24; - reads JSON")
    one.add_argument("--version", default="7.4", help="of OpenNebula; none for bare hosts")
    one.add_argument("--database", choices=("sqlite", "mariadb"), default="sqlite")
    one.add_argument("--started", action="store_true", help="start oned")
    one = commands.add_parser("down", help="remove labs and all their hosts")
    one.set_defaults(run=down)
    one.add_argument("labs", nargs="*", metavar="lab")
    one.add_argument("--all", action="store_true", help="of this checkout")
    one = commands.add_parser("list", help="show labs and hosts")
    one.set_defaults(run=show)
    one.add_argument("lab", nargs="?")
    one = commands.add_parser("exec", help="run a command on a host, past its network; a shell without one")
    one.set_defaults(run=execute)
    one.add_argument("--user", default="root")
    one.add_argument("lab")
    one.add_argument("host")
    one.add_argument("words", nargs=argparse.REMAINDER)
    for name, text in (
        ("cut", "pull the network cable"),
        ("mend", "put it in again"),
        ("power_off", "as when the power fails"),
        ("shut_down", "shut down in good order"),
        ("boot", "switch on again"),
    ):
        one = commands.add_parser(name.replace("_", "-"), help=f"{text} (of all hosts if none is named)")
        one.set_defaults(run=act, act=name)
        one.add_argument("lab")
        one.add_argument("names", nargs="*", metavar="host")
    options = parser.parse_args()
    try:
        reason = requirements.missing()
        if reason:
            raise HostsError(reason)
        options.run(options)
    except HostsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
