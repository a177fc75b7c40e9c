# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""oned.conf as a document: read as oned reads it, edited without touching anything else."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from .._errors import ConfigError
from .._host.files import Attributes, read_bytes, write_bytes
from .._host.rights import rights_at
from . import edit
from .grammar import Entry, parse
from .validate import check_federation, lens_problems

# oned does not merge a vector with its defaults, and a RAFT number that is missing stays uninitialised, so these are
# always written whole. Values of the stock oned.conf, 6.10 to 7.4. MASTER_ONED_GRPC is only known to 7.2 and later.
STOCK_VECTORS: dict[str, dict[str, str]] = {
    "FEDERATION": {"MODE": "STANDALONE", "ZONE_ID": "0", "SERVER_ID": "-1", "MASTER_ONED": ""},
    "RAFT": {
        "LIMIT_PURGE": "100000",
        "LOG_RETENTION": "250000",
        "LOG_PURGE_TIMEOUT": "60",
        "ELECTION_TIMEOUT_MS": "5000",
        "BROADCAST_TIMEOUT_MS": "500",
        "XMLRPC_TIMEOUT_MS": "1000",
    },
}
_KEY = re.compile(r"[A-Z_][A-Z0-9_]*")
_ENCODING = ("utf-8", "surrogateescape")


class Document:
    """The text of an oned.conf and what it says. Names are looked up whatever their case."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.entries = parse(text)

    @classmethod
    def parse(cls, text: str) -> Document:
        """Raises ConfigError with the line where oned would refuse the text."""
        return cls(text)

    @classmethod
    def load(cls, path: str) -> Document:
        """Read a file, through a link if it is one; bytes that are no UTF-8 are kept."""
        try:
            return cls(read_bytes(path, follow=True).decode(*_ENCODING))
        except OSError as error:
            raise ConfigError(f"Cannot read {path}: {error.strerror or error}.") from error
        except ConfigError as error:
            raise ConfigError(f"{path} is not a configuration that oned accepts: {error}. Correct it there.") from error

    def get(self, name: str) -> str | None:
        """The value of a single attribute; of a repeated one the first, as for oned."""
        entry = self._first(name, vector=False)
        return entry.scalar.value if entry and entry.scalar else None

    def vector(self, name: str) -> dict[str, str] | None:
        """A vector's values by key in upper case; of a repeated one the first, as for oned."""
        entry = self._first(name, vector=True)
        return entry.as_dict() if entry else None

    def values(self, name: str) -> list[str | dict[str, str]]:
        """Every value of a repeated attribute, in order."""
        return [_meaning(entry) for entry in self._all(name)]

    def set(self, name: str, value: str) -> None:
        """Give a single attribute a value; of a repeated one the first, which is the one that oned uses."""
        name = _checked(name)
        entry = self._first(name, vector=False)
        if not entry or not entry.scalar:
            self._replace(edit.append_value(self.text, name, value), None, (name, value))
        elif entry.scalar.value != value:
            self._replace(edit.set_value(self.text, entry, entry.scalar, value), entry, (name, value))

    def set_vector_keys(self, name: str, changes: Mapping[str, str | None]) -> None:
        """Set (or, with None, take out) keys of a vector; its other keys stay. FEDERATION and RAFT become complete."""
        name = _checked(name)
        entry = self._first(name, vector=True)
        before = entry.as_dict() if entry else {}
        pairs: dict[str, str | None] = {**before, **{_checked_key(key): value for key, value in changes.items()}}
        wanted = complete_vector(name, {key: value for key, value in pairs.items() if value is not None})
        if wanted == before and entry:
            return
        if not wanted:
            raise ConfigError(f"{name} would be an empty vector, which onedb cannot read. Remove {name} as a whole.")
        if entry:
            self._replace(edit.set_pairs(self.text, entry, wanted), entry, (name, wanted))
        else:
            self._replace(edit.append_vector(self.text, name, wanted), None, (name, wanted))

    def remove(self, name: str) -> None:
        """Take out every attribute of this name, so that oned's built-in default holds."""
        text, entries = self.text, self.entries
        try:
            while self._all(name):
                entry = self._all(name)[-1]
                self._replace(edit.remove(self.text, entry), entry, None)
        except ConfigError:
            self.text, self.entries = text, entries
            raise

    def lens_problems(self) -> list[str]:
        """What keeps onedb (by its Augeas lens) from reading the file, each with its line."""
        return lens_problems(self.text, self.entries)

    def _all(self, name: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.name == name.upper()]

    def _first(self, name: str, vector: bool) -> Entry | None:
        return next((entry for entry in self._all(name) if entry.is_vector == vector), None)

    def _replace(self, text: str, entry: Entry | None, meaning: tuple[str, str | dict[str, str]] | None) -> None:
        """Take over an edited text once it is read back and says what was meant, and nothing else changed."""
        expected = [(each.name, _meaning(each)) for each in self.entries if each is not entry]
        if meaning:
            expected.insert(self.entries.index(entry) if entry else len(expected), meaning)
        entries = parse(text)
        if [(each.name, _meaning(each)) for each in entries] != expected:
            name = meaning[0] if meaning else entry.name if entry else ""
            raise ConfigError(f"{name} cannot be edited without changing the meaning of its surroundings.")
        self.text, self.entries = text, entries


def integer(value: str | None, default: int) -> int:
    """A number of oned.conf; oned takes one that it cannot read for a missing one."""
    return int(value) if value and re.fullmatch(r"-?[0-9]{1,18}", value) else default


def complete_vector(name: str, pairs: Mapping[str, str]) -> dict[str, str]:
    """`pairs` with the stock values of what FEDERATION or RAFT lacks."""
    stock = STOCK_VECTORS.get(name, {})
    return {**{key: pairs.get(key, value) for key, value in stock.items()}, **pairs}


def apply(
    document: Document,
    attributes: Mapping[str, Any],
    vectors: Mapping[str, Mapping[str, Any] | None],
    check_mode: bool = False,
) -> Document:
    """A new document with the wanted attributes and vector keys; None removes."""
    result = Document(document.text)
    for name, value in attributes.items():
        written = _plain_text(name, value)
        if written is None:
            result.remove(name)
        else:
            result.set(name, written)
    for name, pairs in vectors.items():
        if pairs is None:
            result.remove(name)
        elif isinstance(pairs, Mapping):
            result.set_vector_keys(name, {key: _plain_text(f"{name}/{key}", value) for key, value in pairs.items()})
        else:
            raise ConfigError(f"vectors: {name} must be a dictionary of keys and values, or null to remove it.")
    before, after = document.vector("FEDERATION"), result.vector("FEDERATION")
    if before != after:
        check_federation(before, after, _given(vectors, "FEDERATION"), check_mode)
    return result


def write_atomically(path: str, text: str, backup_to: str | None = None, like: str | None = None) -> None:
    """Replace a configuration file in one durable step; owner, mode, ACL and SELinux context stay as they are.

    A link is followed to its target, with the rights of whoever laid it. `backup_to` gets the old content first, with
    the same owner and mode. `like` names a file beside it whose owner, mode, ACL and context it gets instead.
    """
    try:
        with rights_at(path):
            target = os.path.realpath(path)
            attributes = Attributes.of(target)
            if attributes is None:
                raise ConfigError(f"Cannot write {path}: there is no such file to take owner and mode from.")
            if backup_to:
                write_bytes(backup_to, read_bytes(target), attributes, like=target)
            wanted = (Attributes.of(like) if like else None) or attributes
            write_bytes(target, text.encode(*_ENCODING), wanted, like=like or target)
    except OSError as error:
        raise ConfigError(f"Cannot write {path}: {error.strerror or error}. It is unchanged.") from error


def _given(vectors: Mapping[str, Mapping[str, Any] | None], name: str) -> set[str]:
    return {str(key).upper() for each, pairs in vectors.items() if each.upper() == name for key in pairs or {}}


def _checked(name: str) -> str:
    upper = _checked_key(name)
    # oned puts ONE_ before those, though not before keys of vectors, such as RAFT's XMLRPC_TIMEOUT_MS.
    if upper.startswith("XML"):
        raise ConfigError(f"{name!r} cannot be the name of an attribute: it begins with 'XML'.")
    return upper


def _checked_key(name: str) -> str:
    upper = str(name).upper()
    if not _KEY.fullmatch(upper):
        raise ConfigError(
            f"{name!r} cannot be the name of an attribute or key: use letters, digits and '_', and no digit in front."
        )
    return upper


def _plain_text(name: str, value: Any) -> str | None:
    if isinstance(value, bool):
        return "YES" if value else "NO"
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return str(value)
    raise ConfigError(f"{name} must be a single value; give the keys of a vector in vectors.")


def _meaning(entry: Entry) -> str | dict[str, str]:
    return entry.scalar.value if entry.scalar else entry.as_dict()
