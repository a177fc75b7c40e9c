# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents of secrets on the controller: readable YAML for their owner alone."""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import Any

import yaml
from ansible.errors import AnsibleActionFail

# libyaml is ten times faster; a zone of 10 000 objects is a megabyte.
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WIDTH = 120


def read_document(path: str) -> Any:
    """What a YAML file holds; None if there is none. Raises AnsibleActionFail."""
    try:
        with open(path, encoding="utf-8") as stream:
            return yaml.load(stream, Loader=_LOADER)  # noqa: S506 - both are safe loaders
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise AnsibleActionFail(f"Cannot read {path} on the controller: {_reason(error)}.") from None


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    mark = getattr(error, "problem_mark", None)
    # A parser's own words would quote what stands there.
    return f"it is not YAML{f', see line {mark.line + 1}' if mark is not None else ''}"


def write_document(path: str, document: Any, head: str) -> None:
    """Replace a file by a YAML document below the comment `head`, 0600, in one step. Raises AnsibleActionFail.

    Its folder is made, for its owner alone.
    """
    comment = "".join(f"# {line}\n" for line in head.splitlines())
    try:
        text = yaml.dump(
            document, Dumper=_DUMPER, sort_keys=False, default_flow_style=None, allow_unicode=True, width=_WIDTH
        )
    except RecursionError:
        raise AnsibleActionFail(f"{path} was not written: what is to stand there is nested too deep.") from None
    folder = os.path.dirname(os.path.abspath(path))
    temporary = None
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(comment + text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise AnsibleActionFail(f"Cannot write {path} on the controller: {error.strerror}.") from None


def only_for_owner(path: str) -> bool:
    """Take the rights of others off a file; whether there were any."""
    if os.stat(path).st_mode & 0o077 == 0:
        return False
    os.chmod(path, 0o600)
    return True
