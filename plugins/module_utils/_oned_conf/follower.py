# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The oned.conf of a server that follows: its leader's, but for what every server has for itself."""

from __future__ import annotations

from .._errors import ConfigError
from .document import Document, apply
from .grammar import Entry

# Where the server's database is, how it calls itself, and where its oned listens.
OWN = ("DB", "HOSTNAME", "LISTEN_ADDRESS", "PORT", "GRPC_LISTEN_ADDRESS", "GRPC_PORT")


def server_conf(leader: Document, own: Document, server_id: int) -> Document:
    """The leader's text with OWN as `own` spells it, or without, and with this SERVER_ID.

    Raises ConfigError when the text would not say that.
    """
    document = leader
    for name in OWN:
        document = _with_own(document, own, name)
    return apply(document, {}, {"FEDERATION": {"SERVER_ID": str(server_id)}})


def _with_own(document: Document, own: Document, name: str) -> Document:
    """Every attribute of this name as it stands in `own`, byte for byte: its values may need that spelling."""
    wanted = [own.text[entry.start : entry.end] for entry in _all(own, name)]
    present = _all(document, name)
    text = document.text
    if present and wanted:
        start, end = present[0].start, present[0].end
        text = text[:start] + "\n".join(wanted) + text[end:]
        for entry in reversed(present[1:]):
            shift = len(text) - len(document.text)
            text = _without(text, entry, shift)
    elif wanted:
        text = "".join([text, "" if text.endswith("\n") or not text else "\n", *(f"{each}\n" for each in wanted)])
    else:
        for entry in reversed(present):
            text = _without(text, entry, 0)
    result = Document.parse(text)
    if result.values(name) != own.values(name) or _others(result, name) != _others(document, name):
        raise ConfigError(f"{name} of this server cannot be put into its leader's oned.conf without changing more.")
    return result


def _without(text: str, entry: Entry, shift: int) -> str:
    return text[: entry.start + shift] + "\n" + text[entry.end + shift :]


def _all(document: Document, name: str) -> list[Entry]:
    return [entry for entry in document.entries if entry.name == name]


def _others(document: Document, name: str) -> list[tuple[str, object]]:
    return [
        (entry.name, entry.scalar.value if entry.scalar else entry.as_dict())
        for entry in document.entries
        if entry.name != name
    ]
