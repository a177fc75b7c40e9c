# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What we say of onedb's reading of oned.conf is what its lens reads, as augtool has told.

See tests/tools/lens_recording.py. Where the lens is at hand, the recording itself is judged.
"""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._errors import ConfigError
from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.augeas_lens import readable_to
from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.document import Document
from tests.tools.lens_recording import KEYS, LENS, Tree, missing, read_by_augtool, recorded, texts

STOCK = "etc/one/oned.conf"
# What onedb makes of a file that it cannot use.
REFUSED = "Unable to parse oned.conf"


@pytest.fixture(scope="module")
def recording() -> dict[str, Tree | None]:
    return recorded()


def by_onedb(tree: Tree) -> dict[str, str] | str:
    """What onedb takes from a file (src/onedb/onedb.rb, read_db_config of 7.4.0): aug.get of DB/BACKEND and so on, one
    quote off each end, all backslashes gone. Of a key that is there twice aug.get makes an error.
    """
    found: dict[str, str] = {}
    for name, value in tree:
        for key, written in value if name == "DB" and not isinstance(value, str) else ():
            if key in KEYS and key in found:
                return REFUSED
            found[key] = written
    wanted = {key: found[key] for key in KEYS if key in found}
    return {key: value.removesuffix('"').removeprefix('"').replace("\\", "") for key, value in wanted.items()}


def by_oned(document: Document) -> dict[str, str]:
    return {key: value for key, value in (document.vector("DB") or {}).items() if key in KEYS}


def test_the_recording_is_of_these_texts(recording: dict[str, Any]) -> None:
    assert list(recording) == texts()
    read = [tree for tree in recording.values() if tree is not None]
    assert 200 < len(read) < len(recording) - 200, "both kinds are there"
    assert len([tree for tree in read if by_onedb(tree)]) > 100, "with a database"


def test_the_lens_reads_what_ours_says(recording: dict[str, Tree | None]) -> None:
    wrong = {text: tree for text, tree in recording.items() if (readable_to(text) == len(text)) is (tree is None)}
    assert wrong == {}


def test_a_database_that_onedb_takes_for_another_one_is_told(recording: dict[str, Tree | None]) -> None:
    told, untold = 0, {}
    for text, tree in recording.items():
        try:
            document = Document.parse(text)
        except ConfigError:
            continue  # oned itself refuses it
        theirs = REFUSED if tree is None else by_onedb(tree)
        if document.lens_problems():
            told += 1
        elif theirs != by_oned(document):
            untold[text] = (theirs, by_oned(document))
    assert untold == {}
    assert told > 100


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_the_recording_is_what_augtool_reads(recording: dict[str, Tree | None]) -> None:
    stock = (LENS.parents[4] / STOCK).read_text(encoding="utf-8")
    first, *others = read_by_augtool([stock, *recording])
    assert first is not None and by_onedb(first) == by_oned(Document.parse(stock)), "the stock file"
    assert dict(zip(recording, others, strict=True)) == recording
