# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""``onecfg status|init|upgrade``: brings the configuration files of one release to the next one's.

Its own note of the version that the files have is root's; a folder for it can be given by ``ONECFG_ETC_DIR``. Of the
files only ``oned.conf`` changes here: what the new release's file has and the old one's has not is added to it.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from ..files import Settings, stock_conf
from ..syntax import parse_text
from ..template import Value
from ..versions import RELEASES, Release

FAILURE, UPDATES = 255, 1
_UNKNOWN = "ERROR: Unknown config version\n"
_OUTDATED = "ERROR: Configurations metadata are outdated.\n"
# The releases whose configuration differs from the one before, and the first release of each.
_STEPS = {release.local: release for release in RELEASES.values()}


def _note() -> Path:
    return Path(os.environ.get("ONECFG_ETC_DIR", "/etc"), "onecfg.conf")


def _noted() -> dict[str, str]:
    try:
        text = _note().read_text(encoding="utf-8")
    except OSError:
        return {}
    return dict(re.findall(r"(?m)^(\w+):\s*['\"]?(.*?)['\"]?$", text))


def _steps(version: str, release: Release) -> list[tuple[str, str]]:
    """The migrators from a version of the configuration to the release's."""
    known = list(_STEPS)
    known = known[:known.index(release.local) + 1]
    start = max((at for at, name in enumerate(known) if _minor(name) <= _minor(version)), default=len(known))
    return list(zip(known[start:], known[start + 1:], strict=False))


def _minor(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def status(release: Release) -> int:
    noted = _noted()
    version = noted.get("version", "")
    print("--- Versions ------------------------------")
    print(f"{'OpenNebula:':<12} {release.code:<9}\n{'Config:':<12} {version or 'unknown':<9}")
    if not version:
        print(_UNKNOWN, end="")
        return FAILURE
    if noted.get("outdated") == "true":
        print(_OUTDATED, end="")
        return FAILURE
    print("\n--- Available Configuration Updates -------")
    steps = _steps(version, release)
    if not steps:
        print("No updates available.")
        return 0
    print(f"{'New config:':<12} {release.local:<9}")
    for old, new in steps:
        print(f"- from {old} to {new} (YAML,Ruby)")
    return UPDATES


def init(release: Release, force: bool) -> int:
    if _note().exists() and not force:
        print("ANY   : Already initialized")
        return 0
    _write(release.code)
    print(f"INFO  : Initialized on version {release.code}")
    return 0


def _write(version: str) -> None:
    _note().write_text(f"---\nversion: {version}\n", encoding="utf-8")


def upgrade(release: Release, prefix: str) -> int:
    noted = _noted()
    version = noted.get("version") or release.code
    if noted.get("outdated") == "true":
        sys.stderr.write("FATAL : FAILED - Configuration can't be processed as it looks outdated! You must have missed "
                         "to run 'onecfg update' after previous OpenNebula upgrade.\n")
        return FAILURE
    steps = _steps(version, release)
    if not steps:
        print("ANY   : No updates available")
        return 0
    conf = Path(prefix, "etc/one/oned.conf")
    for old, new in steps:
        if conf.exists():
            conf.write_text(_patched(conf.read_text(encoding="utf-8"), old, new), encoding="utf-8")
    _write(release.local)
    print(f"ANY   : Configuration updated to {release.local}")
    return 0


def _patched(text: str, old: str, new: str) -> str:
    """The file with what is new: names of attributes, and names within the section FEDERATION."""
    before, after = (list(parse_text(_stock(version), first_line=1)) for version in (old, new))
    names = {name for name, _value in [*before, *parse_text(text, first_line=1)]}
    more = "".join(_line(name, value) for name, value in after if name not in names)
    text = text.rstrip("\n") + "\n" + more
    had, has = (dict(part).get("FEDERATION") for part in (before, after))
    if isinstance(had, dict) and isinstance(has, dict):
        for key in (key for key in has if key not in had):
            line = f'{key} = "{has[key]}"'
            text = re.sub(r"(?m)^(FEDERATION\s*=\s*\[[^\]]*?)\s*\]", rf"\1,\n    {line}\n]", text, count=1)
    return text


def _stock(version: str) -> str:
    return stock_conf(Settings(_STEPS[version], "0.0.0.0", 2633, 2634, None))


def _line(name: str, value: Value) -> str:
    if isinstance(value, str):
        return f'{name} = "{value}"\n'
    inner = ", ".join(f'{key} = "{text}"' for key, text in value.items())
    return f"{name} = [ {inner} ]\n"


def main(arguments: list[str], release: Release) -> int:
    words = [word for word in arguments if not word.startswith("-")]
    if "--prefix" in arguments:
        prefix = arguments[arguments.index("--prefix") + 1]
        words.remove(prefix)
    else:
        prefix = "/"
    if words == ["status"]:
        return status(release)
    if words == ["init"]:
        return init(release, bool({"-f", "--force"} & set(arguments)))
    if words == ["upgrade"]:
        return upgrade(release, prefix)
    sys.stderr.write(f"Command '{' '.join(words)}' not found\n")
    return 0
